"""Remind members of packages that are about to expire, or have expired; each once."""

import json
from argparse import ArgumentParser
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.services.runs import record_run
from billing.management import as_of
from billing.renewals.reminders import DueReminder, find_due_reminders, send_reminders


class Command(BaseCommand):
    help = "Puts the expiry reminders that are due into the outbox; send_notifications sends them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        as_of.add_arguments(parser)
        as_of.add_batch_arguments(parser, batch_size=500)

    def handle(self, **options: Any) -> None:
        now = as_of.read_as_of(options)
        batch_size = as_of.read_batch_size(options)
        due = find_due_reminders(now)
        sent: list[DueReminder] = []
        while batch := list(islice(due, batch_size)):
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
