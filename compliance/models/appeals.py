"""What customers say against a violation, and what became of it."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.models.acts import done_by_person, not_done, person_field
from compliance.enums import AppealState
from compliance.models.guards import NEVER_DELETED, same_account
from compliance.models.violations import Violation


class AppealQuerySet(models.QuerySet["Appeal"]):
    """Appeals by where they stand."""

    def open(self) -> "AppealQuerySet":
        """Return those that staff have to decide."""
        return self.filter(state=AppealState.OPEN)


class Appeal(models.Model):
    """One appeal against one violation; one is open at a time."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="appeals", verbose_name=_("account")
    )
    violation = models.ForeignKey(
        Violation, on_delete=models.PROTECT, related_name="appeals", verbose_name=_("violation")
    )
    round = models.PositiveSmallIntegerField(_("round"))
    statement = models.TextField(_("statement"))
    state = models.CharField(
        _("state"), max_length=16, choices=AppealState, default=AppealState.OPEN
    )
    submitted_by = person_field(_("submitted by"))
    submitted_at = models.DateTimeField(_("submitted"))
    decided_by = person_field(_("decided by"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decision_reason = models.TextField(_("reason"), blank=True)

    objects: ClassVar[AppealQuerySet] = AppealQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("appeal")
        verbose_name_plural = _("appeals")
        permissions = [("decide_appeal", _("Can decide appeals"))]
        ordering = ["round"]
        indexes = [
            models.Index(fields=["account", "violation"]),
            models.Index(fields=["state", "id"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["violation", "round"], name="compliance_appeal_round"),
            models.UniqueConstraint(
                fields=["violation"], condition=Q(state="open"), name="compliance_appeal_one_open"
            ),
            models.CheckConstraint(
                condition=(not_done("decided") & Q(decision_reason="", state="open"))
                | (
                    done_by_person("decided")
                    & Q(state__in=["upheld", "overturned"])
                    & ~Q(decision_reason="")
                ),
                name="compliance_appeal_decided_whole",
            ),
        ]
        triggers = [
            NEVER_DELETED,
            same_account("violation", "compliance_violation"),
            pgtrigger.ReadOnly(
                name="statement_fixed",
                exclude=["state", "decided_by", "decided_at", "decision_reason"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.violation.number}/{self.round}"
