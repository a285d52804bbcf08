"""Reading the facts of a refund from the rows that hold them; nothing is assumed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import F, Q, QuerySet

from accounts.models import Account
from accounts.prepared import PreparedQuery
from accounts.row_security import beyond_tenancy
from billing.enums import (
    OrderKind,
    OrderStatus,
    PackageKind,
    PackageState,
    PromotionRefundRule,
    RefundStatus,
)
from billing.orders.models import Order, OrderLine
from billing.packages.lifecycle import derive_package_state
from billing.packages.models import Package
from billing.refunds.models import Refund, RefundHold
from billing.refunds.policy import (
    EntityRefund,
    PromotionFacts,
    RefundConfig,
    RefundFacts,
    ViolationFacts,
)
from billing.transitions import ORDER_TRANSITIONS, OrderMove
from compliance.services.standing import RefundBars, annulled_time, refund_bars

#: The product that "one full refund per entity" counts in.
PRODUCT = "tccc"
#: Orders in these states were paid, and a refund of their package concerns them.
_PAID = ORDER_TRANSITIONS.sources(OrderMove.REFUND)
_CONCERNED = (OrderStatus.UNPAID, *_PAID)
_ZERO = Decimal("0.00")


def refund_config() -> RefundConfig:
    """Return the policy's numbers from the settings."""
    return RefundConfig(
        window_days=settings.REFUND_WINDOW_DAYS, review_asks=settings.REFUND_REVIEW_ASKS
    )


@PreparedQuery
def _refunds(entity_id: int) -> "QuerySet[Refund]":
    return Refund.objects.filter(entity_id=entity_id, product=PRODUCT).order_by("pk")


@PreparedQuery
def _holds(account_id: int) -> "QuerySet[RefundHold]":
    return RefundHold.objects.filter(account_id=account_id, released_at=None)


@PreparedQuery
def _lines(account_id: int, package_id: int, application_id: int) -> "QuerySet[OrderLine]":
    """Return all lines of the orders for a package, or that could come to be, with their order.

    Those for other packages are among them.
    """
    own = Q(package_id=package_id) | Q(package_id=None, application_id=application_id)
    orders = OrderLine.objects.filter(own, account_id=account_id).values("order_id")
    return (
        OrderLine.objects.filter(order__in=orders, order__status__in=_CONCERNED)
        .select_related("order__promotion")
        .annotate(package_state=F("package__state"))
        .order_by("order__paid_at", "order_id", "pk")
    )


@dataclass(frozen=True)
class PackageOrders:
    """What was ordered for a package: paid orders, and the numbers of those still to be paid.

    `paid` is without what was bought on the package's trial. `whole` are the keys of those paid
    orders that bought for no other package, short of refunded ones. `spent` is what each paid
    order, by key, spent on this package after all deductions.
    """

    paid: tuple[Order, ...]
    whole: frozenset[int]
    spent: Mapping[int, Decimal]
    unpaid: tuple[str, ...]


def read_refund_orders(package: Package, now: datetime) -> PackageOrders:
    """Return the orders that are paid, or can still be at `now`, for a package; one query.

    An unpaid purchase for the package's application would change the package as well.
    """
    orders: list[Order] = []
    paid_keys, shared = set(), set()
    spent: dict[int, Decimal] = defaultdict(lambda: _ZERO)
    for line in _lines(package.account_id, package.pk, package.application_id):
        order = line.order
        if not orders or orders[-1].pk != order.pk:
            orders.append(order)
        if line.package_id != package.pk:
            if line.package_state != PackageState.REFUNDED:  # type: ignore[attr-defined]
                shared.add(order.pk)
        elif not line.is_on_trial and order.status in _PAID:
            paid_keys.add(order.pk)
            spent[order.pk] += line.net
    return PackageOrders(
        paid=tuple(order for order in orders if order.pk in paid_keys),
        whole=frozenset(paid_keys - shared),
        spent=spent,
        unpaid=tuple(
            sorted(
                order.number
                for order in orders
                if order.status == OrderStatus.UNPAID and order.expires_at > now
            )
        ),
    )


def read_refunds(account: Account) -> list[Refund]:
    """Return all refunds that the account's entity ever asked for, of all its accounts."""
    with beyond_tenancy():
        return _refunds(account.entity_id)


def _promotions(orders: Iterable[Order]) -> list[PromotionFacts]:
    return [
        PromotionFacts(
            name=order.promotion.name,
            rule=PromotionRefundRule(order.promotion.refund_rule),
            window_days=order.promotion.refund_window_days,
            is_of_package_order=order.kind == OrderKind.NEW,
        )
        for order in orders
        if order.promotion is not None
    ]


def _violations(bars: RefundBars) -> list[ViolationFacts]:
    standing = [
        ViolationFacts(number=fact.number, severity=fact.severity.value, is_standing=True)
        for fact in (*bars.standing, *bars.warnings)
    ]
    investigated = [
        ViolationFacts(number=fact.number, severity=fact.severity.value, is_standing=False)
        for fact in bars.under_investigation
    ]
    return standing + investigated


def _recent_asks(refunds: list[Refund], asked_at: datetime) -> int:
    since = asked_at - timedelta(days=settings.REFUND_REVIEW_DAYS)
    return sum(1 for refund in refunds if since <= refund.requested_at <= asked_at)


def read_facts(
    package: Package,
    *,
    account: Account,
    orders: PackageOrders,
    refunds: Iterable[Refund],
    now: datetime,
    asked_at: datetime | None = None,
    own: Refund | None = None,
) -> RefundFacts:
    """Return the facts of refunding `package` as they are at `now`.

    `orders` and `refunds` are what `read_refund_orders` and `read_refunds` say. `asked_at` is when
    the customer asked, by default now. `own` is the request that is being decided, which is no
    obstacle to itself.
    """
    asked_at = asked_at or now
    refunds = [refund for refund in refunds if own is None or refund.pk != own.pk]
    excluded = None
    if package.purchased_at:
        excluded = annulled_time(account, since=package.purchased_at, until=asked_at)
    bars = refund_bars(account, now=now)
    return RefundFacts(
        kind=PackageKind(package.kind),
        state=derive_package_state(package, now),
        purchased_at=package.purchased_at,
        excluded=excluded,
        is_switched_from_postpaid=package.is_switched_from_postpaid,
        entity_refunds=[
            EntityRefund(
                number=refund.number,
                status=RefundStatus(refund.status),
                is_same_account=refund.account_id == account.pk,
                is_zero=refund.amount == 0,
            )
            for refund in refunds
        ],
        promotions=_promotions(orders.paid),
        account_status=account.status,
        violations=_violations(bars),
        recent_asks=_recent_asks(refunds, asked_at),
        has_hold=bool(_holds(account.pk)),
        open_orders=list(orders.unpaid),
        open_refunds=[
            refund.number
            for refund in refunds
            if refund.package_id == package.pk and refund.status == RefundStatus.PENDING
        ],
    )
