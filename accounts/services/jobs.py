"""Looking after background jobs: those of workers that were killed, and those that staff repeat."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from procrastinate.jobs import Status
from procrastinate.sql import queries

from accounts.enums import JobState
from accounts.errors import Refused
from accounts.jobs import JOBS, RETRY
from accounts.models import Job, User
from accounts.services.audit import Event, record

#: A worker that has missed so many heartbeats is dead.
HEARTBEATS_MISSED = 3


@transaction.atomic
def rescue_jobs(*, now: datetime) -> int:
    """Let the jobs of workers that are dead run again; return how many there were.

    One that has lost several workers is given up: it may be what kills them.
    """
    silence = timedelta(seconds=settings.WORKER_HEARTBEAT_SECONDS * HEARTBEATS_MISSED)
    # Workers write the database's time, so that hosts need not agree on theirs.
    is_lost = Q(worker=None) | Q(worker__last_heartbeat__lt=Now() - silence)
    running = Job.objects.filter(status=JobState.RUNNING)
    jobs = list(running.filter(is_lost).select_for_update(skip_locked=True, of=("self",)))
    for job in jobs:
        if job.attempts < (RETRY.max_attempts or 0):
            JOBS.retry_job_by_id(job.pk, retry_at=now)
        else:
            _run("finish_job", job_id=job.pk, status=Status.FAILED.value, delete_job=False)
    return len(jobs)


def waiting_jobs(*task_names: str) -> list[int]:
    """Return the keys of the jobs of these tasks that no worker has begun."""
    waiting = Job.objects.filter(status=JobState.WAITING, task_name__in=task_names)
    return list(waiting.values_list("pk", flat=True))


def drop_jobs(keys: Iterable[int]) -> None:
    """Delete those of the jobs that still no worker has begun, since their work is done."""
    for key in keys:
        JOBS.cancel_job_by_id(key, delete_job=True)


def forget_jobs() -> None:
    """Delete jobs that failed or were canceled longer ago than they are kept."""
    over = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.ABORTED)
    _run(
        "delete_old_jobs",
        nb_hours=settings.JOB_KEEP_DAYS * 24,
        queue=None,
        statuses=[status.value for status in over],
    )


def _run(name: str, **arguments: Any) -> None:
    """Run a statement of the library's, which itself offers it to asynchronous code alone."""
    JOBS.connector.execute_query(query=queries[name], **arguments)


@transaction.atomic
def repeat_job(*, job: Job, reason: str, by: User, now: datetime) -> None:
    """Let a job that failed run again, as staff. Raises Refused where it has not failed."""
    current = Job.objects.select_for_update(of=("self",)).get(pk=job.pk)
    if current.status != JobState.FAILED:
        raise Refused(_("Only a job that failed can be run again."), code="not_failed")
    JOBS.retry_job_by_id(current.pk, retry_at=now)
    _record("job.repeated", current, JobState.WAITING, reason, by=by, now=now)


@transaction.atomic
def cancel_job(*, job: Job, reason: str, by: User, now: datetime) -> None:
    """Keep a job from being run, as staff. Raises Refused where a worker has begun it."""
    current = Job.objects.select_for_update(of=("self",)).get(pk=job.pk)
    if not JOBS.cancel_job_by_id(current.pk):
        raise Refused(_("Only a job that has not started can be canceled."), code="begun")
    _record("job.canceled", current, JobState.CANCELED, reason, by=by, now=now)


def _record(verb: str, job: Job, state: JobState, reason: str, *, by: User, now: datetime) -> None:
    event = Event(
        verb=verb, target=job, from_state=job.status, to_state=state, reason=reason, data=job.args
    )
    record([event], account=None, by=by, now=now)
