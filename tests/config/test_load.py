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
from typing import Any

import pytest
from django.conf import settings
from django.db import connections, transaction
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.jobs import SEND_NEWS
from accounts.models import Account, AuditEvent, Notification
from accounts.services.notifications import News, notify_members
from agents.models import Agent, AgentAct, AgentImport
from agents.services.acts import CARRY_ON, begin_act
from tests import factories as make
from tests.config.rig import Rig, Worker, running, wait_for
from tests.config.visitors import Answers, Clicks, Visitor
from tests.mail_sink import Sink, mail_sink
from tests.tiers import NIGHTLY, sample

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

MAILS = sample(100, 10_000)
FILES = sample(1, 20)
ROWS = sample(1_200, 10_000)
ACTED_ON = sample(1_500, 20_000)
IDLE_SECONDS = sample(2, 40)
IMPORTERS = 4
#: How long everything may take, in seconds.
PATIENCE = sample(240, 1_200)


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


# --- The load ------------------------------------------------------------------------------------


def tell() -> None:
    account = make.make_account()
    for _hundred in range(0, MAILS, 100):
        with transaction.atomic():
            news = [News(account, "role_changed", {"role": "viewer"}) for _ in range(100)]
            notify_members(news, now=timezone.now())


def fill(customer: make.Customer, count: int, start: int = 0) -> None:
    now = timezone.now()
    place = {"account": customer.account, "application": customer.application}
    Agent.objects.bulk_create(
        Agent(
            **place,
            **dict.fromkeys(("name", "nickname", "staff_number"), f"A{number}"),
            email=f"a{number}@example.com",
            created_at=now,
            updated_at=now,
        )
        for number in range(start, start + count)
    )


def disable_all(customer: make.Customer) -> None:
    begin_act(
        application=customer.application,
        name="disable",
        options={},
        chosen=Agent.objects.filter(application=customer.application),
        by=customer.owner,
        now=timezone.now(),
    )


def file_of(number: int) -> bytes:
    rows = (
        f"Agent {number}-{row},F{number}R{row},f{number}r{row}@example.com" for row in range(ROWS)
    )
    return "\n".join(["name,staff number,email", *rows]).encode()


def _place(customer: make.Customer, **more: Any) -> dict[str, Any]:
    application = customer.application
    return {"uin": customer.account.uin, "sdkappid": application.sdkappid, **more}


def import_file(visitor: Visitor, customer: make.Customer, number: int) -> None:
    """Send a file as a person does, and press the button on its page until it is imported."""
    url = reverse("agents:import", kwargs=_place(customer))
    status, _page = visitor.send_file(url, file_of(number), mode="add")
    assert status == 302
    key = AgentImport.objects.filter(application=customer.application).latest("pk").pk
    step = {"sent": "agents:import_check", "checked": "agents:import_run"}
    until = time.monotonic() + PATIENCE
    while (state := AgentImport.objects.values_list("status", flat=True).get(pk=key)) != "done":
        assert time.monotonic() < until
        if state in step:
            status = visitor.click(reverse(step[state], kwargs=_place(customer, pk=key)), {})
            assert status in {200, 204, 302, 503}, status
        time.sleep(0.5)


@contextmanager
def importing(rig: Rig) -> Iterator[None]:
    """Send all files, those of each customer one after the other."""
    customers = [make.make_customer(now=timezone.now()) for _ in range(min(IMPORTERS, FILES))]
    imported = []

    def work(place: int) -> None:
        visitor = Visitor(rig.proxy, customers[place].owner)
        for number in range(place, FILES, len(customers)):
            import_file(visitor, customers[place], number)
            imported.append(number)
        connections.close_all()

    threads = [threading.Thread(target=work, args=[place]) for place in range(len(customers))]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for thread in threads:
            thread.join(PATIENCE)
    assert sorted(imported) == list(range(FILES))


# --- Those who click -----------------------------------------------------------------------------

Round = list[tuple[str, dict[str, str] | None]]


