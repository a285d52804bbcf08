"""The audit trail in the administration."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.admin.base import LeanAdmin
from accounts.models import AuditEvent, Proposal
from accounts.wording import describe_event


@admin.register(AuditEvent)
class AuditEventAdmin(LeanAdmin):
    """Everything that happened, newest first."""

    list_display = ["at", "actor", "sentence", "account", "reason"]
    list_display_links = ["at"]
    list_select_related = ["actor", "account"]
    search_fields = ["^actor__email", "^account__uin", "^account__name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Show everything to those who read customers, else what happened to tables they read."""
        events = super().get_queryset(request)
        if request.user.has_perm("accounts.view_account"):
            return events
        readable = [
            model._meta.label_lower
            for model in apps.get_models()
            if model is not Proposal
            and request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
        ]
        return events.filter(account=None, target_type__in=readable)

    @admin.display(description=AuditEvent._meta.get_field("verb").verbose_name)
    def sentence(self, event: AuditEvent) -> Any:
        """Tell what happened in words."""
        return describe_event(event)
