"""Acts on many agents in worker processes: one that is killed, and one that ends by itself."""

import signal
from pathlib import Path

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.models import AuditEvent, Notification
from agents.models import Agent, AgentAct
from agents.services.acts import CARRY_ON, begin_act
from tests.accounts.test_worker import wait_for, worker
from tests.bench.agents_page import fill
from tests.factories import make_customer
from tests.mail_sink import mail_sink

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

#: Of whom one in twenty is disabled already.
AGENTS = 10_000


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
