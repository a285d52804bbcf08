"""What a refund gives back: to each payment of the package's orders, to the cent."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import DecimalField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.prepared import PreparedQuery
from billing.allocation import PaymentFacts, give_back, refundable
from billing.enums import FundKind, TenderKind
from billing.orders.models import Order
from billing.refunds.models import RefundLine
from billing.wallet.models import Payment

_ZERO = Decimal("0.00")


@PreparedQuery
def _payments(orders: Sequence[int]) -> "QuerySet[Payment]":
    """Return payments with account, fund and what refunds gave back before."""
    lines = RefundLine.objects.filter(payment=OuterRef("pk")).order_by().values("payment")
    refunded = Subquery(lines.annotate(sum=Sum("amount")).values("sum"))
    return (
        Payment.objects.select_related("account", "fund")
        .filter(order__any=orders)
        .annotate(refunded=Coalesce(refunded, _ZERO, output_field=DecimalField()))
        .order_by("pk")
    )


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
    """All payments of a package's orders with what each gets back.

    `payments` are their rows by key, with account and fund.
    """

    currency: str
    lines: tuple[PlannedLine, ...]
    payments: Mapping[int, Payment] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
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

    @cached_property
    def plain(self) -> dict[str, Any]:
        """The plan as plain data, to be compared and stored."""
        return {
            "currency": self.currency,
            "amount": str(self.amount),
            "lines": [line.to_json() for line in self.lines],
        }


def _payment_facts(orders: Iterable[Order]) -> dict[int, list[tuple[Payment, PaymentFacts]]]:
    facts: dict[int, list[tuple[Payment, PaymentFacts]]] = defaultdict(list)
    for payment in _payments([order.pk for order in orders]):
        facts[payment.order_id].append(
            (
                payment,
                PaymentFacts(
                    id=payment.pk,
                    kind=TenderKind(payment.kind),
                    amount=payment.amount,
                    already_refunded=payment.refunded,  # type: ignore[attr-defined]
                ),
            )
        )
    return facts


def plan_refund(orders: Sequence[Order], spent: Mapping[int, Decimal], currency: str) -> RefundPlan:
    """Return what refunding a package gives back to every payment of its orders.

    `spent` is what each order, by key, spent on the package, coupons aside. An order that bought
    for several packages gives back this package's part, split over its payments by what is left
    of each.
    """
    facts = _payment_facts(orders)
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
    return RefundPlan(
        currency=currency,
        lines=tuple(lines),
        payments={payment.pk: payment for pairs in facts.values() for payment, _each in pairs},
    )
