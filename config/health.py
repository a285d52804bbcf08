"""What load balancers and monitoring ask."""

from datetime import timedelta
from functools import cache

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.queries import call_function
from billing.models import SweepRun
from config.outages import retry_after, without_error_line


@never_cache
@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. The database is not asked: it is no reason to restart a process."""
    return JsonResponse({"status": "ok"})


@never_cache
@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when requests can be served: the database takes writes and no migration is waiting.

    An expiry sweep that is overdue is told, but no reason to take the host out of service:
    what holds at an instant does not depend on it.
    """
    complaint = _database_complaint()
    if complaint:
        body = {"status": "not ready", "reason": complaint}
        headers = {"Retry-After": retry_after()}
        return without_error_line(JsonResponse(body, status=503, headers=headers))
    return JsonResponse({"status": "ready", **_sweep_warning()})


def _database_complaint() -> str | None:
    try:
        if call_function("pg_is_in_recovery"):
            return "the database is a standby"
        if call_function("current_setting", "transaction_read_only") == "on":
            return "the database is read-only"
        applied = MigrationRecorder(connection).applied_migrations()
    except DatabaseError:
        return "the database does not answer"
    waiting = _migrations() - applied.keys()
    return f"migrations not applied: {len(waiting)}" if waiting else None


def _sweep_warning() -> dict[str, str]:
    last = SweepRun.objects.order_by("-finished_at").values_list("finished_at", flat=True).first()
    if last is None:
        return {"warning": "no expiry sweep has run yet"}
    age = timezone.now() - last
    if age <= timedelta(minutes=settings.SWEEP_STALE_MINUTES):
        return {}
    return {"warning": f"the last expiry sweep ended {int(age.total_seconds() // 60)} minutes ago"}


@cache
def _migrations() -> set[tuple[str, str]]:
    """App and name of every migration that the code comes with, which a release never changes."""
    return set(MigrationLoader(None).graph.nodes)
