"""How fast mail is sent: by workers and the command, those of the last release, and beside nothing.

The yardstick is procrastinate's own worker with a task that does nothing.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.tasks import configure_task

from accounts.jobs import JOBS, MAIL, SEND_NEWS
from accounts.models import Account, Notification
from tests.bench import databases
from tests.factories import make_account
from tests.mail_sink import Sink, mail_sink
from tests.releases import has_previous, unpack_previous

NOW = datetime(2026, 6, 1, tzinfo=UTC)
#: Workers start nothing on their own meanwhile.
NEVER = "0 0 29 2 *"


@dataclass(frozen=True)
class JobFigure:
    """One way of sending the same number of emails, or of doing nothing as often.

    `of_bare` is how much of the yardstick's speed it has.
    """

    way: str
    count: int
    seconds: float
    per_second: float
    of_bare: float = 1.0


@dataclass(frozen=True)
class Way:
    """The commands that run at the same time, where, and how many emails each job sends.

    With 0 of them there are no jobs.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    size: int
    task: str = SEND_NEWS
    folder: Path = Path(settings.BASE_DIR)


def measure(count: int) -> list[JobFigure]:
    """Measure every way with `count` emails, each in a database of its own."""
    with (
        databases.migrated() as template,
        mail_sink() as sink,
        TemporaryDirectory() as folder,
    ):
        figures = [_run(template, sink, count, way) for way in _ways(Path(folder))]
    bare = figures[0].per_second
    return [replace(figure, of_bare=figure.per_second / bare) for figure in figures]


def _ways(folder: Path) -> Iterator[Way]:
    bare: tuple[str, ...] = (
        sys.executable,
        "-m",
        "procrastinate",
        "--app=tests.bench.bare_worker.app",
        "worker",
    )
    bare += ("--queues=mail", f"--concurrency={settings.WORKER_THREADS}")
    bare += ("--delete-jobs=successful",)
    ours = (sys.executable, "manage.py", "run_worker")
    command = (sys.executable, "manage.py", "send_notifications", "--verbosity", "0")
    yield Way("bare worker that does nothing", (bare,), 1, "nothing")
    yield Way("worker, a job each", (ours,), 1)
    yield Way("worker, jobs of 100", (ours,), 100)
    yield Way("two workers, jobs of 100", (ours, ours), 100)
    yield Way("send_notifications, no jobs", (command,), 0)
    yield Way("send_notifications, a job each to drop", (command,), 1)
    if has_previous():
        unpack_previous(folder)
        yield Way("send_notifications of the previous release", (command,), 0, folder=folder)


def _run(template: str, sink: Sink, count: int, way: Way) -> JobFigure:
    with databases.copy_of(template) as name, databases.using(name):
        _fill(count)
        keys = list(Notification.objects.order_by("pk").values_list("pk", flat=True))
        size = way.size or count
        groups: list[Any] = [{"ids": keys[at : at + size]} for at in range(0, count, size)]
        if way.size:
            configure_task(name=way.task, job_manager=JOBS, queue=MAIL).batch_defer(*groups)
        with _running(way, {**databases.environment(name), "EMAIL_URL": sink.url}):
            seconds = _time(count, is_sent=way.task == SEND_NEWS)
    return JobFigure(way.name, count, seconds, count / seconds)


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
def _running(way: Way, environment: dict[str, str]) -> Iterator[None]:
    crons = ("OUTBOX", "SWEEP", "REMINDER", "VERIFY", "PURGE", "JOB_RESCUE", "JOB_CLEANUP")
    environment |= {f"{name}_CRON": NEVER for name in crons} | {"LOG_LEVEL": "WARNING"}
    with ExitStack() as stack:
        for command in way.commands:
            # procrastinate's own program tells of every job.
            process = subprocess.Popen(
                command, cwd=way.folder, env=environment, stderr=subprocess.DEVNULL
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
