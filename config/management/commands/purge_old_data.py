"""Delete what has been kept long enough; any number of these may run at the same time."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.services.retention import BATCH_SIZE
from accounts.services.runs import record_run
from billing.management import as_of
from config.retention import count_old_data, purge


class Command(BaseCommand):
    help = (
        "Deletes old notifications, email and invitations, ended sessions, sign-ups that were not "
        "confirmed, finished work of background jobs, import files that were not imported, and "
        "expired counters of sign-in attempts. Money, packages, the audit trail and cases are "
        "never deleted. What is deleted stays deleted; a rerun does the rest."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        as_of.add_arguments(parser)
        as_of.add_batch_arguments(parser, batch_size=BATCH_SIZE)

    def handle(self, **options: Any) -> None:
        now = as_of.read_as_of(options)
        batch_size = as_of.read_batch_size(options)
        if options["dry_run"]:
            counts = count_old_data(now)
        else:
            counts = purge(now=now, batch_size=batch_size)
            record_run(command="purge_old_data", now=timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps({"as_of": now.isoformat(), "counts": counts}))
        # In cron, where no one looks, nothing is printed.
        elif options["dry_run"] or sys.stdout.isatty() or options["verbosity"] > 1:
            words = ", ".join(f"{name} {count}" for name, count in counts.items())
            would = "would be deleted" if options["dry_run"] else "deleted"
            self.stdout.write(f"As of {now.isoformat()} {would}: {words}.")
