"""What a page that sells shows while somebody still chooses: a quote, and the offers that fit."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account
from billing.asks import Ask
from billing.models import Promotion
from billing.services.offers import CouponChoice, in_scope, list_coupons, list_promotions
from billing.services.quotes import Known, Quote, make_quote, with_coupon


@dataclass(frozen=True)
class Proposal:
    """A quote with its offers, or the reason why there is no quote.

    `promotions` are those that the ask may use, `coupons` all of the account's, the usable ones
    first. `refusal` may stand beside a quote: then the chosen coupon is what cannot be used.
    """

    promotions: tuple[Promotion, ...]
    coupons: tuple[CouponChoice, ...] = ()
    quote: Quote | None = None
    refusal: Refused | None = None

    @property
    def best(self) -> CouponChoice | None:
        """The coupon that is proposed: the usable one that expires first."""
        return next((choice for choice in self.coupons if choice.is_usable), None)

    @property
    def unusable(self) -> list[CouponChoice]:
        """The coupons that cannot be used, each with its reasons."""
        return [choice for choice in self.coupons if not choice.is_usable]


def propose(
    *,
    account: Account,
    ask: Ask,
    takes_best_coupon: bool,
    now: datetime,
    known: Known | None = None,
) -> Proposal:
    """Quote `ask` with the coupon that it names or, if wanted, with the best one; reads only.

    With `known`, for pages that only show the price, `quotes.with_split` makes the quote one to
    confirm.
    """
    try:
        quote = make_quote(account=account, ask=replace(ask, coupon=None), now=now, known=known)
    except Refused as refusal:
        return Proposal(tuple(list_promotions(ask, now)), refusal=refusal)
    scope = in_scope(ask, [held.package for held in quote.held])
    promotions = tuple(list_promotions(scope, now))
    coupons = tuple(
        list_coupons(
            account=account,
            payer=quote.payer,
            ask=scope,
            amount=quote.list_amount - quote.promotion_amount,
            currency=quote.currency,
            now=now,
        )
    )
    found = Proposal(promotions, coupons, quote)
    if takes_best_coupon:
        return replace(found, quote=with_coupon(quote, found.best.coupon)) if found.best else found
    return _with_named(found, ask) if ask.coupon is not None else found


def _with_named(found: Proposal, ask: Ask) -> Proposal:
    """Use the coupon that the ask names, or say what stands against it."""
    named = next((choice for choice in found.coupons if choice.coupon.pk == ask.coupon), None)
    if named is None:
        reason = _("Choose one of this account's coupons.")
        return replace(found, refusal=Refused(reason, code="no_coupon", field="coupon"))
    if not named.is_usable:
        reason = " ".join(named.reasons)
        return replace(found, refusal=Refused(reason, code="coupon_unusable", field="coupon"))
    return replace(found, quote=with_coupon(found.quote, named.coupon)) if found.quote else found
