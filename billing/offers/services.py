"""Promotions and coupons as an order meets them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account
from accounts.prepared import PreparedQuery, find_each
from billing.allocation import allocate
from billing.enums import CouponKind, Edition, OrderKind, TermUnit
from billing.offers.models import Coupon, Promotion

_CENT = Decimal("0.01")
_ZERO = Decimal("0.00")


def _fits(values: Sequence[str], value: str | None) -> bool:
    return not values or value in values


@dataclass(frozen=True)
class OfferScope:
    """What offers are limited by: None where an order has more than one edition or kind of term.

    `count` is the number of terms; of several packages the smallest.
    """

    kind: OrderKind
    edition: Edition | None
    unit: TermUnit | None
    count: int = 1


def read_promotions(at: datetime) -> list[Promotion]:
    """Return all promotions that run at `at`."""
    return list(Promotion.objects.filter(starts_at__lte=at, ends_at__gt=at))


def list_fitting(
    promotions: Iterable[Promotion], scope: OfferScope, at: datetime
) -> list[Promotion]:
    """Return those of `promotions` that fit an order at `at`, the largest first."""
    fitting = [promotion for promotion in promotions if _is_for(promotion, scope, at)]
    return sorted(fitting, key=lambda promotion: (-promotion.percent_off, promotion.pk))


def _is_for(promotion: Promotion, scope: OfferScope, at: datetime) -> bool:
    return (
        promotion.starts_at <= at < promotion.ends_at
        and _fits(promotion.order_kinds, scope.kind)
        and _fits(promotion.editions, scope.edition)
        and _fits(promotion.term_units, scope.unit)
        and scope.count >= promotion.minimum_terms
    )


def find_named(
    account: Account, *, promotion: int | None, coupon: int | None
) -> tuple[Promotion | None, Coupon | None]:
    """Return the promotion and the account's coupon with these keys; one query, or none."""
    if promotion is None and coupon is None:
        return None, None
    found_promotion, found_coupon = find_each(
        (_promotion, [promotion]), (_coupon, [account.pk, coupon])
    )
    return found_promotion, found_coupon


@PreparedQuery
def _promotion(pk: int) -> "QuerySet[Promotion]":
    return Promotion.objects.filter(pk=pk)


@PreparedQuery
def _coupon(account_id: int, pk: int) -> "QuerySet[Coupon]":
    return Coupon.objects.filter(account_id=account_id, pk=pk)


def require_promotion(promotion: Promotion | None, *, scope: OfferScope, at: datetime) -> None:
    """Raise Refused where the promotion that was named is not found, or is not for the order."""
    if promotion is None or not _is_for(promotion, scope, at):
        raise refuse_promotion()


def refuse_promotion() -> Refused:
    """Return the refusal of a promotion that is not for the order."""
    return Refused(
        _("This promotion does not apply to this order."), code="no_promotion", field="promotion"
    )


def promotion_shares(promotion: Promotion | None, amounts: Sequence[Decimal]) -> list[Decimal]:
    """Return what a promotion takes off each amount, rounded half up to the cent."""
    if promotion is None:
        return [_ZERO for _amount in amounts]
    return [
        (amount * promotion.percent_off / 100).quantize(_CENT, rounding=ROUND_HALF_UP)
        for amount in amounts
    ]


def after_promotion(promotion: Promotion | None, amounts: Sequence[Decimal]) -> Decimal:
    """Return the sum that is left after a promotion."""
    off = sum(promotion_shares(promotion, amounts), _ZERO)
    return sum(amounts, _ZERO) - off


def deduction_of(coupon: Coupon, amount: Decimal) -> Decimal:
    """Return what a usable coupon deducts from `amount`: never more than it."""
    if coupon.kind == CouponKind.VOUCHER:
        return min(coupon.remaining or _ZERO, amount)
    if coupon.kind == CouponKind.CASH:
        return min(coupon.amount or _ZERO, amount)
    off = (amount * (coupon.percent_off or _ZERO) / 100).quantize(_CENT, rounding=ROUND_HALF_UP)
    return min(off, amount) if coupon.cap is None else min(off, amount, coupon.cap)


