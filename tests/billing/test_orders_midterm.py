"""Adding licenses and upgrading while a package runs; every amount was computed by hand."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from accounts.errors import Refused
from billing.enums import Edition, LicenseKind, OrderKind, TermUnit
from billing.orders.request import OrderRequest
from billing.orders.services import pay_order
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
    wall,
)
from tests.factories import DAY, HOUR, NOW, SECOND, Customer

pytestmark = pytest.mark.django_db

EXPIRY = at("2026-04-10 10:00:00")


def _more(customer: Customer, **fields: Any) -> OrderRequest:
    return OrderRequest(kind=OrderKind.ADDITIONAL, application=customer.application.pk, **fields)


# --- Additional licenses ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edition", "unit", "now", "agents", "sip", "total"),
    [
        # 31 days less a second: 31 of them, at most the month's 40 each.
        ("essential", "month", "2026-03-10 10:00:01", 2, 0, "80.00"),
        ("essential", "month", "2026-03-26 10:00:00", 2, 1, "47.50"),  # 2x20 + 7.50
        ("essential", "month", "2026-04-10 09:59:59", 1, 1, "1.83"),  # 1.33 + 0.50
        ("premium", "month", "2026-03-24 10:00:00", 5, 0, "198.35"),  # 5x39.67
        ("essential", "year", "2026-09-20 10:00:00", 1, 0, "226.67"),  # 5x40 + 26.67
        ("premium", "year", "2026-03-10 10:00:00", 1, 1, "1092.00"),  # 840 + 252
    ],
)
def test_licenses_are_added_for_the_time_that_is_left(
    edition: str, unit: str, now: str, agents: int, sip: int, total: str
) -> None:
    customer, package = make.make_buyer(edition, unit=TermUnit(unit))
    before = balance(customer.account, "cash")
    order = make.add(customer.application, agents=agents, sip=sip, now=at(now))
    assert (order.status, order.total) == ("paid", Decimal(total))
    assert before - balance(customer.account, "cash") == Decimal(total)
    assert count_live(package, at(now)) == 3 + agents
    assert count_live(package, at(now), LicenseKind.SIP) == sip
    assert fresh(package).expires_at == package.expires_at


def test_added_licenses_end_with_the_package() -> None:
    customer, package = make.make_buyer()
    make.add(customer.application, agents=2, now=NOW + 3 * DAY)
    assert count_live(package, EXPIRY - SECOND) == 5
    assert count_live(package, EXPIRY) == 0


def test_on_a_trial_agents_are_added_for_its_days_and_end_with_it() -> None:
    customer = make.make_customer(cash="1000")
    trial = make.current_package(customer.application)
    order = make.add(customer.application, agents=2, now=NOW + DAY + SECOND)
    assert order.total == Decimal("34.66")  # 13 days: 2 x 17.33
    assert order.lines.get().is_on_trial is True
    assert count_live(trial, NOW + 14 * DAY - SECOND) == 5
    assert count_live(trial, NOW + 14 * DAY) == 0


def test_a_trial_has_no_sip_licenses() -> None:
    customer = make.make_customer(cash="1000")
    assert refusal_of(customer, _more(customer, sip=1), NOW) == "sip_on_trial"
    assert refusal_of(customer, _more(customer, agents=1, sip=1), NOW) == "sip_on_trial"


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (EXPIRY, "no_live_package"),
        (EXPIRY + DAY, "no_live_package"),
        (EXPIRY + 7 * DAY, "no_live_package"),
    ],
)
def test_licenses_need_a_package_in_service(now: datetime, code: str) -> None:
    customer, _package = make.make_buyer()
    assert refusal_of(customer, _more(customer, agents=1), now) == code


def test_an_application_without_a_package_gets_no_licenses() -> None:
    customer = make.make_customer(cash="1000")
    other = make.make_application(customer.account)
    order_request = OrderRequest(kind=OrderKind.ADDITIONAL, application=other.pk, agents=1)
    assert refusal_of(customer, order_request, NOW) == "no_live_package"


def test_licenses_are_of_the_packages_own_edition() -> None:
    customer, _package = make.make_buyer("essential")
    assert refusal_of(customer, _more(customer, agents=1, edition=Edition.PREMIUM), NOW) == (
        "other_edition"
    )


@pytest.mark.parametrize(
    ("agents", "sip", "code"),
    [
        (0, 0, "nothing_asked"),
        (-1, 2, "bad_quantity"),
        (10_001, 0, "bad_quantity"),
        (9_999, 2, "bad_quantity"),
    ],
)
def test_numbers_out_of_bounds_are_refused(agents: int, sip: int, code: str) -> None:
    customer, _package = make.make_buyer()
    assert refusal_of(customer, _more(customer, agents=agents, sip=sip), NOW) == code


def test_an_extension_by_staff_makes_licenses_dearer() -> None:
    customer, package = make.make_buyer()
    extend_package(package=package, by_time=3 * DAY, reason="Outage", by=None, now=NOW)
    order = make.add(customer.application, agents=1, now=NOW)
    assert order.total == Decimal("44.00")  # 1 month and 3 days: 40 + 4


def test_two_additions_that_wait_for_money_are_both_paid() -> None:
    customer = make.make_customer(cash="120")
    package = package_of(make.buy(customer.application))
    orders = [make.add(customer.application, agents=n, now=NOW + DAY) for n in (1, 2)]
    assert [order.status for order in orders] == ["unpaid", "unpaid"]
    make.fund_account(customer.account, cash="120", now=NOW + DAY)
    for order in orders:
        pay_order(order=order, by=None, now=NOW + DAY + HOUR)
    assert count_live(package, NOW + 2 * DAY) == 6
    assert balance(customer.account, "cash") == 0  # 40 + 80, priced with 30 days left


def test_an_addition_priced_for_less_time_is_not_paid_after_a_renewal() -> None:
    customer = make.make_customer(cash="120")
    package = package_of(make.buy(customer.application))
    order = make.add(customer.application, agents=1, now=NOW + 20 * DAY)
    make.fund_account(customer.account, cash="500", now=NOW)
    make.renew(package, now=NOW + 20 * DAY)
    with pytest.raises(Refused) as refused:
        pay_order(order=order, by=None, now=NOW + 20 * DAY)
    assert refused.value.code == "package_changed"
    assert balance(customer.account, "cash") == Decimal("380.00")


def test_an_addition_at_the_old_editions_price_is_not_paid_after_an_upgrade() -> None:
    customer = make.make_customer(cash="120")
    make.buy(customer.application)
    order = make.add(customer.application, agents=1, now=NOW)
    make.fund_account(customer.account, cash="500", now=NOW)
    make.upgrade(customer.application, now=NOW)
    with pytest.raises(Refused) as refused:
        pay_order(order=order, by=None, now=NOW)
    assert refused.value.code == "package_changed"


def test_an_unpaid_addition_is_over_with_its_package() -> None:
    customer = make.make_customer(cash="120")
    make.buy(customer.application)
    order = make.add(customer.application, agents=1, now=EXPIRY - HOUR)
    make.fund_account(customer.account, cash="500", now=NOW)
    with pytest.raises(Refused) as refused:
        pay_order(order=order, by=None, now=EXPIRY)
    assert refused.value.code == "no_live_package"


# --- Upgrades --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "now", "total"),
    [
        # Package, 2 agents, 1 SIP: 90 + 2x30 + 6 a month.
        ("month", "2026-03-10 10:00:00", "156.00"),
        ("month", "2026-03-26 10:00:00", "78.00"),  # half: 45 + 30 + 3
        ("month", "2026-04-10 09:59:59", "5.20"),  # 3 + 2x1 + 0.20
        ("year", "2026-09-20 10:00:00", "884.00"),  # 510 + 2x170 + 34
    ],
)
def test_an_upgrade_lifts_everything_for_the_time_left(unit: str, now: str, total: str) -> None:
    customer, package = make.make_buyer(unit=TermUnit(unit), agents=2, sip=1)
    licenses = set(package.licenses.values_list("pk", flat=True))
    order = make.upgrade(customer.application, now=at(now))
    assert (order.status, order.total) == ("paid", Decimal(total))
    after = fresh(package)
    assert (after.edition, after.expires_at) == ("premium", package.expires_at)
    assert after.purchased_at == NOW
    assert set(after.licenses.values_list("pk", flat=True)) == licenses


def test_after_an_upgrade_licenses_cost_the_new_editions_price() -> None:
    customer, _package = make.make_buyer()
    make.upgrade(customer.application, now=NOW)
    assert make.add(customer.application, agents=1, sip=1, now=NOW).total == Decimal("91.00")


def test_licenses_that_a_renewal_left_out_cost_less_to_upgrade() -> None:
    customer, package = make.make_buyer(agents=3, sip=1)
    left_out = bought(package)[0]
    make.renew(package, ending=(left_out,), now=NOW + DAY)
    order = make.upgrade(customer.application, now=at("2026-03-26 10:00:00"))
    lines = [(line.item, line.quantity, line.amount) for line in order.lines.all()]
    # To 10 May, a month and 15 days: 135; 2 agents 45 each; SIP 9. To 10 April, 15 days: 15.
    assert sorted(lines) == sorted(
        [
            ("package", 1, Decimal("135.00")),
            ("agent", 2, Decimal("90.00")),
            ("agent", 1, Decimal("15.00")),
            ("sip", 1, Decimal("9.00")),
        ]
    )
    assert order.total == Decimal("249.00")


def test_licenses_left_out_by_two_renewals_each_cost_their_own_time() -> None:
    customer, package = make.make_buyer(agents=3)
    first, second, _kept = bought(package)
    make.renew(package, ending=(first,), now=NOW + DAY)  # ends 10 April
    make.renew(package, ending=(second,), now=NOW + DAY)  # ends 10 May
    order = make.upgrade(customer.application, now=at("2026-04-09 10:00:00"))
    amounts = sorted(line.amount for line in order.lines.all())
    # 1 day: 1. 1 month, 1 day: 31. 2 months, 1 day: 61 and, of the package, 183.
    assert amounts == [Decimal("1.00"), Decimal("31.00"), Decimal("61.00"), Decimal("183.00")]


def test_a_license_left_out_moves_with_an_extension_when_it_is_upgraded() -> None:
    customer, package = make.make_buyer(agents=1)
    make.renew(package, ending=tuple(bought(package)), now=NOW + DAY)
    extend_package(package=package, by_time=5 * DAY, reason="Outage", by=None, now=NOW + DAY)
    order = make.upgrade(customer.application, now=at("2026-04-10 10:00:00"))
    amounts = sorted(line.amount for line in order.lines.all())
    # The license to 15 April, 5 days: 5. The package to 15 May, a month and 5 days: 105.
    assert amounts == [Decimal("5.00"), Decimal("105.00")]


def test_a_license_that_has_ended_is_not_upgraded() -> None:
    customer, package = make.make_buyer(agents=1)
    make.renew(package, ending=tuple(bought(package)), now=NOW + DAY)
    order = make.upgrade(customer.application, now=EXPIRY)
    assert [line.item for line in order.lines.all()] == ["package"]
    assert order.total == Decimal("90.00")


@pytest.mark.parametrize(
    ("edition", "wanted", "code"),
    [
        ("premium", Edition.PREMIUM, "not_an_upgrade"),
        ("premium", Edition.ESSENTIAL, "not_an_upgrade"),
        ("essential", Edition.ESSENTIAL, "not_an_upgrade"),
        ("essential", None, "not_an_upgrade"),
    ],
)
def test_only_essential_becomes_premium(edition: str, wanted: Edition | None, code: str) -> None:
    customer, _package = make.make_buyer(edition)
    order_request = OrderRequest(
        kind=OrderKind.UPGRADE, application=customer.application.pk, edition=wanted
    )
    assert refusal_of(customer, order_request, NOW) == code


def test_a_trial_and_an_expired_package_are_not_upgraded() -> None:
    customer = make.make_customer(cash="1000")
    order_request = OrderRequest(
        kind=OrderKind.UPGRADE, application=customer.application.pk, edition=Edition.PREMIUM
    )
    assert refusal_of(customer, order_request, NOW) == "upgrade_of_trial"
    make.buy(customer.application)
    assert refusal_of(customer, order_request, EXPIRY) == "no_live_package"


def test_an_unpaid_upgrade_is_not_paid_after_licenses_were_added() -> None:
    customer = make.make_customer(cash="120")
    make.buy(customer.application)
    order = make.upgrade(customer.application, now=NOW)
    make.fund_account(customer.account, cash="500", now=NOW)
    make.add(customer.application, agents=1, now=NOW)
    with pytest.raises(Refused) as refused:
        pay_order(order=order, by=None, now=NOW)
    assert refused.value.code == "package_changed"


def test_effects_say_what_a_package_is_before_and_after() -> None:
    customer, _package = make.make_buyer(agents=1)
    (added,) = quote(customer.account, _more(customer, agents=2, sip=1), now=NOW).changes
    assert added.before is not None
    assert added.after == replace(added.before, agents=6, sip=1)
    order_request = OrderRequest(
        kind=OrderKind.UPGRADE, application=customer.application.pk, edition=Edition.PREMIUM
    )
    (lifted,) = quote(customer.account, order_request, now=NOW).changes
    assert lifted.before is not None
    assert lifted.after == replace(lifted.before, edition="premium")
    assert wall(lifted.after.expires_at) == "2026-04-10 10:00:00"
