"""What coupons and promotions are for, in words."""

from django.utils.translation import gettext as _

from billing.enums import Edition, OrderKind, TermUnit
from billing.offers.models import Limits


def limits_of(offer: Limits) -> str:
    """Say for which orders an offer is: `Premium; Annual; Renewal`, or that it is for all."""
    parts = [
        ", ".join(str(Edition(value).label) for value in offer.editions),
        ", ".join(str(TermUnit(value).label) for value in offer.term_units),
        ", ".join(str(OrderKind(value).label) for value in offer.order_kinds),
    ]
    return "; ".join(part for part in parts if part) or _("every order")
