"""Activating an application."""

import unicodedata

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


class ActivationForm(forms.Form):
    """The application's name, as its members will see it."""

    name = forms.CharField(
        label=_("Name of the application"),
        max_length=64,
        help_text=_("For example the team or the hotline that will use it."),
        error_messages={"required": _("Give the application a name.")},
    )

    def clean_name(self) -> str:
        """Refuse signs that nobody can see, and such as no database can keep."""
        name: str = self.cleaned_data["name"]
        if any(unicodedata.category(sign) in {"Cc", "Cs", "Co", "Cn"} for sign in name):
            raise ValidationError(_("The name holds signs that cannot be shown."), code="signs")
        return name
