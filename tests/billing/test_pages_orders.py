"""Orders on pages: reading, paying and canceling them, and those of other accounts."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from accounts.enums import Role
from billing.enums import Edition, OrderKind
from billing.models import Order
from billing.orders.request import OrderRequest
from billing.orders.services import cancel_order, refuse_payment
from tests.factories import (
    NOW,
    Customer,
    add,
    balances,
    buy,
    current_package,
    fund_account,
    licenses_of,
    make_application,
    make_customer,
    make_member,
    place,
    signed_in,
    upgrade,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def customer() -> Customer:
    return make_customer(cash="500")


@pytest.fixture
def client(customer: Customer) -> Client:
    return of(customer)


def of(customer: Customer) -> Client:
    return signed_in(customer.owner)


def url(customer: Customer, path: str) -> str:
    return f"/console/{customer.account.uin}/{path}"


def text(html: bytes) -> str:
    """The words of a page, its blanks made one."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.decode())).replace("\u00a0", " ")


# --- Reading ---------------------------------------------------------------------------------


def test_an_order_shows_lines_prices_and_history(client: Client, customer: Customer) -> None:
    order = buy(customer.application, agents=2, by=customer.owner)

    words = text(client.get(url(customer, f"orders/{order.number}/")).content)

    assert "Essential agent package 1 month × 120.00 = 120.00" in words
    assert "2 additional agent licenses (Essential) 2 × 1 month × 40.00 = 80.00" in words
    assert "Total USD 200.00" in words
    assert "price book 1" in words
    assert f"Placed {customer.owner.email} · 10 Mar 2026, 10:00:00 UTC+8" in words
    assert f"Paid and delivered {customer.owner.email} ·" in words


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"paid", "unpaid", "expired", "cancelled", "added"}),
        ("status=paid", {"paid", "added"}),
        ("status=unpaid", {"unpaid"}),
        ("status=expired", {"expired"}),
        ("status=closed", {"cancelled"}),
        ("kind=additional", {"added"}),
        ("status=unpaid&kind=additional", set()),
    ],
)
def test_orders_are_found_by_what_they_are_now(
    client: Client, customer: Customer, query: str, shown: set[str]
) -> None:
    """An unpaid order whose day has passed counts as expired, though no sweep has run."""
    second, third, fourth = (make_application(customer.account) for _time in range(3))
    orders = {
        "expired": buy(second, agents=99, now=NOW - timedelta(hours=24)),
        "paid": buy(customer.application),
        "added": add(customer.application, agents=1),
        "unpaid": buy(third, agents=99, now=NOW - timedelta(hours=23)),
        "cancelled": buy(fourth, agents=99),
    }
    cancel_order(order=orders["cancelled"], by=None, now=NOW)

    html = client.get(url(customer, f"orders/?{query}")).content.decode()

    assert {name for name, order in orders.items() if order.number in html} == shown


def test_a_receipt_is_for_paid_orders_only(client: Client, customer: Customer) -> None:
    paid = buy(customer.application)
    unpaid = buy(make_application(customer.account), agents=99)

    assert [
        client.get(url(customer, f"orders/{order.number}/receipt/")).status_code
        for order in (paid, unpaid)
    ] == [200, 404]


# --- Paying and canceling -------------------------------------------------------------------


@pytest.fixture
def unpaid(customer: Customer) -> Order:
    """Two licenses short of 120: 600 to pay, 500 there."""
    return buy(customer.application, agents=12)


def test_a_short_order_cannot_be_paid_and_says_what_is_missing(
    client: Client, customer: Customer, unpaid: Order
) -> None:
    path = url(customer, f"orders/{unpaid.number}/pay/")
    dialog = client.get(path, headers=HTMX).content

    assert "USD 100.00 short." in text(dialog)
    assert b"Pay USD" not in dialog
    assert client.post(path).status_code == 422
    assert balances(customer.account) == {"cash": "500.00"}


def test_a_topped_up_order_is_paid_from_its_page(
    client: Client, customer: Customer, unpaid: Order
) -> None:
    fund_account(customer.account, gift="100")
    path = url(customer, f"orders/{unpaid.number}/pay/")

    answers = [client.post(path, {"shown": "", "use": ["gift", "income"]}) for _time in range(2)]

    unpaid.refresh_from_db()
    assert unpaid.status == "paid"
    assert {answer["Location"] for answer in answers} == {url(customer, f"orders/{unpaid.number}/")}
    assert balances(customer.account) == {"cash": "0.00", "gift": "0.00"}


