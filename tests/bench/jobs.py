"""How fast mail is sent: by the command, by workers, and beside a worker that does nothing."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.tasks import configure_task

from accounts.jobs import JOBS, MAIL, SEND_NEWS
from accounts.models import Account, Notification
from tests.bench import databases
from tests.factories import make_account
from tests.mail_sink import Sink, mail_sink

NOW = datetime(2026, 6, 1, tzinfo=UTC)
#: Workers start nothing on their own meanwhile.
NEVER = "0 0 29 2 *"


@dataclass(frozen=True)
class JobFigure:
    """One way of sending the same number of emails, or of doing nothing as often."""

    way: str
    count: int
    seconds: float
    per_second: float


def measure(count: int) -> list[JobFigure]:
    """Measure every way with `count` emails, each in a database of its own."""
    bare = [sys.executable, "-m", "procrastinate", "--app=tests.bench.bare_worker.app", "worker"]
    bare += ["--queues=mail", f"--concurrency={settings.WORKER_THREADS}"]
    bare += ["--delete-jobs=successful"]
    ours = [sys.executable, "manage.py", "run_worker"]
    command = [sys.executable, "manage.py", "send_notifications", "--verbosity", "0"]
    with databases.migrated() as template, mail_sink() as sink:
        return [
            _run(template, sink, "bare worker that does nothing", count, [bare], 1, "nothing"),
            _run(template, sink, "worker, a job each", count, [ours], 1),
            _run(template, sink, "worker, jobs of 100", count, [ours], 100),
            _run(template, sink, "two workers, jobs of 100", count, [ours, ours], 100),
            _run(template, sink, "send_notifications, no jobs", count, [command], 0),
            _run(template, sink, "send_notifications, a job each to drop", count, [command], 1),
        ]


def _run(
    template: str,
    sink: Sink,
    way: str,
    count: int,
    commands: list[list[str]],
    size: int,
    task: str = SEND_NEWS,
) -> JobFigure:
    with databases.copy_of(template) as name, databases.using(name):
        _fill(count)
        keys = list(Notification.objects.order_by("pk").values_list("pk", flat=True))
        groups: list[Any] = (
            [{"ids": keys[at : at + size]} for at in range(0, count, size)] if size else []
        )
        if groups:
            configure_task(name=task, job_manager=JOBS, queue=MAIL).batch_defer(*groups)
        with _running(commands, {**databases.environment(name), "EMAIL_URL": sink.url}):
            seconds = _time(count, is_sent=task == SEND_NEWS)
    return JobFigure(way, count, seconds, count / seconds)


def _fill(count: int) -> None:
    account: Account = make_account(now=NOW)
    Notification.objects.bulk_create(
        Notification(
            user=account.memberships.get().user,
            account=account,
            kind="role_changed",
            params={"role": "viewer"},
            created_at=NOW,
            next_attempt_at=NOW,
        )
        for _number in range(count)
    )


@contextmanager
def _running(commands: list[list[str]], environment: dict[str, str]) -> Iterator[None]:
    crons = ("OUTBOX", "SWEEP", "REMINDER", "VERIFY", "PURGE", "JOB_RESCUE", "JOB_CLEANUP")
    environment |= {f"{name}_CRON": NEVER for name in crons} | {"LOG_LEVEL": "WARNING"}
    with ExitStack() as stack:
        for command in commands:
            # procrastinate's own program tells of every job.
            process = subprocess.Popen(
                command, cwd=settings.BASE_DIR, env=environment, stderr=subprocess.DEVNULL
            )
            stack.callback(process.wait, 60)
            stack.callback(process.terminate)
        yield


def _time(count: int, *, is_sent: bool) -> float:
    """Return the seconds from the first that is done to the last; starting is left out."""
    began = None
    while left := _left(is_sent=is_sent):
        if began is None and left < count:
            began = time.perf_counter()
        time.sleep(0.02)
    return time.perf_counter() - (began or time.perf_counter())


def _left(*, is_sent: bool) -> int:
    if is_sent:
        return Notification.objects.filter(sent_at=None).count()
    return ProcrastinateJob.objects.count()