def round_of(customer: make.Customer) -> Round:
    place = {"uin": customer.account.uin}
    read = [
        reverse("accounts:list"),
        reverse("accounts:applications", kwargs=place),
        reverse("agents:management", kwargs=_place(customer)),
        reverse("billing:application", kwargs=_place(customer)),
        reverse("billing:orders", kwargs=place),
        reverse("billing:purchase", kwargs=_place(customer)),
        reverse("billing:funds", kwargs=place),
        reverse("accounts:audit", kwargs=place),
    ]
    return [(path, None) for path in read] + [(reverse("set_theme"), {"theme": "dark"})]


# --- Those who are killed ------------------------------------------------------------------------


def _is_acting() -> bool:
    return AgentAct.objects.filter(done__gt=0, status="waiting").exists()


def _is_importing() -> bool:
    return AgentImport.objects.filter(written__gt=0, content__isnull=False).exists()


#: The kinds of job under this load, and whether one is in the middle of its work.
IN_THE_MIDDLE: dict[str, Callable[[], bool]] = {SEND_NEWS: lambda: True, CARRY_ON: _is_acting}


def kill_one(rig: Rig, sink: Sink, task: str) -> None:
    """Kill the worker that runs such a job, and start it again."""
    running_jobs = ProcrastinateJob.objects.filter(task_name=task, status="doing")
    mails = ProcrastinateJob.objects.filter(queue_name="mail", status="doing")
    wait_for(lambda: running_jobs.exists() and IN_THE_MIDDLE[task](), PATIENCE)
    # A worker that dies between the mail server's answer and its own commit sends a message again,
    # which nothing can prevent: so none is in between.
    sink.pause()
    wait_for(lambda: sink.held >= mails.count() or not mails.exists(), PATIENCE)
    job = running_jobs.first()
    worker = _worker_of(rig, job.worker_id) if job else None
    if worker:
        worker.kill()
    sink.go_on()
    if worker is None:
        # It has ended meanwhile.
        kill_one(rig, sink, task)
        return
    worker.start()


def _worker_of(rig: Rig, number: int) -> Worker:
    return next(worker for worker in rig.workers if number in worker.ids)


# --- All together --------------------------------------------------------------------------------


def left() -> bool:
    """Whether anything is still to be done by jobs that somebody began."""
    jobs = ProcrastinateJob.objects.exclude(queue_name__in=["timetable", "upkeep"])
    mails = Notification.objects.filter(next_attempt_at__isnull=False)
    return jobs.exclude(task_name="accounts.tasks.send_outbox").exists() or mails.exists()


def measure(rig: Rig, sink: Sink) -> Figures:
    clicking = [make.make_buyer(now=timezone.now())[0] for _ in range(2)]
    acted_on = make.make_customer(now=timezone.now())
    fill(acted_on, ACTED_ON)
    for customer in clicking:
        fill(customer, 100)
    visitors = [Visitor(rig.proxy, customer.owner) for customer in clicking]
    rounds = [round_of(customer) for customer in clicking]
    for visitor, pages in zip(visitors, rounds, strict=True):
        assert {visitor.click(*page) for page in pages} == {200, 302}
    with Clicks(visitors, rounds) as idle:
        time.sleep(IDLE_SECONDS)
    with Clicks(visitors, rounds) as busy:
        started = time.monotonic()
        tell()
        with importing(rig):
            disable_all(acted_on)
            for task in IN_THE_MIDDLE:
                kill_one(rig, sink, task)
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
    assert Account.objects.exists()


def test_no_page_waits_for_jobs_and_killed_workers_lose_nothing(tmp_path: Path) -> None:
    with mail_sink() as sink, running(tmp_path, sink) as rig:
        figures = measure(rig, sink)
        print(f"\n{figures}")  # noqa: T201 - for whoever runs it with `-s`
        assert_all_is_done_once(sink)
        logs = "".join(worker.log.read_text() for worker in rig.workers)

    assert set(figures.busy.statuses) == set(figures.idle.statuses) == {200, 302}
    assert "jobs of workers that are gone will run again" in logs
    if NIGHTLY:
        assert figures.busy.percentile(95) <= 2 * figures.idle.percentile(95)
