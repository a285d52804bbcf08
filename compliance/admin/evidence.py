"""Evidence files: listed with their hashes, disclosed or hidden, and saved by staff."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import LeanAdmin, object_action, person
from accounts.forms.staff import ActionForm
from compliance.admin.parts import link_to_file
from compliance.http import send_file
from compliance.models import Evidence
from compliance.services.evidence import disclose_evidence, record_access

HANDLE = "compliance.handle_violation"


@admin.register(Evidence)
class EvidenceAdmin(LeanAdmin):
    """All files; each download is written into the audit trail."""

    list_display = ["name", "account", "belongs_to", "content_type", "size", "is_disclosed"]
    list_select_related = ["account", "violation", "appeal__violation", "connection"]
    search_fields = ["=violation__number", "=connection__number", "^account__uin"]
    readonly_fields = ["belongs_to", "saved"]
    fields = [
        "saved",
        "account",
        "belongs_to",
        "content_type",
        "size",
        "sha256",
        "is_disclosed",
        "uploaded_by",
        "uploaded_at",
    ]

    @admin.display(description=_("belongs to"))
    def belongs_to(self, obj: Evidence) -> str:
        """The number of what the file proves."""
        return str(obj.violation or obj.appeal or obj.connection)

    @admin.display(description=_("file"))
    def saved(self, obj: Evidence) -> str:
        """The file, to be saved."""
        return link_to_file(obj)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.file_view)
        file = path("<int:pk>/file/", view, name="compliance_evidence_file")
        return [file, *super().get_urls()]

    def file_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Send a file to staff who may see evidence, and write that down."""
        evidence = Evidence.objects.select_related("account").filter(pk=pk).first()
        if evidence is None:
            raise Http404
        if not self.has_view_permission(request, evidence):
            raise PermissionDenied
        response = send_file(evidence)
        record_access(evidence=evidence, by=person(request), now=timezone.now())
        return response

    @object_action(
        label=_("Show to the customer"),
        permission=HANDLE,
        form=ActionForm,
        consequence=_("All members of the account can save this file."),
        is_available=lambda obj: obj.violation_id is not None and not obj.is_disclosed,
        is_danger=True,
    )
    def disclose(
        self, request: HttpRequest, obj: Evidence, data: Mapping[str, Any], now: datetime
    ) -> str | Promise:
        """Let the customer have it."""
        disclose_evidence(evidence=obj, is_disclosed=True, by=person(request), now=now)
        return _("The customer can see the file.")

    @object_action(
        label=_("Hide from the customer"),
        permission=HANDLE,
        form=ActionForm,
        is_available=lambda obj: obj.violation_id is not None and obj.is_disclosed,
    )
    def hide(
        self, request: HttpRequest, obj: Evidence, data: Mapping[str, Any], now: datetime
    ) -> str | Promise:
        """Keep it to staff again."""
        disclose_evidence(evidence=obj, is_disclosed=False, by=person(request), now=now)
        return _("The customer no longer sees the file.")
