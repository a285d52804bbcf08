"""Fields that name rows and accounts, with a sentence for everything else."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


class KeyField(forms.CharField):
    """A row's key from a select whose choices depend on the rest of the form.

    The clean value is an int, one of `words`, or None for nothing. Whether such a row exists,
    and may be used, is the service's to say.
    """

    widget = forms.Select
    default_error_messages = {"invalid_choice": _("Choose one from the list.")}

    def __init__(self, *, words: tuple[str, ...] = (), **kwargs: Any) -> None:
        self.words = words
        super().__init__(**{"required": False, "max_length": 18, **kwargs})

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        if text in self.words:
            return text
        if not (text.isascii() and text.isdigit()):
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return int(text)


class KeysField(forms.Field):
    """Several rows' keys from check boxes; the clean value is a tuple of different ints."""

    widget = forms.MultipleHiddenInput
    default_error_messages = {"invalid_choice": _("Choose from the list.")}

    def clean(self, value: Any) -> tuple[int, ...]:
        texts = [str(each) for each in value or []]
        if not all(text.isascii() and text.isdigit() and len(text) <= 18 for text in texts):
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return tuple(dict.fromkeys(int(text) for text in texts))


class WordsField(forms.Field):
    """Several short words from check boxes; the clean value is a frozenset of those sent.

    Which of them mean something is the reader's to say: nothing depends on the others.
    """

    widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> frozenset[str]:
        texts = [value] if isinstance(value, str) else value or []
        return frozenset(str(each) for each in texts)


class UinField(forms.CharField):
    """The UIN of another account: 12 ASCII digits; blanks between them are forgiven."""

    default_error_messages = {"invalid": _("A UIN has 12 digits.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "max_length": 20, **kwargs})

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "inputmode": "numeric", "autocomplete": "off"}

    def clean(self, value: Any) -> str:
        uin = super().clean(value).replace(" ", "")
        if uin and not (len(uin) == 12 and uin.isascii() and uin.isdigit()):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return str(uin)
