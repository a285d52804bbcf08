"""Forms about oneself and about the members of an account."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.enums import Role, Theme
from accounts.forms.fields import LineField, SignInEmailField
from accounts.models import User
from accounts.wording import ROLE_EXPLANATIONS


class ProfileForm(forms.Form):
    """Name, language and theme."""

    name = LineField(
        label=_("Name"),
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    language = forms.ChoiceField(label=_("Language"), required=False)
    theme = forms.ChoiceField(label=_("Appearance"), choices=Theme)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {"name": user.name, "language": user.language, "theme": user.theme}
        field = self.fields["language"]
        field.choices = [("", _("Same as the browser")), *settings.LANGUAGES]  # type: ignore[attr-defined]


def _explained_roles() -> list[tuple[str, SafeString]]:
    """Return the roles to choose from, each with what it may do."""
    return [
        (
            role.value,
            format_html(
                "<span>{}<br><small>{}</small></span>", role.label, ROLE_EXPLANATIONS[role]
            ),
        )
        for role in Role
    ]


class InviteForm(forms.Form):
    """Who is invited, and to which role."""

    email = SignInEmailField(
        label=_("Email address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    role = forms.ChoiceField(
        label=_("Role"),
        choices=_explained_roles,
        initial=Role.VIEWER,
        widget=forms.RadioSelect,
    )


class StaffRolesForm(forms.Form):
    """A member's role."""

    role = forms.ChoiceField(label=_("Role"), choices=_explained_roles, widget=forms.RadioSelect)


class AccountNameForm(forms.Form):
    """The name of an account."""

    name = LineField(label=_("Name"), max_length=100)
