"""Sweepers that are processes of their own: in parallel, killed in the middle, without a database.

Whatever happened to them, one more run leaves every package changed once, every change with one
audit event, and every renewal charged once.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import AuditEvent
from accounts.services.verification import find_breaches
from billing.enums import RenewalMode
from billing.models import Fund, LedgerEntry, Order, Package
from billing.packages.services import choose_renewal_mode
from billing.wallet.verification import MONEY_CHECKS
from config.embedded_postgres import ROLE, Server
from tests import factories as make
from tests.bench import databases
from tests.billing.acts import at, package_of
from tests.clusters import dump_into, own_cluster
from tests.factories import HOUR
from tests.tiers import sample

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[2]
EXPIRY = at("2026-04-10 10:00:00")
#: When the sweeps run: the packages are half an hour past their expiry, some of them more.
LATER = EXPIRY + HOUR
DUE, RENEWING, PRICE, CASH = sample(1000, 3000), 8, Decimal("120.00"), Decimal("1000.00")
BATCH = 25
PATIENCE = 60

_ROWS = """
    INSERT INTO accounts_application (account_id, sdkappid, name, name_key, activated_at)
        SELECT %(account)s, 5000000000 + n, 'Application ' || n, 'application ' || n, '2026-01-01'
        FROM generate_series(1, %(due)s) n;
    INSERT INTO billing_package (account_id, application_id, kind, state, edition, term_unit,
            anchor_at, months, extension, expires_at, purchased_at, renewal_mode,
            is_switched_from_postpaid, created_at)
        SELECT account_id, id, 'paid', 'active', 'essential', 'month', '2026-01-01', 5,
            interval '0', %(later)s - (sdkappid %% 3) * interval '40 minutes', '2026-01-01',
            'remind', false, '2026-01-01'
        FROM accounts_application WHERE sdkappid > 5000000000;
