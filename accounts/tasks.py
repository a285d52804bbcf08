"""Background jobs of this app. Each reads the clock once and calls the service of a command."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from accounts.jobs import ASKED, FIRST, LAST, MAIL, RETRY, UPKEEP
from accounts.models import Notification, OutgoingMail
from accounts.services.exports import make_file
from accounts.services.jobs import forget_jobs, rescue_jobs
from accounts.services.outbox import drain_outbox, send_rows
from accounts.services.runs import record_run

logger = logging.getLogger(__name__)


@contextmanager
def _mail_server_may_be_away() -> Iterator[None]:
    """End quietly without a mail server: what was not sent stays due, and is looked for again."""
    try:
        yield
    except OSError as error:
        logger.warning("The mail server could not be reached: %s", error)


@app.task(queue=MAIL, priority=FIRST, retry=RETRY)
def send_mail(ids: list[int]) -> None:
    """Send messages to addresses, which people who sign in wait for."""
    with _mail_server_may_be_away():
        send_rows(OutgoingMail, keys=ids, clock=timezone.now)


@app.task(queue=MAIL, retry=RETRY)
def send_news(ids: list[int]) -> None:
    """Send news to members."""
    with _mail_server_may_be_away():
        send_rows(Notification, keys=ids, clock=timezone.now)


@app.periodic(cron=settings.OUTBOX_CRON)
@app.task(queue=MAIL, priority=LAST, lock="outbox")
def send_outbox(timestamp: int) -> None:
    """Send what else is due: what failed before, and what was written in bulk."""
    with _mail_server_may_be_away():
        result = drain_outbox(clock=timezone.now)
        failures = result.failed + result.given_up
        record_run(command="send_notifications", failures=failures, now=timezone.now())


@app.periodic(cron=settings.JOB_RESCUE_CRON)
@app.task(queue=UPKEEP, priority=FIRST)
def rescue(timestamp: int) -> None:
    """Let the jobs of workers that were killed run again."""
    count = rescue_jobs(now=timezone.now())
    if count:
        logger.warning("%s jobs of workers that are gone will run again", count)


@app.periodic(cron=settings.JOB_CLEANUP_CRON)
@app.task(queue=UPKEEP)
def forget(timestamp: int) -> None:
    """Delete old jobs that failed or were canceled."""
    forget_jobs()


@app.task(queue=ASKED, retry=RETRY)
def make_export(key: int) -> None:
    """Make a file that a person asked for."""
    make_file(key, clock=timezone.now)
