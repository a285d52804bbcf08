"""Violation cases: recorded, judged and acted on through the services."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import AddThroughService, LeanAdmin, object_action, person
from accounts.models import Proposal
from accounts.services.proposals import propose
from compliance.admin.parts import AppealInline, EvidenceInline, HistoryInline
from compliance.enums import OPEN_STATES, CaseState, ViolationMeasure
from compliance.forms.staff import (
    AmendForm,
    AnswerForm,
    EvidenceForm,
    FindingForm,
    MeasureForm,
    NoteForm,
    ReportForm,
    VerifyForm,
    report_of,
)
from compliance.models import Violation
from compliance.policy import MEASURE_STATES
from compliance.services.evidence import attach_evidence
from compliance.services.measures import RESTRICTION, act_on_violation
from compliance.services.violations import (
    amend_case,
    dismiss_violation,
    report_violation,
    start_investigation,
    verify_violation,
)

Data = Mapping[str, Any]
Answer = str | Promise
HANDLE = "compliance.handle_violation"


def _is_liftable(case: Violation) -> bool:
    is_suspended = case.measure == ViolationMeasure.SUSPEND and case.lifted_at is None
    return is_suspended and case.state in MEASURE_STATES


@admin.register(Violation)
class ViolationAdmin(AddThroughService, LeanAdmin):
    """The queue of cases, and everything that is done with one."""

    list_display = [
        "number",
        "account",
        "behaviour_number",
        "severity",
        "state",
        "measure",
        "reported_at",
        "handler",
    ]
    list_select_related = ["account", "handler"]
    list_filter = ["state"]
    search_fields = [
        "=number",
        "=complaint_number",
        "=called_number",
        "=call_session_id",
        "^account__uin",
        "^account__name",
    ]
    inlines = [EvidenceInline, AppealInline, HistoryInline]
    add_label = _("Report a violation")
    readonly_fields = ["rule"]
    fieldsets = [
        (None, {"fields": ["number", "state", "account", "application", "handler"]}),
        (
            _("The rule"),
            {"fields": ["behaviour", "rule", "severity", "bars_refund", "connection"]},
        ),
        (
            _("What happened"),
            {
                "fields": [
                    "summary",
                    "source",
                    "complaint_number",
                    "called_number",
                    "call_session_id",
                    "agent_reference",
                    "agent_name",
                    "agent_staff_number",
                    "reported_business",
                    "actual_business",
                    "evidence_text",
                    "is_evidence_disclosed",
                ]
            },
        ),
        (
            _("What was decided"),
            {"fields": ["decision", "measure", "consequences", "is_legal_follow_up"]},
        ),
        (
            _("When"),
            {
                "fields": [
                    "occurred_at",
                    "reported_at",
                    "verified_at",
                    "actioned_at",
                    "notified_at",
                    "lifted_at",
                ]
            },
        ),
    ]

    @admin.display(description=_("rule at the time"))
    def rule(self, case: Violation) -> Answer:
        """The words of the rule book that the case is judged by."""
        version = case.judged_by["rule_book"]
        return _("Rule book %(version)s: %(text)s") % {
            "version": version,
            "text": case.behaviour_description,
        }

    def act_facts(self, obj: Violation) -> list[tuple[Answer, Any]]:
        return [
            *super().act_facts(obj),
            (_("Behavior"), obj.behaviour.label),
            (_("Severity"), obj.get_severity_display()),
            (_("What happened"), obj.summary),
        ]

    def add_form(self, *args: Any, **options: Any) -> ReportForm:  # type: ignore[override]
        """Return the form of a new case, with the behaviors of today's rule book."""
        return ReportForm(*args, now=timezone.now(), **options)

    def add_object(self, request: HttpRequest, data: Data, now: datetime) -> Violation:
        return report_violation(
            account=data["account"],
            application=data["application"],
            behaviour_number=data["behaviour"],
            report=report_of(data),
            request_key=data["request_key"],
            by=person(request),
            now=now,
        )

    @object_action(
        label=_("Start the investigation"),
        permission=HANDLE,
        form=NoteForm,
        consequence=_("You become the handler of the case."),
        is_available=lambda case: case.state == CaseState.REPORTED,
    )
    def investigate(
        self, request: HttpRequest, obj: Violation, data: Data, now: datetime
    ) -> Answer:
        """Take the case up."""
        start_investigation(violation=obj, reason=data["reason"], by=person(request), now=now)
        return _("You handle this case now.")

    @object_action(
        label=_("Correct the record"),
        permission=HANDLE,
        form=AmendForm,
        consequence=_("The history keeps the previous values."),
        is_available=lambda case: case.state in OPEN_STATES,
    )
    def amend(self, request: HttpRequest, obj: Violation, data: Data, now: datetime) -> Answer:
        """Write down what is known by now."""
        amend_case(
            violation=obj,
            report=report_of(data),
            reason=data["reason"],
            by=person(request),
            now=now,
        )
        return _("The record was corrected.")

    @object_action(
        label=_("Verify"),
        permission=HANDLE,
        form=VerifyForm,
        consequence=_(
            "From now on the violation stands. A serious or severe one excludes refunds "
            "immediately. Taking a measure is a separate step."
        ),
        is_available=lambda case: case.state == CaseState.INVESTIGATING,
        is_danger=True,
    )
    def verify(self, request: HttpRequest, obj: Violation, data: Data, now: datetime) -> Answer:
        """Find that it was a violation."""
        verify_violation(
            violation=obj,
            finding=data["finding"],
            behaviour_number=data["behaviour"],
            connection=data["connection"],
            by=person(request),
            now=now,
        )
        return _("The violation stands. Now take the measure.")

    @object_action(
        label=_("Dismiss"),
        permission=HANDLE,
        form=FindingForm,
        consequence=_("The case is closed permanently and does not count."),
        is_available=lambda case: case.state == CaseState.INVESTIGATING,
    )
    def dismiss(self, request: HttpRequest, obj: Violation, data: Data, now: datetime) -> Answer:
        """Find that it was none."""
        dismiss_violation(violation=obj, finding=data["finding"], by=person(request), now=now)
        return _("The case was dismissed.")

    @object_action(
        label=_("Take the measure"),
        permission=HANDLE,
        form=MeasureForm,
        consequence=_(
            "A warning takes effect immediately. Any stronger measure takes effect when "
            "a second person has approved it: then all agents are out of service, and "
            "buying, renewing, refunding and activating stop. If an account is blocked, "
            "no account of its company can activate applications. The customer is "
            "notified, and the time to appeal begins."
        ),
        is_available=lambda case: case.state == CaseState.VERIFIED,
        is_danger=True,
    )
    def take_measure(
        self, request: HttpRequest, obj: Violation, data: Data, now: datetime
    ) -> Answer | Proposal:
        """Warn, suspend, terminate or block."""
        if data["measure"] in RESTRICTION:
            return propose(
                "violation.measure",
                account=obj.account,
                target=obj,
                payload={name: value for name, value in data.items() if name != "reason"},
                reason=data["reason"],
                by=person(request),
                now=now,
            )
        act_on_violation(violation=obj, **data, by=person(request), now=now)
        return _("The measure has taken effect, and the customer was notified.")

    @object_action(
        label=_("Lift the suspension"),
        permission=HANDLE,
        form=AnswerForm,
        consequence=_("Service resumes. The violation still stands and still excludes refunds."),
        is_available=_is_liftable,
        proposes=True,
    )
    def lift(self, request: HttpRequest, obj: Violation, data: Data, now: datetime) -> Proposal:
        """End the suspension, not the violation."""
        return propose(
            "violation.lift",
            account=obj.account,
            target=obj,
            reason=data["reason"],
            by=person(request),
            now=now,
        )

    @object_action(label=_("Add evidence"), permission=HANDLE, form=EvidenceForm)
    def add_evidence(
        self, request: HttpRequest, obj: Violation, data: Data, now: datetime
    ) -> Answer:
        """Keep a file with the case."""
        attach_evidence(
            violation=obj,
            upload=data["attachments"],
            is_disclosed=data["is_disclosed"],
            by=person(request),
            now=now,
        )
        return _("The file is kept with the case.")
