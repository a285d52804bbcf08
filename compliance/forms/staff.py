"""The forms with which staff act on cases, requests and tables."""

import uuid
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import (
    AccountField,
    ApplicationField,
    LineField,
    PlainDateTimeField,
    WholeNumberField,
)
from accounts.forms.staff import ActionForm, ReasonForm
from compliance.enums import EntryKind, EntryRule, ReportSource, ViolationMeasure
from compliance.forms.fields import LongTextField
from compliance.models import Behaviour, ConnectionRequest, Industry, RuleBook
from compliance.services.violations import Report, deviated_requests

_CUSTOMER_READS = _("The customer can read this.")


class _MomentField(PlainDateTimeField):
    """An instant to the second, in the billing time zone."""

    widget = forms.DateTimeInput(
        format="%Y-%m-%dT%H:%M:%S", attrs={"type": "datetime-local", "step": "1"}
    )


def _behaviours(book: RuleBook | None) -> list[tuple[int, str]]:
    rows = Behaviour.objects.filter(book=book)
    return [(row.number, f"{row} ({row.get_severity_display()})") for row in rows]


class CaseFactsForm(ActionForm):
    """What is known of a case. `report()` gives it to the services."""

    source = forms.ChoiceField(label=_("Source"), choices=ReportSource.choices)
    summary = LongTextField(label=_("What happened"), rows=4, help_text=_CUSTOMER_READS)
    occurred_at = _MomentField(
        label=_("When it happened"),
        required=False,
        help_text=_("In the billing time zone. It decides which rule book the case is judged by."),
    )
    complaint_number = LineField(label=_("Complaint number"), max_length=64, required=False)
    called_number = LineField(label=_("Called number"), max_length=32, required=False)
    call_session_id = LineField(label=_("Call session id"), max_length=64, required=False)
    agent_reference = LineField(label=_("Agent id"), max_length=64, required=False)
    agent_name = LineField(label=_("Agent name"), max_length=64, required=False)
    agent_staff_number = LineField(label=_("Agent staff number"), max_length=32, required=False)
    reported_business = LongTextField(label=_("Declared business"), rows=2, required=False)
    actual_business = LongTextField(label=_("Business found"), rows=2, required=False)
    evidence_text = LongTextField(label=_("Evidence"), rows=4, required=False)
    is_evidence_disclosed = forms.BooleanField(
        label=_("Show the evidence text to the customer"), required=False
    )

    def __init__(self, *args: Any, target: Any = None, **options: Any) -> None:
        super().__init__(*args, target=target, **options)
        if target is not None:
            for name in Report.__dataclass_fields__:
                self.fields[name].initial = getattr(target, name)

    def report(self) -> Report:
        """Return the clean values. Only for a valid form."""
        return report_of(self.cleaned_data)


def report_of(data: Any) -> Report:
    """Return what clean data of `CaseFactsForm` say of a case."""
    values = {name: data[name] for name in Report.__dataclass_fields__}
    return Report(**values | {"source": ReportSource(values["source"])})


class ReportForm(CaseFactsForm):
    """A new case."""

    account = AccountField(label=_("Account (UIN)"))
    application = ApplicationField(label=_("Application (SDKAppID)"), required=False)
    behaviour = forms.TypedChoiceField(label=_("Alleged behavior"), coerce=int)
    request_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    field_order = ["account", "application", "behaviour", "source", "occurred_at", "summary"]

    def __init__(self, *args: Any, now: datetime, **options: Any) -> None:
        super().__init__(*args, **options)
        book = RuleBook.objects.in_force(now).first()
        self.fields["behaviour"].choices = _behaviours(book)  # type: ignore[attr-defined]


class AmendForm(CaseFactsForm, ReasonForm):
    """What is known of a case by now, and why it is written again."""

    reason = LongTextField(
        label=_("Reason for the correction"), rows=2, help_text=_("For staff only.")
    )
    field_order = [*CaseFactsForm.base_fields, "reason"]


class NoteForm(ActionForm):
    """An act that may be explained."""

    reason = LongTextField(label=_("Note"), rows=3, required=False, help_text=_("For staff only."))


