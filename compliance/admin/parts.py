"""Parts that the admin pages of this app share."""

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import ReadOnlyInline
from compliance.models import Evidence


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
