"""Filters of billing's templates: `{% load billing %}`."""

from datetime import datetime, timedelta

from django import template
from django.utils.safestring import SafeString

from accounts.templatetags.console import deadline
from billing.enums import Edition

register = template.Library()


@register.filter
def edition_name(edition: str) -> str:
    """Name an edition by its stored value."""
    return str(Edition(edition).label)


@register.filter
def last_second(ends_at: datetime | None) -> SafeString | str:
    """Show the last second before an end that is exclusive: `15 Mar 2026, 23:59:59 UTC+8`."""
    return "" if ends_at is None else deadline(ends_at - timedelta(seconds=1))
