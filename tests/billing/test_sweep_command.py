"""How `sweep_expirations` speaks: to cron, to a terminal, to programs, and about failures."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from billing.models import Package, SweepRun
from billing.renewals import sweep as sweeps
from tests import factories as make
from tests.billing.acts import at
from tests.factories import DAY

EXPIRY = at("2026-03-24 10:00:00")
AS_OF = (EXPIRY + DAY).isoformat()


class Terminal(io.StringIO):
    """What someone looks at."""

    def isatty(self) -> bool:
        return True


def _run(*arguments: str) -> tuple[int, str, str]:
    """Return the exit status, and what was printed to each of the two."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("sweep_expirations", *arguments, "--yes", stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), f"{err.getvalue()}{error}"
    return 0, out.getvalue(), err.getvalue()


def _trials(count: int) -> list[int]:
    for _number in range(count):
        make.make_customer()
    return sorted(Package.objects.values_list("pk", flat=True))


def _states() -> dict[int, str]:
    return dict(Package.objects.values_list("pk", "state"))


@pytest.mark.django_db
def test_nothing_is_printed_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    (package,) = _trials(1)
    assert _run("--as-of", AS_OF) == (0, "", "")
    assert _states() == {package: "released"}
    assert capsys.readouterr() == ("", "")
    assert SweepRun.objects.get().counts["released_trials"] == 1


@pytest.mark.django_db
@pytest.mark.parametrize("is_json", [False, True])
def test_a_bar_is_shown_on_a_terminal_alone(is_json: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    _trials(1)
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    call_command(
        "sweep_expirations",
        "--as-of",
        AS_OF,
        "--yes",
        json=is_json,
        stdout=io.StringIO(),
        stderr=terminal,
    )
    assert ("released_trials: 100%" in terminal.getvalue()) is not is_json


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--batch-size", "0"], "--batch-size takes 1 to 100,000.", id="no rows"),
        pytest.param(["--batch-size", "100001"], "--batch-size takes 1 to 100,000.", id="too many"),
        pytest.param(
            ["--as-of", "yesterday"],
            "--as-of takes an instant such as 2026-03-01T09:30:00+08:00.",
            id="no instant",
        ),
        pytest.param(
            ["--as-of", "2026-02-30T10:00:00"],
            "--as-of: day is out of range for month.",
            id="no such day",
        ),
    ],
)
def test_a_wrong_option_is_said_and_nothing_is_done(arguments: list[str], said: str) -> None:
    before = _trials(1) and _states()
    assert _run(*arguments) == (1, "", said)
    assert (_states(), SweepRun.objects.count()) == (before, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("size", ["1", "100000"])
def test_the_bounds_of_a_batch_are_sizes_too(size: str) -> None:
    packages = _trials(3)
    assert _run("--as-of", AS_OF, "--batch-size", size) == (0, "", "")
    assert _states() == dict.fromkeys(packages, "released")


@pytest.mark.django_db(transaction=True)
def test_one_row_that_fails_is_reported_and_the_rest_of_its_batch_goes_on() -> None:
    packages = _trials(5)
    bad = packages[2]
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE billing_package ADD CONSTRAINT kept CHECK (id <> {bad}"
            " OR state <> 'released') NOT VALID"
        )
    try:
        status, out, err = _run("--as-of", AS_OF, "--json")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE billing_package DROP CONSTRAINT kept")
    told: dict[str, Any] = json.loads(out)
    assert (status, err) == (3, "1 could not be changed.")
    assert [each.partition(":")[0] for each in told["failures"]] == [f"released_trials {bad}"]
    assert told["counts"]["released_trials"] == 4
    assert _states() == {pk: "trial" if pk == bad else "released" for pk in packages}
    assert _run("--as-of", AS_OF) == (0, "", "")
    assert _states()[bad] == "released"


@pytest.mark.django_db
def test_a_database_that_is_gone_is_told_by_the_exit_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(*_about: object) -> int:
        raise OperationalError("server closed the connection")

    _trials(1)
    monkeypatch.setattr(sweeps, "read_due", gone)
    said = "The database went away; run it again. server closed the connection"
    assert _run("--as-of", AS_OF) == (2, "", said)
    assert not SweepRun.objects.exists()
