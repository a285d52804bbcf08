"""Acts of staff that one person prepares and another one decides on."""

from datetime import datetime
from typing import Any, ClassVar

import pgtrigger
from django.apps import apps
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.enums import ProposalState
from accounts.models.acts import done_by_person, not_done, person_field
from accounts.models.tenants import Account


class Proposal(models.Model):
    """One prepared act: who wants what, for which customer and why, and who decided.

    `kind` names the act in `accounts.services.proposals`, and `payload` is what the act needs.
    Like an audit event it names its object without a foreign key. Whether a waiting one has
    expired follows from `expires_at`, so nothing has to record it.
    """

    kind = models.CharField(_("act"), max_length=48)
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="proposals",
        verbose_name=_("account"),
    )
    target_type = models.CharField(_("object"), max_length=48, blank=True)
    target_id = models.BigIntegerField(_("object id"), null=True, blank=True)
    payload = models.JSONField(_("details"), default=dict, encoder=DjangoJSONEncoder)
    #: What told the state of the object when the act was prepared.
    seen = models.CharField(max_length=64, blank=True, editable=False)
    reason = models.TextField(_("reason"))
    made_at = models.DateTimeField(_("prepared"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("prepared by"),
    )
    expires_at = models.DateTimeField(_("expires"))
    state = models.CharField(
        _("state"), max_length=16, choices=ProposalState, default=ProposalState.WAITING
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = person_field(_("decided by"))
    decision_reason = models.TextField(_("reason for the decision"), blank=True)

    class Meta:
        verbose_name = _("proposal")
        verbose_name_plural = _("proposals")
        indexes = [
            models.Index(fields=["state", "-id"], name="accounts_proposal_state"),
            models.Index(fields=["account", "-id"], name="accounts_proposal_account"),
            models.Index(fields=["target_type", "target_id"], name="accounts_proposal_target"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=(not_done("decided") & Q(state="waiting"))
                | (done_by_person("decided") & Q(state__in=["approved", "rejected", "withdrawn"])),
                name="accounts_proposal_decided_or_waiting",
            ),
            models.CheckConstraint(
                condition=Q(state="waiting")
                | Q(state="withdrawn", decided_by=F("made_by"))
                | (Q(state__in=["approved", "rejected"]) & ~Q(decided_by=F("made_by"))),
                name="accounts_proposal_decided_by_another",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="accounts_proposal_has_reason"),
        ]
        triggers: ClassVar[list[Any]] = [
            pgtrigger.ReadOnly(
                name="stays_as_prepared",
                fields=[
                    *("kind", "account", "target_type", "target_id", "payload", "seen"),
                    *("reason", "made_at", "made_by", "expires_at"),
                ],
            ),
            pgtrigger.Protect(name="stays", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def target(self) -> Any:
        """The object that the act is about; None where there is none, or none any more."""
        if not self.target_type:
            return None
        return apps.get_model(self.target_type)._default_manager.filter(pk=self.target_id).first()

    def state_at(self, now: datetime) -> ProposalState:
        """Return what has become of it at `now`."""
        if self.state == ProposalState.WAITING and self.expires_at <= now:
            return ProposalState.EXPIRED
        return ProposalState(self.state)
