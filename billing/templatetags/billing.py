"""Filters of billing's templates: `{% load billing %}`."""

from datetime import date, datetime, timedelta
from typing import Any

from django import template
from django.conf import settings
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from accounts.templatetags.console import deadline
from billing.catalog.pricing import DAYS_IN_PRICE_MONTH
from billing.enums import Edition
from billing.orders.quotes import RefundTerms
from billing.refunds.terms import MONEY, list_terms

register = template.Library()


@register.filter
def edition_name(edition: str) -> str:
    """Name an edition by its stored value."""
    return str(Edition(edition).label)


@register.filter
def last_second(ends_at: datetime | None) -> SafeString | str:
    """Show the last second before an end that is exclusive: `15 Mar 2026, 23:59:59 UTC+8`."""
    return "" if ends_at is None else deadline(ends_at - timedelta(seconds=1))


@register.filter
def month_name(day: date) -> str:
    """Name the month of a day with its year: `March 2026`."""
    return date_format(day, "YEAR_MONTH_FORMAT")


@register.simple_tag
def refund_sentences(days: int) -> list[str]:
    """Return the refund policy in sentences: `{% refund_sentences terms.days as sentences %}`."""
    return [*(term.text for term in list_terms(days)), str(MONEY)]


@register.simple_tag
def life_of(expires_at: datetime, terms: RefundTerms) -> dict[str, Any]:
    """Return the dates of a package that no one renews: `{% life_of at terms as life %}`."""
    days = settings.ISOLATION_DAYS
    return {
        "terms": terms,
        "expires_at": expires_at,
        "isolation_days": days,
        "released_at": expires_at + timedelta(days=days),
    }


@register.simple_tag
def policy_days() -> dict[str, int]:
    """Return the settings that pages name, so that prose follows them.

    `{% policy_days as days %}`: `isolation` and `refund` are days; `order_hours` is how long an
    order can be paid, `renewal_hours` how long before the expiry automatic renewal begins, and
    `price_month` by how many days a month's price is divided for a day's.
    """
    return {
        "isolation": settings.ISOLATION_DAYS,
        "refund": settings.REFUND_WINDOW_DAYS,
        "order_hours": settings.ORDER_LIFETIME_HOURS,
        "renewal_hours": settings.AUTO_RENEWAL_LEAD_HOURS,
        "price_month": DAYS_IN_PRICE_MONTH,
    }
