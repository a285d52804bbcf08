"""Remind members of packages that are about to expire, or have expired; each once."""

import json
from argparse import ArgumentParser
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from billing.management.as_of import parse_as_of
from billing.services.reminders import DueReminder, find_due_reminders, send_reminders


class Command(BaseCommand):
    help = "Puts the expiry reminders that are due into the outbox; send_notifications sends them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", default="", help="act as if it were this instant")
        parser.add_argument("--dry-run", action="store_true", help="say what would be sent")
        parser.add_argument("--batch-size", type=int, default=500, help="rows per transaction")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, **options: Any) -> None:
        now = parse_as_of(options["as_of"]) if options["as_of"] else timezone.now()
        if not 1 <= options["batch_size"] <= 100_000:
            raise CommandError("--batch-size takes 1 to 100,000.")
        due = find_due_reminders(now)
        sent: list[DueReminder] = []
        while batch := list(islice(due, options["batch_size"])):
            sent += batch if options["dry_run"] else send_reminders(due=batch, now=now)
        if options["json"]:
            rows = [each.to_json() for each in sent]
            self.stdout.write(json.dumps({"as_of": now.isoformat(), "reminders": rows}))
            return
        if options["dry_run"] or options["verbosity"] > 1:
            for each in sent:
                self.stdout.write(
                    f"package {each.package.pk} of {each.package.account.uin}: "
                    f"{each.offset_days:+d} days from {each.package.expires_at.isoformat()}"
                )
        if options["dry_run"]:
            self.stdout.write(f"{len(sent)} reminders are due; nothing was sent.")
