"""Renewing several packages in one order, each for its own term."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.errors import Refused
from billing.enums import Edition, OrderKind, RenewalMode, TermUnit
from billing.models import Order, Package, RefundLine
from billing.orders.request import OrderRequest, RenewedPackage, in_scope
from billing.orders.services import pay_order
from billing.packages.services import choose_renewal_mode
from billing.renewals.auto_renewal import renew_automatically
from config.verification import find_all_breaches
from tests import factories as make
from tests.billing.acts import at, balance, fresh, package_of, quote, refund, wall
from tests.factories import DAY, HOUR, NOW, Customer

pytestmark = pytest.mark.django_db

MONTH, YEAR = TermUnit.MONTH, TermUnit.YEAR


@dataclass(frozen=True)
class Two:
    """An account with a monthly and an annual package, both bought at NOW.

    Essential with 2 additional agents and a SIP license: 120 + 80 + 15 a month. Premium: 2,520.
    """

    customer: Customer
    monthly: Package
    annual: Package


def two_packages(cash: str = "20000", *, gift: str = "0", income: str = "0") -> Two:
    customer = make.make_customer(cash=cash, gift=gift, income=income)
    monthly = package_of(make.buy(customer.application, agents=2, sip=1))
    other = make.make_application(customer.account, "Sales hotline")
    annual = package_of(make.buy(other, Edition.PREMIUM, unit=YEAR))
    return Two(customer, monthly, annual)


def ask_for(two: Two, monthly: tuple[TermUnit, int], annual: tuple[TermUnit, int]) -> OrderRequest:
    return OrderRequest(
        kind=OrderKind.RENEWAL,
        renewed=(
            RenewedPackage(two.monthly.pk, (), *monthly),
            RenewedPackage(two.annual.pk, (), *annual),
        ),
    )


def breaches() -> list[str]:
    """What `verify_ledger` would say."""
    return [breach.message for breach in find_all_breaches()]


# --- The order -------------------------------------------------------------------------------


def test_each_package_is_priced_and_renewed_for_its_own_term() -> None:
    two = two_packages()
    before = balance(two.customer.account, "cash")

    order = make.place(two.customer.account, ask_for(two, (MONTH, 3), (YEAR, 2)))

    # 3 x (120 + 2 x 40 + 15) = 645; 2 x 2520 = 5040.
    lines = list(order.lines.order_by("pk"))
    assert [(line.package_id, line.term_unit, line.term_count, line.amount) for line in lines] == [
        (two.monthly.pk, "month", 3, Decimal("360.00")),
        (two.monthly.pk, "month", 3, Decimal("240.00")),
        (two.monthly.pk, "month", 3, Decimal("45.00")),
        (two.annual.pk, "year", 2, Decimal("5040.00")),
    ]
    assert order.total == Decimal("5685.00")
    assert before - balance(two.customer.account, "cash") == order.total
    monthly, annual = fresh(two.monthly), fresh(two.annual)
    assert (wall(monthly.expires_at), monthly.term_unit) == ("2026-07-10 10:00:00", "month")
    assert (wall(annual.expires_at), annual.term_unit) == ("2029-03-10 10:00:00", "year")
    assert breaches() == []


def test_the_kinds_of_term_may_change_crosswise() -> None:
    two = two_packages()

    order = make.place(two.customer.account, ask_for(two, (YEAR, 1), (MONTH, 1)))

    # 12 x 215 = 2580; 210.
    assert order.total == Decimal("2790.00")
    monthly, annual = fresh(two.monthly), fresh(two.annual)
    assert (wall(monthly.expires_at), monthly.term_unit) == ("2027-04-10 10:00:00", "year")
    assert (wall(annual.expires_at), annual.term_unit) == ("2027-04-10 10:00:00", "month")
    assert breaches() == []


def test_what_is_confirmed_says_each_expiry() -> None:
    two = two_packages()
    shown = quote(two.customer.account, ask_for(two, (MONTH, 3), (YEAR, 2)), now=NOW)
    assert [wall(change.after.expires_at) for change in shown.changes] == [
        "2026-07-10 10:00:00",
        "2029-03-10 10:00:00",
    ]


def test_an_unpaid_renewal_is_delivered_with_its_terms() -> None:
    two = two_packages(cash="3000")
    order = make.place(two.customer.account, ask_for(two, (MONTH, 3), (YEAR, 2)))
    assert order.status == "unpaid"
    make.fund_account(two.customer.account, cash="6000")

    pay_order(order=order, by=None, now=NOW + HOUR)

    expiries = [wall(fresh(package).expires_at) for package in (two.monthly, two.annual)]
    assert expiries == ["2026-07-10 10:00:00", "2029-03-10 10:00:00"]


@pytest.mark.parametrize(
    ("unit", "count"), [(MONTH, 0), (MONTH, 13), (MONTH, -1), (YEAR, 4), (YEAR, 10**9)]
)
def test_every_packages_term_has_its_bounds(unit: TermUnit, count: int) -> None:
    two = two_packages()
    with pytest.raises(Refused) as refused:
        make.place(two.customer.account, ask_for(two, (MONTH, 1), (unit, count)))
    assert (refused.value.code, refused.value.field) == (
        "bad_quantity",
        f"count_{two.annual.pk}",
    )
    assert Order.objects.filter(kind="renewal").count() == 0


def test_an_automatic_renewal_keeps_the_packages_own_term() -> None:
    two = two_packages()
    for package in (two.monthly, two.annual):
        choose_renewal_mode(package=package, mode=RenewalMode.AUTOMATIC, by=None, now=NOW)
    for package, expiry in ((two.monthly, "2026-05-10"), (two.annual, "2028-03-10")):
        done = renew_automatically(package_id=package.pk, now=package.expires_at - HOUR)
        assert done is not None
        after = fresh(package)
        assert (wall(after.expires_at), after.term_unit) == (
            f"{expiry} 10:00:00",
            package.term_unit,
        )


# --- Offers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("monthly", "annual", "unit", "count"),
    [
        ((MONTH, 3), (MONTH, 2), MONTH, 2),
        ((YEAR, 1), (YEAR, 2), YEAR, 1),
        ((MONTH, 3), (YEAR, 2), None, 2),
    ],
)
def test_offers_for_one_term_are_not_used_for_several(
    monthly: tuple[TermUnit, int],
    annual: tuple[TermUnit, int],
    unit: TermUnit | None,
    count: int,
) -> None:
    packages = [Package(pk=1, edition="premium"), Package(pk=2, edition="premium")]
    renewed = (RenewedPackage(1, (), *monthly), RenewedPackage(2, (), *annual))
    scope = in_scope(OrderRequest(kind=OrderKind.RENEWAL, renewed=renewed), packages)
    assert (scope.edition, scope.unit, scope.count) == (Edition.PREMIUM, unit, count)


# --- A refund --------------------------------------------------------------------------------


def test_a_refund_of_one_package_gives_back_its_share_of_each_fund() -> None:
    two = two_packages(cash="3005.05", gift="100.10", income="200.20")
    # Paid so far: 215 and 2520, of them all of gift and income.
    assert balance(two.customer.account, "cash") == Decimal("570.35")
    make.fund_account(two.customer.account, gift="33.33", income="66.67")

    order = make.place(two.customer.account, ask_for(two, (MONTH, 2), (MONTH, 1)))

    # 2 x 215 = 430 and 210: 640 of 33.33 gift, 66.67 income and 540 cash.
    assert order.total == Decimal("640.00")
    paid = {payment.kind: payment.amount for payment in order.payments.all()}
    assert paid == {
        "gift": Decimal("33.33"),
        "income": Decimal("66.67"),
        "cash": Decimal("540.00"),
    }

    done = refund(two.annual, now=NOW + DAY)

    # 210 / 640 of each: 10.936 gift, 21.876 income, 177.1875 cash; down 10.93, 21.87, 177.18; the
    # two cents that are left go to the largest remainders, cash .75 and gift .64.
    back = {
        line.payment.kind: line.amount
        for line in RefundLine.objects.filter(refund=done, payment__order=order)
    }
    assert back == {
        "gift": Decimal("10.94"),
        "income": Decimal("21.87"),
        "cash": Decimal("177.19"),
    }
    assert done.amount == Decimal("2520.00") + Decimal("210.00")
    assert wall(fresh(two.monthly).expires_at) == "2026-06-10 10:00:00"
    assert breaches() == []


# --- The page --------------------------------------------------------------------------------


@pytest.fixture
def frozen() -> Iterator[None]:
    with time_machine.travel(at("2026-04-05 10:00:00"), tick=False):
        yield


@pytest.fixture
def two(frozen: None) -> Two:
    return two_packages()


@pytest.fixture
def client(two: Two) -> Client:
    client = Client()
    client.force_login(two.customer.owner)
    return client


def url(two: Two, path: str = "renew/") -> str:
    return f"/console/{two.customer.account.uin}/{path}"


def choice(two: Two, **changes: Any) -> dict[str, Any]:
    """Both packages: the monthly one for 3 months, the annual one for 2 years."""
    one, other = two.monthly.pk, two.annual.pk
    return {
        "packages": [str(one), str(other)],
        f"unit_{one}": "month",
        f"count_{one}": "3",
        f"agent_{one}": "2",
        f"sip_{one}": "1",
        f"unit_{other}": "year",
        f"count_{other}": "2",
        "promotion": "best",
        "coupon": "best",
        "payer": "",
        **changes,
    }


def values(html: str) -> dict[str, str]:
    """What stands in the fields of the form."""
    found = {}
    for tag in re.findall(r"<input [^>]*>", html):
        name, value = (re.search(rf'{key}="([^"]*)"', tag) for key in ("name", "value"))
        if name and (" checked" in tag or 'type="number"' in tag or 'type="text"' in tag):
            found[name[1]] = value[1] if value else ""
    return found


def sums(html: str) -> list[str]:
    lines = re.search(r'<dl class="sum lines">(.*?)</dl>', html, re.DOTALL)
    assert lines
    found = re.findall(r'<dd class="(?:num subtotal|total num)">USD\u00a0([0-9,.]+)', lines[1])
    return list(found)


def test_each_package_opens_with_its_own_term(client: Client, two: Two) -> None:
    html = client.get(url(two)).content.decode()

    shown = values(html)
    one, other = two.monthly.pk, two.annual.pk
    assert (shown[f"unit_{one}"], shown[f"count_{one}"]) == ("month", "1")
    assert (shown[f"unit_{other}"], shown[f"count_{other}"]) == ("year", "1")
    # Only the monthly one is due, in 5 days.
    assert re.findall(r'name="packages" value="(\d+)" checked', html) == [str(one)]


def test_page_dialog_and_order_show_a_subtotal_for_each_application(
    client: Client, two: Two
) -> None:
    live = client.post(url(two, "renew/?part=price"), choice(two), headers={"HX-Request": "true"})
    assert sums(live.content.decode()) == ["645.00", "5,040.00", "5,685.00"]

    dialog = client.post(url(two), choice(two)).content.decode()
    assert sums(dialog) == ["645.00", "5,040.00", "5,685.00"]
    token = re.search(r'name="token" value="([^"]+)"', dialog)
    assert token
    done = client.post(url(two, "confirm/"), {"token": token[1]})

    for page in (done["Location"], done["Location"] + "receipt/"):
        html = client.get(page).content.decode()
        rows = re.findall(r'<tr class="subtotal">.*?USD\u00a0([0-9,.]+)', html, re.DOTALL)
        assert rows == ["645.00", "5,040.00"]
        assert "3 months × 120.00 = 360.00" in html
        assert "2 years × 2,520.00 = 5,040.00" in html
    assert wall(fresh(two.annual).expires_at) == "2029-03-10 10:00:00"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("count", "13", "Ensure this value is less than or equal to 12."),
        ("count", "4", "Choose from 1 to 3 terms."),
        ("count", "0", "Ensure this value is greater than or equal to 1."),
        ("count", "-1", "Ensure this value is greater than or equal to 1."),
        ("count", "", "This field is required."),
        ("count", "1.5", "Enter a whole number."),
        ("count", "1e1", "Enter a whole number."),
        ("count", "٣", "Enter a whole number."),
        ("count", "\x00", "Enter a whole number."),
        ("unit", "week", "Select a valid choice. week is not one of the available choices."),
        ("unit", "", "This field is required."),
    ],
)
def test_a_bad_term_is_told_beside_its_package_and_the_rest_is_kept(
    client: Client, two: Two, field: str, value: str, words: str
) -> None:
    name = f"{field}_{two.annual.pk}"

    answer = client.post(url(two), choice(two, **{name: value, "payer": "100000009999"}))

    html = answer.content.decode()
    assert answer.status_code == 422
    assert answer.context["form"].errors == {name: [words]}
    shown = values(html)
    expected = choice(two)
    for other in (f"unit_{two.monthly.pk}", f"count_{two.monthly.pk}", f"agent_{two.monthly.pk}"):
        assert shown[other] == expected[other]
    assert shown["payer"] == "100000009999"
    assert len(re.findall(r'name="packages" value="\d+" checked', html)) == 2
    assert not Order.objects.filter(kind="renewal").exists()


def test_faults_of_several_packages_are_named_by_their_applications(
    client: Client, two: Two
) -> None:
    wrong = {f"count_{package.pk}": "99" for package in (two.monthly, two.annual)}

    html = client.post(url(two), choice(two, **wrong)).content.decode()

    note = html[html.index('class="errornote"') :].split("</ul>")[0]
    assert re.findall(r">([^<]+ – Duration)</a>", note) == [
        f"{two.customer.application.name} – Duration",
        "Sales hotline – Duration",
    ]


def test_what_stands_beside_a_package_that_is_not_chosen_is_not_judged(
    client: Client, two: Two
) -> None:
    wrong = {f"count_{two.annual.pk}": "99", f"unit_{two.annual.pk}": "week"}
    only = choice(two, packages=[str(two.monthly.pk)], **wrong)

    dialog = client.post(url(two), only)
    assert dialog.status_code == 200
    assert sums(dialog.content.decode()) == ["645.00"]

    kept = client.post(url(two), {**only, "update": "1"}).content.decode()
    assert values(kept)[f"count_{two.annual.pk}"] == "99"


def test_select_all_chooses_every_package_and_keeps_what_was_typed(
    client: Client, two: Two
) -> None:
    typed = choice(two, packages=[], **{f"count_{two.annual.pk}": "3"})

    html = client.post(url(two), {**typed, "select_all": "1"}).content.decode()

    assert len(re.findall(r'name="packages" value="\d+" checked', html)) == 2
    shown = values(html)
    assert (shown[f"count_{two.monthly.pk}"], shown[f"count_{two.annual.pk}"]) == ("3", "3")
    # 645 + 3 x 2520.
    assert sums(html) == ["645.00", "7,560.00", "8,205.00"]


def test_one_package_alone_has_neither_subtotal_nor_select_all(client: Client, two: Two) -> None:
    sdkappid = two.customer.application.sdkappid
    html = client.get(url(two, f"applications/{sdkappid}/renew/")).content.decode()
    assert sums(html) == ["215.00"]
    assert "select_all" not in html
