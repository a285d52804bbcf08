"""The sign-in library's forms that ask for an address: each takes it as `SignInEmailField` does.

So an address that was pasted with invisible characters, in full-width letters or with its domain
in another script is the one that is stored.
"""

from typing import Any

from allauth.account import forms as library

from accounts.text import email_key


class _EmailFolded:
    """Folds the address before the field judges it."""

    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"email", "login"} & set(self.fields):
            take = self.fields[name].to_python
            self.fields[name].to_python = lambda value, take=take: email_key(take(value) or "")


class LoginForm(_EmailFolded, library.LoginForm):
    """Address and password."""


class ResetPasswordForm(_EmailFolded, library.ResetPasswordForm):
    """The address that a link to a new password goes to."""


class AddEmailForm(_EmailFolded, library.AddEmailForm):
    """A further address of a person."""


class FoldedSignupForm(_EmailFolded, library.SignupForm):
    """A new sign-in; `accounts.forms.signup` asks for the company as well."""
