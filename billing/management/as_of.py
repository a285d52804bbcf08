"""The options that commands of the timetable share: `--as-of`, `--batch-size` and others."""

import sys
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

LARGEST_BATCH = 100_000


def add_batch_arguments(parser: ArgumentParser, *, batch_size: int) -> None:
    """Add `--batch-size`, with its default, and `--json`."""
    parser.add_argument("--batch-size", type=int, default=batch_size, help="rows per transaction")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def read_batch_size(options: dict[str, Any]) -> int:
    """Return the number of rows per transaction."""
    size: int = options["batch_size"]
    if not 1 <= size <= LARGEST_BATCH:
        raise CommandError(f"--batch-size takes 1 to {LARGEST_BATCH:,}.")
    return size


def add_arguments(parser: ArgumentParser) -> None:
    """Add `--as-of`, `--dry-run` and `--yes`."""
    parser.add_argument("--as-of", default="", help="act as if it were this instant")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done")
    parser.add_argument(
        "--yes", action="store_true", help="act as of a future instant without asking"
    )


def read_as_of(options: dict[str, Any]) -> datetime:
    """Return the instant to act as of, `now` where none is given.

    What is done as of a future instant stays done: someone at a terminal is asked, and where
    there is none, `--yes` must say that it is meant. A dry run changes nothing and is free.
    """
    now = timezone.now()
    at = parse_as_of(options["as_of"]) if options["as_of"] else now
    if at <= now or options["dry_run"] or options["yes"]:
        return at
    warning = f"{at.isoformat()} is in the future, and what is done cannot be undone."
    if not sys.stdin.isatty():
        raise CommandError(f"{warning} Try --dry-run first; --yes confirms.")
    if input(f"{warning} Continue? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise CommandError("Nothing was changed.")
    return at


def parse_as_of(text: str) -> datetime:
    """Return the instant that `--as-of` names; without a zone it is in the billing time zone."""
    try:
        found = parse_datetime(text)
    except ValueError as error:
        raise CommandError(f"--as-of: {error}.") from error
    if found is None:
        raise CommandError("--as-of takes an instant such as 2026-03-01T09:30:00+08:00.")
    return timezone.make_aware(found) if timezone.is_naive(found) else found
