"""Check every promise about money; exit 1 and name the rows where one does not hold."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.services.runs import record_run
from config.verification import count_checks, find_all_breaches, one_snapshot


class Command(BaseCommand):
    help = "Checks the ledger, funds, payments, refunds, coupons and licenses against each other."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, **options: Any) -> None:
        with one_snapshot():
            breaches = [breach.message for breach in find_all_breaches()]
        record_run(command="verify_ledger", failures=len(breaches), now=timezone.now())
        if options["json"]:
            self.stdout.write(json.dumps({"checks": count_checks(), "breaches": breaches}))
        else:
            for message in breaches:
                self.stdout.write(message)
            if options["verbosity"] > 0:
                self.stdout.write(f"{count_checks()} checks, {len(breaches)} breaches.")
        if breaches:
            raise CommandError("The ledger has breaches.", returncode=1)
