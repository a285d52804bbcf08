"""What workers start on their own: the same services as the commands of the timetable."""

import logging
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from procrastinate.contrib.django import app

from accounts.models import CommandRun
from accounts.services.verification import Breach
from billing import tasks as billing
from billing.models import SweepRun
from billing.renewals.sweep import SweepResult
from config import tasks as config

pytestmark = pytest.mark.django_db

CRONTAB = Path(settings.BASE_DIR) / "config/deploy/crontab"
_LINE = re.compile(r"^\S+ .* manage\.py (\w+)", re.MULTILINE)
#: Tasks that stand for a command of another name, and those that look after the jobs themselves.
OTHER_NAMES = {"send_outbox": "send_notifications"}
UPKEEP = {"rescue", "forget"}


def test_workers_start_all_that_cron_starts() -> None:
    periodic = {task.rpartition(".")[2] for task, _id in app.periodic_registry.periodic_tasks}
    commands = {OTHER_NAMES.get(name, name) for name in periodic - UPKEEP}
    assert commands == set(_LINE.findall(CRONTAB.read_text()))


def test_the_sweep_and_the_reminders_are_recorded() -> None:
    billing.sweep_expirations(timestamp=0)
    billing.send_expiry_reminders(timestamp=0)
    assert SweepRun.objects.count() == 1
    assert CommandRun.objects.filter(command="send_expiry_reminders", failures=0).exists()


def test_a_sweep_that_could_not_change_everything_fails_and_names_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_kwargs: Any) -> SweepResult:
        return SweepResult(failures=["package 17: busy"])

    monkeypatch.setattr(billing, "run_sweep", fail)
    with caplog.at_level(logging.ERROR), pytest.raises(billing.SweepIncompleteError, match="1 row"):
        billing.sweep_expirations(timestamp=0)
    assert "package 17: busy" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_ledger_that_holds_is_recorded_as_such() -> None:
    config.verify_ledger(timestamp=0)
    assert CommandRun.objects.get(command="verify_ledger").failures == 0


@pytest.mark.django_db(transaction=True)
def test_a_broken_promise_fails_the_job_and_names_the_row(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(config, "find_all_breaches", lambda: [Breach("fund 17: off by one")])
    with caplog.at_level(logging.ERROR), pytest.raises(config.LedgerBrokenError):
        config.verify_ledger(timestamp=0)
    assert "fund 17: off by one" in caplog.text
    assert CommandRun.objects.get(command="verify_ledger").failures == 1
