"""Acts on very many agents: how soon the click is answered, and how long a job takes for them."""

import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from agents.models import Agent, AgentAct
from agents.services.act_turns import carry_on_act
from tests import factories as make
from tests.bench import databases
from tests.bench.agents_page import fill

#: The goals for 100,000 agents, in seconds.
CLICK, WORK = 1.0, 30.0


@dataclass(frozen=True)
class ActFigure:
    """Seconds until the click was answered, of the work, and of a look at the end.

    The job runs in the same process, as one of a worker's threads would.
    """

    act: str
    agents: int
    click: float
    look: float
    work: float


def _carry_out(client: Client, act: AgentAct, url: str) -> tuple[float, float]:
    started = time.perf_counter()
    carry_on_act(act.pk, clock=timezone.now)
    work = time.perf_counter() - started
    act.refresh_from_db()
    assert act.done == act.total
    started = time.perf_counter()
    assert client.get(url).status_code == 200
    return work, time.perf_counter() - started


def _click(client: Client, url: str, data: dict[str, Any]) -> tuple[str, float]:
    started = time.perf_counter()
    answer = client.post(url, data)
    seconds = time.perf_counter() - started
    assert answer.status_code == 302, answer.status_code
    return answer.headers["Location"], seconds


def _enabled(customer: make.Customer) -> set[int]:
    agents = Agent.objects.filter(application=customer.application, is_enabled=True)
    return set(agents.values_list("pk", flat=True))


def _run(agents: int) -> list[ActFigure]:
    customer = make.make_customer(trial=False, now=timezone.now())
    fill(customer, agents)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    settings.ALLOWED_HOSTS = ["testserver"]
    client = make.signed_in(customer.owner)
    base = f"/console/{customer.account.uin}/applications/{customer.application.sdkappid}/agents/"
    assert client.get(base).status_code == 200
    before = _enabled(customer)
    page, click = _click(client, f"{base}disable/?all=1", {"expected": agents})
    act = AgentAct.objects.get(undoes=None)
    work, look = _carry_out(client, act, page)
    page, undo_click = _click(client, f"{page}undo/", {})
    back = AgentAct.objects.get(undoes=act)
    undo_work, undo_look = _carry_out(client, back, page)
    assert _enabled(customer) == before
    return [
        ActFigure("disable", act.total, click, look, work),
        ActFigure("undo", back.total, undo_click, undo_look, undo_work),
    ]


def measure(*, agents: int = 100_000) -> list[ActFigure]:
    """Disable so many agents, and undo it."""
    with databases.migrated("bench_acts"), databases.using("bench_acts"):
        return _run(agents)


def goals_missed(figures: list[ActFigure]) -> list[str]:
    """Return what took longer than it may."""
    return [
        f"acts, {figure.act} {figure.agents:,} agents: {what} took {seconds:.1f} s, "
        f"the goal is {goal} s"
        for figure in figures
        for what, seconds, goal in (
            ("the click", figure.click, CLICK),
            ("a look", figure.look, CLICK),
            ("the work", figure.work, WORK),
        )
        if seconds > goal
    ]
