"""Activating an application."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import LineField


class ActivationForm(forms.Form):
    """The application's name, as its members will see it."""

    name = LineField(
        label=_("Name of the application"),
        max_length=64,
        help_text=_("For example the team or the hotline that will use it."),
        error_messages={"required": _("Give the application a name.")},
    )
