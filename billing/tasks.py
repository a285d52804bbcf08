"""Background jobs of billing. Each reads the clock once and calls the services of a command."""

import logging
from itertools import islice

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from accounts.jobs import TIMETABLE
from accounts.services.runs import record_run
from billing.renewals.reminders import find_due_reminders, send_reminders
from billing.renewals.sweep import BATCH_SIZE, run_sweep

logger = logging.getLogger(__name__)

#: Reminders per transaction.
REMINDERS_AT_ONCE = 500


class SweepIncompleteError(Exception):
    """Some rows could not be changed; all others are done."""


@app.periodic(cron=settings.SWEEP_CRON)
@app.task(queue=TIMETABLE, lock="sweep")
def sweep_expirations(timestamp: int) -> None:
    """Renew, isolate and release packages that are due, and end unpaid orders."""
    result = run_sweep(
        now=timezone.now(),
        finished_at=timezone.now,
        batch_size=BATCH_SIZE,
        progress=lambda name, done, due: None,
    )
    for line in result.failures:
        logger.error("The sweep could not change %s", line)
    if result.failures:
        raise SweepIncompleteError(f"{len(result.failures)} rows could not be changed")


@app.periodic(cron=settings.REMINDER_CRON)
@app.task(queue=TIMETABLE, lock="reminders")
def send_expiry_reminders(timestamp: int) -> None:
    """Put the expiry reminders that are due into the outbox."""
    now = timezone.now()
    due = find_due_reminders(now)
    while batch := list(islice(due, REMINDERS_AT_ONCE)):
        send_reminders(due=batch, now=now)
    record_run(command="send_expiry_reminders", now=timezone.now())
