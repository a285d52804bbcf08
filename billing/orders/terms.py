"""What a quote means to the person who is about to confirm it, besides its price."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from billing.calendar import billing_zone, refund_window_ends
from billing.enums import OrderKind, PromotionRefundRule
from billing.orders.effects import PackageChange
from billing.orders.quotes import Quote


@dataclass(frozen=True)
class RefundTerms:
    """Whether, and until when, what is bought can be given back for a full refund.

    `code` is "window" (a new package: until `ends_at`, which is exclusive), "package" (part of
    the package's refund, which counts from its purchase at `counted_from`), "none" (the
    promotion rules it out for the whole package) or "trial" (money spent on a trial).
    """

    code: str
    days: int = 0
    counted_from: datetime | None = None
    ends_at: datetime | None = None


def read_refund_terms(quote: Quote, effect: PackageChange) -> RefundTerms:
    """Return the refund terms of one package of the quote, as far as buying decides them.

    Other facts, such as violations or a refund that the company had, are asked when the refund
    is asked for.
    """
    promotion = quote.promotion
    if promotion and promotion.refund_rule == PromotionRefundRule.NONE:
        return RefundTerms("none")
    if quote.ask.kind != OrderKind.NEW:
        held = next(each for each in quote.held if each.package.pk == effect.package)
        bought_at = held.package.purchased_at
        return RefundTerms("package", counted_from=bought_at) if bought_at else RefundTerms("trial")
    days = settings.REFUND_WINDOW_DAYS
    if promotion and promotion.refund_rule == PromotionRefundRule.WINDOW:
        days = promotion.refund_window_days or 0
    ends_at = refund_window_ends(quote.issued_at, days, billing_zone())
    return RefundTerms("window", days, quote.issued_at, ends_at)
