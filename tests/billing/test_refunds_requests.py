"""Requests that staff decide: what they lock, hold and give back."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from accounts.errors import Refused
from accounts.models import AuditEvent, User
from accounts.services.restrictions import lift_restriction
from billing.enums import Edition, OrderKind, RenewalMode
from billing.models import Order, Package, Refund
from billing.orders.request import OrderRequest, RenewedPackage
from billing.orders.services import pay_order
from billing.packages.lifecycle import derive_package_state
from billing.packages.services import mark_switched_from_postpaid
from billing.refunds.decisions import approve_refund, reject_refund, withdraw_refund
from billing.refunds.holds import place_refund_hold, release_refund_hold
from billing.refunds.quotes import RefundRefused, quote_refund
from billing.refunds.services import refund_package
from billing.refunds.trace import RefundRule
from billing.renewals.auto_renewal import due_renewals
from billing.renewals.sweep import run_sweep
from compliance.enums import CaseState
from tests import factories as make
from tests.billing.acts import at, balance, count_live, fresh, ledger_sum, package_of, refund
from tests.factories import DAY, HOUR, NOW, SECOND, Customer

pytestmark = pytest.mark.django_db

EXPIRY = at("2026-04-10 10:00:00")


def _staff() -> User:
    return make.make_user(is_staff=True)


def _hold(customer: Customer) -> None:
    place_refund_hold(account=customer.account, reason="Look at it", by=_staff(), now=NOW)


def _asked(
    *, now: datetime = NOW, customer: Customer | None = None, **fields: Any
) -> tuple[Customer, Package, Refund]:
    """A customer under a refund hold who asked for a refund of a package at `now`."""
    customer = customer or make.make_customer(gift="20", cash="10000")
    package = package_of(make.buy(customer.application, **fields))
    _hold(customer)
    asked = refund(package, now=now, by=customer.owner)
    assert asked.status == "pending"
    return customer, package, asked


def _code(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.code


# --- While it waits --------------------------------------------------------------------------


def test_a_request_under_review_moves_no_money_and_service_goes_on() -> None:
    customer, package, asked = _asked()
    assert make.balances(customer.account) == {"gift": "0.00", "cash": "9900.00"}
    assert (asked.amount, asked.decided_at) == (Decimal("120.00"), None)
    assert asked.lines.count() == 0
    assert (fresh(package).state, count_live(package, NOW + DAY)) == ("active", 3)
    assert [order.status for order in Order.objects.all()] == ["refunding"]


def _asks(customer: Customer, package: Package) -> dict[str, OrderRequest]:
    application = customer.application.pk
    return {
        "new": OrderRequest(kind=OrderKind.NEW, application=application, edition=Edition.PREMIUM),
        "addition": OrderRequest(kind=OrderKind.ADDITIONAL, application=application, agents=1),
        "upgrade": OrderRequest(
            kind=OrderKind.UPGRADE, application=application, edition=Edition.PREMIUM
        ),
        "renewal": OrderRequest(kind=OrderKind.RENEWAL, renewed=(RenewedPackage(package.pk),)),
    }


@pytest.mark.parametrize("kind", ["new", "addition", "upgrade", "renewal"])
def test_the_package_takes_no_other_order_meanwhile(kind: str) -> None:
    customer, package, asked = _asked()
    order_request = _asks(customer, package)[kind]
    assert _code(lambda: make.place(customer.account, order_request, now=NOW)) == "refund_pending"
    withdraw_refund(refund=asked, by=customer.owner, now=NOW)
    if kind == "new":
        assert _code(lambda: make.place(customer.account, order_request, now=NOW)) == "has_package"
    else:
        assert make.place(customer.account, order_request, now=NOW).status == "paid"


def test_a_renewal_of_several_waits_for_the_one_under_review() -> None:
    customer, package, _asked_for = _asked()
    other = package_of(make.buy(make.make_application(customer.account)))
    assert _code(lambda: make.renew(other, package, now=NOW)) == "refund_pending"
    assert make.renew(other, now=NOW).status == "paid"


def test_it_does_not_renew_itself_meanwhile() -> None:
    customer, package, asked = _asked()
    # Chosen before the request, which locks the package.
    Package.objects.filter(pk=package.pk).update(renewal_mode=RenewalMode.AUTOMATIC)
    assert list(due_renewals(EXPIRY - HOUR)) == []
    withdraw_refund(refund=asked, by=customer.owner, now=NOW)
    assert list(due_renewals(EXPIRY - HOUR)) == [package]


def test_expiry_does_not_defeat_a_request_made_in_time() -> None:
    customer, package, asked = _asked()
    late = EXPIRY + 30 * DAY
    run_sweep(now=late, finished_at=lambda: late, batch_size=10, progress=lambda *_step: None)
    assert fresh(package).state == "isolated"
    assert derive_package_state(fresh(package), late).value == "isolated"
    approve_refund(refund=asked, reason="In time", by=_staff(), now=late)
    assert fresh(package).state == "refunded"
    assert make.balances(customer.account) == {"gift": "20.00", "cash": "10000.00"}


def test_an_order_placed_before_the_request_would_have_stood_against_it() -> None:
    customer = make.make_customer(cash="120")
    package = package_of(make.buy(customer.application))
    make.add(customer.application, agents=1)
    _hold(customer)
    with pytest.raises(RefundRefused) as refused:
        refund(package, now=NOW)
    assert [result.rule for result in refused.value.quote.trace.failed()] == ["nothing_in_flight"]


def test_an_order_left_unpaid_is_not_paid_into_a_package_under_review() -> None:
    customer = make.make_customer(cash="120")
    package = package_of(make.buy(customer.application))
    order = make.add(customer.application, agents=1, now=NOW)
    Order.objects.filter(pk=order.pk).update(status="expired")
    _hold(customer)
    refund(package, now=NOW)
    Order.objects.filter(pk=order.pk).update(status="unpaid")
    make.fund_account(customer.account, cash="500")
    assert _code(lambda: pay_order(order=order, by=None, now=NOW)) == "refund_pending"


def test_a_pending_request_holds_the_entitys_one_right() -> None:
    entity = make.make_entity()
    first = make.make_customer(entity=entity, cash="1000")
    second = make.make_customer(entity=entity, cash="1000")
    other = package_of(make.buy(second.application))
    _customer, _package, asked = _asked(customer=first)
    with pytest.raises(RefundRefused) as refused:
        refund(other, now=NOW)
    result = refused.value.quote.trace.of(RefundRule.ONE_PER_ENTITY)
    assert (result.code, result.numbers) == ("held", {"own": []})
    reject_refund(refund=asked, reason="No", by=_staff(), now=NOW)
    assert refund(other, now=NOW).status == "done"


def test_the_same_package_is_asked_for_once_at_a_time() -> None:
    _customer, package, _asked_for = _asked()
    with pytest.raises(RefundRefused) as refused:
        refund(package, now=NOW)
    failed = [result.rule.value for result in refused.value.quote.trace.failed()]
    assert failed == ["one_per_entity", "nothing_in_flight"]


# --- Approving -------------------------------------------------------------------------------


def test_approving_gives_everything_back() -> None:
    customer, package, asked = _asked(agents=1)
    staff = _staff()
    done = approve_refund(refund=asked, reason="All is well", by=staff, now=NOW + DAY)
    assert (done.status, done.decided_by, done.reason) == ("done", staff, "All is well")
    assert fresh(package).state == "refunded"
    assert [order.status for order in Order.objects.all()] == ["refunded"]
    assert make.balances(customer.account) == {"gift": "20.00", "cash": "10000.00"}
    assert ledger_sum() == 0


def test_the_window_is_measured_when_the_customer_asks() -> None:
    last_second = at("2026-03-15 23:59:59")
    customer, _package, asked = _asked(now=last_second)
    approve_refund(refund=asked, reason="", by=_staff(), now=last_second + 100 * DAY)
    assert balance(customer.account, "cash") == Decimal("10000.00")


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        pytest.param(lambda c, p: make.restrict(c.account), "guidelines", id="suspended meanwhile"),
        pytest.param(
            lambda c, p: make.make_case(c, CaseState.VERIFIED, now=NOW),
            "guidelines",
            id="a violation meanwhile",
        ),
        pytest.param(
            lambda c, p: mark_switched_from_postpaid(
                package=p, is_switched=True, reason="Contract", by=None, now=NOW
            ),
            "prepaid",
            id="found to be switched from postpaid",
        ),
    ],
)
def test_every_other_hard_rule_is_asked_again(
    spoil: Callable[[Customer, Package], object], rule: str
) -> None:
    customer, package, asked = _asked()
    spoil(customer, fresh(package))
    with pytest.raises(RefundRefused) as refused:
        approve_refund(refund=asked, reason="", by=_staff(), now=NOW + DAY)
    assert [result.rule for result in refused.value.quote.trace.failed()] == [rule]
    assert Refund.objects.get(pk=asked.pk).status == "pending"
    assert balance(customer.account, "cash") == Decimal("9900.00")


def test_what_asks_for_review_alone_does_not_stop_an_approval() -> None:
    customer, _package, asked = _asked()
    make.make_case(
        customer,
        CaseState.INVESTIGATING,
        now=NOW,
    )
    assert approve_refund(refund=asked, reason="", by=_staff(), now=NOW).status == "done"


def test_an_overturned_measure_lets_an_approval_through_again() -> None:
    customer, _package, asked = _asked()
    case = make.restrict(customer.account).case_number
    with pytest.raises(RefundRefused):
        approve_refund(refund=asked, reason="", by=_staff(), now=NOW + DAY)
    lift_restriction(
        account=customer.account,
        case_number=case,
        reason="Wrong",
        by=None,
        now=NOW + DAY,
        is_annulled=True,
    )
    assert approve_refund(refund=asked, reason="", by=_staff(), now=NOW + DAY).status == "done"


@pytest.mark.parametrize("decide", [approve_refund, reject_refund])
def test_nobody_decides_on_what_they_asked_for_themselves(decide: Any) -> None:
    customer, _package, asked = _asked()
    customer.owner.is_staff = True
    customer.owner.save()
    assert _code(lambda: decide(refund=asked, reason="", by=customer.owner, now=NOW)) == (
        "same_person"
    )
    asked.refresh_from_db()
    assert asked.status == "pending"


# --- Turning down and taking back ------------------------------------------------------------


@pytest.mark.parametrize("way", ["rejected", "withdrawn"])
def test_a_request_that_ends_gives_everything_back_but_money(way: str) -> None:
    customer, package, asked = _asked()
    if way == "rejected":
        ended = reject_refund(refund=asked, reason="Not now", by=_staff(), now=NOW + HOUR)
    else:
        ended = withdraw_refund(refund=asked, by=customer.owner, now=NOW + HOUR)
    assert (ended.status, ended.decided_at) == (way, NOW + HOUR)
    assert [order.status for order in Order.objects.all()] == ["paid"]
    assert (fresh(package).state, count_live(package, NOW + HOUR)) == ("active", 3)
    assert balance(customer.account, "cash") == Decimal("9900.00")
    # The right is there again, and so is the way to ask.
    assert refund(package, now=NOW + 2 * HOUR).status == "pending"


@pytest.mark.parametrize("first", ["approve", "reject", "withdraw"])
@pytest.mark.parametrize("second", ["approve", "reject", "withdraw"])
def test_a_request_is_decided_once(first: str, second: str) -> None:
    customer, _package, asked = _asked()
    acts: dict[str, Callable[[], object]] = {
        "approve": lambda: approve_refund(refund=asked, reason="", by=_staff(), now=NOW),
        "reject": lambda: reject_refund(refund=asked, reason="", by=_staff(), now=NOW),
        "withdraw": lambda: withdraw_refund(refund=asked, by=customer.owner, now=NOW),
    }
    acts[first]()
    before = make.balances(customer.account)
    assert _code(acts[second]) == "refund_decided"
    assert make.balances(customer.account) == before


def test_a_third_request_within_thirty_days_needs_a_check_even_without_a_hold() -> None:
    customer, package, asked = _asked()
    hold = customer.account.refund_holds.get()
    reject_refund(refund=asked, reason="No", by=_staff(), now=NOW)
    release_refund_hold(hold=hold, reason="Done", by=_staff(), now=NOW)
    assert quote_refund(package=package, now=NOW).trace.outcome == "pass"
    _hold(customer)
    again = refund(package, now=NOW + SECOND)
    withdraw_refund(refund=again, by=customer.owner, now=NOW + SECOND)
    release_refund_hold(
        hold=customer.account.refund_holds.get(released_at=None), reason="", by=_staff(), now=NOW
    )
    third = quote_refund(package=package, now=NOW + HOUR)
    assert third.trace.outcome == "review"
    assert third.trace.of(RefundRule.NOT_ABNORMAL).staff_numbers == {
        "recent_asks": 2,
        "has_hold": False,
    }


def test_the_old_confirmation_gives_the_old_request_and_no_new_one() -> None:
    customer = make.make_customer(cash="1000")
    package = package_of(make.buy(customer.application))
    _hold(customer)
    token = quote_refund(package=package, now=NOW).token
    asked = refund_package(package=package, token=token, by=customer.owner, now=NOW)
    withdraw_refund(refund=asked, by=customer.owner, now=NOW)
    again = refund_package(package=package, token=token, by=customer.owner, now=NOW)
    assert (again.pk, again.status) == (asked.pk, "withdrawn")


def test_every_step_of_a_request_is_told_once() -> None:
    _customer, _package, asked = _asked()
    reject_refund(refund=asked, reason="Not now", by=_staff(), now=NOW)
    events = AuditEvent.objects.filter(verb__in=["refund.requested", "refund.rejected"])
    assert [(e.verb, e.from_state, e.to_state, e.reason) for e in events.order_by("pk")] == [
        ("refund.requested", "", "pending", ""),
        ("refund.rejected", "pending", "rejected", "Not now"),
    ]
    moved = AuditEvent.objects.filter(target_type="billing.order").exclude(verb="order.placed")
    # It was paid once: the end of the review has a verb of its own.
    assert [(event.verb, event.from_state, event.to_state) for event in moved.order_by("pk")] == [
        ("order.paid", "unpaid", "paid"),
        ("order.refunding", "paid", "refunding"),
        ("order.refund_ended", "refunding", "paid"),
    ]


def test_a_hold_is_placed_once_and_never_shown_in_the_accounts_own_trail() -> None:
    customer = make.make_customer()
    _hold(customer)
    assert _code(lambda: _hold(customer)) == "hold_stands"
    assert not AuditEvent.objects.filter(
        account=customer.account, verb__startswith="refund_hold"
    ).exists()
    assert AuditEvent.objects.filter(verb="refund_hold.placed").count() == 1
