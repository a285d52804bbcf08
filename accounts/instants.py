"""How instants are written, in words and in HTML."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import pgettext

MINUS = "\u2212"


def write_moment(local: datetime) -> str:
    """Write an aware datetime in its own zone, to the second: `31 Mar 2025, 23:59:59 UTC+8`."""
    return f"{date_format(local, to_the_second())} {zone_name(local)}"


def to_the_second() -> str:
    """Return the date format of an instant to the second, in the language in use."""
    # Translators: Django's date format characters.
    return pgettext("date and time to the second", "j M Y, H:i:s")


def time_element(at: datetime | None, pattern: str) -> SafeString | str:
    """Write an instant in HTML with its zone, by a date format; nothing where there is none."""
    if at is None:
        return ""
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}">{} <span class="zone">{}</span></time>',
        at.astimezone(UTC).isoformat(timespec="seconds"),
        date_format(local, pattern),
        zone_name(local),
    )


def zone_name(local: datetime) -> str:
    """Name the zone of an aware datetime by its distance from UTC: `UTC+8`, `UTC+5:30`, `UTC`."""
    offset = local.utcoffset() or timedelta()
    minutes = abs(int(offset.total_seconds())) // 60
    if minutes == 0:
        return "UTC"
    sign = MINUS if offset < timedelta() else "+"
    part = f":{minutes % 60:02}" if minutes % 60 else ""
    return f"UTC{sign}{minutes // 60}{part}"
