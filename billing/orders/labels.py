"""What stands on a quote or an order, in words of the active language."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing.catalog.labels import explain
from billing.enums import Edition, ItemKind, OrderStatus


@dataclass(frozen=True)
class ShownLine:
    """One line for a reader; amounts with 2 decimals, `application` is a key."""

    label: str
    formula: str
    amount: Decimal
    application: int
    promotion_amount: Decimal
    coupon_amount: Decimal
    net: Decimal


@dataclass(frozen=True)
class LineGroup:
    """The lines for one application, and what they cost before promotion and coupon."""

    application: Any
    lines: list[ShownLine]

    @property
    def subtotal(self) -> Decimal:
        """The sum of the lines."""
        return sum((line.amount for line in self.lines), Decimal("0.00"))


def group_lines(lines: Iterable[ShownLine], applications: Mapping[int, Any]) -> list[LineGroup]:
    """Return lines application by application; `applications` are by key."""
    groups: dict[int, list[ShownLine]] = {}
    for line in lines:
        groups.setdefault(line.application, []).append(line)
    return [LineGroup(applications[key], rows) for key, rows in groups.items()]


def name_line(
    *, item: str, edition: str, from_edition: str, quantity: int, ends_at: str = ""
) -> str:
    """Say what a line buys: `Premium agent package`, `2 additional agent licenses (Premium)`.

    `ends_at`, an instant in ISO form, is named where the licenses end before their package.
    """
    edition_label = Edition(edition).label
    if item == ItemKind.PACKAGE:
        text = _("%(edition)s agent package")
    elif item == ItemKind.AGENT:
        text = ngettext(
            "%(quantity)d additional agent license (%(edition)s)",
            "%(quantity)d additional agent licenses (%(edition)s)",
            quantity,
        )
    else:
        text = ngettext(
            "%(quantity)d additional SIP telephone license (%(edition)s)",
            "%(quantity)d additional SIP telephone licenses (%(edition)s)",
            quantity,
        )
    name = text % {"quantity": quantity, "edition": edition_label}
    if not from_edition:
        return name
    old = Edition(from_edition).label
    upgraded = _("%(name)s, upgraded from %(edition)s") % {"name": name, "edition": old}
    if not ends_at:
        return upgraded
    local = timezone.localtime(datetime.fromisoformat(ends_at))
    return _("%(name)s, ends on %(day)s") % {
        "name": upgraded,
        "day": date_format(local, "DATE_FORMAT"),
    }


def show_quoted_line(line: Any) -> ShownLine:
    """Put a `QuotedLine` into words."""
    priced = line.priced
    return ShownLine(
        label=name_line(
            item=priced.item,
            edition=priced.edition,
            from_edition=priced.from_edition or "",
            quantity=priced.quantity,
            ends_at=priced.formula.get("ends_at", ""),
        ),
        formula=explain(priced.formula, priced.amount),
        amount=priced.amount,
        application=line.application,
        promotion_amount=line.promotion_amount,
        coupon_amount=line.coupon_amount,
        net=line.net,
    )


def show_order_line(line: Any) -> ShownLine:
    """Put an `OrderLine` into words."""
    return ShownLine(
        label=name_line(
            item=line.item,
            edition=line.edition,
            from_edition=line.from_edition,
            quantity=line.quantity,
            ends_at=line.formula.get("ends_at", ""),
        ),
        formula=explain(line.formula, line.amount),
        amount=line.amount,
        application=line.application_id,
        promotion_amount=line.promotion_amount,
        coupon_amount=line.coupon_amount,
        net=line.net,
    )


#: What an audit event tells of an order, and how it feels.
_EVENTS: dict[str, tuple[str | Promise, str]] = {
    "order.placed": (gettext_lazy("Placed"), ""),
    "order.paid": (gettext_lazy("Paid and delivered"), "good"),
    "order.cancelled": (gettext_lazy("Canceled"), ""),
    "order.expired": (gettext_lazy("Expired unpaid"), "danger"),
    "order.payment_refused": (gettext_lazy("Payment refused"), "danger"),
    "order.refunding": (gettext_lazy("Refund requested, under review"), "warning"),
    "order.refunded": (gettext_lazy("Refunded"), "warning"),
}


def name_event(verb: str, from_state: str) -> tuple[str, str]:
    """Return an event of an order's history in words, and its tone for a timeline."""
    if verb == "order.paid" and from_state == OrderStatus.REFUNDING:
        return _("Refund not granted, order unchanged"), ""
    words, tone = _EVENTS.get(verb, (verb, ""))
    return str(words), tone
