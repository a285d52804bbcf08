"""What customers declare about the business that an application's numbers will serve."""

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Application
from accounts.models.acts import done, not_done, person_field
from compliance.enums import ConnectionState, Direction, NumberSource
from compliance.models.guards import NEVER_DELETED, same_account
from compliance.models.screening import ScreeningEntry


class ConnectionRequestQuerySet(models.QuerySet["ConnectionRequest"]):
    """Requests by where they stand."""

    def waiting(self) -> "ConnectionRequestQuerySet":
        """Return those that staff have to decide."""
        return self.filter(state=ConnectionState.REVIEW)

    def approved(self) -> "ConnectionRequestQuerySet":
        """Return those whose business may be connected."""
        return self.filter(state=ConnectionState.APPROVED)

    def approved_once(self) -> "ConnectionRequestQuerySet":
        """Return those that were approved, even if the approval was revoked later."""
        return self.filter(state__in=[ConnectionState.APPROVED, ConnectionState.REVOKED])


class ConnectionRequest(models.Model):
    """One declaration of a business, screened when it is made and then decided by staff.

    `entry` is the scenario chosen from the list, empty for a business that it does not name;
    `industry_name` and `scenario_name` keep the words that the customer chose. `screening` holds
    the findings as plain data. Where the screening itself refused, there is no `decided_by`.
    """

    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="connection_requests",
        verbose_name=_("account"),
    )
    application = models.ForeignKey(
        Application,
        on_delete=models.PROTECT,
        related_name="connection_requests",
        verbose_name=_("application"),
    )
    number = models.CharField(_("number"), max_length=16, unique=True)
    request_key = models.UUIDField(_("form key"))
    entry = models.ForeignKey(
        ScreeningEntry,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("scenario"),
    )
    industry_name = models.CharField(_("industry"), max_length=160, blank=True)
    scenario_name = models.CharField(_("scenario"), max_length=160)
    description = models.TextField(_("description"))
    direction = models.CharField(_("direction"), max_length=16, choices=Direction)
    is_cold_calling = models.BooleanField(_("cold or blind calling"))
    number_source = models.CharField(
        _("source of the numbers"), max_length=16, choices=NumberSource
    )
    number_source_detail = models.TextField(_("more about the source"), blank=True)
    consent_proof = models.TextField(_("proof of consent"), blank=True)
    expected_volume = models.PositiveIntegerField(_("expected calls a day"))
    screening = models.JSONField(_("screening"), default=list)
    state = models.CharField(_("state"), max_length=16, choices=ConnectionState)
    submitted_by = person_field(_("submitted by"))
    submitted_at = models.DateTimeField(_("submitted"))
    decided_by = person_field(_("decided by"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decision_reason = models.TextField(_("reason"), blank=True)

    objects: ClassVar[ConnectionRequestQuerySet] = ConnectionRequestQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("connection request")
        verbose_name_plural = _("connection requests")
        permissions = [("decide_connection", _("Can decide connection requests"))]
        indexes = [
            models.Index(fields=["account", "-id"]),
            models.Index(fields=["application", "state"]),
            models.Index(fields=["state", "id"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "request_key"], name="compliance_connection_form_once"
            ),
            models.UniqueConstraint(
                fields=["application"],
                condition=Q(state="review"),
                name="compliance_connection_one_waiting",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ConnectionState.values),
                name="compliance_connection_state_known",
            ),
            models.CheckConstraint(
                condition=(not_done("decided") & Q(state="review"))
                | (~Q(state="review") & done("decided")),
                name="compliance_connection_decided_at",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "revoked"]) | Q(decided_by__isnull=False),
                name="compliance_connection_approved_by",
            ),
        ]
        triggers = [
            NEVER_DELETED,
            same_account("application", "accounts_application"),
            pgtrigger.ReadOnly(
                name="declaration_fixed",
                exclude=["state", "decided_by", "decided_at", "decision_reason"],
            ),
        ]

    def __str__(self) -> str:
        return self.number
