"""How fast the expiry sweep is, beside one plain SQL statement that does the same."""

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import databases

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 6, 1, tzinfo=UTC)
#: How many sweep at the same time.
SWEEPERS = (1, 2)
#: Of each account, who are told of what happens to its packages.
MEMBERS = 2
#: Of the best rate with fewer rows; less means that a row costs more the more there are.
LINEAR = 0.7

_ROWS = """
    INSERT INTO accounts_entity (name, kind, registration_number, created_at)
        VALUES ('Bench', 'enterprise', 'BENCH', '2026-01-01');
    INSERT INTO accounts_account (uin, entity_id, name, status, created_at)
        SELECT (900000000000 + n)::text, e.id, 'Account ' || n, 'active', '2026-01-01'
        FROM generate_series(1, {accounts}) n, accounts_entity e
        WHERE e.registration_number = 'BENCH';
    INSERT INTO accounts_user (password, is_superuser, email, name, language, theme, is_staff,
            is_active, date_joined)
        SELECT '!', false, 'person-' || n || '@example.com', 'Person ' || n, 'en', 'auto', false,
            true, '2026-01-01'
        FROM generate_series(1, {accounts} * {members}) n;
    INSERT INTO accounts_membership (account_id, user_id, role, created_at)
        SELECT a.id, u.id, 'finance', '2026-01-01'
        FROM generate_series(1, {accounts} * {members}) n
        JOIN accounts_user u ON u.email = 'person-' || n || '@example.com'
        JOIN accounts_account a ON a.uin = (900000000000 + n %% {accounts} + 1)::text;
    INSERT INTO accounts_application (account_id, sdkappid, name, name_key, activated_at)
        SELECT a.id, 5000000000 + n, 'Application ' || n, 'application ' || n, '2026-01-01'
        FROM generate_series(1, {packages}) n
        JOIN accounts_account a ON a.uin = (900000000000 + n % {accounts} + 1)::text;
    INSERT INTO billing_package (account_id, application_id, kind, state, edition, term_unit,
            anchor_at, months, extension, expires_at, purchased_at, renewal_mode,
            is_switched_from_postpaid, created_at)
        SELECT account_id, id, 'paid', 'active', 'essential', 'month', '2026-01-01', 5,
            interval '0', CASE WHEN sdkappid %% 100 < {percent} THEN timestamptz '2026-05-31'
            ELSE timestamptz '2026-07-01' END + (sdkappid %% 86400) * interval '0.5 second',
            '2026-01-01', 'remind', false, '2026-01-01'
        FROM accounts_application ORDER BY sdkappid;
"""

_STATEMENT = """
    WITH changed AS (
        UPDATE billing_package SET state = 'isolated'
        WHERE state = 'active' AND expires_at <= %(now)s
        RETURNING id, account_id, application_id, edition, expires_at
    ), told AS (
        INSERT INTO accounts_notification (user_id, account_id, kind, params, path, dedupe_key,
            created_at, attempts, next_attempt_at, last_error)
        SELECT m.user_id, c.account_id, 'package_isolated', jsonb_build_object(
                'application', p.name, 'edition', c.edition, 'expires_at', c.expires_at,
                'released_at', c.expires_at + interval '7 days', 'hold', ''),
            '/console/' || a.uin || '/applications/' || p.sdkappid || '/agents/', '', %(now)s, 0,
            %(now)s, ''
        FROM changed c JOIN accounts_application p ON p.id = c.application_id
        JOIN accounts_account a ON a.id = c.account_id
        JOIN accounts_membership m ON m.account_id = a.id
    )
    INSERT INTO accounts_auditevent (account_id, at, verb, target_type, target_id,
        target_label, from_state, to_state, reason, data)
    SELECT c.account_id, %(now)s, 'package.isolated', 'billing.package', c.id,
        p.name || ' (' || p.sdkappid || ')', 'active', 'isolated', '', '{}'
    FROM changed c JOIN accounts_application p ON p.id = c.application_id
"""


@dataclass(frozen=True)
class SweepFigure:
    """One run: rows changed, seconds, rows a second, and against the plain statement."""

    packages: int
    percent_due: int
    members: int
    sweepers: int
    rows: int
    seconds: float
    rows_per_second: float
    times_statement: float
    peak_megabytes: float


