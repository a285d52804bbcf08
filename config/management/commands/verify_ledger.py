"""Check every promise about money; exit 1 and name the rows where one does not hold."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from config.verification import count_checks, find_all_breaches


class Command(BaseCommand):
    help = "Checks the ledger, funds, payments, refunds, coupons and licenses against each other."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, **options: Any) -> None:
        # One snapshot for all checks, so that a purchase in between is no breach.
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            breaches = [breach.message for breach in find_all_breaches()]
        if options["json"]:
            self.stdout.write(json.dumps({"checks": count_checks(), "breaches": breaches}))
        else:
            for message in breaches:
                self.stdout.write(message)
            if options["verbosity"] > 0:
                self.stdout.write(f"{count_checks()} checks, {len(breaches)} breaches.")
        if breaches:
            raise CommandError("The ledger does not hold.", returncode=1)
