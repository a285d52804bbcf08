"""What a refund gives back: to each payment of the package's orders, to the cent."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from billing.enums import FundKind, TenderKind
from billing.models import Order, OrderLine, Package, Payment
from billing.tenders import PaymentFacts, give_back, refundable

_ZERO = Decimal("0.00")


@dataclass(frozen=True)
class PlannedLine:
    """What one payment paid and gets back; a coupon's gets nothing."""

    payment: int
    order: str
    payer: int
    payer_uin: str
    kind: TenderKind
    paid: Decimal
    amount: Decimal

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "payment": self.payment,
            "order": self.order,
            "payer": self.payer,
            "payer_uin": self.payer_uin,
            "kind": self.kind.value,
            "paid": str(self.paid),
            "amount": str(self.amount),
        }


@dataclass(frozen=True)
class RefundPlan:
    """All payments of a package's orders with what each gets back."""

    currency: str
    lines: tuple[PlannedLine, ...]

    @property
    def amount(self) -> Decimal:
        """The whole refund."""
        return sum((line.amount for line in self.lines), _ZERO)

    @property
    def by_kind(self) -> list[tuple[str, Decimal]]:
        """The refund for each kind of fund, and zero for coupons, as (label, amount)."""
        sums: dict[str, Decimal] = defaultdict(lambda: _ZERO)
        for line in self.lines:
            sums[line.kind] += line.amount
        kinds = [TenderKind(kind.value) for kind in FundKind]
        if TenderKind.COUPON in sums:
            kinds.append(TenderKind.COUPON)
        return [(str(kind.label), sums[kind]) for kind in kinds]

    @property
    def payers(self) -> list[tuple[int, str]]:
        """The accounts that get money back, as (key, UIN)."""
        return sorted({(line.payer, line.payer_uin) for line in self.lines})

    def to_json(self) -> dict[str, Any]:
        """Return plain data, to be compared and stored."""
        return {
            "currency": self.currency,
            "amount": str(self.amount),
            "lines": [line.to_json() for line in self.lines],
        }


def payer_ids(orders: Iterable[Order]) -> set[int]:
    """Return the accounts whose money a refund would touch, so that they can be locked."""
    return {order.payer_id for order in orders}


def _payment_facts(orders: Iterable[Order]) -> dict[int, list[tuple[Payment, PaymentFacts]]]:
    payments = (
        Payment.objects.filter(order__in=list(orders))
        .select_related("account", "order")
        .annotate(refunded=Sum("refund_lines__amount", default=_ZERO))
        .order_by("pk")
    )
    facts: dict[int, list[tuple[Payment, PaymentFacts]]] = defaultdict(list)
    for payment in payments:
        facts[payment.order_id].append(
            (
                payment,
                PaymentFacts(
                    id=payment.pk,
                    kind=TenderKind(payment.kind),
                    amount=payment.amount,
                    already_refunded=payment.refunded,
                ),
            )
        )
    return facts


def _spent_on(package: Package, orders: Iterable[Order]) -> dict[int, Decimal]:
    """Return what each order spent on the package, coupons aside."""
    sums = (
        OrderLine.objects.filter(order__in=list(orders), package=package, is_on_trial=False)
        .values("order")
        .annotate(spent=Sum("net"))
    )
    return {row["order"]: row["spent"] for row in sums}


def plan_refund(package: Package, orders: list[Order], currency: str) -> RefundPlan:
    """Return what refunding `package` gives back to every payment of its orders.

    An order that bought for several packages gives back this package's part, split over its
    payments by what is left of each.
    """
    facts, spent = _payment_facts(orders), _spent_on(package, orders)
    lines = []
    for order in orders:
        pairs = facts[order.pk]
        left = [each for _payment, each in pairs]
        part = min(spent.get(order.pk, _ZERO), refundable(left))
        amounts = dict(give_back(part, left))
        lines += [
            PlannedLine(
                payment=payment.pk,
                order=order.number,
                payer=payment.account_id,
                payer_uin=payment.account.uin,
                kind=each.kind,
                paid=payment.amount,
                amount=amounts[payment.pk],
            )
            for payment, each in pairs
        ]
    return RefundPlan(currency=currency, lines=tuple(lines))
