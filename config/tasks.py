"""Background jobs of the whole console."""

import logging

from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from accounts.jobs import TIMETABLE
from accounts.services.runs import record_run
from config.retention import purge
from config.verification import find_all_breaches, one_snapshot

logger = logging.getLogger(__name__)


class LedgerBrokenError(Exception):
    """A promise does not hold; the log names the rows."""


@app.periodic(cron=settings.VERIFY_CRON)
@app.task(queue=TIMETABLE, lock="verify")
def verify_ledger(timestamp: int) -> None:
    """Check every promise about money, packages and history; fail where one does not hold."""
    with one_snapshot():
        breaches = [breach.message for breach in find_all_breaches()]
    record_run(command="verify_ledger", failures=len(breaches), now=timezone.now())
    for message in breaches:
        logger.error("verify_ledger: %s", message)
    if breaches:
        raise LedgerBrokenError(f"{len(breaches)} breaches")


@app.periodic(cron=settings.PURGE_CRON)
@app.task(queue=TIMETABLE, lock="purge")
def purge_old_data(timestamp: int) -> None:
    """Delete what has been kept long enough."""
    counts = purge(now=timezone.now())
    record_run(command="purge_old_data", now=timezone.now())
    logger.info("Old data was deleted: %s", counts)
