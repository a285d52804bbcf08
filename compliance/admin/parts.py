"""Tables within the admin pages of this app: files, appeals, and the history of a case."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import ReadOnlyInline
from compliance.models import Appeal, Evidence, ViolationEvent


def link_to_file(evidence: Evidence) -> str:
    """Return a link that saves the file, for staff who may see it."""
    url = reverse("admin:compliance_evidence_file", args=[evidence.pk])
    return format_html('<a href="{}">{}</a>', url, evidence.name)


class EvidenceInline(ReadOnlyInline):
    """Files that belong to the object."""

    model = Evidence
    fields = ["saved", "content_type", "size", "sha256", "is_disclosed", "uploaded_at"]
    readonly_fields = ["saved"]
    show_change_link = True

    def saved(self, evidence: Evidence) -> str:
        """The file, to be saved."""
        return link_to_file(evidence)

    saved.short_description = _("file")  # type: ignore[attr-defined]


class HistoryInline(ReadOnlyInline):
    """The history of a case."""

    model = ViolationEvent
    fields = ["at", "actor", "act", "to_state", "reason", "details"]
    readonly_fields = ["details"]

    @admin.display(description=_("details"))
    def details(self, event: ViolationEvent) -> str:
        """What changed beside the state, one thing a line."""
        shown = {name: value for name, value in event.data.items() if name != "sha256"}
        lines = [(f"{name}: {value}",) for name, value in shown.items()]
        return format_html_join("", "<p>{}</p>", lines)


class AppealInline(ReadOnlyInline):
    """What the customer said against a case."""

    model = Appeal
    fields = ["round", "state", "statement", "submitted_at", "decided_by", "decision_reason"]
    show_change_link = True
