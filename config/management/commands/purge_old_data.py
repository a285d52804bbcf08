"""Delete what has been kept long enough; any number of these may run at once."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.services.retention import BATCH_SIZE
from accounts.services.runs import record_run
from billing.management import as_of
from config.retention import count_old_data, purge


class Command(BaseCommand):
    help = (
        "Deletes old notifications, email and invitations, ended sessions, import files that were "
        "left lying, and expired counters of sign-in attempts. Money, packages, the audit trail "
        "and cases are never deleted. What is deleted stays deleted; a rerun does the rest."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        as_of.add_arguments(parser)
        parser.add_argument(
            "--batch-size", type=int, default=BATCH_SIZE, help="rows per transaction"
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, **options: Any) -> None:
        now = as_of.read_as_of(options)
        if not 1 <= options["batch_size"] <= 100_000:
            raise CommandError("--batch-size takes 1 to 100,000.")
        if options["dry_run"]:
            counts = count_old_data(now)
        else:
            counts = purge(now=now, batch_size=options["batch_size"])
            record_run(command="purge_old_data", now=timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps({"as_of": now.isoformat(), "counts": counts}))
        # In cron, where nobody looks, nothing is printed.
        elif options["dry_run"] or sys.stdout.isatty() or options["verbosity"] > 1:
            words = ", ".join(f"{name} {count}" for name, count in counts.items())
            would = "would be deleted" if options["dry_run"] else "deleted"
            self.stdout.write(f"As of {now.isoformat()} {would}: {words}.")
