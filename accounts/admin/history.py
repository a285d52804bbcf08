"""The audit trail in the administration."""

from typing import Any

from django.contrib import admin

from accounts.admin.base import LeanAdmin
from accounts.models import AuditEvent
from accounts.wording import describe


@admin.register(AuditEvent)
class AuditEventAdmin(LeanAdmin):
    """Everything that happened, newest first."""

    list_display = ["at", "actor", "sentence", "account", "reason"]
    list_display_links = ["at"]
    list_select_related = ["actor", "account"]
    search_fields = ["^actor__email", "^account__uin", "^account__name"]

    @admin.display(description=AuditEvent._meta.get_field("verb").verbose_name)
    def sentence(self, event: AuditEvent) -> Any:
        """Tell what happened in words."""
        return describe(event)
