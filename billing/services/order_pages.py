"""Reading orders as pages show them: what holds at an instant, and what happened when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import Account, AuditEvent, Membership
from billing.enums import OrderStatus
from billing.masking import mask_name
from billing.models import Order, Refund
from billing.order_words import name_event


def derive_status(order: Order, now: datetime) -> OrderStatus:
    """Return the status that holds at `now`: an unpaid order expires without a sweep."""
    if order.status == OrderStatus.UNPAID and order.expires_at <= now:
        return OrderStatus.EXPIRED
    return OrderStatus(order.status)


def filter_by_status(orders: "QuerySet[Order]", status: str, now: datetime) -> "QuerySet[Order]":
    """Return the orders that have a status at `now`."""
    over = Q(status=OrderStatus.UNPAID, expires_at__lte=now)
    if status == OrderStatus.UNPAID:
        return orders.filter(status=status).exclude(over)
    if status == OrderStatus.EXPIRED:
        return orders.filter(Q(status=status) | over)
    return orders.filter(status=status)


@dataclass(frozen=True)
class Moment:
    """One event of an order's history, for a reader of one account.

    `who` is empty where the system itself acted.
    """

    at: datetime
    words: str
    tone: str
    reason: str
    who: str
    kind_of_actor: str


def read_history(order: Order, *, reader: Account) -> list[Moment]:
    """Return what happened to an order, oldest first; three queries.

    People are named to their own account only: somebody of the other account stands as its UIN
    and masked name, staff as staff.
    """
    events = list(
        AuditEvent.objects.filter(target_type="billing.order", target_id=order.pk)
        .select_related("actor")
        .order_by("pk")
    )
    actors = {event.actor_id for event in events if event.actor_id}
    own = set(
        Membership.objects.filter(account=reader, user__in=actors).values_list("user_id", flat=True)
    )
    return [_moment(event, order, reader, own) for event in events]


def _moment(event: AuditEvent, order: Order, reader: Account, own: set[int]) -> Moment:
    who, kind = "", "system"
    if event.actor is not None:
        if event.actor_id in own:
            who, kind = event.actor.get_full_name(), "member"
        elif event.actor.is_staff:
            kind = "staff"
        elif order.account_id != order.payer_id:
            other = order.payer if reader.pk == order.account_id else order.account
            who, kind = f"{other.uin} ({mask_name(other.name)})", "other_account"
        else:
            kind = "former_member"
    words, tone = name_event(event.verb, event.from_state)
    return Moment(event.at, words, tone, event.reason, who, kind)


def find_refunds(order: Order) -> list[Refund]:
    """Return the refunds of the packages that the order bought for, the newest first."""
    refunds = Refund.objects.filter(
        account=order.account_id, package__order_lines__order=order
    ).order_by("-pk")
    return list(refunds.distinct())


def refunded_of(order: Order, refunds: Iterable[Refund]) -> list[Refund]:
    """Return those refunds whose amounts include a payment of this order."""
    return [
        refund
        for refund in refunds
        if any(line["order"] == order.number for line in refund.plan["lines"])
    ]