"""


def _fill() -> None:
    """Packages that renew themselves, made by the services, and many more by plain SQL."""
    for _number in range(RENEWING):
        customer = make.make_customer(cash=str(CASH + PRICE))
        package = package_of(make.buy(customer.application))
        assert package.expires_at == EXPIRY
        choose_renewal_mode(
            package=package, mode=RenewalMode.AUTOMATIC, by=customer.owner, now=make.NOW
        )
    account = make.make_account()
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"account": account.pk, "due": DUE, "later": LATER}
        for statement in _ROWS.split(";")[:-1]:
            cursor.execute(statement, values)


Sweeper = subprocess.Popen[str]


def _start(address: str, now: str = LATER.isoformat()) -> Sweeper:
    """Start a sweeper and it connects and waits for its word."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.bench.sweeper", now, str(BATCH)],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": address, "DEBUG": "0", "LOCAL": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def _sweepers(address: str, count: int) -> Iterator[list[Sweeper]]:
    processes = [_start(address) for _ in range(count)]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _go(processes: list[Sweeper]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def _sweep(address: str, as_of: str = LATER.isoformat()) -> None:
    """Run the command itself, as cron does."""
    done = subprocess.run(
        [sys.executable, "manage.py", "sweep_expirations", "--as-of", as_of, "--yes"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": address, "DEBUG": "0", "LOCAL": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def _sweep_in_this_process(as_of: datetime) -> None:
    """Run the command on the tests' own database without waiting for a program to start."""
    call_command("sweep_expirations", as_of=as_of.isoformat(), yes=True, stdout=StringIO())


def _wait_for(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, "nothing came in time"
        time.sleep(0.002)


def _isolated() -> int:
    return AuditEvent.objects.filter(verb="package.isolated").count()


def _renewed() -> int:
    return Order.objects.filter(kind="renewal").count()


def _assert_everything_happened_once() -> None:
    swept = Package.objects.filter(application__sdkappid__gt=5_000_000_000)
    assert set(swept.values_list("state", flat=True)) == {"isolated"}
    isolated = AuditEvent.objects.filter(verb="package.isolated")
    targets = sorted(isolated.values_list("target_id", flat=True))
    # Those that renewed themselves were past their expiry, too, and came back from isolation.
    assert targets == sorted(Package.objects.values_list("pk", flat=True).exclude(kind="trial"))
    assert set(isolated.values_list("from_state", "to_state")) == {("active", "isolated")}
    renewing = Package.objects.filter(renewal_mode=RenewalMode.AUTOMATIC)
    assert list(renewing.values_list("state", "expires_at")) == (
        [("active", at("2026-05-10 10:00:00"))] * RENEWING
    )
    orders = Order.objects.filter(kind="renewal")
    assert list(orders.values_list("status", "total")) == [("paid", PRICE)] * RENEWING
    assert orders.values("account").distinct().count() == RENEWING
    paid = AuditEvent.objects.filter(target_type="billing.order", to_state="paid")
    bought = paid.filter(target_id__in=orders.values("pk"))
    assert bought.count() == bought.values("target_id").distinct().count() == RENEWING
    funds = Fund.objects.filter(kind="cash").values_list("balance", flat=True)
    assert list(funds) == [CASH - PRICE] * RENEWING
    assert LedgerEntry.objects.exists()
    # The many packages were written without the orders that they would come from.
    assert list(find_breaches(MONEY_CHECKS)) == []


def _own_address() -> str:
    return databases.address(str(connection.settings_dict["NAME"]))


@pytest.mark.parametrize(
    ("middle", "reached"),
    [
        pytest.param("renewals", lambda: _renewed() >= 2, id="while it renews"),
        pytest.param("expiries", lambda: _isolated() >= 200, id="while it isolates"),
    ],
)
def test_of_four_sweepers_one_is_killed_and_a_rerun_ends_it(
    middle: str, reached: Callable[[], bool]
) -> None:
    _fill()
    with _sweepers(_own_address(), 4) as processes:
        victim, *others = processes
        # The victim is the first at work; the others join when it is in the middle.
        _go([victim])
        _wait_for(reached)
        _go(others)
        victim.kill()
        victim.wait()
        done = (_renewed() if middle == "renewals" else _isolated(), victim.returncode)
        assert done[1] == -9
        for process in others:
            process.communicate()
            assert process.returncode == 0
    assert 0 < done[0] < (RENEWING if middle == "renewals" else DUE)
    _sweep_in_this_process(LATER - HOUR)
    _sweep(_own_address())
    _assert_everything_happened_once()


def test_a_killed_sweep_is_ended_by_one_with_an_earlier_clock_and_one_with_the_right_one() -> None:
    _fill()
    with _sweepers(_own_address(), 1) as (victim,):
        _go([victim])
        _wait_for(lambda: _isolated() >= 200)
        victim.kill()
        victim.wait()
    left = DUE - _isolated()
    assert 0 < left < DUE
    _sweep_in_this_process(LATER - HOUR)
    # Of those that are left, only what was past its expiry by the earlier clock.
    due_then = Package.objects.filter(expires_at__lte=LATER - HOUR, state="active")
    assert not due_then.filter(renewal_mode=RenewalMode.REMIND).exists()
    assert 0 < DUE - _isolated() < left
    _sweep(_own_address())
    _assert_everything_happened_once()


# --- The database stops in the middle --------------------------------------------------------


def _changed(reader: psycopg.Connection) -> int:
    row = reader.execute(
        "SELECT count(*) FROM accounts_auditevent WHERE verb = 'package.isolated'"
    ).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def _looking_at(server: Server) -> Iterator[None]:
    """Let Django's own connection read the other server meanwhile."""
    usual = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(NAME=ROLE, USER=ROLE, HOST=str(server.socket_folder), PORT="")
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(usual)


def test_the_database_stops_at_once_and_a_rerun_after_its_start_ends_it(tmp_path: Path) -> None:
    _fill()
    with own_cluster(tmp_path) as server:
        dump_into(server, str(tmp_path / "dump"))
        address = f"postgres://{ROLE}@/{ROLE}?host={server.socket_folder}"
        with _sweepers(address, 4) as processes:
            _go(processes)
            with psycopg.connect(address, autocommit=True) as reader:
                _wait_for(lambda: _changed(reader) >= 200)
            server.run("pg_ctl", "-D", str(server.data), "-m", "immediate", "stop")
            for process in processes:
                process.communicate()
                # It says that it failed: no one takes this for a sweep that ran.
                assert process.returncode == 1
        with server.turn():
            server._start()
        with psycopg.connect(address, autocommit=True) as reader:
            assert 200 <= _changed(reader) < DUE
        _sweep(address, (LATER - HOUR).isoformat())
        _sweep(address)
        with _looking_at(server):
            _assert_everything_happened_once()
