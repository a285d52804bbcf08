"""Narrowing a statement of funds."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import PlainDateField
from billing.enums import LedgerKind
from billing.wallet.statements import COLUMNS, StatementFilter

_FIRST, _LAST = date(2000, 1, 1), date(2999, 12, 31)


class StatementForm(forms.Form):
    """By fund, kind and local days."""

    fund = forms.ChoiceField(
        label=_("Fund"),
        required=False,
        choices=[("", _("All")), *((kind.value, kind.label) for kind in COLUMNS)],
    )
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("All")), *LedgerKind.choices]
    )
    since = PlainDateField(label=_("From"), required=False)
    until = PlainDateField(label=_("To"), required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="filter_%s")

    def clean_since(self) -> date | None:
        return self._within_reason("since")

    def clean_until(self) -> date | None:
        return self._within_reason("until")

    def _within_reason(self, name: str) -> date | None:
        day: date | None = self.cleaned_data[name]
        if day is not None and not _FIRST <= day <= _LAST:
            raise forms.ValidationError(_("Choose a day between the years 2000 and 2999."))
        return day

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        since, until = data.get("since"), data.get("until")
        if since and until and until < since:
            self.add_error("until", _("The end date is before the start date."))
        return data

    @property
    def statement_filter(self) -> StatementFilter:
        """What was chosen; the form is valid."""
        return StatementFilter(**self.cleaned_data)
