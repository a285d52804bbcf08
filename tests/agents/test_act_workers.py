"""Acts and imports in worker processes: one that is killed, and one that ends on its own."""

import signal
from pathlib import Path

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import AuditEvent, Notification
from accounts.services.jobs import drop_jobs, waiting_jobs
from agents.models import Agent, AgentAct, AgentImport
from agents.services import imports
from agents.services.acts import CARRY_ON, begin_act
from agents.services.import_jobs import begin_import, carry_on_import
from tests.accounts.test_worker import wait_for, worker
from tests.agents.test_imports import file_of, line
from tests.bench.agents_page import fill
from tests.factories import make_customer, make_package
from tests.mail_sink import mail_sink

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

#: One in twenty of them is disabled already.
AGENTS = 10_000
ROWS = 3_000


def begin() -> AgentAct:
    customer = make_customer(trial=False, now=timezone.now())
    fill(customer, AGENTS)
    return begin_act(
        application=customer.application,
        name="disable",
        options={},
        chosen=Agent.objects.all(),
        by=customer.owner,
        now=timezone.now(),
    )


def assert_done(act: AgentAct) -> None:
    act.refresh_from_db()
    assert (act.status, act.done, act.changed) == ("done", AGENTS, AGENTS * 19 // 20)
    assert not Agent.objects.filter(is_enabled=True).exists()
    assert AuditEvent.objects.filter(verb="agent.disabled").count() == act.changed
    assert AuditEvent.objects.filter(verb="agent_act.done").count() == 1
    assert not ProcrastinateJob.objects.filter(task_name=CARRY_ON).exists()


def test_what_a_killed_worker_leaves_another_one_finishes(tmp_path: Path) -> None:
    act = begin()

    def done() -> int:
        return AgentAct.objects.values_list("done", flat=True).get(pk=act.pk)

    with mail_sink() as sink:
        with worker(sink, tmp_path) as first:
            wait_for(lambda: done() > 0)
            first.send_signal(signal.SIGKILL)
            first.wait()
        act.refresh_from_db()
        assert 0 < act.done < AGENTS
        assert AuditEvent.objects.filter(verb="agent.disabled").count() == act.changed
        job = ProcrastinateJob.objects.get(task_name=CARRY_ON)
        assert job.status == "doing"

        with worker(sink, tmp_path):
            wait_for(lambda: done() == AGENTS)
            wait_for(lambda: not ProcrastinateJob.objects.filter(pk=job.pk).exists())
    assert_done(act)


def test_a_worker_that_drains_ends_when_no_job_waits_and_has_sent_the_news(
    tmp_path: Path,
) -> None:
    act = begin()
    with mail_sink() as sink, worker(sink, tmp_path, "--drain") as process:
        assert process.wait(60) == 0
    assert Notification.objects.filter(kind="agents_changed", sent_at__isnull=False).count() == 1
    assert_done(act)


def begin_to_import() -> AgentImport:
    customer = make_customer(trial=False, now=timezone.now())
    make_package(customer.application, agents=ROWS, now=timezone.now())
    imported = imports.send_import(
        application=customer.application,
        file_name="agents.csv",
        content=file_of(*(line(number, license="yes") for number in range(ROWS))),
        mode="add",
        by=customer.owner,
        now=timezone.now(),
    )
    carry_on_import(imported.pk, clock=timezone.now)
    drop_jobs(waiting_jobs(imports.CARRY_ON))
    begin_import(imported=imported, by=customer.owner, now=timezone.now())
    return imported


def test_what_a_killed_worker_has_not_imported_another_one_does(tmp_path: Path) -> None:
    imported = begin_to_import()

    def written() -> int:
        return AgentImport.objects.values_list("written", flat=True).get(pk=imported.pk)

    with mail_sink() as sink:
        with worker(sink, tmp_path) as first:
            wait_for(lambda: written() > 0)
            first.send_signal(signal.SIGKILL)
            first.wait()
        imported.refresh_from_db()
        assert (imported.status, 0 < imported.written < ROWS) == ("waiting", True)
        assert Agent.objects.count() == imported.written
        job = ProcrastinateJob.objects.get(task_name=imports.CARRY_ON)
        assert job.status == "doing"

        with worker(sink, tmp_path):
            wait_for(lambda: written() == ROWS)
            wait_for(lambda: not ProcrastinateJob.objects.filter(pk=job.pk).exists())
    imported.refresh_from_db()
    assert (imported.status, imported.added) == ("done", ROWS)
    assert Agent.objects.filter(license__isnull=False).count() == ROWS
    assert AuditEvent.objects.filter(verb="agent.added").count() == ROWS
    assert AuditEvent.objects.filter(verb="agents.imported").count() == 1
    told = Notification.objects.filter(kind="agents_imported", params__outcome="done")
    assert told.count() == 1
