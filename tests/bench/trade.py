"""How fast purchases and refunds are, beside the same statements sent by the bare driver.

Every transaction is recorded once with its parameters and rows. The bare driver then sends the
same statements, in transactions of the same size, from as many processes, into another copy of
the same database; only the ids that the database itself gives are put in again.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from django.db import connection

from accounts.models import User
from accounts.services.tenants import open_account, register_entity
from billing.grants.credits import record_credit
from billing.orders.trials import activate_application
from tests.bench import databases

#: Ids that the database gives to new rows begin here, apart for each table, so that an id
#: tells on its own what it is of.
FIRST_ID = 10**9
BOUGHT_AT = datetime(2026, 3, 10, 2, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
ACTS = ("purchase", "refund")
WORKERS = (1, 2, 8)
STATEMENT_LIMIT = 14
WANTED = {2: 0.35}
#: Parts in which a run is made.
SLICES = 20


@dataclass(frozen=True)
class TradeFigure:
    """One kind of transaction at one number of workers; rates are transactions a second."""

    act: str
    workers: int
    transactions: int
    statements: int
    per_second: float
    bare_per_second: float
    ratio: float


def fill(database: str, count: int) -> None:
    """Make customers through the services: each an entity with an account, a trial and funds."""
    with databases.using(database):
        user = User.objects.create_user("bench@example.com")
        for number in range(count):
            entity = register_entity(
                name=f"Bench {number}",
                kind="enterprise",
                registration_number=f"BENCH{number}",
                by=None,
                now=BOUGHT_AT,
            )
            account = open_account(
                entity=entity, name=f"Account {number}", owner=user, by=None, now=BOUGHT_AT
            )
            activate_application(account=account, name="First", by=user, now=BOUGHT_AT)
            for kind, amount in (("gift", "20"), ("cash", "5000")):
                record_credit(
                    account=account,
                    fund_kind=kind,
                    amount=Decimal(amount),
                    currency="USD",
                    reference=f"BENCH{number}{kind}",
                    by=None,
                    now=BOUGHT_AT,
                )
        _part_sequences()
        connection.cursor().execute("VACUUM ANALYZE")


def _part_sequences() -> None:
    """Let each table continue at ids of its own, which no row of another table has."""
    with connection.cursor() as cursor:
        sequences = [
            each
            for table in sorted(connection.introspection.table_names(cursor))
            if table.startswith(("billing_", "accounts_auditevent"))
            for each in connection.introspection.get_sequences(cursor, table)
        ]
        for place, sequence in enumerate(sequences, start=1):
            cursor.execute(f"ALTER SEQUENCE {sequence['name']} RESTART WITH {FIRST_ID * place}")


def _start(database: str, how: str, file: Path, workers: int) -> list["subprocess.Popen[str]"]:
    return [
        subprocess.Popen(
            [sys.executable, "-m", "tests.bench.trader", how, str(file), str(share), str(workers)],
            cwd=ROOT,
            # The driver prepares what it sends repeatedly; the console does where it is told to.
            env={**databases.environment(database), "DATABASE_SERVER_SIDE_BINDING": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in range(workers)
    ]


def _read(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _go(processes: list["subprocess.Popen[str]"]) -> tuple[int, float]:
    """Let all run a slice together; return how many transactions it was, and the seconds."""
    started = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    done = sum(int(_read(process)) for process in processes)
    return done, time.perf_counter() - started


def _run(template: str, file: Path, workers: int) -> dict[str, tuple[float, float]]:
    """Return transactions a second for each act, by so many processes: ours, and bare.

    They take turns slice by slice, each in a copy of its own, so that what else the machine does
    meanwhile meets both.
    """
    rates = {}
    with (
        databases.copy_of(template, "bench_ours") as ours,
        databases.copy_of(template, "bench_bare") as bare,
    ):
        teams = (_start(ours, "services", file, workers), _start(bare, "bare", file, workers))
        for act in ACTS:
            assert all(_read(process) == "ready\n" for team in teams for process in team), act
            totals = [[0, 0.0], [0, 0.0]]
            for _slice in range(SLICES):
                for total, team in zip(totals, teams, strict=True):
                    done, seconds = _go(team)
                    total[0] += done
                    total[1] += seconds
            rates[act] = (totals[0][0] / totals[0][1], totals[1][0] / totals[1][1])
        for process in (*teams[0], *teams[1]):
            process.communicate()
    return rates


def _record(template: str, file: Path) -> dict[str, int]:
    """Record every transaction on a copy; return the most statements that one of them took."""
    with databases.copy_of(template) as name:
        (process,) = _start(name, "record", file, 1)
        counts = json.loads(process.communicate()[0])
    return dict(zip(ACTS, counts, strict=True))


def measure(*, transactions: int, rounds: int = 3) -> list[TradeFigure]:
    """Measure both acts with 1, 2 and 8 workers: of `rounds` runs, that of the median ratio."""
    figures = []
    with databases.migrated() as template, tempfile.TemporaryDirectory() as folder:
        fill(template, transactions)
        file = Path(folder) / "recorded"
        statements = _record(template, file)
        for workers in WORKERS:
            runs = [_run(template, file, workers) for _ in range(rounds)]
            for act in ACTS:
                pairs = sorted((run[act] for run in runs), key=lambda pair: pair[0] / pair[1])
                ours, bare = pairs[rounds // 2]
                figures.append(
                    TradeFigure(
                        act, workers, transactions, statements[act], ours, bare, ours / bare
                    )
                )
    return figures


def goals_missed(figures: list[TradeFigure]) -> list[str]:
    """Return in words which goals these figures miss."""
    missed = []
    for figure in figures:
        wanted = WANTED.get(figure.workers)
        if wanted and figure.ratio < wanted:
            missed.append(
                f"{figure.act} by {figure.workers} workers: {figure.ratio:.2f} × the bare "
                f"driver, wanted {wanted} ×"
            )
        if figure.workers == 1 and figure.statements > STATEMENT_LIMIT:
            missed.append(
                f"a {figure.act} takes {figure.statements} statements, "
                f"wanted at most {STATEMENT_LIMIT}"
            )
    return missed
