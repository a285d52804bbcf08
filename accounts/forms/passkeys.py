"""The sign-in library's forms that take what a passkey or security key answered.

Its field reads any JSON, and Python's reader ends in an error of its own where brackets are nested
too deep. Here that is text that is no JSON, like any other.
"""

from typing import Any

from allauth.mfa.webauthn import forms as library
from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput


class CredentialField(forms.JSONField):
    """The browser's answer in JSON, nested no deeper than can be read."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except RecursionError:
            raise ValidationError(
                self.error_messages["invalid"], code="invalid", params={"value": ""}
            ) from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return InvalidJSONInput(data)


def _credential() -> CredentialField:
    return CredentialField(widget=forms.HiddenInput)


class LoginWebAuthnForm(library.LoginWebAuthnForm):
    """Signing in with a passkey alone."""

    credential = _credential()


class AuthenticateWebAuthnForm(library.AuthenticateWebAuthnForm):
    """The second factor while signing in."""

    credential = _credential()


class ReauthenticateWebAuthnForm(library.ReauthenticateWebAuthnForm):
    """The second factor before something important."""

    credential = _credential()


class AddWebAuthnForm(library.AddWebAuthnForm):
    """A further passkey or security key."""

    credential = _credential()
