"""An agent's fields as people state them: the same in a form and in a file."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import (
    CleanEmailField,
    CodeField,
    DigitsField,
    LineField,
    PhoneField,
)
from agents import rules
from agents.enums import AgentRole

AGENT_FIELDS: dict[str, forms.Field] = {
    "name": LineField(label=_("Name"), max_length=rules.NAME_LENGTH),
    "nickname": LineField(
        label=_("Nickname"),
        max_length=rules.NAME_LENGTH,
        required=False,
        help_text=_("The name that customers see. If it is empty, they see the agent's name."),
    ),
    "staff_number": CodeField(
        label=_("Staff number"),
        max_length=rules.STAFF_NUMBER_LENGTH,
    ),
    "email": CleanEmailField(label=_("Email address")),
    "phone": PhoneField(
        label=_("Phone"),
        required=False,
        validators=[rules.validate_phone],
        help_text=_("With the country code, for example +8613800138000."),
    ),
    "role": forms.ChoiceField(
        label=_("Role"), choices=AgentRole.choices, initial=AgentRole.AGENT.value
    ),
    "extension": DigitsField(
        label=_("Extension"),
        required=False,
        validators=[rules.validate_extension],
        help_text=_("4 to 6 digits. The first digit must be 1 to 8."),
    ),
}
