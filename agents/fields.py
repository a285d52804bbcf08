"""An agent's fields as people state them: the same in a form and in a file."""

import unicodedata
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from agents import rules
from agents.enums import AgentRole


class LineField(forms.CharField):
    """One line of text: trimmed, composed (so that equal looks are equal), no control signs."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.validators.append(rules.validate_plain)

    def to_python(self, value: Any) -> str:
        """Return the text in composed form."""
        return unicodedata.normalize("NFC", super().to_python(value) or "")


AGENT_FIELDS: dict[str, forms.Field] = {
    "name": LineField(label=_("Name"), max_length=rules.NAME_LENGTH),
    "nickname": LineField(
        label=_("Nickname"),
        max_length=rules.NAME_LENGTH,
        required=False,
        help_text=_("What customers see. Without one they see the name."),
    ),
    "staff_number": LineField(label=_("Staff number"), max_length=rules.STAFF_NUMBER_LENGTH),
    "email": forms.EmailField(label=_("E-mail address"), max_length=254),
    "phone": LineField(
        label=_("Phone"),
        required=False,
        validators=[rules.validate_phone],
        help_text=_("With country code, as in +8613800138000."),
    ),
    "role": forms.ChoiceField(
        label=_("Role"), choices=AgentRole.choices, initial=AgentRole.AGENT.value
    ),
    "extension": LineField(
        label=_("Extension"),
        required=False,
        validators=[rules.validate_extension],
        help_text=_("4 to 6 digits that begin with 1 to 8."),
    ),
}
