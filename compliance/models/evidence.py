"""Files that prove something: about a violation, with an appeal, or of consent."""

import uuid

import pgtrigger
from django.core.files.storage import Storage, storages
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.models.acts import person_field
from compliance.enums import FileKind
from compliance.models.appeals import Appeal
from compliance.models.connections import ConnectionRequest
from compliance.models.guards import NEVER_DELETED, same_account
from compliance.models.violations import Violation


def evidence_storage() -> Storage:
    """Return the storage that settings name for evidence; several hosts can share it."""
    return storages["evidence"]


def evidence_path(instance: "Evidence", filename: str) -> str:
    """Return where a file is in the storage: nothing of it comes from the sender."""
    return f"{instance.account_id}/{instance.public_id.hex}"


class Evidence(models.Model):
    """One file, kept outside of everything that is served on its own.

    `name` is the sender's file name without any path, `content_type` what the content itself
    was found to be. The file belongs to exactly one violation, appeal or connection request;
    what customers sent they can always see, the staff's files only once disclosed.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="evidence", verbose_name=_("account")
    )
    public_id = models.UUIDField(_("file id"), unique=True, default=uuid.uuid4, editable=False)
    violation = models.ForeignKey(
        Violation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="evidence",
        verbose_name=_("violation"),
    )
    appeal = models.ForeignKey(
        Appeal,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="evidence",
        verbose_name=_("appeal"),
    )
    connection = models.ForeignKey(
        ConnectionRequest,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="evidence",
        verbose_name=_("connection request"),
    )
    file = models.FileField(
        _("file"), storage=evidence_storage, upload_to=evidence_path, max_length=128
    )
    name = models.CharField(_("file name"), max_length=128)
    content_type = models.CharField(_("kind of file"), max_length=32, choices=FileKind)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    sha256 = models.CharField("SHA-256", max_length=64)
    is_disclosed = models.BooleanField(_("shown to the customer"), default=False)
    uploaded_by = person_field(_("uploaded by"))
    uploaded_at = models.DateTimeField(_("uploaded"))

    class Meta:
        verbose_name = _("evidence file")
        verbose_name_plural = _("evidence files")
        ordering = ["id"]
        indexes = [models.Index(fields=["account", "-id"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(violation__isnull=False, appeal=None, connection=None)
                | Q(violation=None, appeal__isnull=False, connection=None)
                | Q(violation=None, appeal=None, connection__isnull=False),
                name="compliance_evidence_one_owner",
            ),
            models.CheckConstraint(
                condition=Q(violation__isnull=False) | Q(is_disclosed=True),
                name="compliance_evidence_own_files_shown",
            ),
            models.CheckConstraint(
                condition=Q(content_type__in=FileKind.values),
                name="compliance_evidence_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(sha256__regex="^[0-9a-f]{64}$"), name="compliance_evidence_hash_whole"
            ),
            models.UniqueConstraint(
                fields=["violation", "sha256"], name="compliance_evidence_once_per_violation"
            ),
            models.UniqueConstraint(
                fields=["appeal", "sha256"], name="compliance_evidence_once_per_appeal"
            ),
            models.UniqueConstraint(
                fields=["connection", "sha256"], name="compliance_evidence_once_per_connection"
            ),
        ]
        triggers = [
            NEVER_DELETED,
            pgtrigger.ReadOnly(name="file_fixed", exclude=["is_disclosed"]),
            same_account("violation", "compliance_violation"),
            same_account("appeal", "compliance_appeal"),
            same_account("connection", "compliance_connectionrequest"),
        ]

    def __str__(self) -> str:
        return self.name
