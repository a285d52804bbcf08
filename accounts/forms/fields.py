"""Form fields that name things of this app."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Application


class LineField(forms.CharField):
    """One line of text: blanks inside are fine, control characters are not."""

    default_validators = [
        RegexValidator(
            r"[\x00-\x1f\x7f\u2028\u2029]",
            _("Enter one line, without control characters."),
            inverse_match=True,
        )
    ]


class _NumberOf(forms.CharField):
    """A row named by its number, so that no page holds a list of all of them."""

    default_error_messages = {"unknown": _("Nothing has this number.")}
    digits = 0

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", self.digits)
        super().__init__(**kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "inputmode": "numeric", "autocomplete": "off"}

    def clean(self, value: Any) -> Any:
        number = super().clean(value)
        if not number:
            return None
        is_number = len(number) == self.digits and number.isascii() and number.isdigit()
        found = self.find(number) if is_number else None
        if found is None:
            raise ValidationError(self.error_messages["unknown"], code="unknown")
        return found

    def find(self, number: str) -> Any:
        """Return the row with this number, or None."""
        raise NotImplementedError


class AccountField(_NumberOf):
    """An account named by its UIN; the clean value is the `Account`, its entity loaded."""

    default_error_messages = {"unknown": _("No account has this UIN.")}
    digits = 12

    def find(self, number: str) -> Account | None:
        return Account.objects.select_related("entity").filter(uin=number).first()


class ApplicationField(_NumberOf):
    """An application named by its SDKAppID; the clean value is the `Application` with account."""

    default_error_messages = {"unknown": _("No application has this SDKAppID.")}
    digits = 10

    def find(self, number: str) -> Application | None:
        return Application.objects.select_related("account").filter(sdkappid=number).first()
