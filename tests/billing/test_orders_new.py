"""Buying a package: on nothing, on a trial, on what is over, and paying it later."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.enums import Measure
from accounts.errors import Refused
from accounts.models import AuditEvent
from billing.enums import Edition, LicenseKind, OrderKind, TermUnit
from billing.models import License, Order, Package, Payment
from billing.orders.request import OrderRequest
from billing.orders.services import cancel_order, missing_amount, pay_order
from tests import factories as make
from tests.billing.acts import (
    at,
    balance,
    bought,
    count_live,
    fresh,
    ledger_sum,
    new_request,
    package_of,
    quote,
    refusal_of,
    wall,
)
from tests.factories import DAY, HOUR, NOW, SECOND, Customer

pytestmark = pytest.mark.django_db

TRIAL_END = NOW + 14 * DAY


# --- Prices, through the whole way -----------------------------------------------------------


@pytest.mark.parametrize(
    ("edition", "unit", "count", "agents", "sip", "total", "expiry"),
    [
        ("essential", "month", 1, 0, 0, "120.00", "2026-04-10"),  # 120
        ("essential", "month", 3, 4, 2, "930.00", "2026-06-10"),  # 3x(120+160+30)
        ("essential", "year", 1, 1, 0, "1920.00", "2027-03-10"),  # 1440+480
        ("premium", "month", 1, 2, 1, "371.00", "2026-04-10"),  # 210+140+21
        ("premium", "month", 12, 1, 1, "3612.00", "2027-03-10"),  # 12x301
        ("premium", "year", 3, 1, 0, "10080.00", "2029-03-10"),  # 3x(2520+840)
    ],
)
def test_a_package_is_paid_and_delivered_in_one_go(
    edition: str, unit: str, count: int, agents: int, sip: int, total: str, expiry: str
) -> None:
    customer = make.make_customer(cash="20000")
    order = make.buy(
        customer.application,
        Edition(edition),
        unit=TermUnit(unit),
        count=count,
        agents=agents,
        sip=sip,
    )
    assert (order.status, order.total, order.price_book.version) == ("paid", Decimal(total), 1)
    assert balance(customer.account, "cash") == Decimal("20000") - Decimal(total)
    package = package_of(order)
    assert (package.state, package.kind, package.edition) == ("active", "paid", edition)
    assert wall(package.expires_at) == f"{expiry} 10:00:00"
    assert package.purchased_at == order.paid_at == NOW
    assert count_live(package, NOW) == 3 + agents
    assert count_live(package, NOW, LicenseKind.SIP) == sip
    assert ledger_sum() == 0


def test_funds_pay_in_order_and_payments_say_which() -> None:
    customer = make.make_customer(gift="100", income="50", cash="500")
    order = make.buy(customer.application, Edition.PREMIUM, agents=2, sip=1)
    paid = {payment.kind: str(payment.amount) for payment in order.payments.all()}
    assert paid == {"gift": "100.00", "income": "50.00", "cash": "221.00"}
    assert make.balances(customer.account) == {"gift": "0.00", "income": "0.00", "cash": "279.00"}


@pytest.mark.parametrize(
    ("without", "paid"),
    [
        (("gift",), {"income": "50.00", "cash": "70.00"}),
        (("income",), {"gift": "100.00", "cash": "20.00"}),
        (("gift", "income"), {"cash": "120.00"}),
    ],
    ids=str,
)
def test_gift_and_income_can_be_kept_back(without: tuple[str, ...], paid: dict[str, str]) -> None:
    customer = make.make_customer(gift="100", income="50", cash="500")
    order = make.buy(customer.application, without=without)
    found = {payment.kind: str(payment.amount) for payment in order.payments.all()}
    assert found == paid


# --- On a trial ------------------------------------------------------------------------------


def test_a_trial_becomes_the_package_and_its_licenses_go_over() -> None:
    customer = make.make_customer(cash="1000")
    make.add(customer.application, agents=2, now=NOW)  # 2 x 18.67
    trial = make.current_package(customer.application)
    before = set(trial.licenses.values_list("pk", flat=True))
    when = NOW + 3 * DAY
    order = make.buy(customer.application, Edition.PREMIUM, agents=4, sip=1, now=when)
    # 210 + 4 x 70 + 21: money spent on the trial is not counted in.
    assert order.total == Decimal("511.00")
    package = package_of(order)
    assert package.pk == trial.pk
    assert (package.kind, package.state, package.edition) == ("paid", "active", "premium")
    assert package.anchor_at == package.purchased_at == when
    assert wall(package.expires_at) == "2026-04-13 10:00:00"
    licenses = package.licenses.all()
    assert before <= {license.pk for license in licenses}
    assert sorted((license.kind, license.source) for license in licenses) == sorted(
        [("agent", "included")] * 3 + [("agent", "bought")] * 4 + [("sip", "bought")]
    )
    # The licenses that were bought on the trial are now the order's.
    line = order.lines.get(item="agent")
    assert set(licenses.filter(source="bought", kind="agent").values_list("order_line")) == {
        (line.pk,)
    }


def test_the_included_licenses_that_a_trial_has_stay_the_packages_included_ones() -> None:
    customer = make.make_customer(cash="1000")
    trial = make.current_package(customer.application)
    before = set(trial.licenses.values_list("pk", flat=True))
    package = package_of(make.buy(customer.application))
    assert set(package.licenses.values_list("pk", flat=True)) == before


def test_bought_trial_licenses_need_a_place_or_are_chosen_to_end() -> None:
    customer = make.make_customer(cash="1000")
    make.add(customer.application, agents=3)
    trial = make.current_package(customer.application)
    assert refusal_of(customer, new_request(customer, agents=2)) == "trial_licenses_left_over"
    ending = bought(trial)[1]
    order = make.buy(customer.application, agents=2, ending=(ending,))
    assert order.status == "paid"
    assert License.objects.get(pk=ending).ends_at == NOW
    assert count_live(trial, NOW) == 5


def test_all_bought_trial_licenses_can_end() -> None:
    customer = make.make_customer(cash="1000")
    make.add(customer.application, agents=2)
    trial = make.current_package(customer.application)
    order = make.buy(customer.application, ending=tuple(bought(trial)))
    assert order.total == Decimal("120.00")
    assert count_live(trial, NOW) == 3


def test_only_licenses_bought_on_the_trial_can_be_left_out() -> None:
    customer, other = make.make_customer(cash="1000"), make.make_customer(cash="1000")
    make.add(other.application, agents=1)
    (foreign,) = bought(make.current_package(other.application))
    included = make.licenses_of(make.current_package(customer.application))[0].pk
    for ending in ((foreign,), (included,), (10**9,), (-1,)):
        assert refusal_of(customer, new_request(customer, ending=ending)) == "bad_ending"
    make.add(customer.application, agents=1)
    (own,) = bought(make.current_package(customer.application))
    assert refusal_of(customer, new_request(customer, ending=(own, own))) == "bad_ending"


@pytest.mark.parametrize("is_swept", [False, True], ids=["no sweep ran", "a sweep ran"])
def test_after_a_trials_end_a_purchase_starts_afresh(is_swept: bool) -> None:
    customer = make.make_customer(cash="1000")
    make.add(customer.application, agents=5)
    trial = make.current_package(customer.application)
    if is_swept:
        Package.objects.filter(pk=trial.pk).update(state="released")
    order = make.buy(customer.application, now=TRIAL_END)
    package = package_of(order)
    # The five licenses that were bought on the trial ended with it.
    assert package.pk != trial.pk
    assert count_live(package, TRIAL_END) == 3
    assert fresh(trial).state == "released"
    assert count_live(trial, TRIAL_END) == 0


def test_one_second_before_its_end_a_trial_is_still_taken_over() -> None:
    customer = make.make_customer(cash="1000")
    trial = make.current_package(customer.application)
    order = make.buy(customer.application, now=TRIAL_END - SECOND)
    assert package_of(order).pk == trial.pk


# --- Where a package is, or was --------------------------------------------------------------


@pytest.mark.parametrize(
    "when", [NOW + DAY, NOW + 31 * DAY, NOW + 38 * DAY - SECOND], ids=["live", "isolated", "still"]
)
def test_an_application_has_one_package_at_a_time(when: datetime) -> None:
    customer = make.make_customer(cash="1000")
    make.buy(customer.application)
    assert refusal_of(customer, new_request(customer), when) == "has_package"


@pytest.mark.parametrize("is_swept", [False, True], ids=["no sweep ran", "a sweep ran"])
def test_a_released_package_gives_its_place_up(is_swept: bool) -> None:
    customer = make.make_customer(cash="1000")
    old = package_of(make.buy(customer.application, agents=2))
    when = NOW + 38 * DAY  # 10 April + 7 days
    if is_swept:
        Package.objects.filter(pk=old.pk).update(state="released")
    new = package_of(make.buy(customer.application, Edition.PREMIUM, now=when))
    assert new.pk != old.pk
    assert (new.anchor_at, count_live(new, when)) == (when, 3)
    assert fresh(old).state == "released"
    # What was noticed late is told as the two steps that it was.
    events = AuditEvent.objects.filter(target_type="billing.package", target_id=old.pk, at=when)
    moves = [(event.from_state, event.to_state) for event in events.order_by("pk")]
    assert moves == ([] if is_swept else [("active", "isolated"), ("isolated", "released")])


def test_another_accounts_application_is_not_found() -> None:
    customer, other = make.make_customer(cash="1000"), make.make_customer()
    order_request = OrderRequest(
        kind=OrderKind.NEW, application=other.application.pk, edition=Edition.ESSENTIAL
    )
    assert refusal_of(customer, order_request) == "no_application"


@pytest.mark.parametrize("measure", list(Measure))
def test_a_restricted_account_buys_nothing(measure: Measure) -> None:
    customer = make.make_customer(cash="1000")
    make.restrict(customer.account, measure)
    assert refusal_of(customer, new_request(customer)) == "account_restricted"
    assert balance(customer.account, "cash") == 1000


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"edition": None}, "no_edition"),
        ({"count": 0}, "bad_quantity"),
        ({"count": 13}, "bad_quantity"),
        ({"count": 10**9}, "bad_quantity"),
        ({"unit": TermUnit.YEAR, "count": 4}, "bad_quantity"),
        ({"agents": -1}, "bad_quantity"),
        ({"sip": -1}, "bad_quantity"),
        ({"agents": 10_001}, "bad_quantity"),
        ({"agents": 5_000, "sip": 5_001}, "bad_quantity"),
        ({"payer": "000000000000"}, "no_payer"),
        ({"payer": "٣٣٣٣٣٣٣٣٣٣٣٣"}, "no_payer"),
        ({"promotion": 10**9}, "no_promotion"),
        ({"coupon": 10**9}, "no_coupon"),
    ],
    ids=str,
)
def test_asks_out_of_bounds_are_refused_with_a_reason(fields: dict[str, Any], code: str) -> None:
    customer = make.make_customer(cash="1000000")
    order_request = OrderRequest(
        **{
            "kind": OrderKind.NEW,
            "application": customer.application.pk,
            "edition": Edition.ESSENTIAL,
            **fields,
        }
    )
    assert refusal_of(customer, order_request) == code
    assert Order.objects.count() == 0


# --- Paid later, or never --------------------------------------------------------------------


def _unpaid(**fields: Any) -> tuple[Customer, Order]:
    customer = make.make_customer(cash="100")
    order = make.buy(customer.application, **fields)
    assert (order.status, order.total) == ("unpaid", Decimal("120.00"))
    return customer, order


def test_a_short_balance_leaves_an_unpaid_order_and_says_what_is_missing() -> None:
    customer, order = _unpaid()
    assert missing_amount(order).missing == Decimal("20.00")
    assert balance(customer.account, "cash") == Decimal("100.00")
    assert Payment.objects.count() == 0
    with pytest.raises(Refused, match=r"USD.20\.00 short") as refused:
        pay_order(order=order, by=customer.owner, now=NOW)
    assert refused.value.code == "short"
    assert make.current_package(customer.application).kind == "trial"


def test_an_unpaid_order_is_paid_later_and_the_package_starts_then() -> None:
    customer, order = _unpaid()
    make.fund_account(customer.account, cash="20", now=NOW + HOUR)
    when = NOW + 24 * HOUR - SECOND
    paid = pay_order(order=order, by=customer.owner, now=when)
    package = package_of(paid)
    assert (paid.status, paid.paid_at) == ("paid", when)
    assert package.anchor_at == package.purchased_at == when
    assert wall(package.expires_at) == "2026-04-11 09:59:59"
    assert balance(customer.account, "cash") == 0


def test_gift_can_be_kept_back_when_paying_later() -> None:
    customer, order = _unpaid()
    make.fund_account(customer.account, gift="200", now=NOW)
    with pytest.raises(Refused):
        pay_order(order=order, by=None, now=NOW, without=("gift",))
    pay_order(order=order, by=None, now=NOW, without=())
    assert make.balances(customer.account) == {"cash": "100.00", "gift": "80.00"}


@pytest.mark.parametrize("late_by", [timedelta(0), SECOND, 30 * DAY], ids=str)
def test_after_24_hours_an_order_is_over_even_where_no_sweep_ran(late_by: timedelta) -> None:
    customer, order = _unpaid()
    make.fund_account(customer.account, cash="500", now=NOW)
    late = NOW + 24 * HOUR + late_by
    with pytest.raises(Refused) as refused:
        pay_order(order=order, by=None, now=late)
    assert refused.value.code == "not_payable"
    with pytest.raises(Refused) as refused:
        cancel_order(order=order, by=None, now=late)
    assert refused.value.code == "not_open"
    assert balance(customer.account, "cash") == Decimal("600.00")


def test_a_cancelled_order_cannot_be_paid_and_is_cancelled_once() -> None:
    customer, order = _unpaid()
    make.fund_account(customer.account, cash="500", now=NOW)
    assert cancel_order(order=order, by=customer.owner, now=NOW).status == "closed"
    with pytest.raises(Refused) as refused:
        pay_order(order=order, by=None, now=NOW)
    assert refused.value.code == "not_payable"
    with pytest.raises(Refused) as refused:
        cancel_order(order=order, by=None, now=NOW)
    assert refused.value.code == "not_open"


def test_a_paid_order_is_neither_paid_again_nor_cancelled() -> None:
    customer = make.make_customer(cash="1000")
    order = make.buy(customer.application)
    for act in (pay_order, cancel_order):
        with pytest.raises(Refused):
            act(order=order, by=None, now=NOW)
    assert balance(customer.account, "cash") == Decimal("880.00")


def test_eligibility_is_looked_at_again_when_paying() -> None:
    customer, order = _unpaid()
    make.fund_account(customer.account, cash="500", now=NOW)
    make.buy(customer.application, Edition.PREMIUM)
    with pytest.raises(Refused) as refused:
        pay_order(order=order, by=None, now=NOW + HOUR)
    assert refused.value.code == "has_package"


def test_a_restricted_account_does_not_pay_what_it_ordered() -> None:
    customer, order = _unpaid()
    make.fund_account(customer.account, cash="500", now=NOW)
    make.restrict(customer.account)
    with pytest.raises(Refused) as refused:
        pay_order(order=order, by=None, now=NOW)
    assert refused.value.code == "account_restricted"


def test_a_purchase_ordered_on_a_trial_that_ended_meanwhile_starts_afresh() -> None:
    customer = make.make_customer(cash="100")
    make.add(customer.application, agents=1)  # 18.67
    trial = make.current_package(customer.application)
    order = make.buy(customer.application, agents=1, now=TRIAL_END - HOUR)
    assert order.status == "unpaid"
    make.fund_account(customer.account, cash="500", now=TRIAL_END)
    paid = pay_order(order=order, by=None, now=TRIAL_END + HOUR)
    package = package_of(paid)
    assert package.pk != trial.pk
    assert count_live(package, TRIAL_END + HOUR) == 4
    assert fresh(trial).state == "released"


def test_a_purchase_ordered_before_more_was_bought_on_the_trial_waits_for_a_choice() -> None:
    customer, order = _unpaid()
    make.fund_account(customer.account, cash="500", now=NOW)
    make.add(customer.application, agents=1, now=NOW)
    with pytest.raises(Refused) as refused:
        pay_order(order=order, by=None, now=NOW)
    assert refused.value.code == "trial_licenses_left_over"


def test_every_step_of_an_order_is_told_once() -> None:
    customer, order = _unpaid()
    make.fund_account(customer.account, cash="500", now=NOW)
    pay_order(order=order, by=customer.owner, now=NOW)
    events = AuditEvent.objects.filter(target_type="billing.order", target_id=order.pk)
    assert [(e.verb, e.from_state, e.to_state) for e in events.order_by("pk")] == [
        ("order.placed", "", "unpaid"),
        ("order.paid", "unpaid", "paid"),
    ]


def test_an_order_keeps_its_formula_and_its_price_book() -> None:
    customer = make.make_customer(cash="1000")
    shown = quote(customer.account, new_request(customer, agents=2, count=2), now=NOW)
    assert shown.total == Decimal("400.00")  # 2 x (120 + 80)
    order = make.buy(customer.application, agents=2, count=2)
    assert [line.formula for line in order.lines.all()] == [
        {"kind": "list", "quantity": 1, "count": 2, "unit": "month", "price": "120.00"},
        {"kind": "list", "quantity": 2, "count": 2, "unit": "month", "price": "40.00"},
    ]
    assert at("2026-05-10 10:00:00") == package_of(order).expires_at
