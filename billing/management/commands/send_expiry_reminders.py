"""Remind members of packages that are about to expire, or have expired; each once."""

import json
from argparse import ArgumentParser
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.services.runs import record_run
from billing.management import as_of
from billing.renewals.reminders import DueReminder, find_due_reminders, send_reminders


class Command(BaseCommand):
    help = "Puts the expiry reminders that are due into the outbox; send_notifications sends them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        as_of.add_arguments(parser)
        parser.add_argument("--batch-size", type=int, default=500, help="rows per transaction")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, **options: Any) -> None:
        now = as_of.read_as_of(options)
        if not 1 <= options["batch_size"] <= 100_000:
            raise CommandError("--batch-size takes 1 to 100,000.")
        due = find_due_reminders(now)
        sent: list[DueReminder] = []
        while batch := list(islice(due, options["batch_size"])):
            sent += batch if options["dry_run"] else send_reminders(due=batch, now=now)
        if not options["dry_run"]:
            record_run(command="send_expiry_reminders", now=timezone.now())
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
