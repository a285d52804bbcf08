"""What is kept of acts on many agents and of imports, and for how long."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from agents.models import AgentAct, AgentImport


def _limit(now: datetime) -> datetime:
    return now - timedelta(days=settings.FINISHED_WORK_RETENTION_DAYS)


def find_old_acts(now: datetime) -> "QuerySet[Any]":
    """Return acts that ended long ago; one that was undone stays as long as its undoing."""
    undone = AgentAct.objects.filter(undoes=OuterRef("pk"))
    return AgentAct.objects.filter(~Exists(undone), finished_at__lt=_limit(now))


def find_old_imports(now: datetime) -> "QuerySet[Any]":
    """Return imports that were sent long ago, with their previews and problems."""
    return AgentImport.objects.filter(created_at__lt=_limit(now))
