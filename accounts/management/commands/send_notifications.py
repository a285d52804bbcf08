"""Send the e-mails that wait in the outbox; any number of these may run at once."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from accounts.services.outbox import send_due


class Command(BaseCommand):
    help = (
        "Sends the e-mails that wait in the outbox, each once. Exits with 1 where some failed "
        "and will be tried again, with 2 where the mail server could not be reached."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as JSON")
        parser.add_argument(
            "--batch-size", type=int, default=200, help="how many rows are looked up at a time"
        )

    def handle(self, **options: Any) -> None:
        if options["batch_size"] < 1:
            raise CommandError("--batch-size must be at least 1.")
        # No bar where nobody looks: `disable=None` leaves it out without a terminal.
        disable = True if options["json"] or options["verbosity"] == 0 else None
        with tqdm(disable=disable, unit="mail") as bar:
            try:
                result = send_due(
                    now=timezone.now(),
                    clock=timezone.now,
                    batch_size=options["batch_size"],
                    progress=bar.update,
                )
            except OSError as error:
                raise CommandError(
                    f"The mail server could not be reached: {error}", returncode=2
                ) from error
        if options["json"]:
            self.stdout.write(json.dumps(vars(result)))
        elif options["verbosity"] > 0 and any(vars(result).values()):
            self.stdout.write(
                f"{result.sent} sent, {result.failed} to be tried again, "
                f"{result.given_up} given up, {result.dropped} for people who are gone."
            )
        if result.failed or result.given_up:
            raise CommandError("Some e-mails were not sent.", returncode=1)
