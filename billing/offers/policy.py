"""Which promotions may be chosen on the customer's behalf: pure.

A promotion is proposed only where it leaves the refund right at least as it is without one (see
docs/decisions). A promotion that limits the right is offered with its terms, and taking it is the
customer's own decision.
"""

from collections.abc import Iterable

from billing.enums import OrderKind, PromotionRefundRule
from billing.offers.models import Promotion


def window_days(promotion: Promotion, kind: str, usual: int) -> int:
    """Return the days of the refund window under a promotion; `usual` are those without one.

    Only the promotion of the order that buys the package sets a window of its own.
    """
    if kind == OrderKind.NEW and promotion.refund_rule == PromotionRefundRule.WINDOW:
        return promotion.refund_window_days or 0
    return usual


def limits_refund(promotion: Promotion, kind: str, usual: int) -> bool:
    """Say whether an order of this kind would lose some of the refund right by the promotion.

    "Not refundable" always counts as a limit, also where the package has no refund anyway.
    """
    if promotion.refund_rule == PromotionRefundRule.NONE:
        return True
    return window_days(promotion, kind, usual) < usual


def list_harmless(promotions: Iterable[Promotion], kind: str, usual: int) -> list[Promotion]:
    """Return the promotions that may be proposed, the best one first; one for each percentage.

    The best one takes most off; of equal ones it is the one with the longest refund window, then
    the oldest. What neither makes the order cheaper nor the window longer is left out.
    """
    useful = [
        promotion
        for promotion in promotions
        if not limits_refund(promotion, kind, usual)
        and (promotion.percent_off or window_days(promotion, kind, usual) > usual)
    ]
    useful.sort(key=lambda each: (-each.percent_off, -window_days(each, kind, usual), each.pk))
    first_of: dict[object, Promotion] = {}
    for promotion in useful:
        first_of.setdefault(promotion.percent_off, promotion)
    return list(first_of.values())
