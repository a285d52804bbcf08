"""Violation cases and their history."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Application
from accounts.models.acts import person_field
from accounts.models.append_only import APPEND_ONLY
from compliance.enums import (
    OPEN_STATES,
    STANDING_STATES,
    CaseState,
    HistoryAct,
    ReportSource,
    Severity,
    ViolationMeasure,
)
from compliance.models.connections import ConnectionRequest
from compliance.models.guards import NEVER_DELETED, same_account
from compliance.models.rule_book import Behaviour
from compliance.wording import in_language


class ViolationQuerySet(models.QuerySet["Violation"]):
    """Cases by what they mean for the account."""

    def standing(self, now: datetime, *, warning_days: int) -> "ViolationQuerySet":
        """Return those that count against the account at `now`.

        A case that bars no refund, a warning, stops standing `warning_days` days of 24 hours
        after the warning was given.
        """
        faded_before = now - timedelta(days=warning_days)
        faded = Q(bars_refund=False, actioned_at__isnull=False, actioned_at__lte=faded_before)
        return self.filter(state__in=STANDING_STATES).exclude(faded)

    def under_investigation(self) -> "ViolationQuerySet":
        """Return those of which nothing is decided yet."""
        return self.filter(state__in=OPEN_STATES)


class Violation(models.Model):
    """One case under the connect guidelines, from the report to the last word on it.

    `judged_by` is a snapshot of the rule that the case is judged by; `behaviour_number`,
    `severity` and `bars_refund` repeat what is asked of it most. The agent is kept as text,
    since the case outlives them. `summary` is what the customer reads about what happened;
    `evidence_text` is shown to them only where it is disclosed.
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="violations", verbose_name=_("account")
    )
    application = models.ForeignKey(
        Application,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="violations",
        verbose_name=_("application"),
    )
    number = models.CharField(_("case number"), max_length=16, unique=True)
    request_key = models.UUIDField(_("form key"), unique=True)

    behaviour = models.ForeignKey(
        Behaviour, on_delete=models.PROTECT, related_name="+", verbose_name=_("behavior")
    )
    judged_by = models.JSONField(_("rule at the time"))
    behaviour_number = models.PositiveSmallIntegerField(_("behavior number"))
    severity = models.CharField(_("severity"), max_length=16, choices=Severity)
    bars_refund = models.BooleanField(_("excludes refunds"))
    connection = models.ForeignKey(
        ConnectionRequest,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="violations",
        verbose_name=_("request it deviates from"),
    )

    source = models.CharField(_("source"), max_length=24, choices=ReportSource)
    complaint_number = models.CharField(
        _("complaint number"), max_length=64, blank=True, db_index=True
    )
    called_number = models.CharField(_("called number"), max_length=32, blank=True, db_index=True)
    call_session_id = models.CharField(
        _("call session id"), max_length=64, blank=True, db_index=True
    )
    agent_reference = models.CharField(_("agent id"), max_length=64, blank=True)
    agent_name = models.CharField(_("agent name"), max_length=64, blank=True)
    agent_staff_number = models.CharField(_("agent staff number"), max_length=32, blank=True)
    reported_business = models.TextField(_("reported business"), blank=True)
    actual_business = models.TextField(_("actual business"), blank=True)
    summary = models.TextField(_("what happened"))
    evidence_text = models.TextField(_("evidence"), blank=True)
    is_evidence_disclosed = models.BooleanField(_("evidence text shown"), default=False)

    occurred_at = models.DateTimeField(_("occurred"), null=True, blank=True)
    reported_at = models.DateTimeField(_("reported"))
    verified_at = models.DateTimeField(_("verified"), null=True, blank=True)
    actioned_at = models.DateTimeField(_("measure taken"), null=True, blank=True)
    notified_at = models.DateTimeField(_("notified"), null=True, blank=True)
    lifted_at = models.DateTimeField(_("measure lifted"), null=True, blank=True)

    state = models.CharField(_("state"), max_length=16, choices=CaseState)
    handler = person_field(_("handler"))
    decision = models.TextField(_("decision"), blank=True)
    measure = models.CharField(_("measure"), max_length=16, choices=ViolationMeasure, blank=True)
    consequences = models.TextField(_("serious impact or consequences"), blank=True)
    is_legal_follow_up = models.BooleanField(_("legal follow-up"), default=False)

    objects: ClassVar[ViolationQuerySet] = ViolationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("violation")
        verbose_name_plural = _("violations")
        permissions = [
            ("handle_violation", _("Can report, verify, act on and lift violations")),
        ]
        indexes = [
            models.Index(fields=["account", "state"]),
            models.Index(fields=["account", "-id"]),
            models.Index(fields=["state", "id"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=CaseState.values), name="compliance_violation_state_known"
            ),
            models.CheckConstraint(
                condition=Q(severity__in=Severity.values),
                name="compliance_violation_severity_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["reported", "investigating", "dismissed"], verified_at=None)
                | (
                    ~Q(state__in=["reported", "investigating", "dismissed"])
                    & Q(verified_at__isnull=False)
                ),
                name="compliance_violation_verified_at",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=["reported", "investigating", "dismissed", "verified"],
                    actioned_at=None,
                    notified_at=None,
                    measure="",
                )
                | Q(
                    state__in=["actioned", "appealed", "upheld", "overturned"],
                    actioned_at__isnull=False,
                    notified_at__isnull=False,
                    measure__in=ViolationMeasure.values,
                ),
                name="compliance_violation_measure_with_state",
            ),
            models.CheckConstraint(
                condition=Q(is_legal_follow_up=False)
                | (Q(severity="severe") & ~Q(consequences="")),
                name="compliance_violation_legal_needs_consequences",
            ),
            models.CheckConstraint(
                condition=Q(state="reported") | Q(handler__isnull=False),
                name="compliance_violation_handler_known",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at=None) | Q(actioned_at__isnull=False),
                name="compliance_violation_lifted_after_action",
            ),
        ]
        triggers = [
            NEVER_DELETED,
            pgtrigger.ReadOnly(
                name="place_fixed", fields=["account", "number", "reported_at", "request_key"]
            ),
            same_account("application", "accounts_application"),
            same_account("connection", "compliance_connectionrequest"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def behaviour_name(self) -> str:
        """The rule's name at the time, in the language of the page."""
        rule: dict[str, Any] = self.judged_by
        return in_language(rule["name"], rule["name_zh"])

    @property
    def behaviour_description(self) -> str:
        """The rule's description at the time, in the language of the page."""
        rule: dict[str, Any] = self.judged_by
        return in_language(rule["description"], rule["description_zh"])


class ViolationEvent(models.Model):
    """One entry of a case's history. Never changed, never deleted."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", verbose_name=_("account")
    )
    violation = models.ForeignKey(
        Violation, on_delete=models.PROTECT, related_name="events", verbose_name=_("violation")
    )
    at = models.DateTimeField(_("when"))
    actor = person_field(_("who"))
    act = models.CharField(_("what"), max_length=32, choices=HistoryAct)
    from_state = models.CharField(_("from"), max_length=16, choices=CaseState, blank=True)
    to_state = models.CharField(_("to"), max_length=16, choices=CaseState, blank=True)
    reason = models.TextField(_("why"), blank=True)
    data = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        verbose_name = _("history entry")
        verbose_name_plural = _("history")
        ordering = ["id"]
        indexes = [models.Index(fields=["account", "violation", "id"])]
        triggers = [*APPEND_ONLY, same_account("violation", "compliance_violation")]

    def __str__(self) -> str:
        return self.get_act_display()
