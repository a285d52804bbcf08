"""Form fields of all apps: lines of text, numbers, and numbers that name a row."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.utils.translation import gettext_lazy as _

from accounts import text
from accounts.errors import Refused
from accounts.models import Account, Application

#: As long as an address may be, and the database's column is.
EMAIL_LENGTH = 254


class RefusableForm(forms.Form):
    """A form that shows what a service refuses beside the field at fault."""

    def refuse(self, refusal: Refused) -> None:
        """Show a refusal beside its fields, or above them all."""
        for field, message in refusal.problems.items():
            self.add_error(field if field in self.fields else None, str(message))


class SearchField(forms.CharField):
    """A line to look for: cleaned as names are, so that it finds them."""

    default_error_messages = {
        "not_plain": _(
            "Use letters, digits and signs only, without line breaks or control characters."
        ),
        "invisible": _("Enter at least one visible character."),
    }

    def to_python(self, value: Any) -> str:
        """Return the line as it is kept."""
        line = self.clean_text(super().to_python(value) or "")
        if not text.is_plain(line):
            raise ValidationError(self.error_messages["not_plain"], code="not_plain")
        return line

    def clean_text(self, line: str) -> str:
        """Return what is kept of a line."""
        return text.clean_line(line)


class LineField(SearchField):
    """A name: one line of which something can be seen."""

    def to_python(self, value: Any) -> str:
        """Return the name as it is kept."""
        line = super().to_python(value)
        if line and not text.is_visible(line):
            raise ValidationError(self.error_messages["invisible"], code="invisible")
        return line


class CodeField(LineField):
    """A staff number or another identifier: as a name, without joiners."""

    def clean_text(self, line: str) -> str:
        return text.clean_code(line)


class DigitsField(CodeField):
    """A short number: full-width digits are as good as others."""

    def clean_text(self, line: str) -> str:
        return text.compatible(line).strip()


class PhoneField(CodeField):
    """A telephone number, however it is written; the clean value is a plus sign and digits."""

    def clean_text(self, line: str) -> str:
        return text.clean_phone(line)


class CleanEmailField(forms.EmailField):
    """An address as people write it, without what comes along with copied text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": EMAIL_LENGTH, **kwargs})

    def to_python(self, value: Any) -> str:
        return text.clean_email(super().to_python(value) or "")

    def validate(self, value: Any) -> None:
        super().validate(value)
        # A domain in another script is longer in the form that the network knows.
        if len(text.email_key(value)) > EMAIL_LENGTH:
            raise ValidationError(EmailValidator.message, code="invalid")


class SignInEmailField(CleanEmailField):
    """An address that someone signs in with, as it is stored."""

    def to_python(self, value: Any) -> str:
        return text.email_key(super().to_python(value))


_WHOLE = re.compile(r"-?[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")


class WholeNumberField(forms.IntegerField):
    """A whole number in ASCII digits; `1.0`, `1e9`, and digits of other scripts are refused.

    Django's own field takes every digit that Unicode knows, and cuts `.0` off.
    """

    #: Its template puts buttons for one less and one more beside it.
    is_stepped = True

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        text = str(value).strip()
        if not _WHOLE.fullmatch(text):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return int(text)


class DecimalNumberField(forms.DecimalField):
    """A decimal number in ASCII digits with a period; `1e3`, `1_000`, and `NaN` are refused.

    Django's own field takes everything that Python's `Decimal` does.
    """

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        if value in self.empty_values:
            return None
        text = str(value).strip()
        if not _DECIMAL.fullmatch(text):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return Decimal(text)


class _InAsciiDigits:
    """Refuses what Python reads as a date although its digits are of another script."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and not value.isascii():
            raise ValidationError(self.error_messages["invalid"], code="invalid")  # type: ignore[attr-defined]
        return super().to_python(value)  # type: ignore[misc]


class PlainDateField(_InAsciiDigits, forms.DateField):
    """A date in ASCII digits, chosen in the browser's calendar."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class PlainDateTimeField(_InAsciiDigits, forms.DateTimeField):
    """A date and time in ASCII digits, in the time zone that is active."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"})


class _NumberOf(forms.CharField):
    """A row named by its number, so that no page holds a list of all of them."""

    default_error_messages = {"unknown": _("Nothing was found under this number.")}
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
