"""What happened, append-only."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.acts import person_field
from accounts.models.append_only import APPEND_ONLY
from accounts.models.tenants import Account


class AuditEvent(models.Model):
    """One change of state: who, what, when, from, to and why. Never changed, never deleted.

    `target_type` and `target_id` name the object without a foreign key, so that history
    outlives what it tells of. `actor` is empty where the system itself acted.
    """

    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="audit_events",
        verbose_name=_("account"),
    )
    at = models.DateTimeField(_("when"))
    actor = person_field(_("who"))
    verb = models.CharField(_("what"), max_length=64)
    target_type = models.CharField(_("object"), max_length=48)
    target_id = models.BigIntegerField(_("object id"))
    target_label = models.CharField(_("object name"), max_length=200, blank=True)
    from_state = models.CharField(_("from"), max_length=32, blank=True)
    to_state = models.CharField(_("to"), max_length=32, blank=True)
    reason = models.TextField(_("why"), blank=True)
    data = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit trail")
        indexes = [
            models.Index(fields=["account", "-id"], name="accounts_audit_account_idx"),
            models.Index(fields=["target_type", "target_id"], name="accounts_audit_target_idx"),
        ]
        triggers = APPEND_ONLY

    def __str__(self) -> str:
        return f"{self.verb} #{self.pk}"
