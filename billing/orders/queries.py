"""Reading orders as pages show them: what holds at an instant, and what happened when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from accounts.models import Account, AuditEvent, Membership
from accounts.text import mask_name
from billing.enums import OrderStatus, ShownOrderStatus
from billing.orders.labels import LineGroup, group_lines, name_event, show_order_line
from billing.orders.models import Order
from billing.wallet.models import Payment


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
        Payment.objects.filter(order__in=[order.pk for order in orders], refund_lines__isnull=False)
        .values_list("order")
        .annotate(amount=Sum("refund_lines__amount"))
    )
    return dict(sums.order_by())


def filter_by_status(orders: "QuerySet[Order]", status: str, now: datetime) -> "QuerySet[Order]":
    """Return the orders that have a status at `now`; the queryset's half of `derive_status`."""
    over = Q(status=OrderStatus.UNPAID, expires_at__lte=now)
    if status == ShownOrderStatus.UNPAID:
        return orders.filter(status=status).exclude(over)
    if status == ShownOrderStatus.EXPIRED:
        return orders.filter(Q(status=status) | over)
    returned = Exists(Payment.objects.filter(order=OuterRef("pk"), refund_lines__amount__gt=0))
    if status == ShownOrderStatus.PARTLY_REFUNDED:
        return orders.filter(returned, status=OrderStatus.PAID)
    if status == ShownOrderStatus.PAID:
        return orders.filter(~returned, status=status)
    return orders.filter(status=status)


def read_orders() -> "QuerySet[Order]":
    """Return orders with what their pages show of related rows."""
    return Order.objects.select_related(
        "account", "payer", "price_book", "promotion", "coupon", "created_by"
    )


def read_lines(order: Order) -> list[LineGroup]:
    """Return the lines of an order in words, application by application; one query."""
    rows = list(order.lines.select_related("application"))
    applications = {row.application_id: row.application for row in rows}
    return group_lines(map(show_order_line, rows), applications)


@dataclass(frozen=True)
class TimelineEntry:
    """One event of an order's history, for a reader of one account.

    `who` is empty where the system itself acted.
    """

    at: datetime
    words: str
    tone: str
    reason: str
    who: str
    kind_of_actor: str


def read_timeline(order: Order, *, reader: Account) -> list[TimelineEntry]:
    """Return what happened to an order, oldest first; three queries.

    People are named to their own account only: someone of the other account stands as its UIN
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


def _moment(event: AuditEvent, order: Order, reader: Account, own: set[int]) -> TimelineEntry:
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
    return TimelineEntry(event.at, words, tone, event.reason, who, kind)
