"""The refund policy as sentences, for those who read it before they buy.

One table says each rule once, for the policy's own page and for every page that sells. The
numbers in the sentences come from the settings that the policy itself is judged by.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from billing.refunds.labels import SOURCES, TITLES
from billing.refunds.trace import RefundRule

Text = str | Promise


@dataclass(frozen=True)
class Term:
    """One rule for a reader: its name, what it says, and where it is from."""

    rule: RefundRule
    title: str
    text: str
    source: str


#: What each rule says; of the window, what follows the number of days.
_TEXTS: Mapping[RefundRule, Text] = {
    RefundRule.PAID_PACKAGE: _(
        "A package is refunded as a whole, with its additional licenses, upgrades and "
        "renewals. Trials and packages that have ended cannot be refunded."
    ),
    RefundRule.PREPAID: _("A package that was switched from postpaid cannot be refunded."),
    RefundRule.ONE_PER_ENTITY: _(
        "Each company has one full refund of this product, over all its accounts. A "
        "pending request holds it. If the request is rejected or withdrawn, the company "
        "gets it back. A package paid entirely with coupons does not use it, because "
        "nothing comes back."
    ),
    RefundRule.PROMOTION: _(
        "A promotion's own terms prevail: it may exclude refunds, or set its own number of days."
    ),
    RefundRule.GUIDELINES: _(
        "A serious or severe violation of the connect guidelines excludes a refund, "
        "whether the agents were used or not. So does a restriction of the account. If "
        "there is an open case or a warning, our staff review the request first."
    ),
    RefundRule.NOT_ABNORMAL: _("Unusual requests are reviewed by our staff first."),
    RefundRule.NOTHING_IN_FLIGHT: _(
        "The package must have no unpaid order and no other refund request."
    ),
}

#: What holds of the money, whichever rule is asked.
MONEY: Text = _("Money goes back to the funds that paid. Coupon amounts are not refunded.")


def _window(days: int) -> str:
    return ngettext(
        "The day of payment and %(days)s day after it count, to the last second.",
        "The day of payment and %(days)s days after it count, to the last second.",
        days,
    ) % {"days": days}


def list_terms(days: int) -> list[Term]:
    """Return all rules of the policy in its order, for a window of `days` days."""
    return [
        Term(
            rule=rule,
            title=str(TITLES[rule]),
            text=_window(days) if rule == RefundRule.WINDOW else str(_TEXTS[rule]),
            source=str(SOURCES[rule]),
        )
        for rule in RefundRule
    ]
