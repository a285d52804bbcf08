"""Send the emails that wait in the outbox; any number of these may run at the same time."""

import json
import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone
from tqdm import tqdm

from accounts.services.outbox import Delivery, drain_outbox
from accounts.services.runs import record_run

#: A message about signing in should be there before its reader looks.
PAUSE_SECONDS = 2


class Command(BaseCommand):
    help = (
        "Sends the emails that wait in the outbox, each once. Exits with 1 if some failed "
        "and will be tried again, with 2 where the mail server could not be reached."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        parser.add_argument(
            "--batch-size", type=int, default=200, help="how many rows are looked up at a time"
        )

        parser.add_argument(
            "--follow",
            type=int,
            default=0,
            metavar="SECONDS",
            help="keep looking for new emails for this many seconds",
        )

    def handle(self, **options: Any) -> None:
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be at least 1.")
        if options["follow"] < 0:
            raise CommandError("--follow must be at least 0.")
        # No bar where no one looks: `disable=None` leaves it out without a terminal.
        disable = True if options["json"] or options["verbosity"] == 0 else None
        with tqdm(disable=disable, unit="mail") as bar:
            try:
                result = self._follow(options, bar.update)
            except OSError as error:
                raise CommandError(
                    f"The mail server could not be reached: {error}", returncode=2
                ) from error
        record_run(
            command="send_notifications",
            failures=result.failed + result.given_up,
            now=timezone.now(),
        )
        if options["json"]:
            self.stdout.write(json.dumps(vars(result)))
        elif options["verbosity"] > 0 and any(vars(result).values()):
            self.stdout.write(
                f"{result.sent} sent, {result.failed} to be tried again, "
                f"{result.given_up} given up, {result.dropped} for people who are gone, "
                f"{result.expired} expired."
            )
        if result.failed or result.given_up:
            raise CommandError("Some emails were not sent.", returncode=1)

    def _follow(self, options: dict[str, Any], progress: Callable[[int], Any]) -> Delivery:
        """Send what is due, and continue looking until the given time is over."""
        until = time.monotonic() + options["follow"]
        total = Delivery()
        while True:
            result = drain_outbox(
                clock=timezone.now,
                batch_size=options["batch_size"],
                progress=progress,
            )
            total = Delivery(*(a + b for a, b in zip(astuple(total), astuple(result), strict=True)))
            if time.monotonic() + PAUSE_SECONDS >= until:
                return total
            # No connection is kept from the database's other users while nothing is to be done.
            connection.close()
            time.sleep(PAUSE_SECONDS)
