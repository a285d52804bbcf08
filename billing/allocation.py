"""How a price is split over funds, and how it goes back: pure, exact to the cent."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billing.enums import FundKind, TenderKind

_CENT = Decimal("0.01")
_ZERO = Decimal("0.00")


@dataclass(frozen=True)
class PaymentSplit:
    """What each fund pays, and what is missing; non-negative, 2 decimals."""

    gift: Decimal
    income: Decimal
    cash: Decimal
    missing: Decimal

    @property
    def paid(self) -> Decimal:
        """What the funds pay together."""
        return self.gift + self.income + self.cash

    @property
    def amounts(self) -> dict[FundKind, Decimal]:
        """What each kind of fund pays, without those that pay nothing."""
        parts = {FundKind.GIFT: self.gift, FundKind.INCOME: self.income, FundKind.CASH: self.cash}
        return {kind: amount for kind, amount in parts.items() if amount}

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "gift": str(self.gift),
            "income": str(self.income),
            "cash": str(self.cash),
            "missing": str(self.missing),
        }


def split(
    total: Decimal, balances: Mapping[str, Decimal], excluded: Collection[str] = ()
) -> PaymentSplit:
    """Split `total` over gift, then income, then cash (ADR 0023); cash is never excluded."""
    left, parts = total, {}
    for kind in (FundKind.GIFT, FundKind.INCOME, FundKind.CASH):
        usable = kind == FundKind.CASH or kind not in excluded
        part = min(left, max(balances.get(kind, _ZERO), _ZERO)) if usable else _ZERO
        parts[kind] = part
        left -= part
    return PaymentSplit(
        gift=parts[FundKind.GIFT],
        income=parts[FundKind.INCOME],
        cash=parts[FundKind.CASH],
        missing=left,
    )


def allocate(
    total: Decimal, weights: Sequence[Decimal], caps: Sequence[Decimal] | None = None
) -> list[Decimal]:
    """Split `total` by `weights` to the cent, by the largest remainder; the sum is exact.

    Ties go to the earlier part. No part exceeds its cap (by default there is none; weights that
    are what is left of each payment are natural caps). Raises ValueError where the caps are too
    small or all weights are zero while there is something to split.
    """
    weight_sum = sum(weights, Decimal(0))
    if total == 0:
        return [_ZERO for _ in weights]
    if total < 0 or weight_sum <= 0:
        raise ValueError("nothing to allocate by")
    exact = [total * weight / weight_sum for weight in weights]
    parts = [part.quantize(_CENT, rounding="ROUND_FLOOR") for part in exact]
    limits = list(caps) if caps is not None else [total] * len(parts)
    parts = [min(part, limit) for part, limit in zip(parts, limits, strict=True)]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    left = total - sum(parts, Decimal(0))
    while left > 0:
        open_parts = [i for i in by_remainder if parts[i] < limits[i]]
        if not open_parts:
            raise ValueError("the caps are too small for the total")
        for i in open_parts:
            step = min(_CENT, left)
            parts[i] += step
            left -= step
            if left <= 0:
                break
    return parts


@dataclass(frozen=True)
class PaymentFacts:
    """A payment as a refund finds it."""

    id: int
    kind: TenderKind
    amount: Decimal
    already_refunded: Decimal = _ZERO

    @property
    def left(self) -> Decimal:
        """What can still go back; a coupon's payment never does."""
        return _ZERO if self.kind == TenderKind.COUPON else self.amount - self.already_refunded


def refundable(payments: Sequence[PaymentFacts]) -> Decimal:
    """Return all that can still go back."""
    return sum((payment.left for payment in payments), _ZERO)


def give_back(part: Decimal, payments: Sequence[PaymentFacts]) -> list[tuple[int, Decimal]]:
    """Split `part` over payments by what is left of each; every payment is listed.

    Coupons are listed with zero. Raises ValueError where `part` exceeds what is left.
    """
    left = [payment.left for payment in payments]
    if part > sum(left, _ZERO) or part < 0:
        raise ValueError("more than was paid")
    amounts = allocate(part, left, caps=left)
    return [(payment.id, amount) for payment, amount in zip(payments, amounts, strict=True)]
