"""Imports that are killed, that run twice at the same time, and that let others in between."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection

from accounts.errors import Refused
from accounts.models import Account, AuditEvent
from agents.enums import ImportMode, ImportStatus
from agents.models import Agent, AgentImport
from agents.services import batches, import_turns
from agents.services.agents import AgentDetails, add_agent
from agents.services.import_turns import run_import
from agents.services.imports import check_import, find_changes
from tests.agents.test_imports import check, file_of, line
from tests.bench import databases
from tests.factories import NOW, make_agent, make_customer, make_package
from tests.races import errors, race, values

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60
ROWS, EXISTING, TURN = 600, 30, 20


def run(imported: AgentImport) -> Callable[[], AgentImport]:
    return lambda: run_import(imported=imported, by=None, now=NOW)


def prepare(rows: int, existing: int, mode: str = ImportMode.UPDATE) -> AgentImport:
    """A checked file of which the first rows change agents, and all take a license."""
    customer = make_customer(trial=False)
    make_package(customer.application, agents=rows)
    for number in range(existing):
        make_agent(
            customer.application, staff_number=f"N{number:05}", email=f"n{number}@example.com"
        )
    lines = [line(number, license="yes") for number in range(rows)]
    imported = check(customer, file_of(*lines), mode)
    assert imported.problems == []
    return imported


def assert_each_row_once(rows: int, existing: int) -> None:
    imported = AgentImport.objects.get()
    assert (imported.status, imported.written) == (ImportStatus.DONE, rows)
    assert imported.added == rows - existing
    names = Agent.objects.order_by("staff_number").values_list("staff_number", "name")
    assert list(names) == [(f"N{number:05}", f"Agent {number}") for number in range(rows)]
    assert Agent.objects.licensed(NOW).count() == rows
    events = AuditEvent.objects.order_by("target_id")
    added, edited = events.filter(verb="agent.added"), events.filter(verb="agent.edited")
    old = Agent.objects.filter(staff_number__lt=f"N{existing:05}").order_by("pk")
    new = Agent.objects.filter(staff_number__gte=f"N{existing:05}").order_by("pk")
    assert list(edited.values_list("target_id", flat=True)) == [agent.pk for agent in old]
    assert list(added.values_list("target_id", flat=True)) == [agent.pk for agent in new]
    done = AuditEvent.objects.get(verb="agents.imported")
    assert done.data == {"rows": rows, "added": rows - existing}


# --- Killed --------------------------------------------------------------------------------


@contextmanager
def importer(imported: AgentImport) -> Iterator[subprocess.Popen[str]]:
    """A process that imports the file on the tests' own database, and waits for its word."""
    address = databases.address(str(connection.settings_dict["NAME"]))
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.agents.importer"),
            *(str(imported.pk), NOW.isoformat(), str(TURN)),
        ],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": address, "DEBUG": "0", "LOCAL": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, "nothing came in time"
        time.sleep(0.002)


def test_a_killed_import_leaves_whole_turns_and_another_run_ends_it() -> None:
    imported = prepare(ROWS, EXISTING)
    with importer(imported) as process:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        # Others see how far it is while it runs.
        wait_for(lambda: AgentImport.objects.get().written >= 100)
        process.kill()
        assert process.wait() == -9
    imported.refresh_from_db()
    assert 100 <= imported.written < ROWS
    assert imported.written % TURN == 0
    assert imported.status == ImportStatus.CHECKED
    assert Agent.objects.count() == imported.written
    assert Agent.objects.licensed(NOW).count() == imported.written
    assert AuditEvent.objects.filter(verb="agent.added").count() == imported.written - EXISTING
    assert AuditEvent.objects.filter(verb="agents.imported").count() == 0

    run_import(imported=imported, by=None, now=NOW)
    assert_each_row_once(ROWS, EXISTING)


# --- Twice at the same time ----------------------------------------------------------------


@pytest.fixture
def _small_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_turns, "TURN", 5)


@pytest.mark.usefixtures("_small_turns")
def test_two_runs_at_the_same_time_write_each_row_once() -> None:
    imported = prepare(60, 20)
    checked = threading.Barrier(2)

    def check_together(**options: Any) -> Any:
        rows = check_import(**options)
        checked.wait(PATIENCE)
        return rows

    # Both have checked all rows before either writes one.
    with patch.object(import_turns, "check_import", check_together):
        outcomes = race(run(imported), run(imported))
    assert errors(outcomes) == []
    assert {done.status for done in values(outcomes)} == {ImportStatus.DONE}
    assert_each_row_once(60, 20)


@pytest.mark.usefixtures("_small_turns")
def test_without_the_lock_the_same_turn_is_still_not_counted_twice() -> None:
    imported = prepare(10, 10)
    both = threading.Barrier(2)

    def read_without_lock(account_id: int) -> Account:
        return Account.objects.get(pk=account_id)

    def find_together(turn: Any) -> Any:
        if turn.rows[0].details.staff_number == "N00000":
            both.wait(PATIENCE)
        return find_changes(turn)

    with (
        patch.object(batches, "lock_account", read_without_lock),
        patch.object(import_turns, "find_changes", find_together),
        patch.object(import_turns, "hand_over", lambda *args, **options: None),
        patch.object(import_turns, "claim_licenses", lambda *args: []),
    ):
        outcomes = race(run(imported), run(imported))
    # The race is real: both were in the first turn.
    assert len(values(outcomes)) == 1
    (refusal,) = errors(outcomes)
    assert isinstance(refusal, Refused)
    assert refusal.code == "changed_meanwhile"
    assert AuditEvent.objects.filter(verb="agent.edited").count() == 10
    assert AuditEvent.objects.filter(verb="agents.imported").count() == 1


# --- Others come in between ----------------------------------------------------------------


@pytest.mark.usefixtures("_small_turns")
def test_others_of_the_account_come_in_between_the_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = prepare(12, 0, ImportMode.ADD)
    write_turn = import_turns.write_turn
    seen: list[int] = []

    def add(number: int) -> Agent:
        return add_agent(
            application=imported.application,
            details=AgentDetails("Ada", f"X{number}", f"x{number}@example.com"),
            with_license=False,
            by=None,
            now=NOW,
        )

    def turn(*args: Any, **options: Any) -> AgentImport:
        current = write_turn(*args, **options)
        # On a connection of its own, which would wait for a lock that the import holds on to.
        outcomes = race(lambda: add(current.written))
        assert errors(outcomes) == []
        seen.append(AgentImport.objects.get().written)
        return current

    monkeypatch.setattr(import_turns, "write_turn", turn)
    assert run(imported)().status == ImportStatus.DONE
    assert seen == [5, 10, 12]
    assert Agent.objects.filter(name="Ada").count() == 3
    assert Agent.objects.count() == 15
