"""The forms of customers: an appeal, and a connection request."""

import uuid
from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Application
from compliance.enums import Direction, EntryKind, NumberSource
from compliance.forms.fields import FilesField, LongTextField, RefusableForm
from compliance.models import ScreeningEntry
from compliance.services.connections import Business

#: More calls than these are no plan but a slip of the finger.
VOLUME_LIMIT = 10_000_000
#: The choice for a business that the list does not name.
NOT_LISTED = "other"


class AppealForm(RefusableForm):
    """What a customer says against a violation."""

    statement = LongTextField(
        label=_("Your statement"),
        rows=7,
        help_text=_("Say what really happened, and why the decision should be another one."),
    )
    attachments = FilesField(label=_("Files"))


def _grouped(entries: Iterable[ScreeningEntry]) -> list[tuple[Any, Any]]:
    """Return the choices of the list, prohibited services first, then industry by industry."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for entry in entries:
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
        help_text=_("Choose what comes nearest. A business that is not listed is looked at."),
    )
    description = LongTextField(
        label=_("Describe the business"),
        help_text=_("What you offer, to whom, and what the calls are about."),
    )
    direction = forms.ChoiceField(
        label=_("Calls"), choices=Direction.choices, widget=forms.RadioSelect
    )
    is_cold_calling = forms.TypedChoiceField(
        label=_("Cold or blind calling?"),
        choices=[
            ("no", _("No, we call only people who know us or agreed to it")),
            ("yes", _("Yes, people who do not expect it are called")),
        ],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )
    number_source = forms.ChoiceField(
        label=_("Where the called numbers come from"), choices=NumberSource.choices
    )
    number_source_detail = LongTextField(label=_("More about that"), rows=2, required=False)
    consent_proof = LongTextField(
        label=_("Proof of consent"),
        rows=3,
        required=False,
        help_text=_("How the people called agreed, and how you can show it."),
    )
    attachments = FilesField(label=_("Files that prove it"))
    expected_volume = forms.IntegerField(
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
            ("", "---------"),
            (NOT_LISTED, _("Another business, not on the list")),
            *_grouped(self._entries.values()),
        ]

    def clean_entry(self) -> ScreeningEntry | None:
        """Return the chosen entry, None for a business that is not listed."""
        return self._entries.get(self.cleaned_data["entry"])

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
