"""Reading the facts of a refund from the rows that hold them; nothing is assumed."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from accounts.models import Account
from billing.enums import (
    OrderKind,
    OrderStatus,
    PackageKind,
    PackageState,
    PromotionRefundRule,
    RefundStatus,
)
from billing.models import Order, Package, Refund, RefundHold
from billing.refund_policy import (
    EntityRefund,
    PromotionFacts,
    RefundConfig,
    RefundFacts,
    ViolationFacts,
)
from billing.services.lifecycle import derive_state
from compliance.services.standing import RefundBars, annulled_time, refund_bars

#: The product that "one full refund per entity" counts in.
PRODUCT = "tccc"


def refund_config() -> RefundConfig:
    """Return the policy's numbers from the settings."""
    return RefundConfig(
        window_days=settings.REFUND_WINDOW_DAYS, review_asks=settings.REFUND_REVIEW_ASKS
    )


def paid_orders(package: Package) -> list[Order]:
    """Return the paid orders of the package instance, without what was bought on its trial."""
    orders = Order.objects.filter(
        lines__package=package,
        lines__is_on_trial=False,
        status__in=[OrderStatus.PAID, OrderStatus.REFUNDING],
    )
    return list(orders.select_related("promotion").distinct().order_by("paid_at", "pk"))


def _promotions(orders: list[Order]) -> list[PromotionFacts]:
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


def _entity_refunds(account: Account, own: Refund | None) -> list[Refund]:
    refunds = Refund.objects.filter(entity_id=account.entity_id, product=PRODUCT)
    return list(refunds.exclude(pk=own.pk) if own else refunds)


def _recent_asks(refunds: list[Refund], asked_at: datetime) -> int:
    since = asked_at - timedelta(days=settings.REFUND_REVIEW_DAYS)
    return sum(1 for refund in refunds if since <= refund.requested_at <= asked_at)


def _open_orders(package: Package, now: datetime) -> list[str]:
    """Return the numbers of unpaid orders that would change the package if they were paid."""
    touching = Q(lines__package=package) | Q(
        lines__package=None, lines__application=package.application_id
    )
    orders = Order.objects.open(now).filter(touching, account=package.account_id)
    return sorted(set(orders.values_list("number", flat=True)))


def read_facts(
    package: Package,
    *,
    account: Account,
    orders: list[Order],
    now: datetime,
    asked_at: datetime | None = None,
    own: Refund | None = None,
) -> RefundFacts:
    """Return the facts of refunding `package` as they are at `now`.

    `asked_at` is when the customer asked, by default now. `own` is the request that is being
    decided, which is no obstacle to itself.
    """
    asked_at = asked_at or now
    refunds = _entity_refunds(account, own)
    kind = PackageKind(package.kind)
    return RefundFacts(
        kind=kind,
        state=PackageState(derive_state(package, account, now)),
        purchased_at=package.purchased_at,
        excluded=annulled_time(account, since=package.purchased_at, until=asked_at)
        if package.purchased_at
        else None,
        is_switched_from_postpaid=package.is_switched_from_postpaid,
        entity_refunds=[
            EntityRefund(
                number=refund.number,
                status=RefundStatus(refund.status),
                is_same_account=refund.account_id == account.pk,
            )
            for refund in refunds
        ],
        promotions=_promotions(orders),
        account_status=account.status,
        violations=_violations(refund_bars(account, now=now)),
        recent_asks=_recent_asks(refunds, asked_at),
        has_hold=RefundHold.objects.filter(account=account, released_at=None).exists(),
        open_orders=_open_orders(package, now),
        open_refunds=[
            refund.number
            for refund in refunds
            if refund.package_id == package.pk and refund.status == RefundStatus.PENDING
        ],
    )
