"""The account's page: funds, coupons, orders and refunds."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account
from accounts.templatetags.console import day, instant, money
from billing.enums import RefundStatus
from billing.models import Coupon, Fund, Order, Refund
from config.staff.sections import Cell, DeskTable, Note, Reader, state, words


def find_claim(account: Account) -> Refund | None:
    """Return the refund that uses, or holds, the one that the account's entity has."""
    return (
        Refund.objects.claiming()
        .filter(entity=account.entity_id)
        .select_related("account")
        .order_by("-pk")
        .first()
    )


def _claim(reader: Reader) -> Iterator[Note]:
    claim = reader.facts["claim"]
    if claim is None:
        yield Note("good", _("The company has not used its one full refund."))
        return
    values = {"number": claim.number, "account": claim.account}
    if claim.status == RefundStatus.PENDING:
        words = _("The company's one full refund has been requested by %(number)s of %(account)s.")
    else:
        words = _("The company's one full refund was used by %(number)s of %(account)s.")
    yield Note("warning", words % values)


def _value(reader: Reader, row: Coupon) -> Cell:
    if row.percent_off is not None:
        return _("%(percent)s%% off") % {"percent": f"{row.percent_off.normalize():f}"}
    left = row.amount if row.remaining is None else row.remaining
    return money(left, row.currency)


MONEY = [
    DeskTable(
        name="funds",
        title=gettext_lazy("Funds"),
        model="billing.fund",
        find=lambda reader: Fund.objects.filter(account=reader.account).order_by("pk"),
        columns={
            gettext_lazy("Fund"): lambda reader, row: reader.link(row, row.get_kind_display()),
            gettext_lazy("Balance"): lambda reader, row: money(row.balance, row.currency),
        },
        empty=gettext_lazy("No credits yet."),
    ),
    DeskTable(
        name="coupons",
        title=gettext_lazy("Coupons"),
        model="billing.coupon",
        find=lambda reader: Coupon.objects.filter(account=reader.account).order_by("-ends_at"),
        columns={
            gettext_lazy("Coupon"): lambda reader, row: reader.link(row, row.code),
            gettext_lazy("Kind"): words("kind"),
            gettext_lazy("Left"): _value,
            gettext_lazy("Until"): lambda reader, row: day(row.ends_at),
        },
        empty=gettext_lazy("This account has no coupons."),
    ),
    DeskTable(
        name="orders",
        title=gettext_lazy("Orders"),
        model="billing.order",
        find=lambda reader: Order.objects.filter(account=reader.account).order_by("-pk"),
        columns={
            gettext_lazy("Order"): lambda reader, row: reader.link(row),
            gettext_lazy("Kind"): words("kind"),
            gettext_lazy("Status"): state("status"),
            gettext_lazy("Total"): lambda reader, row: money(row.total, row.currency),
            gettext_lazy("Ordered"): lambda reader, row: instant(row.created_at),
        },
        empty=gettext_lazy("No orders yet."),
    ),
    DeskTable(
        name="refunds",
        title=gettext_lazy("Refunds"),
        model="billing.refund",
        find=lambda reader: Refund.objects.filter(account=reader.account).order_by("-pk"),
        columns={
            gettext_lazy("Refund"): lambda reader, row: reader.link(row),
            gettext_lazy("Status"): state("status"),
            gettext_lazy("Amount"): lambda reader, row: money(row.amount, row.currency),
            gettext_lazy("Requested"): lambda reader, row: instant(row.requested_at),
        },
        empty=gettext_lazy("No refunds requested."),
        notes=_claim,
    ),
]
