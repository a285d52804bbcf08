"""Record what time has done: renewals due, expiries, releases, and orders unpaid for too long."""

import json
import sys
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from tqdm import tqdm

from billing.management import as_of
from billing.renewals.dry_run import PlannedChange, foresee_sweep
from billing.renewals.sweep import BATCH_SIZE, SweepResult, run_sweep

#: The exit status where the sweep ran, but some rows could not be changed.
SOME_FAILED = 3
#: Where the database went away: whole batches stand, and the next run does the rest.
INTERRUPTED = 2


class ProgressBars:
    """A bar for each kind of change on a terminal; silence where no one looks."""

    def __init__(self, *, is_shown: bool) -> None:
        self.is_shown = is_shown
        self.bars: dict[str, tqdm[Any]] = {}

    def __call__(self, name: str, done: int, due: int) -> None:
        """Show that `done` of `due` rows of a kind are looked at."""
        if not self.is_shown:
            return
        bar = self.bars.get(name)
        if bar is None:
            bar = self.bars[name] = tqdm(total=due, desc=name, unit="row", file=sys.stderr)
        bar.update(done - bar.n)

    def close(self) -> None:
        """Leave the terminal tidy."""
        for bar in self.bars.values():
            bar.close()


class Command(BaseCommand):
    help = (
        "Renews, isolates and releases packages that are due, and ends unpaid orders. Exits with "
        "0 where nothing failed, 1 on a wrong option, 2 where the database went away, 3 where some "
        "rows could not be changed; what could be done is done, and a rerun does the rest."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        as_of.add_arguments(parser)
        as_of.add_batch_arguments(parser, batch_size=BATCH_SIZE)

    def handle(self, **options: Any) -> None:
        now = as_of.read_as_of(options)
        batch_size = as_of.read_batch_size(options)
        if options["dry_run"]:
            self._print_foreseen(foresee_sweep(now), now, as_json=options["json"])
            return
        bars = ProgressBars(is_shown=sys.stderr.isatty() and not options["json"])
        try:
            result = run_sweep(
                now=now,
                finished_at=timezone.now,
                batch_size=batch_size,
                progress=bars,
            )
        except (OperationalError, InterfaceError) as error:
            raise CommandError(
                f"The database went away; run it again. {error}", returncode=INTERRUPTED
            ) from error
        finally:
            bars.close()
        self._print_result(result, now, as_json=options["json"], verbosity=options["verbosity"])
        if result.failures:
            raise CommandError(
                f"{len(result.failures)} could not be changed.", returncode=SOME_FAILED
            )

    def _print_foreseen(self, rows: list[PlannedChange], now: datetime, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(
                json.dumps({"as_of": now.isoformat(), "rows": [row.to_json() for row in rows]})
            )
            return
        for row in rows:
            self.stdout.write(
                f"{row.change:16} {row.kind} {row.id:<10} {row.account} {row.application[:24]:24} "
                f"{row.from_state} → {row.to_state}  licenses {row.licenses}"
                f"{'  ' + row.amount if row.amount else ''}"
                f"{'  missing ' + row.missing if row.missing else ''}"
            )
        self.stdout.write(f"{len(rows)} changes as of {now.isoformat()}; nothing was changed.")

    def _print_result(
        self, result: SweepResult, now: datetime, *, as_json: bool, verbosity: int
    ) -> None:
        short = [renewal for renewal in result.renewals if not renewal.is_done]
        if as_json:
            data = {
                "as_of": now.isoformat(),
                "counts": result.counts,
                "short_of_money": [
                    {"package": each.package, "missing": str(each.missing)} for each in short
                ],
                "failures": result.failures,
            }
            self.stdout.write(json.dumps(data))
            return
        for line in result.failures:
            self.stderr.write(line)
        # In cron, where no one looks, only what someone has to do something about is printed.
        if sys.stdout.isatty() or verbosity > 1:
            counts = ", ".join(f"{name} {count}" for name, count in result.counts.items())
            self.stdout.write(f"As of {now.isoformat()}: {counts}.")
        for each in short:
            self.stdout.write(
                f"package {each.package}: {each.currency} {each.missing} short of its renewal"
            )
