"""Reading orders as pages show them: what holds at an instant, and what happened when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from accounts.models import Account, AuditEvent, Membership
from billing.enums import OrderStatus, RefundStatus, ShownOrderStatus
from billing.masking import mask_name
from billing.models import Order, Refund, RefundLine
from billing.order_words import LineGroup, group_lines, name_event, show_order_line


def derive_status(
    order: Order, now: datetime, *, returned: Decimal = Decimal(0)
) -> ShownOrderStatus:
    """Return what an order is at `now`: an unpaid one expires without a sweep.

    `returned` is what refunds gave back of it. An order that bought for several packages stays
    paid when one of them is refunded; it is then partly refunded.
    """
    if order.status == OrderStatus.UNPAID and order.expires_at <= now:
        return ShownOrderStatus.EXPIRED
    if order.status == OrderStatus.PAID and returned > 0:
        return ShownOrderStatus.PARTLY_REFUNDED
    return ShownOrderStatus(order.status)


def read_returned(orders: Iterable[Order]) -> dict[int, Decimal]:
    """Return what refunds gave back of each order that they touched, by key; one query."""
    sums = (
        RefundLine.objects.filter(payment__order__in=[order.pk for order in orders])
        .values_list("payment__order")
        .annotate(amount=Sum("amount"))
    )
    return dict(sums.order_by())


def filter_by_status(orders: "QuerySet[Order]", status: str, now: datetime) -> "QuerySet[Order]":
    """Return the orders that have a status at `now`; the queryset's half of `derive_status`."""
    over = Q(status=OrderStatus.UNPAID, expires_at__lte=now)
    if status == ShownOrderStatus.UNPAID:
        return orders.filter(status=status).exclude(over)
    if status == ShownOrderStatus.EXPIRED:
        return orders.filter(Q(status=status) | over)
    returned = Exists(RefundLine.objects.filter(payment__order=OuterRef("pk"), amount__gt=0))
    if status == ShownOrderStatus.PARTLY_REFUNDED:
        return orders.filter(returned, status=OrderStatus.PAID)
    if status == ShownOrderStatus.PAID:
        return orders.filter(~returned, status=status)
    return orders.filter(status=status)


def read_lines(order: Order) -> list[LineGroup]:
    """Return the lines of an order in words, application by application; one query."""
    rows = list(order.lines.select_related("application"))
    applications = {row.application_id: row.application for row in rows}
    return group_lines(map(show_order_line, rows), applications)


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


@dataclass(frozen=True)
class RefundedPart:
    """A refund as an order's page shows it: what of this order goes back by it."""

    refund: Refund
    amount: Decimal


def refunded_of(
    order: Order, refunds: Iterable[Refund], *, payer: Account | None = None
) -> list[RefundedPart]:
    """Return those refunds whose amounts include a payment of this order, with its part.

    With `payer`, only what goes back to that account.
    """
    parts = []
    for refund in refunds:
        amounts = [
            Decimal(line["amount"])
            for line in refund.plan["lines"]
            if line["order"] == order.number and (payer is None or line["payer"] == payer.pk)
        ]
        if amounts:
            parts.append(RefundedPart(refund, sum(amounts, Decimal("0.00"))))
    return parts


def sum_returned(parts: Iterable[RefundedPart]) -> Decimal:
    """Return what refunds that were carried out gave back of an order."""
    done = (part.amount for part in parts if part.refund.status == RefundStatus.DONE)
    return sum(done, Decimal("0.00"))
