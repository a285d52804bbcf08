"""Worker processes: long jobs delay no mail, and one that is told to stop finishes its job."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker
from pytest_django.plugin import DjangoDbBlocker

from accounts.jobs import defer
from accounts.models import Notification
from accounts.services.mail import queue_mail
from accounts.services.notifications import News, notify_members
from billing.models import SweepRun
from config.embedded_postgres import Server as Cluster
from tests.clusters import direct_url, dump_into, own_cluster, pooler
from tests.factories import make_account
from tests.mail_sink import Sink, mail_sink
from tests.places import as_url

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

#: Only what a test defers is run, and the dead are looked for each second.
NEVER = "0 0 29 2 *"
TIMES = {
    "OUTBOX_CRON": NEVER,
    "SWEEP_CRON": NEVER,
    "REMINDER_CRON": NEVER,
    "VERIFY_CRON": NEVER,
    "PURGE_CRON": NEVER,
    "JOB_CLEANUP_CRON": NEVER,
    "JOB_RESCUE_CRON": "* * * * * *",
    "WORKER_HEARTBEAT_SECONDS": "0.5",
}
Worker = subprocess.Popen[bytes]


@pytest.fixture
def sink() -> Iterator[Sink]:
    with mail_sink() as server:
        yield server


@contextmanager
def worker(sink: Sink, folder: Path, *options: str, **variables: str) -> Iterator[Worker]:
    """A process of its own, as systemd would start it."""
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run_worker", *options],
            cwd=settings.BASE_DIR,
            env={
                "PATH": os.environ["PATH"],
                "ENV_FILE": "/dev/null",
                "SECRET_KEY": "a-text-of-some-length-that-signs-nothing-anywhere",
                "ALLOWED_HOSTS": "console.example",
                "DATABASE_URL": as_url(str(connection.settings_dict["NAME"])),
                "EMAIL_URL": sink.url,
                **TIMES,
                **variables,
            },
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        sink.gate.set()
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(what: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.05)


def tell(count: int) -> None:
    account = make_account()
    with transaction.atomic():
        news = [News(account, "role_changed", {"role": "viewer"}) for _ in range(count)]
        notify_members(news, now=timezone.now())


def all_sent() -> bool:
    return not Notification.objects.filter(sent_at=None).exists()


def test_mail_does_not_wait_for_long_jobs(
    sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MAIL_AT_ONCE", False)
    with worker(sink, tmp_path, WORKER_THREADS="1"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE billing_sweeprun")
        _elsewhere(lambda: defer("billing.tasks.sweep_expirations", {"timestamp": 0}))
        wait_for(lambda: _status("billing.tasks.sweep_expirations") == "doing")
        _elsewhere(
            lambda: queue_mail(
                kind="test", to="a@example.com", subject="S", text="T", now=timezone.now()
            )
        )
        wait_for(lambda: len(sink.identities) == 1, seconds=5)
        assert _status("billing.tasks.sweep_expirations") == "doing"
    assert SweepRun.objects.count() == 1


def _elsewhere(act: Callable[[], object]) -> None:
    """Do something on a connection of its own, which commits."""

    def run() -> None:
        act()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def _status(task: str) -> str:
    found = ProcrastinateJob.objects.filter(task_name=task).values_list("status", flat=True)
    return found.first() or ""


def test_a_worker_that_is_told_to_stop_finishes_its_job(sink: Sink, tmp_path: Path) -> None:
    tell(5)
    sink.held_at = 2
    with worker(sink, tmp_path) as process:
        assert sink.is_holding.wait(30)
        process.terminate()
        time.sleep(0.5)
        assert process.poll() is None
        sink.gate.set()
        assert process.wait(20) == 0
    assert (len(sink.identities), all_sent()) == (5, True)
    assert not ProcrastinateJob.objects.exists()
    assert not ProcrastinateWorker.objects.exists()


@pytest.fixture(scope="module")
def cluster(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """A server of the tests' own, to stand behind PgBouncer, with the console's tables."""
    folder = tmp_path_factory.mktemp("cluster")
    with own_cluster(folder) as cluster:
        with django_db_blocker.unblock():
            dump_into(cluster, str(folder / "dump"))
        yield cluster


@pytest.mark.parametrize(
    "loss",
    [
        pytest.param(signal.SIGTERM, marks=pytest.mark.nightly, id="gone"),
        pytest.param(signal.SIGSTOP, id="frozen"),
    ],
)
def test_behind_pgbouncer_a_worker_looks_for_jobs_and_ends_when_it_is_lost(
    sink: Sink, cluster: Cluster, tmp_path: Path, loss: signal.Signals
) -> None:
    usual = {"WORKER_POLL_SECONDS": "0.2", "DATABASE_TRANSACTION_POOLING": "1"}
    with (
        psycopg.connect(direct_url(cluster), autocommit=True) as other,
        psycopg.connect(direct_url(cluster), autocommit=True) as holder,
        pooler(cluster, tmp_path) as (url, pgbouncer),
    ):
        other.execute(
            "TRUNCATE accounts_commandrun, procrastinate_jobs, procrastinate_workers CASCADE"
        )
        with worker(sink, tmp_path, DATABASE_URL=url, **usual) as process:
            wait_for(lambda: _one(other, "SELECT count(*) FROM procrastinate_workers") == 2)
            other.execute(DEFER)
            wait_for(lambda: _one(other, "SELECT count(*) FROM accounts_commandrun") == 1)
            wait_for(lambda: _one(other, "SELECT count(*) FROM procrastinate_jobs") == 0)

            # In the middle of a job, and before others would run it.
            with holder.transaction():
                holder.execute("LOCK TABLE accounts_commandrun")
                other.execute(DEFER)
                wait_for(lambda: _one(other, WAITING) == 1)
                pgbouncer.send_signal(loss)
                assert process.wait(30) == 1
    assert "the database does not answer" in (tmp_path / "worker.log").read_text()


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
#: A job that leaves a trace, and that no one is told of.
DEFER = """
    INSERT INTO procrastinate_jobs (queue_name, task_name, args)
    VALUES ('mail', 'accounts.tasks.send_outbox', '{"timestamp": 0}')
"""


def _one(other: "psycopg.Connection[tuple[int]]", statement: str) -> int:
    row = other.execute(statement).fetchone()
    return row[0] if row else 0
