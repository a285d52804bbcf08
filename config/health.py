"""What load balancers and monitoring ask."""

from functools import cache

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


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
    """200 when requests can be served: the database answers and no migration is waiting."""
    complaint = _database_complaint()
    if complaint:
        return JsonResponse({"status": "not ready", "reason": complaint}, status=503)
    return JsonResponse({"status": "ready"})


def _database_complaint() -> str | None:
    try:
        with connection.cursor():
            applied = MigrationRecorder(connection).applied_migrations()
    except DatabaseError:
        return "the database does not answer"
    waiting = _migrations() - applied.keys()
    return f"migrations not applied: {len(waiting)}" if waiting else None


@cache
def _migrations() -> set[tuple[str, str]]:
    """App and name of every migration that the code comes with, which a release never changes."""
    return set(MigrationLoader(None).graph.nodes)
