"""Publish a price book, feature table or rule book from a JSON file, as a new dated version."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.errors import Refused
from billing.catalog.models import FeatureTable, PriceBook
from billing.catalog.publishing import publish_feature_table, publish_price_book
from compliance.models import RuleBook
from compliance.services.rule_book import publish_rule_book

Version = PriceBook | FeatureTable | RuleBook

#: What publishes each kind, and the key by which a file of that kind is known.
PUBLISHERS: Mapping[str, tuple[Callable[..., Version], str]] = {
    "price-book": (publish_price_book, "packages"),
    "feature-table": (publish_feature_table, "groups"),
    "rule-book": (publish_rule_book, "behaviours"),
}


def _rows_of(version: Version) -> list[str]:
    """Return the rows of a version as lines to read."""
    if isinstance(version, PriceBook):
        return [
            f"{item}: {item.monthly} a month, {item.annual} a year ({version.currency})"
            for item in version.items.all()
        ]
    if isinstance(version, FeatureTable):
        return [
            f"{row.name}: Essential {_mark(row.in_essential)}, Premium {_mark(row.in_premium)}"
            for row in version.features.all()
        ]
    return [f"{row.number}. {row.name}: {row.severity}" for row in version.behaviours.all()]


def _mark(has: bool) -> str:
    return "yes" if has else "no"


class Command(BaseCommand):
    help = "Publishes a price book, feature table or rule book from JSON as a new dated version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the JSON file")
        parser.add_argument(
            "--kind", choices=PUBLISHERS, help="by default, the kind that the file contains"
        )
        parser.add_argument(
            "--effective-at", help="ISO instant from which it holds, by default now"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be published, and write nothing"
        )

    def handle(self, **options: Any) -> None:
        now = timezone.now()
        data = self._read(options["file"])
        publish = PUBLISHERS[options["kind"] or self._kind_of(data)][0]
        effective_at = self._instant(options["effective_at"]) or now
        try:
            with transaction.atomic():
                version = publish(data=data, effective_at=effective_at, by=None, now=now)
                rows = _rows_of(version)
                transaction.set_rollback(options["dry_run"])
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        for row in rows:
            self.stdout.write(row)
        verb = "Would publish" if options["dry_run"] else "Published"
        self.stdout.write(
            f"{verb} {version}, {len(rows)} rows, effective from {effective_at.isoformat()}."
        )

    def _read(self, file: Path) -> Mapping[str, Any]:
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise CommandError(f"{file} cannot be read: {error}") from error
        if not isinstance(data, dict):
            raise CommandError(f"{file} does not hold an object.")
        return data

    def _kind_of(self, data: Mapping[str, Any]) -> str:
        kinds = [kind for kind, (_publish, key) in PUBLISHERS.items() if key in data]
        if len(kinds) != 1:
            raise CommandError("The file does not show which kind it is. Use --kind.")
        return kinds[0]

    def _instant(self, text: str | None) -> datetime | None:
        """Return an aware instant; without a zone it is one of the billing zone."""
        if not text:
            return None
        try:
            instant = parse_datetime(text)
        except ValueError as error:
            raise CommandError(f"{text} is not a point in time: {error}") from error
        if instant is None:
            raise CommandError(f"{text} is not a point in time such as 2026-04-01T00:00:00+08:00.")
        return timezone.make_aware(instant) if timezone.is_naive(instant) else instant