class FindingForm(ActionForm):
    """What an investigation has found."""

    finding = LongTextField(label=_("What was found"), help_text=_CUSTOMER_READS)


class VerifyForm(FindingForm):
    """What was found, by which rule it counts, and which request it deviates from."""

    behaviour = forms.TypedChoiceField(label=_("Behavior found"), coerce=int)
    connection = forms.ModelChoiceField(
        label=_("Approved request that the calls deviate from"),
        queryset=ConnectionRequest.objects.none(),
        required=False,
        help_text=_("Only for behaviors about the declared business."),
    )
    field_order = ["behaviour", "connection", "finding"]

    def __init__(self, *args: Any, target: Any = None, **options: Any) -> None:
        super().__init__(*args, target=target, **options)
        book = RuleBook.objects.in_force(target.occurred_at or target.reported_at).first()
        behaviour: Any = self.fields["behaviour"]
        behaviour.choices = _behaviours(book)
        behaviour.initial = target.behaviour_number
        self.fields["connection"].queryset = deviated_requests(target)  # type: ignore[attr-defined]


class MeasureForm(ActionForm):
    """A measure among those that the rule provides."""

    measure = forms.TypedChoiceField(label=_("Measure"), coerce=ViolationMeasure)
    reason = LongTextField(label=_("Reason"), rows=3, help_text=_CUSTOMER_READS)
    consequences = LongTextField(
        label=_("Serious impact or consequences"), rows=3, required=False, help_text=_CUSTOMER_READS
    )
    is_legal_follow_up = forms.BooleanField(
        label=_("Mark for legal follow-up"),
        required=False,
        help_text=_("Only for a severe violation with serious consequences on record."),
    )

    def __init__(self, *args: Any, target: Any = None, **options: Any) -> None:
        super().__init__(*args, target=target, **options)
        measures = [ViolationMeasure(measure) for measure in target.judged_by["measures"]]
        self.fields["measure"].choices = [(row.value, row.label) for row in measures]  # type: ignore[attr-defined]


class AnswerForm(ActionForm):
    """A decision whose reason the customer reads."""

    reason = LongTextField(label=_("Reason"), help_text=_CUSTOMER_READS)


class EvidenceForm(ActionForm):
    """A file that proves something."""

    attachments = forms.FileField(
        label=_("File"),
        allow_empty_file=True,
        help_text=_("PDF, picture, recording or plain text."),
    )
    is_disclosed = forms.BooleanField(label=_("Show it to the customer"), required=False)


class _RowForm(ActionForm):
    """The columns of a table's row; the present ones where there is a row already."""

    def __init__(self, *args: Any, target: Any = None, **options: Any) -> None:
        super().__init__(*args, target=target, **options)
        if target is not None:
            for name, field in self.fields.items():
                field.initial = getattr(target, name)


class IndustryForm(_RowForm):
    """An industry of the screening table."""

    name = LineField(label=_("Name"), max_length=160)
    name_zh = LineField(label=_("Name in Chinese"), max_length=160, required=False)
    position = WholeNumberField(label=_("Position"), min_value=0, max_value=1_000_000, initial=100)


class EntryForm(IndustryForm):
    """An entry of the screening table."""

    kind = forms.ChoiceField(label=_("Kind"), choices=EntryKind.choices)
    industry = forms.ModelChoiceField(
        label=_("Industry"),
        queryset=Industry.objects.order_by("position", "pk"),
        required=False,
        empty_label=_("No industry"),
        help_text=_("A prohibited service belongs to no industry."),
    )
    rule = forms.ChoiceField(label=_("When refused"), choices=EntryRule.choices)
    is_active = forms.BooleanField(
        label=_("In use"),
        required=False,
        initial=True,
        help_text=_("Requests are screened against entries in use only."),
    )
    field_order = ["kind", "industry", "name", "name_zh", "rule", "position", "is_active"]


class WordForm(_RowForm):
    """A flag word."""

    word = LineField(label=_("Word"), max_length=64)
    note = LineField(label=_("Note"), max_length=200, required=False)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)
