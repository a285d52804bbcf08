"""Background jobs of this app. Each reads the clock and calls a service."""

from django.utils import timezone
from procrastinate.contrib.django import app

from accounts.jobs import ASKED, FIRST, RETRY
from agents.services.act_turns import carry_on_act
from agents.services.import_jobs import carry_on_import


@app.task(queue=ASKED, priority=FIRST, retry=RETRY)
def carry_on(key: int) -> None:
    """Carry out an act on many agents."""
    carry_on_act(key, clock=timezone.now)


@app.task(queue=ASKED, priority=FIRST, retry=RETRY)
def carry_on_import_of(key: int) -> None:
    """Check or write a large file of agents."""
    carry_on_import(key, clock=timezone.now)
