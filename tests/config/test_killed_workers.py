"""A worker is killed in the middle of a job of every kind; another host's ends all, each once."""

import signal
from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from tests.accounts.test_worker import wait_for, worker
from tests.bench.databases import connect
from tests.config.job_kinds import KINDS, MAILS, RESCUE
from tests.mail_sink import mail_sink

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

#: Those that the mail server holds.
EMAILED = [kind for kind in KINDS if not kind.hold]
WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


def test_the_table_has_every_kind() -> None:
    own = {name for name in app.tasks if not name.startswith(("builtin", "procrastinate"))}
    assert {kind.task for kind in KINDS} == own - {RESCUE}


def _halfway() -> bool:
    """Whether all jobs have begun and none can continue."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        (waiting,) = cursor.fetchone()
    tasks = [kind.task for kind in KINDS]
    begun = ProcrastinateJob.objects.filter(status="doing", task_name__in=tasks)
    return (
        begun.count() == len(KINDS)
        and waiting >= sum(1 for kind in KINDS if kind.hold)
        and all(kind.is_halfway() for kind in KINDS)
    )


# All kinds at a time need more of the machine than a whole run of tests leaves them.
@pytest.mark.nightly
def test_what_a_killed_worker_leaves_another_one_does_and_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MAIL_AT_ONCE", False)
    usual = {"WORKER_THREADS": "10", "DATABASE_LOCK_TIMEOUT": "60s"}
    holder = connect(str(connection.settings_dict["NAME"]))
    with mail_sink() as sink:
        sink.held_at, sink.counts_readers = 4, True
        for kind in KINDS:
            kind.prepare()
        with holder, holder.transaction():
            for kind in KINDS:
                if kind.hold:
                    holder.execute(kind.hold)
            with worker(sink, tmp_path, **usual) as first:
                wait_for(lambda: _halfway() and sink.held >= len(EMAILED), 60)
                sent = len(sink.identities)
                first.send_signal(signal.SIGKILL)
                first.wait()
        assert 0 < sent <= len(EMAILED) * 4
        with worker(sink, tmp_path, **usual):
            wait_for(lambda: not _left(), 60)

        for kind in KINDS:
            kind.check()
        assert set(Counter(sink.identities).values()) == {1}
        assert len(sink.identities) >= len(EMAILED) * MAILS


def _left() -> bool:
    """Whether there is a job that has not succeeded."""
    return ProcrastinateJob.objects.exclude(task_name__in=[RESCUE, "old"]).exists()
