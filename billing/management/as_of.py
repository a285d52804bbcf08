"""The instant that `--as-of` names."""

from datetime import datetime

from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime


def parse_as_of(text: str) -> datetime:
    """Return the instant that `--as-of` names; without a zone it is in the billing time zone."""
    try:
        found = parse_datetime(text)
    except ValueError as error:
        raise CommandError(f"--as-of: {error}.") from error
    if found is None:
        raise CommandError("--as-of takes an instant such as 2026-03-01T09:30:00+08:00.")
    return timezone.make_aware(found) if timezone.is_naive(found) else found
