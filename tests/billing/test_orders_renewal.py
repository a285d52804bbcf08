"""Renewing packages: when, how long, at what price, and with which licenses."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.errors import Refused
from accounts.models import Account, AuditEvent
from accounts.services.restrictions import lift_restriction
from billing.enums import Edition, LicenseKind, OrderKind, TermUnit
from billing.models import License, Order, Package
from billing.orders.request import OrderRequest, RenewedPackage
from billing.orders.services import pay_order
from billing.packages.holders import Holder, order_for_ending
from billing.packages.lifecycle import derive_package_state
from billing.packages.services import extend_package
from tests import factories as make
from tests.billing.acts import (
    at,
    balance,
    bought,
    count_live,
    fresh,
    package_of,
    quote,
    refusal_of,
    sweep,
    wall,
)
from tests.factories import DAY, HOUR, NOW, SECOND, Customer

pytestmark = pytest.mark.django_db

EXPIRY = at("2026-04-10 10:00:00")
RELEASE = EXPIRY + 7 * DAY


def _ask(*renewed: RenewedPackage, **fields: Any) -> OrderRequest:
    return OrderRequest(kind=OrderKind.RENEWAL, renewed=renewed, **fields)


# --- When, how long, how much ----------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A package from 10 March 2026, 10:00, renewed at a time; what it costs and reaches."""

    name: str
    now: datetime
    total: str
    expiry: str
    package: Mapping[str, Any]
    renewal: Mapping[str, Any]
    is_live: bool = True


def _case(
    name: str,
    now: datetime,
    total: str,
    expiry: str,
    package: Mapping[str, Any] | None = None,
    **renewal: Any,
) -> Case:
    return Case(name, now, total, expiry, package or {}, renewal)


LICENSES: dict[str, Any] = {"agents": 2, "sip": 1}
YEAR: dict[str, Any] = {"unit": TermUnit.YEAR}

