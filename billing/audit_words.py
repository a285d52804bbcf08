"""What this app's audit verbs mean, in words."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing.enums import OrderStatus, PackageState, RefundStatus, RenewalMode

SENTENCES: dict[str, str | Promise] = {
    "coupon.given": _("Coupon %(target)s received"),
    "coupon.withdrawn": _("Coupon %(target)s withdrawn"),
    "credit.approved": _("Credit %(target)s booked"),
    "credit.recorded": _("Credit %(target)s recorded"),
    "credit.rejected": _("Credit %(target)s rejected"),
    "credit.reversal_asked": _("Reversal of credit %(target)s requested"),
    "feature_table.published": _("Feature table %(target)s published"),
    "order.cancelled": _("Order %(target)s canceled"),
    "order.expired": _("Order %(target)s expired unpaid"),
    "order.paid": _("Order %(target)s paid"),
    "order.payment_refused": _("Payment of order %(target)s refused by the other account"),
    "order.placed": _("Order %(target)s placed"),
    "order.refund_ended": _("Refund review of order %(target)s ended without a refund"),
    "order.refunded": _("Order %(target)s refunded"),
    "order.refunding": _("Refund of order %(target)s under review"),
    "package.active": _("Package %(target)s active"),
    "package.extended": _("Licenses added to package %(target)s"),
    "package.isolated": _("Package %(target)s expired and isolated"),
    "package.postpaid_switch_recorded": _("Package %(target)s recorded as switched from postpaid"),
    "package.purchased": _("Package %(target)s bought"),
    "package.refunded": _("Package %(target)s refunded"),
    "package.released": _("Package %(target)s released"),
    "package.renewal_mode_chosen": _("Renewal of package %(target)s: %(to)s"),
    "package.renewed": _("Package %(target)s renewed"),
    "package.time_returned": _("Time given back to package %(target)s"),
    "package.trial_granted": _("Trial %(target)s granted"),
    "package.upgraded": _("Package %(target)s upgraded"),
    "price_book.published": _("Price book %(target)s published"),
    "price_book.withdrawn": _("Price book %(target)s withdrawn before it took effect"),
    "promotion.defined": _("Promotion %(target)s defined"),
    "promotion.ended": _("Promotion %(target)s ended"),
    "refund.done": _("Refund %(target)s carried out"),
    "refund.refused": _("Refund %(target)s refused"),
    "refund.rejected": _("Refund %(target)s rejected"),
    "refund.requested": _("Refund %(target)s requested"),
    "refund.withdrawn": _("Request for refund %(target)s withdrawn"),
    "refund_hold.placed": _("Refund hold placed on %(target)s"),
    "refund_hold.released": _("Refund hold on %(target)s released"),
}

STATES: dict[str, str | Promise] = {
    **dict(RefundStatus.choices),
    **dict(OrderStatus.choices),
    **dict(PackageState.choices),
    **dict(RenewalMode.choices),
}

SUBJECTS: dict[str, str | Promise] = {
    "coupon": _("Coupons"),
    "credit": _("Credits"),
    "order": _("Orders"),
    "package": _("Packages"),
    "refund": _("Refunds"),
}

#: Customers are never told of holds, nor of credits that no one has approved.
INTERNAL = {
    "credit.recorded",
    "credit.rejected",
    "credit.reversal_asked",
    "feature_table.published",
    "price_book.published",
    "price_book.withdrawn",
    "promotion.defined",
    "promotion.ended",
    "refund_hold.placed",
    "refund_hold.released",
}
