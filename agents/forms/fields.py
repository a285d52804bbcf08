"""What several forms share."""

import unicodedata
from typing import Any

from django import forms

from accounts.errors import Refused
from agents import rules
from agents.errors import DetailsRefused


class LineField(forms.CharField):
    """One line of text: trimmed, composed (so that equal looks are equal), no control signs."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.validators.append(rules.validate_plain)

    def to_python(self, value: Any) -> str:
        """Return the text in composed form."""
        return unicodedata.normalize("NFC", super().to_python(value) or "")


class RefusableForm(forms.Form):
    """A form that shows what a service refuses beside the field at fault."""

    def refuse(self, refusal: Refused) -> None:
        """Show a refusal beside its fields, or above them all."""
        problems = {refusal.field or "": str(refusal)}
        if isinstance(refusal, DetailsRefused):
            problems = refusal.problems
        for field, message in problems.items():
            self.add_error(field if field in self.fields else None, message)
