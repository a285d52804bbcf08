"""Fields that several forms share."""

import unicodedata
from typing import Any

from django import forms

from agents import rules


class LineField(forms.CharField):
    """One line of text: trimmed, composed (so that equal looks are equal), no control signs."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.validators.append(rules.validate_plain)

    def to_python(self, value: Any) -> str:
        """Return the text in composed form."""
        return unicodedata.normalize("NFC", super().to_python(value) or "")
