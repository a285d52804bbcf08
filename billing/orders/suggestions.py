"""The quote and the offers that a purchase page shows before the customer has chosen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account
from billing.offers.models import Coupon, Promotion
from billing.offers.policy import limits_refund, list_harmless
from billing.offers.services import (
    CouponChoice,
    OfferScope,
    list_coupons,
    list_fitting,
    promotion_shares,
    read_promotions,
    refuse_promotion,
)
from billing.orders.quotes import Quote
from billing.orders.quoting import (
    NOTHING_PRELOADED,
    PreloadedFacts,
    price_quote,
    with_offers,
)
from billing.orders.request import OrderRequest, in_scope


@dataclass(frozen=True)
class OfferChoice:
    """Which offers the customer left for us to choose; else the request names them, or none."""

    is_best_promotion: bool = False
    is_best_coupon: bool = False


@dataclass(frozen=True)
class PromotionChoice:
    """A promotion as an order meets it: what it takes off, and whether it limits the refund."""

    promotion: Promotion
    deduction: Decimal
    limits_refund: bool


@dataclass(frozen=True)
class Suggestion:
    """A quote with its offers, or the reason why there is no quote.

    `promotions` are those that the order may use, `coupons` all of the account's, the usable ones
    first. `best_promotion` is the one that is proposed, if any. `refusal` may stand beside a quote:
    then a chosen offer is what cannot be used.
    """

    promotions: tuple[PromotionChoice, ...] = ()
    coupons: tuple[CouponChoice, ...] = ()
    quote: Quote | None = None
    refusal: Refused | None = None
    best_promotion: Promotion | None = None

    @property
    def best(self) -> CouponChoice | None:
        """The coupon that is proposed: the usable one that expires first."""
        return next((choice for choice in self.coupons if choice.is_usable), None)

    @property
    def unusable(self) -> list[CouponChoice]:
        """The coupons that cannot be used, each with its reasons."""
        return [choice for choice in self.coupons if not choice.is_usable]

    @property
    def larger(self) -> list[PromotionChoice]:
        """The promotions that take more off than the quote's, but limit the refund right."""
        taken = self.quote.promotion_amount if self.quote else Decimal(0)
        return [
            choice
            for choice in self.promotions
            if choice.limits_refund and choice.deduction > taken
        ]


def suggest(
    *,
    account: Account,
    order_request: OrderRequest,
    choice: OfferChoice,
    preloaded: PreloadedFacts = NOTHING_PRELOADED,
    now: datetime,
) -> Suggestion:
    """Price a request with the offers that it names or, as `choice` says, with the best.

    The best promotion is the one that makes the order cheapest together with the coupon, among
    those that leave the refund right as it is. Reads only.
    """
    try:
        quote = price_quote(
            account=account, order_request=order_request, preloaded=preloaded, now=now
        )
    except Refused as refusal:
        return Suggestion(refusal=refusal)
    scope = in_scope(order_request, [each.package for each in quote.snapshots])
    running = read_promotions(now) if preloaded.promotions is None else preloaded.promotions
    fitting = list_fitting(running, scope, now)
    pricing = _Pricing(
        quote=quote,
        scope=scope,
        named_coupon=order_request.coupon,
        is_best_coupon=choice.is_best_coupon,
        coupons=tuple(Coupon.objects.filter(account=account)),
        now=now,
    )
    best = pricing.find_cheapest(
        list_harmless(fitting, order_request.kind, settings.REFUND_WINDOW_DAYS)
    )
    chosen = best
    if not choice.is_best_promotion:
        named = next((each for each in fitting if each.pk == order_request.promotion), None)
        chosen = pricing.price(named)
        if order_request.promotion is not None and chosen.quote.promotion is None:
            chosen = replace(chosen, refusal=refuse_promotion())
    return Suggestion(
        promotions=tuple(_list_choices(quote, fitting)),
        coupons=chosen.coupons,
        quote=chosen.quote,
        refusal=chosen.refusal,
        best_promotion=best.quote.promotion,
    )


def _list_choices(quote: Quote, promotions: Sequence[Promotion]) -> list[PromotionChoice]:
    """Return what each promotion would take off the quote, which has none."""
    amounts = [line.priced.amount for line in quote.lines]
    kind, usual = quote.request.kind, settings.REFUND_WINDOW_DAYS
    return [
        PromotionChoice(
            promotion=promotion,
            deduction=sum(promotion_shares(promotion, amounts), Decimal("0.00")),
            limits_refund=limits_refund(promotion, kind, usual),
        )
        for promotion in promotions
    ]


@dataclass(frozen=True)
class _Priced:
    """The quote with one promotion, or none, and with the coupon that goes with it."""

    quote: Quote
    coupons: tuple[CouponChoice, ...]
    refusal: Refused | None = None


@dataclass(frozen=True)
class _Pricing:
    """Prices the same quote with one promotion after the other; nothing is read."""

    quote: Quote
    scope: OfferScope
    named_coupon: int | None
    is_best_coupon: bool
    coupons: tuple[Coupon, ...]
    now: datetime

    def find_cheapest(self, promotions: Sequence[Promotion]) -> _Priced:
        """Return the cheapest of these and no promotion; of equal ones the first.

        A promotion can make an order dearer: a coupon may need a spend that is then not reached.
        """
        priced = [self.price(promotion) for promotion in (*promotions, None)]
        return min(priced, key=lambda each: (each.refusal is not None, each.quote.total))

    def price(self, promotion: Promotion | None) -> _Priced:
        """Return the quote with this promotion and its coupon, named or the best one."""
        quote = with_offers(self.quote, promotion, None)
        coupons = tuple(
            list_coupons(
                self.coupons,
                is_self_pay=quote.is_self_pay,
                scope=self.scope,
                amount=quote.total,
                currency=quote.currency,
                now=self.now,
            )
        )
        if self.is_best_coupon:
            found = next((each for each in coupons if each.is_usable), None)
        elif self.named_coupon is None:
            found = None
        else:
            found = next((each for each in coupons if each.coupon.pk == self.named_coupon), None)
            if found is None or not found.is_usable:
                return _Priced(quote, coupons, _not_usable(found))
        return _Priced(with_offers(quote, promotion, found.coupon) if found else quote, coupons)


def _not_usable(choice: CouponChoice | None) -> Refused:
    if choice is None:
        reason = _("Choose one of this account's coupons.")
        return Refused(reason, code="no_coupon", field="coupon")
    return Refused(" ".join(choice.reasons), code="coupon_unusable", field="coupon")
