"""The filter of the audit trail."""

from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import PlainDateField, SearchField
from accounts.wording import visible_subjects


def _day(label: Any) -> forms.DateField:
    """A day of this century: others could not be told as an instant in every zone."""
    return PlainDateField(
        label=label,
        required=False,
        validators=[MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2100, 1, 1))],
    )


class AuditFilterForm(forms.Form):
    """Who (the beginning of a name), what, on which object or why (any part), and when.

    Empty fields do not narrow.
    """

    who = SearchField(label=_("Who"), max_length=254, required=False)
    what = forms.ChoiceField(label=_("What"), required=False)
    text = SearchField(label=_("Object or reason"), max_length=200, required=False)
    since = _day(_("From"))
    until = _day(_("Until"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", "filter_%s")
        super().__init__(*args, **kwargs)
        choices = [("", _("Everything")), *visible_subjects()]
        self.fields["what"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("since") and data.get("until") and data["since"] > data["until"]:
            self.add_error("until", _("The end date is before the start date."))
        return data
