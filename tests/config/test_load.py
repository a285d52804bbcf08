"""Two hosts under load: much mail, many imports and a bulk act, while two customers click.

Workers are killed meanwhile. `NIGHTLY=1 pytest tests/config/test_load.py -s` runs the full counts
and prints what it measured.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections, transaction
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.jobs import SEND_NEWS
from accounts.models import AuditEvent, Notification
from agents.models import Agent, AgentAct
from tests import factories as make
from tests.config.load import (
    ACTED_ON,
    FILES,
    IMPORTERS,
    MAILS,
    PATIENCE,
    ROWS,
    Kind,
    fill,
    load_of,
    place_of,
    senders,
)
from tests.config.rig import Rig, running, wait_for
from tests.config.visitors import Answers, Clicks, Visitor
from tests.mail_sink import Sink, mail_sink
from tests.tiers import NIGHTLY, sample

IDLE_SECONDS = sample(2, 40)
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@dataclass(frozen=True)
class Figures:
    """What a run has measured, in seconds."""

    idle: Answers
    busy: Answers
    seconds: float

    def __str__(self) -> str:
        shown = {
            "idle": self.idle,
            "under load": self.busy,
        }
        lines = [
            f"{name}: {len(answers.seconds)} clicks, median {answers.percentile(50) * 1000:.0f} ms,"
            f" p95 {answers.percentile(95) * 1000:.0f} ms, {dict(answers.statuses)}"
            for name, answers in shown.items()
        ]
        ratio = self.busy.percentile(95) / self.idle.percentile(95)
        lines.append(f"p95 under load / idle: {ratio:.2f}; all was done after {self.seconds:.0f} s")
        return "\n".join(lines)


# --- Those who click -----------------------------------------------------------------------------

Round = list[tuple[str, dict[str, str] | None]]


def round_of(customer: make.Customer) -> Round:
    place = {"uin": customer.account.uin}
    read = [
        reverse("accounts:list"),
        reverse("accounts:applications", kwargs=place),
        reverse("agents:management", kwargs=place_of(customer)),
        reverse("billing:application", kwargs=place_of(customer)),
        reverse("billing:orders", kwargs=place),
        reverse("billing:purchase", kwargs=place_of(customer)),
        reverse("billing:funds", kwargs=place),
        reverse("accounts:audit", kwargs=place),
    ]
    return [(path, None) for path in read] + [(reverse("set_theme"), {"theme": "dark"})]


# --- Those who are killed ------------------------------------------------------------------------


@contextmanager
def holding(hold: Callable[[], object]) -> Iterator[None]:
    """Keep what `hold` locks or writes in a transaction of another connection, and undo it."""
    is_held, is_over = threading.Event(), threading.Event()

    def work() -> None:
        with transaction.atomic():
            hold()
            is_held.set()
            is_over.wait(PATIENCE)
            transaction.set_rollback(True)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert is_held.wait(60)
        yield
    finally:
        is_over.set()
        thread.join()


def kill_halfway(rig: Rig, sink: Sink, kind: Kind) -> None:
    """Kill the worker that is in the middle of such a job, and start it again."""
    own = ProcrastinateJob.objects.filter(task_name=kind.task, status="doing")
    mails = ProcrastinateJob.objects.filter(queue_name="mail", status="doing")
    with holding(kind.hold):
        kind.begin()
        wait_for(kind.is_halfway, PATIENCE)
        # A worker that dies between the mail server's answer and its own commit sends a message
        # again, which nothing can prevent: so none is in between.
        sink.pause()
        wait_for(lambda: sink.held >= mails.count(), PATIENCE)
        wait_for(own.exists)
        number = own.values_list("worker_id", flat=True)[0]
        worker = next(worker for worker in rig.workers if number in worker.ids)
        worker.kill()
        sink.go_on()
    worker.start()


# --- All together --------------------------------------------------------------------------------


def left() -> bool:
    """Whether anything is still to be done by jobs that someone began."""
    jobs = ProcrastinateJob.objects.exclude(queue_name__in=["timetable", "upkeep"])
    mails = Notification.objects.filter(next_attempt_at__isnull=False)
    return jobs.exclude(task_name="accounts.tasks.send_outbox").exists() or mails.exists()


def measure(rig: Rig, sink: Sink) -> Figures:
    clicking = [make.make_buyer(now=timezone.now())[0] for _ in range(2)]
    others = [make.make_customer(now=timezone.now()) for _ in range(1 + min(IMPORTERS, FILES))]
    fill(others[0], ACTED_ON)
    for customer in clicking:
        fill(customer, 100)
    visitors = [Visitor(rig.proxy, customer.owner) for customer in clicking]
    rounds = [round_of(customer) for customer in clicking]
    for visitor, pages in zip(visitors, rounds, strict=True):
        assert {visitor.click(*page) for page in pages} == {200, 302}
    with Clicks(visitors, rounds) as idle:
        time.sleep(IDLE_SECONDS)
    imported: list[int] = []
    threads = senders(rig, others[1:], imported)
    with Clicks(visitors, rounds) as busy:
        started = time.monotonic()
        for kind in load_of(rig, others, threads):
            # Otherwise once is enough: test_killed_workers.py does so with every kind.
            if NIGHTLY or kind.task == SEND_NEWS:
                kill_halfway(rig, sink, kind)
            else:
                kind.begin()
        for thread in threads:
            thread.join(PATIENCE)
        assert sorted(imported) == list(range(FILES))
        wait_for(lambda: not left(), PATIENCE, pause=0.5)
        seconds = time.monotonic() - started
    return Figures(idle, busy, seconds)


def assert_all_is_done_once(sink: Sink) -> None:
    keys = Notification.objects.exclude(sent_at=None).values_list("pk", flat=True)
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip("> ")
    assert Counter(sink.identities) == {f"<notification-{key}@{host}>": 1 for key in keys}
    assert len(keys) >= MAILS
    added = AuditEvent.objects.filter(verb="agent.added").values_list("target_id", flat=True)
    assert len(added) == len(set(added)) == FILES * ROWS
    assert Agent.objects.filter(pk__in=added).count() == FILES * ROWS
    [act] = AgentAct.objects.all()
    disabled = AuditEvent.objects.filter(verb="agent.disabled").values_list("target_id", flat=True)
    assert (act.status, sorted(disabled)) == ("done", sorted(act.agents))
    assert not ProcrastinateJob.objects.filter(status="failed").exists()


def test_no_page_waits_for_jobs_and_killed_workers_lose_nothing(tmp_path: Path) -> None:
    with mail_sink() as sink, running(tmp_path, sink) as rig:
        figures = measure(rig, sink)
        print(f"\n{figures}")  # noqa: T201 - for anyone who runs it with `-s`
        assert_all_is_done_once(sink)
        logs = "".join(worker.log.read_text() for worker in rig.workers)

    assert set(figures.busy.statuses) == set(figures.idle.statuses) == {200, 302}
    assert "jobs of workers that are gone will run again" in logs
    if NIGHTLY:
        assert figures.busy.percentile(95) <= 2 * figures.idle.percentile(95)
