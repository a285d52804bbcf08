"""Every state of a package, an order, a refund and a credit, with every move: made or refused."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from django.db.models import Model

from accounts.errors import Refused
from accounts.models import Account, AuditEvent, User
from billing.enums import (
    CreditStatus,
    OrderStatus,
    PackageState,
    PromotionRefundRule,
    RefundStatus,
    RenewalMode,
)
from billing.grants.credits import approve_credit, ask_for_reversal, record_credit, reject_credit
from billing.models import Credit, Order, Package, Refund, RefundHold
from billing.orders import verification as orders
from billing.orders.services import cancel_order, pay_order, refuse_payment
from billing.packages import verification as packages
from billing.packages.lifecycle import settle_package
from billing.packages.services import choose_renewal_mode
from billing.refunds import verification as refunds
from billing.refunds.decisions import approve_refund, reject_refund, withdraw_refund
from billing.refunds.holds import release_refund_hold
from billing.renewals.sweep import change_batch
from billing.renewals.timed_changes import TIMED_CHANGES
from billing.transitions import (
    CREDIT_STARTS,
    CREDIT_TRANSITIONS,
    ORDER_STARTS,
    ORDER_TRANSITIONS,
    PACKAGE_STARTS,
    PACKAGE_TRANSITIONS,
    REFUND_STARTS,
    REFUND_TRANSITIONS,
    CreditMove,
    CreditStart,
    OrderMove,
    OrderStart,
    PackageMove,
    PackageStart,
    RefundMove,
    RefundStart,
)
from billing.wallet import verification as wallet
from tests import factories as make
from tests.approving import by_two
from tests.billing.acts import ask_for_review, fresh, package_of, refund
from tests.factories import DAY, HOUR, NOW, make_staff

pytestmark = pytest.mark.django_db

LATER = NOW + HOUR
FAR = NOW + timedelta(days=400)
CHANGE = {change.name: change for change in TIMED_CHANGES}
Event = tuple[str, str, str]


def _staff() -> User:
    return make.make_user(is_staff=True)


def _row(of: Model) -> dict[str, Any]:
    """Return all columns of a row as they are stored now."""
    found: dict[str, Any] = type(of)._default_manager.values().get(pk=of.pk)
    return found


def _events(of: Model) -> list[Event]:
    """Return what the audit trail says of a row, oldest first."""
    events = AuditEvent.objects.filter(target_type=of._meta.label_lower, target_id=of.pk)
    return list(events.order_by("pk").values_list("verb", "from_state", "to_state"))


def _pass_time(name: str, row: Model, now: datetime = FAR) -> None:
    """Let a sweep come to one row; raise Refused where it finds nothing to do there."""
    if change_batch(CHANGE[name], [row.pk], now) != 1:
        raise Refused("Nothing is due.", code="not_due")


def _require_left_alone(row: Model, act: Callable[[], object], codes: set[str]) -> None:
    """Try an act that is refused with one of `codes`, and see that the row is as before."""
    before, events = _row(row), _events(row)
    with pytest.raises(Refused) as refusal:
        act()
    assert refusal.value.code in codes
    assert _row(row) == before
    assert [event for event in _events(row) if event[0] != "refund.refused"] == events


# --- Packages --------------------------------------------------------------------------------

P, PM = PackageState, PackageMove
#: These tables are written out a second time, from the specification.
MOVES_OF_PACKAGE = {
    (P.TRIAL, PM.PURCHASE): P.ACTIVE,
    (P.TRIAL, PM.EXTEND): P.TRIAL,
    (P.TRIAL, PM.END_TRIAL): P.RELEASED,
    (P.ACTIVE, PM.EXTEND): P.ACTIVE,
    (P.ACTIVE, PM.UPGRADE): P.ACTIVE,
    (P.ACTIVE, PM.RENEW): P.ACTIVE,
    (P.ACTIVE, PM.CHOOSE_RENEWAL): P.ACTIVE,
    (P.ACTIVE, PM.RETURN_TIME): P.ACTIVE,
    (P.ACTIVE, PM.ISOLATE): P.ISOLATED,
    (P.ACTIVE, PM.REFUND): P.REFUNDED,
    (P.ISOLATED, PM.RENEW): P.ACTIVE,
    (P.ISOLATED, PM.CHOOSE_RENEWAL): P.ISOLATED,
    (P.ISOLATED, PM.RETURN_TIME): P.ACTIVE,
    (P.ISOLATED, PM.RETURN_TOO_LITTLE): P.ISOLATED,
    (P.ISOLATED, PM.RELEASE): P.RELEASED,
    (P.ISOLATED, PM.REFUND): P.REFUNDED,
}
VERB_OF_PACKAGE = {
    PM.PURCHASE: "package.purchased",
    PM.EXTEND: "package.extended",
    PM.UPGRADE: "package.upgraded",
    PM.RENEW: "package.renewed",
    PM.RETURN_TIME: "package.time_returned",
    PM.RETURN_TOO_LITTLE: "package.time_returned",
    PM.END_TRIAL: "package.released",
    PM.ISOLATE: "package.isolated",
    PM.RELEASE: "package.released",
    PM.REFUND: "package.refunded",
}


def _package_in(state: PackageState) -> tuple[Package, datetime]:
    """Return a package that was recorded in a state, and a time at which it still is in it.

    Its refund window is so long that only the state can stand against a refund.
    """
    customer = make.make_customer(cash="10000")
    if state == P.TRIAL:
        return make.current_package(customer.application), LATER
    promotion = make.make_promotion(refund_rule=PromotionRefundRule.WINDOW, refund_window_days=365)
    package = package_of(make.buy(customer.application, promotion=promotion.pk))
    if state == P.ACTIVE:
        return package, LATER
    if state == P.REFUNDED:
        refund(package, now=NOW)
        return fresh(package), LATER
    _pass_time("isolated", package, package.expires_at)
    if state == P.ISOLATED:
        return fresh(package), package.expires_at + DAY
    _pass_time("released", package, package.expires_at + 7 * DAY)
    return fresh(package), package.expires_at + 8 * DAY


def _return_time(package: Package, now: datetime, *, days: int, hours: int) -> None:
    by_two(
        "package.extend",
        account=package.account,
        target=package,
        by=make_staff(),
        now=now,
        days=days,
        hours=hours,
    )


MAKE_MOVE_OF_PACKAGE: dict[PackageMove, tuple[Callable[[Package, datetime], object], set[str]]] = {
    PM.PURCHASE: (lambda p, now: make.buy(p.application, now=now), {"has_package"}),
    PM.EXTEND: (lambda p, now: make.add(p.application, agents=1, now=now), {"no_live_package"}),
    PM.UPGRADE: (
        lambda p, now: make.upgrade(p.application, now=now),
        {"no_live_package", "upgrade_of_trial"},
    ),
    PM.RENEW: (lambda p, now: make.renew(p, now=now), {"not_renewable"}),
    PM.CHOOSE_RENEWAL: (
        lambda p, now: choose_renewal_mode(
            package=p, mode=RenewalMode.AUTOMATIC, by=p.account.memberships.get().user, now=now
        ),
        {"not_live"},
    ),
    PM.RETURN_TIME: (lambda p, now: _return_time(p, now, days=30, hours=0), {"not_live"}),
    PM.RETURN_TOO_LITTLE: (lambda p, now: _return_time(p, now, days=0, hours=1), {"not_live"}),
    PM.END_TRIAL: (lambda p, _now: _pass_time("released_trials", p), {"not_due"}),
    PM.ISOLATE: (lambda p, _now: _pass_time("isolated", p), {"not_due"}),
    PM.RELEASE: (lambda p, _now: _pass_time("released", p), {"not_due"}),
    PM.REFUND: (lambda p, now: refund(p, now=now), {"refund_refused"}),
}
#: Not refused: the application gets another package, and the one that is over stays as it is.
ANOTHER_PACKAGE = {(P.RELEASED, PM.PURCHASE), (P.REFUNDED, PM.PURCHASE)}


def test_the_table_of_packages_is_the_specification() -> None:
    assert PACKAGE_TRANSITIONS == MOVES_OF_PACKAGE
    assert {state for state, _move in PACKAGE_TRANSITIONS} | {*PACKAGE_TRANSITIONS.values()} == {*P}
    assert {move for _state, move in PACKAGE_TRANSITIONS} == {*PM} == {*MAKE_MOVE_OF_PACKAGE}
    assert {*P} - {state for state, _move in PACKAGE_TRANSITIONS} == {P.RELEASED, P.REFUNDED}


@pytest.mark.parametrize(("state", "move"), list(product(P, PM)), ids=str)
def test_a_move_of_a_package(state: PackageState, move: PackageMove) -> None:
    package, now = _package_in(state)
    act, codes = MAKE_MOVE_OF_PACKAGE[move]
    expected, before, events = MOVES_OF_PACKAGE.get((state, move)), _row(package), _events(package)
    assert before["state"] == state
    if (state, move) in ANOTHER_PACKAGE:
        act(package, now)
        assert make.current_package(package.application).pk != package.pk
        assert (_row(package), _events(package)) == (before, events)
    elif (state, move) == (P.ACTIVE, PM.RETURN_TOO_LITTLE):
        # The expiry is ahead already, so an hour more is never too little.
        act(package, now)
        assert _events(package) == [*events, ("package.time_returned", "active", "active")]
    elif expected is None:
        _require_left_alone(package, lambda: act(package, now), codes)
    else:
        act(package, now)
        assert _row(package)["state"] == expected
        assert _row(package) != before or move in {PM.EXTEND}
        told = [(VERB_OF_PACKAGE[move], state, expected)] if move in VERB_OF_PACKAGE else []
        new = [e for e in _events(package)[len(events) :] if e[0] != "package.renewal_mode_chosen"]
        assert new == told


@pytest.mark.parametrize(
    ("state", "steps"),
    [
        (P.TRIAL, [("package.released", "trial", "released")]),
        (
            P.ACTIVE,
            [
                ("package.isolated", "active", "isolated"),
                ("package.released", "isolated", "released"),
            ],
        ),
        (P.ISOLATED, [("package.released", "isolated", "released")]),
        (P.RELEASED, []),
        (P.REFUNDED, []),
    ],
    ids=str,
)
def test_a_service_that_comes_first_records_the_same_steps_as_the_sweep(
    state: PackageState, steps: list[Event]
) -> None:
    package, _now = _package_in(state)
    events = _events(package)
    settle_package(package, account=package.account, by=None, now=FAR)
    assert _events(package) == [*events, *steps]
    assert _row(package)["state"] == (steps[-1][2] if steps else state)


# --- Orders ----------------------------------------------------------------------------------

S, OM = OrderStatus, OrderMove
MOVES_OF_ORDER = {
    (S.UNPAID, OM.PAY): S.PAID,
    (S.UNPAID, OM.CANCEL): S.CLOSED,
    (S.UNPAID, OM.REFUSE): S.REFUSED,
    (S.UNPAID, OM.EXPIRE): S.EXPIRED,
    (S.PAID, OM.REVIEW_REFUND): S.REFUNDING,
    (S.PAID, OM.REFUND): S.REFUNDED,
    (S.REFUNDING, OM.END_REVIEW): S.PAID,
    (S.REFUNDING, OM.REFUND): S.REFUNDED,
}
VERB_OF_ORDER = {
    OM.PAY: "order.paid",
    OM.CANCEL: "order.cancelled",
    OM.REFUSE: "order.payment_refused",
    OM.EXPIRE: "order.expired",
    OM.REVIEW_REFUND: "order.refunding",
    OM.END_REVIEW: "order.refund_ended",
    OM.REFUND: "order.refunded",
}


def _order_in(state: OrderStatus) -> Order:
    """Return an order for one more license of a bought package, in a state.

    A refund of the package was asked for before, and withdrawn.
    """
    customer = make.make_customer(gift="10000")
    package = package_of(make.buy(customer.application))
    withdraw_refund(refund=ask_for_review(package, now=NOW), by=customer.owner, now=NOW)
    release_refund_hold(
        hold=RefundHold.objects.get(account=customer.account), reason="Seen", by=_staff(), now=NOW
    )
    is_paid = state in {S.PAID, S.REFUNDING, S.REFUNDED}
    order = make.add(customer.application, agents=1, without=() if is_paid else ("gift",))
    if state == S.CLOSED:
        cancel_order(order=order, by=customer.owner, now=NOW)
    elif state == S.REFUSED:
        refuse_payment(order=order, reason="Not ours", by=customer.owner, now=NOW)
    elif state == S.EXPIRED:
        _pass_time("expired_orders", order)
    elif state == S.REFUNDING:
        ask_for_review(package, now=NOW)
    elif state == S.REFUNDED:
        refund(package, now=NOW)
    return Order.objects.get(pk=order.pk)


def _review(order: Order) -> Refund:
    package = package_of(order)
    if RefundHold.objects.filter(account=order.account, released_at=None).exists():
        return refund(package, now=LATER)
    return ask_for_review(package, now=LATER)


def _refund_order(order: Order) -> Refund:
    package = package_of(order)
    pending = package.refunds.filter(status=RefundStatus.PENDING).first()
    if pending is None:
        return refund(package, now=LATER)
    return approve_refund(refund=pending, reason="Right", by=_staff(), now=LATER)


def _buyer(order: Order) -> User:
    return order.account.memberships.get().user


MAKE_MOVE_OF_ORDER: dict[OrderMove, tuple[Callable[[Order], object], set[str]]] = {
    OM.PAY: (
        lambda order: pay_order(order=order, by=_buyer(order), now=LATER, without=()),
        {"not_payable"},
    ),
    OM.CANCEL: (lambda order: cancel_order(order=order, by=_buyer(order), now=LATER), {"not_open"}),
    OM.REFUSE: (
        lambda order: refuse_payment(order=order, reason="No", by=_buyer(order), now=LATER),
        {"not_open"},
    ),
    OM.EXPIRE: (lambda order: _pass_time("expired_orders", order), {"not_due"}),
    OM.REVIEW_REFUND: (_review, {"refund_refused"}),
    OM.END_REVIEW: (
        lambda order: withdraw_refund(
            refund=package_of(order).refunds.latest("pk"), by=_buyer(order), now=LATER
        ),
        {"refund_decided"},
    ),
    OM.REFUND: (_refund_order, {"refund_refused"}),
}
#: Not refused: the package is refunded, and an order that was never paid stays as it is.
ONLY_ITS_PACKAGE = set(product((S.CLOSED, S.EXPIRED, S.REFUSED), (OM.REVIEW_REFUND, OM.REFUND)))


def test_the_table_of_orders_is_the_specification() -> None:
    assert ORDER_TRANSITIONS == MOVES_OF_ORDER
    assert {state for state, _move in ORDER_TRANSITIONS} | {*ORDER_TRANSITIONS.values()} == {*S}
    assert {move for _state, move in ORDER_TRANSITIONS} == {*OM} == {*MAKE_MOVE_OF_ORDER}
    assert {*S} - {state for state, _move in ORDER_TRANSITIONS} == {
        S.REFUNDED,
        S.CLOSED,
        S.EXPIRED,
        S.REFUSED,
    }


@pytest.mark.parametrize(("state", "move"), list(product(S, OM)), ids=str)
def test_a_move_of_an_order(state: OrderStatus, move: OrderMove) -> None:
    order = _order_in(state)
    act, codes = MAKE_MOVE_OF_ORDER[move]
    expected, before, events = MOVES_OF_ORDER.get((state, move)), _row(order), _events(order)
    assert before["status"] == state
    if (state, move) in ONLY_ITS_PACKAGE:
        act(order)
        assert (_row(order), _events(order)) == (before, events)
    elif expected is None:
        _require_left_alone(order, lambda: act(order), codes)
    else:
        act(order)
        assert _row(order)["status"] == expected
        assert _events(order) == [*events, (VERB_OF_ORDER[move], state, expected)]


# --- Refunds ---------------------------------------------------------------------------------

R, RM = RefundStatus, RefundMove
MOVES_OF_REFUND = {
    (R.PENDING, RM.APPROVE): R.DONE,
    (R.PENDING, RM.REJECT): R.REJECTED,
    (R.PENDING, RM.WITHDRAW): R.WITHDRAWN,
}
MAKE_MOVE_OF_REFUND: dict[RefundMove, Callable[[Refund], Refund]] = {
    RM.APPROVE: lambda asked: approve_refund(refund=asked, reason="Yes", by=_staff(), now=LATER),
    RM.REJECT: lambda asked: reject_refund(refund=asked, reason="No", by=_staff(), now=LATER),
    RM.WITHDRAW: lambda asked: withdraw_refund(refund=asked, by=_staff(), now=LATER),
}


def _refund_in(state: RefundStatus) -> Refund:
    customer = make.make_customer(cash="1000")
    asked = ask_for_review(package_of(make.buy(customer.application)), now=NOW)
    for (_was, move), after in MOVES_OF_REFUND.items():
        if after == state:
            return MAKE_MOVE_OF_REFUND[move](asked)
    return asked


def test_the_table_of_refunds_is_the_specification() -> None:
    assert REFUND_TRANSITIONS == MOVES_OF_REFUND
    assert {R.PENDING, *REFUND_TRANSITIONS.values()} == {*R}
    assert {move for _state, move in REFUND_TRANSITIONS} == {*RM} == {*MAKE_MOVE_OF_REFUND}


@pytest.mark.parametrize(("state", "move"), list(product(R, RM)), ids=str)
def test_a_move_of_a_refund(state: RefundStatus, move: RefundMove) -> None:
    asked = _refund_in(state)
    expected, events = MOVES_OF_REFUND.get((state, move)), _events(asked)
    assert _row(asked)["status"] == state
    if expected is None:
        _require_left_alone(asked, lambda: MAKE_MOVE_OF_REFUND[move](asked), {"refund_decided"})
        return
    MAKE_MOVE_OF_REFUND[move](asked)
    assert _row(asked)["status"] == expected
    assert _events(asked) == [*events, (f"refund.{expected.value}", state, expected)]


# --- Credits ---------------------------------------------------------------------------------

C, CM = CreditStatus, CreditMove
MOVES_OF_CREDIT = {
    (C.WAITING, CM.APPROVE): C.BOOKED,
    (C.WAITING, CM.REJECT): C.REJECTED,
    (C.BOOKED, CM.ASK_FOR_REVERSAL): C.BOOKED,
}
MAKE_MOVE_OF_CREDIT: dict[CreditMove, tuple[Callable[..., Credit], str, str]] = {
    CM.APPROVE: (approve_credit, "credit_decided", "credit.approved"),
    CM.REJECT: (reject_credit, "credit_decided", "credit.rejected"),
    CM.ASK_FOR_REVERSAL: (ask_for_reversal, "not_reversible", ""),
}


def _credit(account: Account, amount: str) -> Credit:
    return record_credit(
        account=account,
        fund_kind="cash",
        amount=Decimal(amount),
        currency="USD",
        reference=f"T-{amount}",
        by=_staff(),
        now=NOW,
    )


def _credit_in(state: CreditStatus) -> Credit:
    if state == C.BOOKED:
        return _credit(make.make_account(), "5")
    credit = _credit(make.make_account(), "10000.01")
    if state == C.REJECTED:
        return reject_credit(credit=credit, reason="Wrong", by=_staff(), now=NOW)
    return credit


def test_the_table_of_credits_is_the_specification() -> None:
    assert CREDIT_TRANSITIONS == MOVES_OF_CREDIT
    assert {C.WAITING, *CREDIT_TRANSITIONS.values()} == {*C}
    assert {move for _state, move in CREDIT_TRANSITIONS} == {*CM} == {*MAKE_MOVE_OF_CREDIT}


@pytest.mark.parametrize(("state", "move"), list(product(C, CM)), ids=str)
def test_a_move_of_a_credit(state: CreditStatus, move: CreditMove) -> None:
    credit = _credit_in(state)
    act, code, verb = MAKE_MOVE_OF_CREDIT[move]
    expected, before, events = MOVES_OF_CREDIT.get((state, move)), _row(credit), _events(credit)
    assert before["status"] == state

    def attempt() -> Credit:
        return act(credit=credit, reason="Seen", by=_staff(), now=LATER)

    if expected is None:
        _require_left_alone(credit, attempt, {code})
        assert not Credit.objects.filter(reverses=credit).exists()
        return
    made = attempt()
    assert _row(credit)["status"] == expected
    if move == CM.ASK_FOR_REVERSAL:
        assert (_row(credit), _events(credit)) == (before, events)
        assert (made.reverses_id, made.status) == (credit.pk, C.WAITING)
        assert _events(made) == [("credit.reversal_asked", "", "waiting")]
    else:
        assert _events(credit) == [*events, (verb, state, expected)]


# --- How they start --------------------------------------------------------------------------


def test_the_tables_of_starts_are_the_specification() -> None:
    assert PACKAGE_STARTS == {PackageStart.GRANT_TRIAL: P.TRIAL, PackageStart.PURCHASE: P.ACTIVE}
    assert ORDER_STARTS == {OrderStart.PLACE: S.UNPAID, OrderStart.PLACE_AND_PAY: S.PAID}
    assert REFUND_STARTS == {RefundStart.REQUEST: R.PENDING, RefundStart.CARRY_OUT: R.DONE}
    assert CREDIT_STARTS == {CreditStart.BOOK: C.BOOKED, CreditStart.SUBMIT: C.WAITING}


def test_how_a_package_and_an_order_start() -> None:
    customer = make.make_customer(gift="500")
    trial = make.current_package(customer.application)
    assert _events(trial) == [("package.trial_granted", "", "trial")]
    paid = make.buy(make.make_application(customer.account))
    assert _events(package_of(paid)) == [("package.purchased", "", "active")]
    # No page shows it unpaid, yet it was placed and paid.
    assert _events(paid) == [("order.placed", "", "unpaid"), ("order.paid", "unpaid", "paid")]
    unpaid = make.add(customer.application, agents=1, without=("gift",))
    assert _events(unpaid) == [("order.placed", "", "unpaid")]
    assert [_row(row)["status"] for row in (paid, unpaid)] == ["paid", "unpaid"]


def test_how_a_refund_starts() -> None:
    package = package_of(make.buy(make.make_customer(cash="500").application))
    done = refund(package, now=NOW)
    assert _events(done) == [("refund.done", "", "done")]
    asked = _refund_in(R.PENDING)
    assert _events(asked) == [("refund.requested", "", "pending")]
    assert [_row(row)["status"] for row in (done, asked)] == ["done", "pending"]


@pytest.mark.parametrize("state", [C.BOOKED, C.WAITING])
def test_how_a_credit_starts(state: CreditStatus) -> None:
    assert _events(_credit_in(state)) == [("credit.recorded", "", state)]


# --- The audit trail -------------------------------------------------------------------------


def test_the_audit_trail_may_tell_of_these_moves_and_no_others() -> None:
    known = {
        verb: sorted(">".join(pair) for pair in pairs)
        for trail in (orders._TRAIL, packages._TRAIL, refunds._TRAIL, wallet._TRAIL)
        for verb, pairs in trail.verbs.items()
    }
    assert known == {
        "order.placed": [">unpaid"],
        "order.paid": ["unpaid>paid"],
        "order.cancelled": ["unpaid>closed"],
        "order.payment_refused": ["unpaid>refused"],
        "order.expired": ["unpaid>expired"],
        "order.refunding": ["paid>refunding"],
        "order.refund_ended": ["refunding>paid"],
        "order.refunded": ["paid>refunded", "refunding>refunded"],
        "package.trial_granted": [">trial"],
        "package.purchased": [">active", "trial>active"],
        "package.extended": ["active>active", "trial>trial"],
        "package.upgraded": ["active>active"],
        "package.renewed": ["active>active", "isolated>active"],
        "package.time_returned": ["active>active", "isolated>active", "isolated>isolated"],
        "package.isolated": ["active>isolated"],
        "package.released": ["isolated>released", "trial>released"],
        "package.refunded": ["active>refunded", "isolated>refunded"],
        "refund.requested": [">pending"],
        "refund.done": [">done", "pending>done"],
        "refund.rejected": ["pending>rejected"],
        "refund.withdrawn": ["pending>withdrawn"],
        "credit.recorded": [">booked", ">waiting"],
        "credit.reversal_asked": [">waiting"],
        "credit.approved": ["waiting>booked"],
        "credit.rejected": ["waiting>rejected"],
    }