def fill(database: str, *, packages: int, percent: int, members: int) -> None:
    """Make packages by plain SQL, so many percent of them past their expiry.

    An account has 20 of them, and `members` who are told of each.
    """
    accounts = max(1, packages // 20)
    with databases.connect(database) as plain:
        for statement in (
            _ROWS.format(packages=packages, accounts=accounts, percent=percent, members=members)
            .replace("%%", "%")
            .split(";")
        ):
            if statement.strip():
                plain.execute(statement)
        # A vacuum that begins in the middle of one run would be measured in that run alone.
        for table in ("billing_package", "accounts_auditevent", "accounts_notification"):
            plain.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
        plain.execute("VACUUM ANALYZE")


def _time_statement(template: str) -> tuple[int, float]:
    with databases.copy_of(template) as name, databases.connect(name) as plain:
        started = time.perf_counter()
        rows = plain.execute(_STATEMENT, {"now": NOW}).rowcount
        return rows, time.perf_counter() - started


def _time_sweepers(template: str, count: int) -> tuple[int, float, float]:
    """Let `count` processes sweep together; return rows, seconds and the peak of their memory.

    Each is started and connected before the clock runs.
    """
    with databases.copy_of(template) as name:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.bench.sweeper", NOW.isoformat()],
                cwd=ROOT,
                env=databases.environment(name),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(count)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        started = time.perf_counter()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        # Each reports when it has done; that its interpreter then ends is no part of a sweep.
        reports = [json.loads(process.stdout.readline()) for process in processes if process.stdout]
        seconds = time.perf_counter() - started
        for process in processes:
            process.communicate()
    return (
        sum(report["rows"] for report in reports),
        seconds,
        max(report["peak_megabytes"] for report in reports),
    )


def measure(
    *, packages: int, percent: int, rounds: int = 3, members: int = MEMBERS
) -> list[SweepFigure]:
    """Measure the statement, one sweeper and two, each on copies of the same database."""
    figures = []
    with databases.migrated() as template:
        fill(template, packages=packages, percent=percent, members=members)
        # Turn by turn, so that a machine that slows down slows all of them.
        turns = [
            (_time_statement(template), [_time_sweepers(template, count) for count in SWEEPERS])
            for _ in range(rounds)
        ]
        statement = sorted(plain for plain, _ in turns)[rounds // 2]
        rate = statement[0] / statement[1]
        figures.append(
            SweepFigure(packages, percent, members, 0, statement[0], statement[1], rate, 1.0, 0.0)
        )
        for place, count in enumerate(SWEEPERS):
            runs = sorted((swept[place] for _, swept in turns), key=lambda run: run[1])
            rows, seconds, peak = runs[rounds // 2]
            assert rows == statement[0], (rows, statement[0])
            figures.append(
                SweepFigure(
                    packages,
                    percent,
                    members,
                    count,
                    rows,
                    seconds,
                    rows / seconds,
                    rows / seconds / rate,
                    peak,
                )
            )
    return figures


def growth_missed(figures: list[SweepFigure]) -> list[str]:
    """Return in words whether one sweeper is slower, row by row, with more rows all due."""
    alone = [figure for figure in figures if figure.sweepers == 1 and figure.percent_due == 100]
    largest = max(alone, key=lambda figure: figure.packages)
    usual = max(figure.rows_per_second for figure in alone)
    if largest.rows_per_second < LINEAR * usual:
        rates = f"{largest.rows_per_second:.0f} rows a second, with fewer {usual:.0f}"
        return [f"with {largest.packages} packages {rates}: growth is to be linear"]
    return []


def goals_missed(figures: list[SweepFigure]) -> list[str]:
    """Return in words which goals of the sweep these figures miss."""
    missed = []
    for figure in figures:
        wanted = {1: 0.85, 2: 1.2}.get(figure.sweepers)
        if wanted and figure.times_statement < wanted:
            missed.append(
                f"{figure.sweepers} sweepers, {figure.percent_due} % of {figure.packages}: "
                f"{figure.times_statement:.2f} × the statement, wanted {wanted} ×"
            )
        if figure.peak_megabytes > 200:
            missed.append(f"a sweeper used {figure.peak_megabytes:.0f} MB, wanted at most 200")
    return missed


if __name__ == "__main__":
    import django

    django.setup()
    size, share, times, told = (int(argument) for argument in sys.argv[1:5])
    for figure in measure(packages=size, percent=share, rounds=times, members=told):
        print(asdict(figure))  # noqa: T201
