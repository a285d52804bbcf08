"""Pages that sell begin without an error, and offer and say only what is so."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from billing.enums import Edition, OrderKind, TermUnit
from billing.orders.quoting import confirmable_quote
from billing.orders.request import OrderRequest, RenewedPackage
from billing.orders.services import QuoteChanged, place_order
from tests import factories as make
from tests.factories import NOW, Customer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

OLD = NOW + timedelta(minutes=15, seconds=1)


@pytest.fixture
def customer(client: Client) -> Customer:
    customer = make.make_customer(cash="2000")
    client.force_login(customer.owner)
    return customer


def url(customer: Customer, path: str) -> str:
    return f"/console/{customer.account.uin}/{path}"


def application_url(customer: Customer, path: str) -> str:
    return url(customer, f"applications/{customer.application.sdkappid}/{path}")


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("\u00a0", " ")


# --- What an old quote says ------------------------------------------------------------------


def _changed(customer: Customer, order_request: OrderRequest) -> QuoteChanged:
    quote = confirmable_quote(account=customer.account, order_request=order_request, now=NOW)
    with pytest.raises(QuoteChanged) as changed:
        place_order(account=customer.account, token=quote.token, by=None, now=OLD)
    return changed.value


def test_a_quote_that_merely_grew_old_says_so(customer: Customer) -> None:
    make.buy(customer.application)
    package = make.current_package(customer.application)
    renewal = OrderRequest(kind=OrderKind.RENEWAL, renewed=(RenewedPackage(package.pk),))
    changed = _changed(customer, renewal)
    assert changed.message == "The price is unchanged; please confirm again. Nothing was charged."
    assert changed.change.is_same


def test_a_quote_whose_date_alone_changed_says_which(client: Client, customer: Customer) -> None:
    order_request = OrderRequest(
        kind=OrderKind.NEW, application=customer.application.pk, edition=Edition.ESSENTIAL
    )
    changed = _changed(customer, order_request)
    (expiry,) = changed.change.expiries
    assert expiry.new - expiry.old == OLD - NOW
    token = confirmable_quote(account=customer.account, order_request=order_request, now=NOW).token
    with time_machine.travel(OLD, tick=False):
        client.force_login(customer.owner)
        answer = client.post(url(customer, "confirm/"), {"token": token})
    assert answer.status_code == 409
    shown = words(answer.content.decode())
    assert "The price is unchanged, but dates changed. Nothing was charged." in shown
    assert "would have expired on 10 Apr 2026, 10:00" in shown
    assert "it will now expire on 10 Apr 2026, 10:15" in shown


def test_a_quote_whose_contents_changed_does_not_say_unchanged(customer: Customer) -> None:
    package = make.buy(customer.application).lines.get().package
    assert package is not None
    renewal = OrderRequest(kind=OrderKind.RENEWAL, renewed=(RenewedPackage(package.pk),))
    quote = confirmable_quote(account=customer.account, order_request=renewal, now=NOW)
    make.add(customer.application, agents=1)
    with pytest.raises(QuoteChanged) as changed:
        place_order(account=customer.account, token=quote.token, by=None, now=OLD)
    assert str(changed.value).startswith("Something changed")


# --- What buying offers ----------------------------------------------------------------------


def test_buying_begins_with_an_application_that_may_buy(client: Client, customer: Customer) -> None:
    make.buy(customer.application)
    free = make.make_application(customer.account)
    html = client.get(url(customer, "buy/")).content.decode()
    assert f'<option value="{free.sdkappid}" selected>' in html
    assert str(customer.application.sdkappid) not in re.findall(r'<option value="(\d+)"', html)
    assert 'class="note warning"' not in html
    assert "errornote" not in html


@pytest.mark.parametrize("path", ["buy/", "applications/{}/buy/"])
@pytest.mark.parametrize(
    ("days", "offered"),
    [(0, {"renew", "add", "upgrade"}), (32, {"renew"})],
    ids=["active", "isolated, no sweep has run"],
)
def test_without_an_application_that_may_buy_the_page_says_what_to_do(
    client: Client,
    customer: Customer,
    clock: time_machine.Traveller,
    path: str,
    days: int,
    offered: set[str],
) -> None:
    make.buy(customer.application)
    clock.move_to(NOW + timedelta(days=days))
    client.force_login(customer.owner)
    answer = client.get(url(customer, path.format(customer.application.sdkappid)))
    html = answer.content.decode()
    main = html[html.index("<main") :]
    linked = set(re.findall(r"/applications/\d+/(renew|add|upgrade|buy)/", main))
    assert (answer.status_code, linked) == (200, offered)
    assert "has a package already" in main
    assert 'id="order-request"' not in main


def test_after_its_release_an_application_may_buy_though_no_sweep_has_run(
    client: Client, customer: Customer, clock: time_machine.Traveller
) -> None:
    make.buy(customer.application)
    clock.move_to(NOW + timedelta(days=40))
    client.force_login(customer.owner)
    html = client.get(url(customer, "buy/")).content.decode()
    assert f'<option value="{customer.application.sdkappid}" selected>' in html


def test_a_refused_addition_leads_only_to_what_is_possible(
    client: Client, customer: Customer, clock: time_machine.Traveller
) -> None:
    make.buy(customer.application)
    clock.move_to(NOW + timedelta(days=32))
    client.force_login(customer.owner)
    html = client.get(application_url(customer, "add/")).content.decode()
    panel = html[html.index('id="price"') :].split("</aside>")[0]
    assert re.findall(r'href="/[^"]*/applications/\d+/(\w+)/"', panel) == ["renew"]


# --- What stays and what is named ------------------------------------------------------------


def test_the_present_package_stays_beside_a_field_at_fault(
    client: Client, customer: Customer
) -> None:
    make.buy(customer.application, agents=2)
    for path, data in (("add/", {"agents": "1"}), ("upgrade/", {})):
        answer = client.post(application_url(customer, path), {**data, "payer": "12", "coupon": ""})
        assert answer.status_code == 422
        assert "Agent licenses 5 " in words(answer.content.decode())


def test_two_lines_of_one_name_are_told_apart_by_their_end(
    client: Client, customer: Customer
) -> None:
    make.buy(customer.application, agents=2)
    package = make.current_package(customer.application)
    left_out = package.licenses.filter(source="bought").first()
    assert left_out is not None
    make.renew(package, ending=(left_out.pk,))
    shown = words(client.get(application_url(customer, "upgrade/")).content.decode())
    name = "1 additional agent license (Premium), upgraded from Essential"
    assert f"{name}, ends on 10 Apr 2026" in shown
    assert shown.count(f"{name} ") == 1
    order = make.upgrade(customer.application)
    page = words(client.get(url(customer, f"orders/{order.number}/")).content.decode())
    assert f"{name}, ends on 10 Apr 2026" in page


def test_renewing_ticks_only_what_is_due(client: Client, customer: Customer) -> None:
    year = make.make_application(customer.account)
    make.buy(year, unit=TermUnit.YEAR)
    page = url(customer, "renew/")
    opened = client.get(page)
    assert [row.is_chosen for row in opened.context["form"].rows] == [False]
    assert not opened.context["form"].errors
    make.buy(customer.application, now=NOW - timedelta(days=5))
    later = make.current_package(year)
    soon = make.current_package(customer.application)
    rows = client.get(page).context["form"].rows
    assert [(row.snapshot.package.pk, row.is_chosen) for row in rows] == [
        (soon.pk, True),
        (later.pk, False),
    ]
    everything = client.get(page, {"packages": [soon.pk, later.pk]}).context["form"].rows
    assert [row.is_chosen for row in everything] == [True, True]