def coupon_shares(coupon: Coupon | None, amounts: Sequence[Decimal]) -> list[Decimal]:
    """Return what a coupon pays of each amount; the sum is its deduction exactly."""
    total = sum(amounts, _ZERO)
    if coupon is None or total == 0:
        return [_ZERO for _amount in amounts]
    return allocate(deduction_of(coupon, total), amounts, caps=amounts)


@dataclass(frozen=True)
class CouponChoice:
    """A coupon as an order meets it: what it would deduct, or why it cannot be used."""

    coupon: Coupon
    deduction: Decimal
    reasons: tuple[str, ...]

    @property
    def is_usable(self) -> bool:
        """Whether nothing stands against it."""
        return not self.reasons


def _reasons_against(
    coupon: Coupon,
    *,
    scope: OfferScope,
    is_self_pay: bool,
    amount: Decimal,
    currency: str,
    now: datetime,
) -> tuple[str, ...]:
    is_left = coupon.used_at is None and coupon.remaining != 0
    checks = (
        (is_self_pay, _("Coupons cannot be used when another account pays.")),
        (coupon.currency == currency, _("It is in another currency.")),
        (coupon.starts_at <= now, _("It is not valid yet.")),
        (now < coupon.ends_at, _("It is no longer valid.")),
        (_fits(coupon.editions, scope.edition), _("It is for another edition.")),
        (_fits(coupon.term_units, scope.unit), _("It is for another term.")),
        (_fits(coupon.order_kinds, scope.kind), _("It is for another kind of order.")),
        (
            amount >= coupon.minimum_spend,
            _("It requires a spend of at least %(amount)s.") % {"amount": coupon.minimum_spend},
        ),
        (coupon.withdrawn_at is None, _("It has been withdrawn.")),
        (is_left, _("It has been used up.")),
        (
            not is_left or amount == 0 or deduction_of(coupon, amount) > 0,
            _("It would not reduce the price."),
        ),
    )
    return tuple(reason for holds, reason in checks if not holds)


def list_coupons(
    coupons: Iterable[Coupon],
    *,
    is_self_pay: bool,
    scope: OfferScope,
    amount: Decimal,
    currency: str,
    now: datetime,
) -> list[CouponChoice]:
    """Return the buyer's coupons for an order of `amount`, usable ones first.

    Usable ones by earliest expiry, then by largest deduction (ADR 0025), so the first one is the
    proposal; the others with every reason that stands against them.
    """
    choices = [
        CouponChoice(
            coupon=coupon,
            deduction=deduction_of(coupon, amount),
            reasons=_reasons_against(
                coupon,
                scope=scope,
                is_self_pay=is_self_pay,
                amount=amount,
                currency=currency,
                now=now,
            ),
        )
        for coupon in coupons
    ]
    return sorted(
        choices,
        key=lambda choice: (
            not choice.is_usable,
            choice.coupon.ends_at,
            -choice.deduction,
            choice.coupon.pk,
        ),
    )


def require_coupon(
    coupon: Coupon | None,
    *,
    account: Account,
    payer: Account,
    scope: OfferScope,
    amount: Decimal,
    currency: str,
    now: datetime,
) -> None:
    """Raise Refused, with every reason, where the coupon that was named cannot be used."""
    if coupon is None:
        raise Refused(_("Choose one of this account's coupons."), code="no_coupon", field="coupon")
    reasons = _reasons_against(
        coupon,
        scope=scope,
        is_self_pay=payer.pk == account.pk,
        amount=amount,
        currency=currency,
        now=now,
    )
    if reasons:
        raise Refused(" ".join(reasons), code="coupon_unusable", field="coupon")


def use_coupon(coupon: Coupon, amount: Decimal, *, now: datetime) -> None:
    """Use up what a coupon pays. Raises Refused where someone was faster."""
    unused = Coupon.objects.filter(pk=coupon.pk, withdrawn_at=None)
    if coupon.kind == CouponKind.VOUCHER:
        changed = unused.filter(remaining__gte=amount).update(remaining=F("remaining") - amount)
    else:
        changed = unused.filter(used_at=None).update(used_at=now)
    if not changed:
        raise Refused(
            _("The coupon has been used in the meantime. Nothing was charged."), code="coupon_used"
        )