def test_leaving_a_fund_out_of_a_payment_shows_the_new_split_first(
    client: Client, customer: Customer, unpaid: Order
) -> None:
    fund_account(customer.account, gift="50", cash="100")
    path = url(customer, f"orders/{unpaid.number}/pay/")

    shown = client.post(path, {"shown": "", "use": ["income"]})
    assert (shown.status_code, Order.objects.get().status) == (200, "unpaid")
    client.post(path, {"shown": "gift", "use": ["income"]})

    assert balances(customer.account) == {"cash": "0.00", "gift": "50.00"}


def test_an_expired_order_is_neither_paid_nor_cancelled(
    client: Client, customer: Customer, unpaid: Order
) -> None:
    fund_account(customer.account, cash="900")

    with time_machine.travel(NOW + timedelta(hours=24), tick=False):
        client.force_login(customer.owner)
        found = {
            name: client.post(url(customer, f"orders/{unpaid.number}/{name}/")).status_code
            for name in ("pay", "cancel")
        }

    unpaid.refresh_from_db()
    assert (found, unpaid.status) == ({"pay": 422, "cancel": 422}, "unpaid")
    assert balances(customer.account) == {"cash": "1400.00"}


def test_an_order_is_cancelled_after_asking(
    client: Client, customer: Customer, unpaid: Order
) -> None:
    path = url(customer, f"orders/{unpaid.number}/cancel/")

    assert b"Keep it" in client.get(path, headers=HTMX).content
    assert client.post(path, headers=HTMX)["HX-Redirect"] == url(
        customer, f"orders/{unpaid.number}/"
    )
    unpaid.refresh_from_db()
    assert unpaid.status == "closed"


# --- Another account pays --------------------------------------------------------------------


@pytest.fixture
def payer() -> Customer:
    payer = make_customer(gift="30", cash="500")
    payer.account.name = "Harbour Retail"
    payer.account.save(update_fields=["name"])
    return payer


@pytest.fixture
def asked(customer: Customer, payer: Customer) -> Order:
    customer.account.name = "Night Owl Telecom"
    customer.account.save(update_fields=["name"])
    order_request = OrderRequest(
        kind=OrderKind.NEW,
        application=customer.application.pk,
        edition=Edition.PREMIUM,
        payer=payer.account.uin,
    )
    return place(customer.account, order_request, by=customer.owner)


def test_the_payer_pays_and_the_buyer_has_the_package(
    customer: Customer, payer: Customer, asked: Order
) -> None:
    finance = Client()
    finance.force_login(make_member(payer.account, Role.FINANCE))

    paid = finance.post(
        url(payer, f"orders/{asked.number}/pay/"), {"shown": "", "use": ["gift", "income"]}
    )

    assert paid["Location"] == url(payer, f"payments/{asked.number}/")
    assert balances(payer.account) == {"gift": "0.00", "cash": "320.00"}
    assert balances(customer.account) == {"cash": "500.00"}
    assert current_package(customer.application).edition == "premium"


def test_the_payer_refuses_with_a_reason_that_the_buyer_reads(
    client: Client, customer: Customer, payer: Customer, asked: Order
) -> None:
    path = url(payer, f"payments/{asked.number}/refuse/")
    payers = of(payer)

    assert payers.post(path, {"reason": " "}).status_code == 422
    assert payers.post(path, {"reason": "Not our project."}).status_code == 302

    words = text(client.get(url(customer, f"orders/{asked.number}/")).content)
    assert "Payment refused: Not our project." in words
    assert payers.post(path, {"reason": "Again"}).status_code == 422


def test_the_payer_reads_who_asks_and_the_buyer_only_a_masked_name(
    client: Client, customer: Customer, payer: Customer, asked: Order
) -> None:
    payers = of(payer)
    payers.post(url(payer, f"orders/{asked.number}/pay/"))
    seen_by_payer = b"".join(
        payers.get(url(payer, path)).content
        for path in ("payments/", f"payments/{asked.number}/", "funds/statement/")
    )
    seen_by_buyer = b"".join(
        client.get(url(customer, path)).content
        for path in ("orders/", f"orders/{asked.number}/", f"orders/{asked.number}/receipt/")
    )

    secrets_of_buyer = [customer.owner.email, customer.account.entity.registration_number]
    secrets_of_payer = [payer.account.name, payer.owner.email, payer.account.entity.name]
    assert [word for word in secrets_of_buyer if word.encode() in seen_by_payer] == []
    assert [word for word in secrets_of_payer if word.encode() in seen_by_buyer] == []
    assert f"{customer.account.uin} ({customer.account.name})" in text(seen_by_payer)
    assert f"For application {customer.application.name}" in text(seen_by_payer)
    assert f"{payer.account.uin} (H***l)" in text(seen_by_buyer)


