"""Words with a fixed set of values, shared by the models and the pure policies of billing."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Edition(TextChoices):
    """What a package unlocks (guide, Billing Overview)."""

    ESSENTIAL = "essential", _("Essential")
    PREMIUM = "premium", _("Premium")


class TermUnit(TextChoices):
    """How a package is subscribed."""

    MONTH = "month", _("Monthly")
    YEAR = "year", _("Annual")


class ItemKind(TextChoices):
    """What an order line buys."""

    PACKAGE = "package", _("Agent package")
    AGENT = "agent", _("Additional agent license")
    SIP = "sip", _("Additional SIP telephone license")


class LicenseKind(TextChoices):
    """The kind of user that a license lets work."""

    AGENT = "agent", _("Agent license")
    SIP = "sip", _("SIP telephone license")


class LicenseSource(TextChoices):
    """Where a license comes from."""

    INCLUDED = "included", _("Included")
    BOUGHT = "bought", _("Bought")


class PackageKind(TextChoices):
    """Whether a package was granted or bought."""

    TRIAL = "trial", _("Trial")
    PAID = "paid", _("Paid")


class PackageState(TextChoices):
    """A package's life; the moves between these stand in `billing.transitions`."""

    TRIAL = "trial", _("Trial")
    ACTIVE = "active", _("Active")
    ISOLATED = "isolated", _("Isolated")
    RELEASED = "released", _("Released")
    REFUNDED = "refunded", _("Refunded")


#: The states in which licenses may work, as long as the expiry has not passed.
RUNNING_STATES = (PackageState.TRIAL, PackageState.ACTIVE)
#: The states in which a package occupies its application.
CURRENT_STATES = (*RUNNING_STATES, PackageState.ISOLATED)
#: The states in which a package is over permanently.
OVER_STATES = (PackageState.RELEASED, PackageState.REFUNDED)


class OrderKind(TextChoices):
    """The commercial acts."""

    NEW = "new", _("New purchase")
    ADDITIONAL = "additional", _("Additional purchase")
    RENEWAL = "renewal", _("Renewal")
    UPGRADE = "upgrade", _("Upgrade")


class OrderStatus(TextChoices):
    """An order's life; the moves between these stand in `billing.transitions`."""

    UNPAID = "unpaid", _("Unpaid")
    PAID = "paid", _("Paid")
    REFUNDING = "refunding", _("Refund under review")
    REFUNDED = "refunded", _("Refunded")
    CLOSED = "closed", _("Canceled")
    EXPIRED = "expired", _("Expired")
    REFUSED = "refused", _("Payment refused")


class ShownOrderStatus(TextChoices):
    """What pages say of an order: its status, and what follows from money that went back."""

    UNPAID = "unpaid", _("Unpaid")
    PAID = "paid", _("Paid")
    REFUNDING = "refunding", _("Refund under review")
    PARTLY_REFUNDED = "partly_refunded", _("Partly refunded")
    REFUNDED = "refunded", _("Refunded")
    CLOSED = "closed", _("Canceled")
    EXPIRED = "expired", _("Expired")
    REFUSED = "refused", _("Payment refused")


class FundKind(TextChoices):
    """An account's balances, in the order in which they pay (ADR 0023)."""

    GIFT = "gift", _("Gift")
    INCOME = "income", _("Income")
    CASH = "cash", _("Cash")


class TenderKind(TextChoices):
    """What can pay toward an order."""

    GIFT = "gift", _("Gift")
    INCOME = "income", _("Income")
    CASH = "cash", _("Cash")
    COUPON = "coupon", _("Coupon")


class CouponKind(TextChoices):
    """How a coupon deducts."""

    VOUCHER = "voucher", _("Voucher")
    CASH = "cash", _("Cash coupon")
    DISCOUNT = "discount", _("Discount coupon")


class RenewalMode(TextChoices):
    """What happens as a package's expiry comes near."""

    REMIND = "remind", _("Remind me, and I renew manually")
    AUTOMATIC = "automatic", _("Remind me and renew automatically")
    NEITHER = "neither", _("Let it expire without reminders")


class RefundStatus(TextChoices):
    """A refund's life; the moves between these stand in `billing.transitions`."""

    PENDING = "pending", _("Under review")
    DONE = "done", _("Refunded")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class RefundRuleOutcome(TextChoices):
    """What one rule of the refund policy says."""

    PASS = "pass", _("Passed")
    FAIL = "fail", _("Not met")
    REVIEW = "review", _("Needs a check by our staff")


class PromotionRefundRule(TextChoices):
    """A promotion's own refund rule, which prevails over the usual one (guide, Refund Guide)."""

    POLICY = "policy", _("As usual")
    NONE = "none", _("Not refundable")
    WINDOW = "window", _("Custom window in days")


class LedgerBook(TextChoices):
    """The books of the double entry: customers' funds, and what stands against them."""

    FUND = "fund", _("Customer fund")
    SALES = "sales", _("Sales")
    TOP_UP = "top_up", _("Top-ups received")
    GIFT_GRANT = "gift_grant", _("Gifts granted")
    INCOME_TRANSFER = "income_transfer", _("Income transferred")


class LedgerKind(TextChoices):
    """Why money moved."""

    CREDIT = "credit", _("Credit")
    REVERSAL = "reversal", _("Reversal of a credit")
    PAYMENT = "payment", _("Payment of an order")
    REFUND = "refund", _("Refund")


class CreditStatus(TextChoices):
    """A credit's way from staff's form to the fund; `billing.transitions` has the moves."""

    WAITING = "waiting", _("Awaiting approval")
    BOOKED = "booked", _("Booked")
    REJECTED = "rejected", _("Rejected")
