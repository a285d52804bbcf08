"""Which move leads a package, an order, a refund or a credit from which state to which.

These tables are the only place that says so; `accounts.transitions` reads them. Each machine has
two: how a row starts, and what leads on from there. A state from which nothing leads elsewhere is
final.
"""

from collections.abc import Mapping
from enum import StrEnum

from accounts.transitions import Transitions
from billing.enums import CreditStatus, OrderStatus, PackageState, RefundStatus


class PackageStart(StrEnum):
    """How a package comes to be."""

    GRANT_TRIAL = "grant_trial"
    PURCHASE = "purchase"


class PackageMove(StrEnum):
    """What happens to a package: by an order, by staff, by a refund, or with time."""

    PURCHASE = "purchase"
    EXTEND = "extend"
    UPGRADE = "upgrade"
    RENEW = "renew"
    CHOOSE_RENEWAL = "choose_renewal"
    # Time that staff give back may reach into the future, or not.
    RETURN_TIME = "return_time"
    RETURN_TOO_LITTLE = "return_too_little"
    END_TRIAL = "end_trial"
    ISOLATE = "isolate"
    RELEASE = "release"
    REFUND = "refund"


PACKAGE_STARTS: Mapping[PackageStart, PackageState] = {
    PackageStart.GRANT_TRIAL: PackageState.TRIAL,
    PackageStart.PURCHASE: PackageState.ACTIVE,
}
PACKAGE_TRANSITIONS = Transitions[PackageState, PackageMove](
    {
        (PackageState.TRIAL, PackageMove.PURCHASE): PackageState.ACTIVE,
        (PackageState.TRIAL, PackageMove.EXTEND): PackageState.TRIAL,
        (PackageState.TRIAL, PackageMove.END_TRIAL): PackageState.RELEASED,
        (PackageState.ACTIVE, PackageMove.EXTEND): PackageState.ACTIVE,
        (PackageState.ACTIVE, PackageMove.UPGRADE): PackageState.ACTIVE,
        (PackageState.ACTIVE, PackageMove.RENEW): PackageState.ACTIVE,
        (PackageState.ACTIVE, PackageMove.CHOOSE_RENEWAL): PackageState.ACTIVE,
        (PackageState.ACTIVE, PackageMove.RETURN_TIME): PackageState.ACTIVE,
        (PackageState.ACTIVE, PackageMove.ISOLATE): PackageState.ISOLATED,
        (PackageState.ACTIVE, PackageMove.REFUND): PackageState.REFUNDED,
        (PackageState.ISOLATED, PackageMove.RENEW): PackageState.ACTIVE,
        (PackageState.ISOLATED, PackageMove.CHOOSE_RENEWAL): PackageState.ISOLATED,
        (PackageState.ISOLATED, PackageMove.RETURN_TIME): PackageState.ACTIVE,
        (PackageState.ISOLATED, PackageMove.RETURN_TOO_LITTLE): PackageState.ISOLATED,
        (PackageState.ISOLATED, PackageMove.RELEASE): PackageState.RELEASED,
        (PackageState.ISOLATED, PackageMove.REFUND): PackageState.REFUNDED,
    }
)
#: What time does, whether a sweep records it or a service that comes first.
_BY_TIME = (PackageMove.END_TRIAL, PackageMove.ISOLATE, PackageMove.RELEASE)


class OrderStart(StrEnum):
    """How an order comes to be: it waits for money, or the funds cover it."""

    PLACE = "place"
    PLACE_AND_PAY = "place_and_pay"


class OrderMove(StrEnum):
    """What happens to an order that was placed."""

    PAY = "pay"
    CANCEL = "cancel"
    REFUSE = "refuse"
    EXPIRE = "expire"
    REVIEW_REFUND = "review_refund"
    END_REVIEW = "end_review"
    REFUND = "refund"


ORDER_STARTS: Mapping[OrderStart, OrderStatus] = {
    OrderStart.PLACE: OrderStatus.UNPAID,
    OrderStart.PLACE_AND_PAY: OrderStatus.PAID,
}
ORDER_TRANSITIONS = Transitions[OrderStatus, OrderMove](
    {
        (OrderStatus.UNPAID, OrderMove.PAY): OrderStatus.PAID,
        (OrderStatus.UNPAID, OrderMove.CANCEL): OrderStatus.CLOSED,
        (OrderStatus.UNPAID, OrderMove.REFUSE): OrderStatus.REFUSED,
        (OrderStatus.UNPAID, OrderMove.EXPIRE): OrderStatus.EXPIRED,
        (OrderStatus.PAID, OrderMove.REVIEW_REFUND): OrderStatus.REFUNDING,
        (OrderStatus.PAID, OrderMove.REFUND): OrderStatus.REFUNDED,
        (OrderStatus.REFUNDING, OrderMove.END_REVIEW): OrderStatus.PAID,
        (OrderStatus.REFUNDING, OrderMove.REFUND): OrderStatus.REFUNDED,
    }
)


class RefundStart(StrEnum):
    """How a refund comes to be: staff look at it first, or the rules alone decide."""

    REQUEST = "request"
    CARRY_OUT = "carry_out"


class RefundMove(StrEnum):
    """What happens to a request for a refund."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"


REFUND_STARTS: Mapping[RefundStart, RefundStatus] = {
    RefundStart.REQUEST: RefundStatus.PENDING,
    RefundStart.CARRY_OUT: RefundStatus.DONE,
}
REFUND_TRANSITIONS = Transitions[RefundStatus, RefundMove](
    {
        (RefundStatus.PENDING, RefundMove.APPROVE): RefundStatus.DONE,
        (RefundStatus.PENDING, RefundMove.REJECT): RefundStatus.REJECTED,
        (RefundStatus.PENDING, RefundMove.WITHDRAW): RefundStatus.WITHDRAWN,
    }
)


class CreditStart(StrEnum):
    """How a credit, or the reversal of one, comes to be."""

    BOOK = "book"
    SUBMIT = "submit"


class CreditMove(StrEnum):
    """What happens to a credit. Its reversal is another credit, so it stays booked itself."""

    APPROVE = "approve"
    REJECT = "reject"
    ASK_FOR_REVERSAL = "ask_for_reversal"


CREDIT_STARTS: Mapping[CreditStart, CreditStatus] = {
    CreditStart.BOOK: CreditStatus.BOOKED,
    CreditStart.SUBMIT: CreditStatus.WAITING,
}
CREDIT_TRANSITIONS = Transitions[CreditStatus, CreditMove](
    {
        (CreditStatus.WAITING, CreditMove.APPROVE): CreditStatus.BOOKED,
        (CreditStatus.WAITING, CreditMove.REJECT): CreditStatus.REJECTED,
        (CreditStatus.BOOKED, CreditMove.ASK_FOR_REVERSAL): CreditStatus.BOOKED,
    }
)


def package_state_after_time(state: str) -> PackageState | None:
    """Return the state that follows when a package's time is up; None where it has no end."""
    found = (PACKAGE_TRANSITIONS.after(state, move) for move in _BY_TIME)
    return next((after for after in found if after), None)
