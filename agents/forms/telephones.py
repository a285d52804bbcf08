"""Forms of SIP telephones and skill groups."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.forms.fields import CodeField, DigitsField, LineField, RefusableForm
from accounts.models import Application
from accounts.text import fold
from agents import rules
from agents.listing import agents_of
from agents.models import Agent
from agents.sheets import GROUP_SEPARATOR


class TelephoneForm(RefusableForm):
    """A telephone's name and number."""

    label = LineField(
        label=gettext_lazy("Name"),
        max_length=rules.NAME_LENGTH,
        help_text=gettext_lazy("Location or user"),
    )
    extension = DigitsField(
        label=gettext_lazy("Extension"),
        validators=[rules.validate_extension],
        help_text=gettext_lazy("4 to 6 digits. The first digit must be 1 to 8."),
    )


class BindForm(RefusableForm):
    """The agent that a telephone should ring for."""

    agent = CodeField(
        label=gettext_lazy("Staff number of the agent"), max_length=rules.STAFF_NUMBER_LENGTH
    )

    def __init__(self, *args: Any, application: Application, **options: Any) -> None:
        super().__init__(*args, **options)
        self.application = application

    def clean_agent(self) -> Agent:
        """Return the agent with this staff number."""
        agents = agents_of(self.application.account_id, self.application.pk)
        found = agents.filter(staff_number_key=fold(self.cleaned_data["agent"])).first()
        if found is None:
            raise forms.ValidationError(_("No agent has this staff number."), code="unknown")
        return found


class GroupForm(RefusableForm):
    """A skill group's name; files of agents part names by the sign that it must not hold."""

    name = LineField(
        label=gettext_lazy("Name"),
        max_length=rules.GROUP_NAME_LENGTH,
        validators=[
            RegexValidator(
                GROUP_SEPARATOR, gettext_lazy("Leave out the semicolon."), inverse_match=True
            )
        ],
    )
