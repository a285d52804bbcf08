"""The forms of customers: an appeal, and a connection request."""

import uuid
from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import RefusableForm, WholeNumberField
from accounts.models import Account, Application
from compliance.enums import Direction, EntryKind, NumberSource
from compliance.forms.fields import FilesField, LongTextField
from compliance.models import ScreeningEntry
from compliance.services.connections import Business

#: More calls than these are no plan but a slip of the finger.
VOLUME_LIMIT = 10_000_000
#: The choice for a business that the list does not name.
NOT_LISTED = "other"
#: What the guide's list says about who may ask. It is no business that one could choose: the
#: company's own kind decides it (`screening.Code.NOT_ENTERPRISE`).
_STATEMENTS = frozenset({"Individual households do not support connect"})


class AppealForm(RefusableForm):
    """What a customer says against a violation."""

    statement = LongTextField(
        label=_("Your statement"),
        rows=7,
        help_text=_("Describe what happened, and why the decision should be different."),
    )
    attachments = FilesField(label=_("Files"))


def _grouped(entries: Iterable[ScreeningEntry]) -> list[tuple[Any, Any]]:
    """Return the choices of the list, prohibited services first, then industry by industry.

    The guide repeats prohibited services under an industry; the list names each once.
    """
    listed = [entry for entry in entries if entry.name not in _STATEMENTS]
    prohibited = {entry.name for entry in listed if entry.kind == EntryKind.PROHIBITED}
    groups: dict[str, list[tuple[str, str]]] = {}
    for entry in listed:
        if entry.kind != EntryKind.PROHIBITED and entry.name in prohibited:
            continue
        name = (
            str(_("Services that are never connected"))
            if entry.kind == EntryKind.PROHIBITED or entry.industry is None
            else entry.industry.label
        )
        groups.setdefault(name, []).append((str(entry.pk), entry.label))
    return list(groups.items())


class ConnectionForm(RefusableForm):
    """What a customer declares about a business. `business()` gives it to the services."""

    application = forms.ModelChoiceField(
        label=_("Application"), queryset=Application.objects.none(), empty_label=None
    )
    entry = forms.ChoiceField(
        label=_("Industry and scenario"),
        help_text=_(
            "The list shows prohibited and restricted businesses. If yours is not on "
            "it, keep the first option. Our staff review every request."
        ),
        initial=NOT_LISTED,
    )
    description = LongTextField(
        label=_("Describe the business"),
        help_text=_("What you offer, who your customers are, and what the calls are about."),
    )
    direction = forms.ChoiceField(
        label=_("Calls"), choices=Direction.choices, widget=forms.RadioSelect
    )
    is_cold_calling = forms.TypedChoiceField(
        label=_("Cold or blind calling?"),
        choices=[
            ("no", _("No, we call only people who know us or agreed to it")),
            ("yes", _("Yes, we call people who do not expect it")),
        ],
        coerce=lambda value: value == "yes",
        empty_value=None,
        required=False,
        help_text=_("Not needed for inbound only."),
        widget=forms.RadioSelect,
    )
    number_source = forms.ChoiceField(
        label=_("Where the called numbers come from"), choices=NumberSource.choices
    )
    number_source_detail = LongTextField(label=_("More about the numbers"), rows=2, required=False)
    consent_proof = LongTextField(
        label=_("Proof of consent"),
        rows=3,
        required=False,
        help_text=_("How the people called agreed, and how you can show it."),
    )
    attachments = FilesField(label=_("Files that prove it"))
    expected_volume = WholeNumberField(
        label=_("Calls a day, about"), min_value=0, max_value=VOLUME_LIMIT
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(
        self,
        *args: Any,
        account: Account,
        entries: Iterable[ScreeningEntry],
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        applications = Application.objects.filter(account=account).order_by("name", "sdkappid")
        self.fields["application"].queryset = applications  # type: ignore[attr-defined]
        self._entries = {str(entry.pk): entry for entry in entries}
        self.fields["entry"].choices = [  # type: ignore[attr-defined]
            (NOT_LISTED, _("An ordinary business that is not on this list")),
            *_grouped(self._entries.values()),
        ]

    def clean_entry(self) -> ScreeningEntry | None:
        """Return the chosen entry, None for a business that is not listed."""
        return self._entries.get(self.cleaned_data["entry"])

    def clean(self) -> dict[str, Any]:
        """Calls that only come in are no cold calls; for others the question must be answered."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("is_cold_calling") is None and "is_cold_calling" not in self.errors:
            if data.get("direction") == Direction.INBOUND:
                data["is_cold_calling"] = False
            else:
                field = self.fields["is_cold_calling"]
                self.add_error("is_cold_calling", field.error_messages["required"])
        return data

    def business(self) -> Business:
        """Return the clean values. Only for a valid form."""
        values = self.cleaned_data
        return Business(
            description=values["description"],
            direction=Direction(values["direction"]),
            is_cold_calling=values["is_cold_calling"],
            number_source=NumberSource(values["number_source"]),
            number_source_detail=values["number_source_detail"],
            consent_proof=values["consent_proof"],
            expected_volume=values["expected_volume"],
        )
