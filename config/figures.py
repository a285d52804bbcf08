"""What is measured of the console's work, read from the database on request.

`/metrics` and the status page of the administration show these figures. Each is one query that an
index answers, and none counts further than `COUNTED`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateWorker

from accounts.enums import JobEvent, JobState, ProposalState
from accounts.jobs import LANES
from accounts.models import CommandRun, Job, Notification, OutgoingMail, Proposal
from accounts.queries import call_function, read_database_load
from accounts.replica import REPLICA, measure_lag
from accounts.services.jobs import HEARTBEATS_MISSED
from billing.enums import CreditStatus, OrderStatus, PackageState
from billing.models import Credit, Order, Package, Refund, SweepRun
from compliance.enums import CaseState
from compliance.models import Appeal, ConnectionRequest, Violation

#: A count goes no further.
COUNTED = 10_000
#: Emails that failed longer ago than this are history.
RECENTLY = timedelta(days=30)
#: Milliseconds that each query may take.
_PATIENCE = 1000
#: What the outbox writes about a message that is not sent any more, for no fault of its own.
_NO_FAULT = ("recipient is gone", "expired")


@dataclass(frozen=True)
class Figure:
    """One figure, or one for each value of `label`: `values` has the key "" where it is none."""

    name: str
    meaning: str
    values: Mapping[str, float]
    label: str = ""


def read_figures(now: datetime) -> list[Figure]:
    """Read all figures as of `now`; raises a DatabaseError where one query takes too long."""
    with transaction.atomic():
        call_function("set_config", "statement_timeout", str(_PATIENCE), True)
        return [figure for read in READERS for figure in read(now)]


def _seconds(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def _count_and_first(rows: "QuerySet[Any]", since: str) -> tuple[int, datetime | None]:
    """Return how many rows there are, and the earliest `since`, of those up to `COUNTED`."""
    found = rows[:COUNTED].aggregate(number=Count("pk"), first=Min(since))
    return found["number"], found["first"]


# --- Email -------------------------------------------------------------------------------------


def _mail(now: datetime) -> Iterable[Figure]:
    """Read both queues of the outbox: mail about signing in, and news to members."""
    waiting, overdue, failed = {}, {}, {}
    for kind, model in (("sign_in", OutgoingMail), ("news", Notification)):
        rows: QuerySet[Any] = model._default_manager.all()
        queue = rows.filter(next_attempt_at__isnull=False).order_by("next_attempt_at")
        waiting[kind], first = _count_and_first(queue, "next_attempt_at")
        overdue[kind] = _seconds(first, now)
        failed[kind] = _failed(rows, now)
    yield Figure("mail_waiting", "Email that waits to be sent.", waiting, "kind")
    yield Figure(
        "mail_overdue_seconds",
        "How long the email has been due that is overdue the longest.",
        overdue,
        "kind",
    )
    yield Figure("mail_failed", "Email of the last 30 days that was given up.", failed, "kind")


def _failed(rows: "QuerySet[Any]", now: datetime) -> int:
    # The newest alone: no index tells what failed from what is only shown in the console.
    newest = rows.order_by("-pk").values_list("pk", flat=True).first() or 0
    failed = rows.filter(
        pk__gt=newest - COUNTED,
        sent_at=None,
        next_attempt_at=None,
        attempts__gt=0,
        created_at__gt=now - RECENTLY,
    )
    return failed.exclude(last_error__in=_NO_FAULT).count()


# --- Background jobs ---------------------------------------------------------------------------


def _jobs(now: datetime) -> Iterable[Figure]:
    """Read the jobs that no worker has begun though they are due, the failed, and the workers."""
    deferred = ProcrastinateEvent.objects.filter(job=OuterRef("pk"), type=JobEvent.DEFERRED)
    due = Job.objects.filter(
        Q(scheduled_at=None) | Q(scheduled_at__lte=now), status=JobState.WAITING
    ).annotate(since=Coalesce("scheduled_at", Subquery(deferred.values("at")[:1])))
    waiting, oldest = {}, {}
    for lane, queues in LANES.items():
        rows = due.filter(queue_name__in=queues).order_by("pk")
        waiting[lane], first = _count_and_first(rows, "since")
        oldest[lane] = _seconds(first, now)
    yield Figure("jobs_waiting", "Background jobs that are due and not begun.", waiting, "lane")
    yield Figure("jobs_oldest_seconds", "How long the oldest of them has waited.", oldest, "lane")
    failed = Job.objects.filter(status=JobState.FAILED)[:COUNTED].count()
    yield Figure("jobs_failed", "Background jobs that failed permanently.", {"": failed})
    silence = timedelta(seconds=settings.WORKER_HEARTBEAT_SECONDS * HEARTBEATS_MISSED)
    alive = ProcrastinateWorker.objects.filter(last_heartbeat__gt=now - silence).count()
    # Each worker reports once for each of its lanes.
    yield Figure("workers", "Workers that run.", {"": ceil(alive / len(LANES))})


# --- Work of staff -----------------------------------------------------------------------------

#: What waits for a decision of staff, by kind, and the column that says since when.
_REVIEWS: Mapping[str, tuple[Callable[[datetime], "QuerySet[Any]"], str]] = {
    "refund": (lambda now: Refund.objects.pending(), "requested_at"),
    "credit": (lambda now: Credit.objects.filter(status=CreditStatus.WAITING), "created_at"),
    "violation": (
        lambda now: Violation.objects.filter(
            state__in=[CaseState.REPORTED, CaseState.INVESTIGATING, CaseState.VERIFIED]
        ),
        "reported_at",
    ),
    "appeal": (lambda now: Appeal.objects.open(), "submitted_at"),
    "connection_request": (lambda now: ConnectionRequest.objects.waiting(), "submitted_at"),
    "proposal": (
        lambda now: Proposal.objects.filter(state=ProposalState.WAITING, expires_at__gt=now),
        "made_at",
    ),
}


def _reviews(now: datetime) -> Iterable[Figure]:
    waiting, oldest = {}, {}
    for kind, (find, since) in _REVIEWS.items():
        waiting[kind], first = _count_and_first(find(now).order_by("pk"), since)
        oldest[kind] = _seconds(first, now)
    yield Figure("reviews_waiting", "What waits for a decision of staff.", waiting, "kind")
    yield Figure(
        "reviews_oldest_seconds",
        "How long the oldest of it has waited.",
        oldest,
        "kind",
    )


# --- What the timetable runs -------------------------------------------------------------------


def _sweep(now: datetime) -> Iterable[Figure]:
    """Read how far the records are behind: ends of packages and orders that no sweep has seen."""
    first = [
        rows.filter(expires_at__lte=now).order_by("expires_at").values_list("expires_at").first()
        for rows in (
            Package.objects.filter(state=PackageState.TRIAL),
            Package.objects.filter(state=PackageState.ACTIVE),
            Order.objects.filter(status=OrderStatus.UNPAID),
        )
    ]
    lag = max(_seconds(row[0] if row else None, now) for row in first)
    yield Figure(
        "sweep_lag_seconds",
        "How long ago the package or order ended whose end is not recorded yet.",
        {"": lag},
    )


def last_runs() -> dict[str, CommandRun]:
    """Return the last run of each command of the timetable that has run, by its name."""
    runs = {run.command: run for run in CommandRun.objects.all()}
    swept_at = SweepRun.objects.aggregate(last=Max("finished_at"))["last"]
    if swept_at:
        runs["sweep_expirations"] = CommandRun(command="sweep_expirations", finished_at=swept_at)
    return runs


def _runs(now: datetime) -> Iterable[Figure]:
    runs = last_runs()
    yield Figure(
        "last_run_timestamp_seconds",
        "When each command of the timetable last ran to its end.",
        {name: run.finished_at.timestamp() for name, run in runs.items()},
        "command",
    )
    yield Figure(
        "last_run_failures",
        "What went wrong in that run: breaches, or email that was not sent.",
        {name: run.failures for name, run in runs.items()},
        "command",
    )


# --- The replica -------------------------------------------------------------------------------


def _replica(now: datetime) -> Iterable[Figure]:
    if REPLICA not in settings.DATABASES:
        return
    lag = measure_lag()
    yield Figure("replica_answers", "1 where the replica answers.", {"": float(lag is not None)})
    if lag is not None:
        yield Figure("replica_lag_seconds", "How far the replica is behind the primary.", {"": lag})


# --- The database ------------------------------------------------------------------------------


def _database(now: datetime) -> Iterable[Figure]:
    size, connections, limit = read_database_load()
    yield Figure("database_bytes", "The size of the database.", {"": size})
    yield Figure("database_connections", "Connections to its server.", {"": connections})
    yield Figure("database_connections_limit", "How many it allows.", {"": limit})


# A place for figures of other work: each function yields what it reads.
READERS: tuple[Callable[[datetime], Iterable[Figure]], ...] = (
    _mail,
    _jobs,
    _reviews,
    _sweep,
    _runs,
    _replica,
    _database,
)