def test_an_order_is_not_paid_by_an_account_that_was_not_asked(
    asked: Order, customer: Customer
) -> None:
    stranger = make_customer(cash="900")

    found = {
        path: of(stranger).get(url(stranger, path.format(asked.number))).status_code
        for path in ("payments/{}/", "payments/{}/refuse/", "orders/{}/pay/", "orders/{}/")
    }

    assert set(found.values()) == {404}
    # Nor by its buyer, who asked someone else.
    assert of(customer).get(url(customer, f"orders/{asked.number}/pay/")).status_code == 404


def test_a_refused_order_can_be_ordered_again(client: Client, asked: Order) -> None:
    refuse_payment(order=asked, reason="No", by=None, now=NOW)

    words = text(client.get(f"/console/{asked.account.uin}/orders/{asked.number}/").content)

    assert "You can order again and pay yourself." in words


# --- Adding, upgrading, renewing -------------------------------------------------------------


def token_of(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found
    return found[1]


def confirm(client: Client, customer: Customer, html: bytes) -> Order:
    client.post(url(customer, "confirm/"), {"token": token_of(html.decode())})
    return Order.objects.latest("pk")


def test_licenses_are_added_at_the_mid_term_price(client: Client, customer: Customer) -> None:
    buy(customer.application, now=NOW - timedelta(days=15))
    path = url(customer, f"applications/{customer.application.sdkappid}/add/")

    dialog = client.post(path, {"agents": "2", "sip": "0", "coupon": ""})
    order = confirm(client, customer, dialog.content)

    # From 23 February one month ends on 23 March: 13 days of 40 a month, twice.
    assert (order.kind, order.status, str(order.total)) == ("additional", "paid", "34.66")


def test_an_essential_package_is_upgraded(client: Client, customer: Customer) -> None:
    buy(customer.application)
    path = url(customer, f"applications/{customer.application.sdkappid}/upgrade/")

    dialog = client.post(path, {"coupon": ""})
    order = confirm(client, customer, dialog.content)

    assert (order.kind, str(order.total)) == ("upgrade", "90.00")
    assert current_package(customer.application).edition == "premium"


def test_a_premium_package_is_not_upgraded(client: Client, customer: Customer) -> None:
    buy(customer.application)
    upgrade(customer.application)
    path = url(customer, f"applications/{customer.application.sdkappid}/upgrade/")

    answer = client.post(path, {"coupon": ""})

    assert answer.status_code == 422
    assert "You cannot downgrade during a term" in answer.content.decode()


def nobody(license_ids: object) -> dict[int, object]:
    return {}


def test_several_packages_are_renewed_in_one_order_one_with_a_license_fewer(
    client: Client, customer: Customer, settings: object
) -> None:
    settings.LICENSE_HOLDERS = f"{__name__}.nobody"  # type: ignore[attr-defined]
    fund_account(customer.account, cash="2000")
    applications = [customer.application, *(make_application(customer.account) for _ in range(2))]
    for application in applications:
        buy(application, agents=2)
    packages = [current_package(application) for application in applications]
    choice = {
        "packages": [str(package.pk) for package in packages],
        **{f"unit_{package.pk}": "month" for package in packages},
        **{f"count_{package.pk}": "2" for package in packages},
        "coupon": "",
        f"agent_{packages[1].pk}": "1",
    }

    dialog = client.post(url(customer, "renew/"), choice)
    order = confirm(client, customer, dialog.content)

    # Two months of 3 packages and 5 licenses: 3 x 240 + 5 x 80.
    assert (order.kind, order.status, str(order.total)) == ("renewal", "paid", "1120.00")
    ending = [license for package in packages for license in licenses_of(package)]
    newest = licenses_of(packages[1])[-1]
    assert [license.pk for license in ending if license.ends_at] == [newest.pk]


def test_a_package_that_is_not_chosen_is_not_renewed(client: Client, customer: Customer) -> None:
    second = make_application(customer.account)
    for application in (customer.application, second):
        buy(application)
    chosen, left = (current_package(app) for app in (customer.application, second))
    before = left.expires_at

    dialog = client.post(
        url(customer, "renew/"),
        {
            "packages": str(chosen.pk),
            f"unit_{chosen.pk}": "month",
            f"count_{chosen.pk}": "1",
            f"count_{left.pk}": "not judged",
            "coupon": "",
        },
    )
    order = confirm(client, customer, dialog.content)

    left.refresh_from_db()
    assert (str(order.total), left.expires_at) == ("120.00", before)