CASES = [
    _case("in the instant of buying", NOW, "120.00", "2026-05-10"),
    _case("in the middle", NOW + 10 * DAY, "120.00", "2026-05-10"),
    _case("a day before", EXPIRY - DAY, "120.00", "2026-05-10"),
    _case("a second before", EXPIRY - SECOND, "120.00", "2026-05-10"),
    _case("at the expiry", EXPIRY, "120.00", "2026-05-10"),
    _case("a second after", EXPIRY + SECOND, "120.00", "2026-05-10"),
    _case("isolated for 3 days: from the old expiry", EXPIRY + 3 * DAY, "120.00", "2026-05-10"),
    _case("the last second of isolation", RELEASE - SECOND, "120.00", "2026-05-10"),
    _case("3 months: 3 x 120", EXPIRY, "360.00", "2026-07-10", count=3),
    _case("12 months: 12 x 120", NOW, "1440.00", "2027-04-10", count=12),
    _case("a year on a month: 1440", EXPIRY - DAY, "1440.00", "2027-04-10", **YEAR),
    _case("3 years: 3 x 1440", EXPIRY, "4320.00", "2029-04-10", count=3, **YEAR),
    _case("a month on a year: 120", at("2027-03-01 00:00:00"), "120.00", "2027-04-10", YEAR),
    _case(
        "a year on a year: 1440", at("2027-03-10 10:00:01"), "1440.00", "2028-03-10", YEAR, **YEAR
    ),
    _case("with licenses: 2 x (120 + 2x40 + 15)", NOW, "430.00", "2026-06-10", LICENSES, count=2),
    _case(
        "Premium: 210 + 2x70 + 21", NOW, "371.00", "2026-05-10", {"edition": "premium", **LICENSES}
    ),
    _case(
        "Premium for a year: 2520 + 2x840 + 252",
        EXPIRY + DAY,
        "4452.00",
        "2027-04-10",
        {"edition": "premium", **LICENSES},
        **YEAR,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_renewal_goes_on_from_the_present_expiry(case: Case) -> None:
    customer, package = make.make_buyer(**case.package)
    before = balance(customer.account, "cash")
    order = make.renew(package, now=case.now, **case.renewal)
    assert (order.status, order.total) == ("paid", Decimal(case.total))
    assert before - balance(customer.account, "cash") == Decimal(case.total)
    after = fresh(package)
    assert wall(after.expires_at) == f"{case.expiry} 10:00:00"
    assert (after.state, after.term_unit) == ("active", case.renewal.get("unit", "month"))
    assert (after.anchor_at, after.purchased_at) == (NOW, NOW)
    licenses = 3 + case.package.get("agents", 0)
    assert count_live(package, after.expires_at - SECOND) == licenses
    assert count_live(package, after.expires_at) == 0


@pytest.mark.parametrize("late_by", [timedelta(0), SECOND, 30 * DAY], ids=str)
@pytest.mark.parametrize("is_swept", [False, True], ids=["no sweep ran", "a sweep ran"])
def test_a_released_package_is_not_renewed(late_by: timedelta, is_swept: bool) -> None:
    customer, package = make.make_buyer()
    if is_swept:
        sweep(RELEASE + late_by)
        assert fresh(package).state == "released"
    assert (
        refusal_of(customer, _ask(RenewedPackage(package.pk)), RELEASE + late_by) == "not_renewable"
    )
    assert fresh(package).expires_at == EXPIRY


def test_a_trial_and_a_refunded_package_are_not_renewed() -> None:
    customer = make.make_customer(cash="1000")
    trial = make.current_package(customer.application)
    assert refusal_of(customer, _ask(RenewedPackage(trial.pk)), NOW) == "not_renewable"
    Package.objects.filter(pk=package_of(make.buy(customer.application)).pk).update(
        state="refunded"
    )
    assert refusal_of(customer, _ask(RenewedPackage(trial.pk)), NOW) == "not_renewable"


def test_a_renewal_in_isolation_is_told_as_two_steps() -> None:
    _customer, package = make.make_buyer()
    when = EXPIRY + DAY
    assert count_live(package, when) == 0
    make.renew(package, now=when)
    assert count_live(package, when) == 3
    events = AuditEvent.objects.filter(
        target_type="billing.package", target_id=package.pk, at=when
    ).order_by("pk")
    assert [(event.verb, event.from_state, event.to_state) for event in events] == [
        ("package.isolated", "active", "isolated"),
        ("package.renewed", "isolated", "active"),
    ]


# --- No drift --------------------------------------------------------------------------------


@pytest.mark.parametrize("wait", [-DAY, timedelta(0), 6 * DAY], ids=["before", "at", "isolated"])
def test_thirteen_monthly_renewals_from_the_31st_do_not_drift(wait: timedelta) -> None:
    _customer, package = make.make_buyer(now=at("2027-01-31 23:59:59"))
    expiries = []
    for _month in range(13):
        expiries.append(wall(fresh(package).expires_at))
        make.renew(package, now=fresh(package).expires_at + wait)
    assert [text[:10] for text in expiries] == [
        "2027-02-28",
        "2027-03-31",
        "2027-04-30",
        "2027-05-31",
        "2027-06-30",
        "2027-07-31",
        "2027-08-31",
        "2027-09-30",
        "2027-10-31",
        "2027-11-30",
        "2027-12-31",
        "2028-01-31",
        "2028-02-29",
    ]
    assert {text[11:] for text in expiries} == {"23:59:59"}
    assert wall(fresh(package).expires_at) == "2028-03-31 23:59:59"


def test_four_yearly_renewals_from_a_leap_day_do_not_drift() -> None:
    _customer, package = make.make_buyer(now=at("2028-02-29 08:00:00"), unit=TermUnit.YEAR)
    expiries = [wall(package.expires_at)]
    for _year in range(4):
        make.renew(package, unit=TermUnit.YEAR, now=fresh(package).expires_at + DAY)
        expiries.append(wall(fresh(package).expires_at))
    assert expiries == [
        "2029-02-28 08:00:00",
        "2030-02-28 08:00:00",
        "2031-02-28 08:00:00",
        "2032-02-29 08:00:00",
        "2033-02-28 08:00:00",
    ]


def test_a_renewal_after_an_extension_keeps_the_extension() -> None:
    _customer, package = make.make_buyer()
    extend_package(package=package, by_time=3 * DAY, reason="Outage", by=None, now=NOW)
    make.renew(package, now=NOW)
    assert wall(fresh(package).expires_at) == "2026-05-13 10:00:00"


# --- Fewer licenses --------------------------------------------------------------------------


def test_licenses_that_are_left_out_are_not_paid_and_end_when_the_new_term_starts() -> None:
    _customer, package = make.make_buyer(agents=3, sip=2)
    agent, sip = bought(package)[1], bought(package, LicenseKind.SIP)[0]
    order = make.renew(package, ending=(agent, sip), now=NOW + DAY)
    assert order.total == Decimal("215.00")  # 120 + 2x40 + 15
    assert count_live(package, EXPIRY - SECOND) == 6
    assert count_live(package, EXPIRY) == 5
    assert count_live(package, EXPIRY - SECOND, LicenseKind.SIP) == 2
    assert count_live(package, EXPIRY, LicenseKind.SIP) == 1
    assert License.objects.get(pk=agent).ends_at == EXPIRY


def test_left_out_in_isolation_they_end_at_once() -> None:
    _customer, package = make.make_buyer(agents=2)
    when = EXPIRY + 2 * DAY
    make.renew(package, ending=(bought(package)[0],), now=when)
    assert count_live(package, when) == 4


def test_what_was_left_out_is_not_part_of_the_next_renewal() -> None:
    customer, package = make.make_buyer(agents=2)
    ended, kept = bought(package)
    make.renew(package, ending=(ended,), now=NOW + DAY)
    assert make.renew(package, now=NOW + 2 * DAY).total == Decimal("160.00")  # 120 + 40
    again = _ask(RenewedPackage(package.pk, (ended,)))
    assert refusal_of(customer, again, NOW + 3 * DAY) == "bad_ending"
    assert bought(package) == [kept]


def test_only_additional_licenses_of_the_package_itself_can_be_left_out() -> None:
    customer, package = make.make_buyer(agents=1)
    _other, others = make.make_buyer(agents=1)
    included = make.licenses_of(package)[0].pk
    (own,) = bought(package)
    for ending in ((included,), tuple(bought(others)), (10**9,), (own, own)):
        order_request = _ask(RenewedPackage(package.pk, ending))
        assert refusal_of(customer, order_request, NOW) == "bad_ending"


HELD_AT = NOW - 10 * DAY


def _holder(license: int, *, enabled: bool = True, days: int = 0) -> Holder:
    return Holder(license, f"Agent {license}", enabled, HELD_AT + days * DAY)


@pytest.mark.parametrize(
    ("holders", "expected"),
    [
        pytest.param([], [4, 3, 2, 1], id="free ones, the newest first"),
        pytest.param([_holder(4), _holder(1)], [3, 2, 4, 1], id="free before held"),
        pytest.param(
            [_holder(1), _holder(2, enabled=False), _holder(3), _holder(4, enabled=False)],
            [4, 2, 3, 1],
            id="disabled before working",
        ),
        pytest.param(
            [_holder(1, days=4), _holder(2, days=2), _holder(3, days=3), _holder(4, days=1)],
            [4, 2, 3, 1],
            id="least recently changed first",
        ),
        pytest.param(
            [_holder(2, days=9, enabled=False), _holder(3, days=1), _holder(4, days=0)],
            [1, 2, 4, 3],
            id="free, disabled, long unchanged, recent",
        ),
    ],
)
def test_the_order_in_which_licenses_are_proposed_to_end(
    holders: list[Holder], expected: list[int]
) -> None:
    assert order_for_ending([1, 2, 3, 4], {h.license_id: h for h in holders}) == expected


# --- Several packages ------------------------------------------------------------------------


def _three(cash: str = "100000") -> tuple[Customer, list[Package]]:
    """Three packages: Essential, Essential with 2 agents, Premium; bought a day apart."""
    customer = make.make_customer(cash="100000")
    packages = []
    for day, (edition, agents) in enumerate(
        [(Edition.ESSENTIAL, 0), (Edition.ESSENTIAL, 2), (Edition.PREMIUM, 0)]
    ):
        where = make.make_application(customer.account) if day else customer.application
        when = NOW + day * DAY
        packages.append(package_of(make.buy(where, edition, agents=agents, now=when)))
    return customer, packages


def test_several_packages_are_renewed_in_one_order() -> None:
    _customer, packages = _three()
    ending = (bought(packages[1])[0],)
    order = make.renew(*packages, ending=ending, count=2, now=NOW + 5 * DAY)
    assert order.total == Decimal("980.00")  # 2 x (120 + 120+40 + 210)
    assert [wall(fresh(package).expires_at)[:10] for package in packages] == [
        "2026-06-10",
        "2026-06-11",
        "2026-06-12",
    ]
    assert [count_live(package, EXPIRY + 3 * DAY) for package in packages] == [3, 4, 3]


def test_one_package_that_cannot_be_renewed_stops_them_all() -> None:
    customer, packages = _three()
    when = EXPIRY + 7 * DAY  # the first is released just now, the others are isolated
    before = balance(customer.account, "cash")
    order_request = _ask(*(RenewedPackage(package.pk) for package in packages))
    assert refusal_of(customer, order_request, when) == "not_renewable"
    assert balance(customer.account, "cash") == before
    assert [fresh(package).months for package in packages] == [1, 1, 1]
    make.renew(*packages[1:], now=when)
    assert [fresh(package).months for package in packages] == [1, 2, 2]


def test_money_for_two_of_three_packages_renews_none() -> None:
    customer = make.make_customer(cash="600")
    applications = [
        customer.application,
        *(make.make_application(customer.account) for _ in range(2)),
    ]
    packages = [package_of(make.buy(each)) for each in applications]  # 3 x 120
    order = make.renew(*packages, now=NOW + DAY)
    assert (order.status, order.total) == ("unpaid", Decimal("360.00"))
    assert [fresh(package).months for package in packages] == [1, 1, 1]
    make.fund_account(customer.account, cash="120", now=NOW)
    pay_order(order=order, by=None, now=NOW + DAY)
    assert [fresh(package).months for package in packages] == [2, 2, 2]
    assert balance(customer.account, "cash") == 0


def test_what_is_renewed_is_named_once_and_is_the_accounts_own() -> None:
    customer, package = make.make_buyer()
    _other, foreign = make.make_buyer()
    one = RenewedPackage(package.pk)
    assert refusal_of(customer, _ask(), NOW) == "nothing_asked"
    assert refusal_of(customer, _ask(one, one), NOW) == "nothing_asked"
    assert refusal_of(customer, _ask(one, RenewedPackage(foreign.pk)), NOW) == "no_package"
    assert refusal_of(customer, _ask(RenewedPackage(10**9)), NOW) == "no_package"


@pytest.mark.parametrize(
    ("unit", "count"),
    [(TermUnit.MONTH, 0), (TermUnit.MONTH, 13), (TermUnit.YEAR, 4), (TermUnit.YEAR, 10**9)],
)
def test_renewals_have_the_same_bounds_as_purchases(unit: TermUnit, count: int) -> None:
    customer, package = make.make_buyer()
    order_request = _ask(RenewedPackage(package.pk, unit=unit, count=count))
    assert refusal_of(customer, order_request, NOW) == "bad_quantity"


# --- Money that comes late -------------------------------------------------------------------


def _unpaid_renewal(now: datetime) -> tuple[Customer, Package, Order]:
    customer = make.make_customer(cash="120")
    package = package_of(make.buy(customer.application))
    order = make.renew(package, now=now)
    assert order.status == "unpaid"
    make.fund_account(customer.account, cash="500", now=now)
    return customer, package, order


@pytest.mark.parametrize("paid_after", [timedelta(0), 23 * HOUR], ids=str)
def test_a_renewal_paid_later_still_starts_at_the_old_expiry(paid_after: timedelta) -> None:
    _customer, package, order = _unpaid_renewal(EXPIRY - HOUR)
    pay_order(order=order, by=None, now=EXPIRY - HOUR + paid_after)
    assert wall(fresh(package).expires_at) == "2026-05-10 10:00:00"
    assert fresh(package).state == "active"


def test_a_renewal_is_not_paid_once_the_package_is_released() -> None:
    customer, package, order = _unpaid_renewal(RELEASE - HOUR)
    with pytest.raises(Refused) as refused:
        pay_order(order=order, by=None, now=RELEASE)
    assert refused.value.code == "not_renewable"
    assert balance(customer.account, "cash") == Decimal("500.00")
    assert fresh(package).months == 1


@pytest.mark.parametrize("change", ["renewed", "upgraded", "license added", "extended"])
def test_a_renewal_priced_for_another_package_is_not_paid(change: str) -> None:
    customer, package, order = _unpaid_renewal(NOW + DAY)
    if change == "renewed":
        make.renew(package, now=NOW + DAY)
    elif change == "upgraded":
        make.upgrade(customer.application, now=NOW + DAY)
    elif change == "license added":
        make.add(customer.application, agents=1, now=NOW + DAY)
    else:
        extend_package(package=package, by_time=DAY, reason="Outage", by=None, now=NOW + DAY)
    before = balance(customer.account, "cash")
    with pytest.raises(Refused) as refused:
        pay_order(order=order, by=None, now=NOW + DAY)
    assert refused.value.code == "package_changed"
    assert balance(customer.account, "cash") == before


# --- Restricted accounts ---------------------------------------------------------------------


def _lift(account: Account, case: str, now: datetime) -> None:
    lift_restriction(account=account, case_number=case, reason="Over", by=None, now=now)
    account.refresh_from_db()


def _state(package: Package, now: datetime) -> str:
    found = fresh(package)
    return derive_package_state(found, now).value


def test_a_suspended_account_renews_nothing_and_has_seven_days_afterwards() -> None:
    customer, package = make.make_buyer()
    case = make.restrict(customer.account, now=EXPIRY - DAY).case_number
    order_request = _ask(RenewedPackage(package.pk))
    assert refusal_of(customer, order_request, EXPIRY) == "account_restricted"
    lifted = EXPIRY + 20 * DAY
    assert _state(package, lifted) == "isolated"
    _lift(customer.account, case, lifted)
    assert _state(package, lifted + 7 * DAY - SECOND) == "isolated"
    assert _state(package, lifted + 7 * DAY) == "released"
    make.renew(package, now=lifted + 7 * DAY - SECOND)
    assert wall(fresh(package).expires_at) == "2026-05-10 10:00:00"


@pytest.mark.parametrize("is_swept", [False, True], ids=["no sweep ran", "a sweep ran"])
def test_a_suspension_after_the_release_brings_nothing_back(is_swept: bool) -> None:
    customer, package = make.make_buyer()
    case = make.restrict(customer.account, now=RELEASE + DAY).case_number
    later = RELEASE + 3 * DAY
    if is_swept:
        sweep(later)
        assert fresh(package).state == "released"
    assert _state(package, later) == "released"
    _lift(customer.account, case, later)
    assert _state(package, later + HOUR) == "released"
    assert refusal_of(customer, _ask(RenewedPackage(package.pk)), later + HOUR) == "not_renewable"


def test_suspensions_one_after_the_other_hold_a_package_together() -> None:
    customer, package = make.make_buyer()
    first = make.restrict(customer.account, now=EXPIRY - DAY).case_number
    _lift(customer.account, first, EXPIRY + 5 * DAY)  # held to 12 days after the expiry
    second = make.restrict(customer.account, now=EXPIRY + 10 * DAY).case_number
    _lift(customer.account, second, EXPIRY + 11 * DAY)  # held to 18 days after it
    for now, state in ((EXPIRY + 18 * DAY - SECOND, "isolated"), (EXPIRY + 18 * DAY, "released")):
        assert _state(package, now) == state
        sweep(now)
        assert fresh(package).state == state


def test_a_renewal_that_would_be_over_already_is_refused() -> None:
    customer, package = make.make_buyer()
    case = make.restrict(customer.account, now=EXPIRY - DAY).case_number
    lifted = at("2026-05-10 10:00:00")
    _lift(customer.account, case, lifted)
    one = _ask(RenewedPackage(package.pk))
    assert refusal_of(customer, one, lifted) == "renewal_over"
    make.renew(package, count=2, now=lifted)
    assert wall(fresh(package).expires_at) == "2026-06-10 10:00:00"
    assert count_live(package, lifted) == 3


def test_effects_name_the_licenses_that_end() -> None:
    customer, package = make.make_buyer(agents=2, sip=1)
    ended = bought(package)[0]
    shown = quote(customer.account, _ask(RenewedPackage(package.pk, (ended,))), now=NOW)
    (change,) = shown.changes
    assert change.before is not None
    assert (change.before.agents, change.after.agents, change.ending) == (5, 4, (ended,))
    assert wall(change.after.expires_at) == "2026-05-10 10:00:00"
