"""A future `--as-of` is asked about: what a sweep has released stays released."""

import io
import sys
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from billing.enums import PackageState
from billing.models import Package
from tests import factories as make

pytestmark = pytest.mark.django_db
COMMANDS = ["sweep_expirations", "send_expiry_reminders"]


class Terminal(io.StringIO):
    """Someone who answers."""

    def isatty(self) -> bool:
        return True


def in_years(years: float) -> str:
    return (timezone.now() + timedelta(days=365 * years)).isoformat()


def states() -> set[str]:
    return set(Package.objects.values_list("state", flat=True))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_future_instant_is_refused_where_nobody_can_be_asked(command: str) -> None:
    make.make_customer()

    with pytest.raises(CommandError, match="is in the future, and what is done cannot be undone"):
        call_command(command, "--as-of", in_years(10))

    assert states() == {PackageState.TRIAL}


@pytest.mark.parametrize(
    ("answer", "state"), [("y\n", PackageState.RELEASED), ("\n", PackageState.TRIAL)]
)
def test_somebody_at_a_terminal_is_asked(
    monkeypatch: pytest.MonkeyPatch, answer: str, state: PackageState
) -> None:
    make.make_customer()
    monkeypatch.setattr(sys, "stdin", Terminal(answer))

    if state == PackageState.TRIAL:
        with pytest.raises(CommandError, match="Nothing was changed"):
            call_command("sweep_expirations", "--as-of", in_years(10), verbosity=0)
    else:
        call_command("sweep_expirations", "--as-of", in_years(10), verbosity=0)

    assert states() == {state}


def test_yes_does_it_without_asking() -> None:
    make.make_customer()

    call_command("sweep_expirations", "--as-of", in_years(10), "--yes", verbosity=0)

    assert states() == {PackageState.RELEASED}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "arguments", [["--as-of", in_years(10), "--dry-run"], [], ["--as-of", in_years(-10)]]
)
def test_a_dry_run_the_present_and_the_past_are_free(command: str, arguments: list[str]) -> None:
    call_command(command, *arguments, stdout=io.StringIO())
