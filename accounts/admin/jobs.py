"""Background jobs in the administration."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html_join
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.models import ProcrastinateEvent

from accounts.admin.base import LeanAdmin, object_action, person
from accounts.enums import JobEvent, JobState
from accounts.models import Job
from accounts.services.jobs import cancel_job, repeat_job

Data = Mapping[str, Any]


def _write(at: datetime | None) -> str:
    return date_format(localtime(at), "DATETIME_FORMAT") if at else "–"


class StateFilter(admin.SimpleListFilter):
    """Jobs in one state."""

    title = _("state")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(JobState.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() in JobState else queryset


@admin.register(Job)
class JobAdmin(LeanAdmin):
    """What workers do, and what failed; jobs that succeed are deleted."""

    list_display = ["job", "state", "arguments", "tried", "latest"]
    list_filter = [StateFilter]
    fields = ["job", "state", "arguments", "queue", "tried", "not_before", "history"]
    readonly_fields = ["job", "state", "arguments", "queue", "tried", "not_before", "history"]

    def get_queryset(self, request: HttpRequest) -> Any:
        # An event of scheduling has the time for which the job is scheduled.
        events = ProcrastinateEvent.objects.filter(job=OuterRef("pk")).exclude(type="scheduled")
        latest = Subquery(events.order_by("-pk").values("at")[:1])
        return super().get_queryset(request).annotate(latest_at=latest)

    @admin.display(description=_("job"))
    def job(self, job: Job) -> str:
        return str(job)

    @admin.display(description=_("state"))
    def state(self, job: Job) -> str:
        return str(JobState(job.status).label)

    @admin.display(description=_("details"))
    def arguments(self, job: Job) -> str:
        return json.dumps(job.args)

    @admin.display(description=_("queue"))
    def queue(self, job: Job) -> str:
        return job.queue_name

    @admin.display(description=_("attempts"))
    def tried(self, job: Job) -> int:
        return job.attempts

    @admin.display(description=_("not before"))
    def not_before(self, job: Job) -> str:
        return _write(job.scheduled_at)

    @admin.display(description=_("last change"))
    def latest(self, job: Any) -> datetime | None:
        latest: datetime | None = job.latest_at
        return latest

    @admin.display(description=_("history"))
    def history(self, job: Job) -> str:
        events = ProcrastinateEvent.objects.filter(job=job.pk).order_by("pk")
        return format_html_join(
            "\n",
            "<div>{} {}</div>",
            ((_write(each.at), JobEvent(each.type).label) for each in events),
        )

    @object_action(
        label=_("Run again"),
        permission="accounts.change_job",
        consequence=_(
            "A worker runs the job as soon as one is free. What is already done is kept."
        ),
        is_available=lambda job: job.status == JobState.FAILED,
    )
    def run_again(self, request: HttpRequest, obj: Job, data: Data, now: datetime) -> str | Promise:
        """Let a job that failed be tried again."""
        repeat_job(job=obj, reason=data["reason"], by=person(request), now=now)
        return _("The job will be run again.")

    @object_action(
        label=_("Cancel"),
        permission="accounts.change_job",
        consequence=_("The job will not run, and its work will not be done."),
        is_available=lambda job: job.status == JobState.WAITING,
        is_danger=True,
    )
    def cancel(self, request: HttpRequest, obj: Job, data: Data, now: datetime) -> str | Promise:
        """Keep a job from being run."""
        cancel_job(job=obj, reason=data["reason"], by=person(request), now=now)
        return _("The job is canceled.")
