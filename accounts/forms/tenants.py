"""Forms with which staff enter and fix tenants and people."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import EntityKind, Measure, Role
from accounts.forms.fields import AccountField, LineField, SignInEmailField
from accounts.forms.staff import ActionForm, ReasonForm
from accounts.generics import GroupsChoiceField
from accounts.models import Entity, User
from accounts.services.tenants import clean_registration_number


class EntityForm(ActionForm):
    """A legal person as its papers say."""

    name = LineField(label=_("Name"), max_length=200)
    kind = forms.ChoiceField(label=_("Kind"), choices=EntityKind)
    registration_number = LineField(label=_("Registration number"), max_length=64)


class EntityCorrectionForm(EntityForm, ReasonForm):
    """A legal person as it should have been recorded."""

    field_order = ["name", "kind", "registration_number", "reason"]

    def __init__(self, *args: Any, target: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, target=target, **kwargs)
        for name in ("name", "kind", "registration_number"):
            self.fields[name].initial = getattr(target, name, None)


class AccountForm(ReasonForm):
    """A further account of a known entity."""

    registration_number = LineField(label=_("Registration number of its entity"), max_length=64)
    name = LineField(label=_("Account name"), max_length=100)
    owner = SignInEmailField(
        label=_("Owner's email address"), help_text=_("Enter the address of an existing user.")
    )
    field_order = ["registration_number", "name", "owner", "reason"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        number = data.get("registration_number")
        if number:
            known = Entity.objects.filter(registration_number=clean_registration_number(number))
            data["entity"] = known.first()
            if data["entity"] is None:
                self.add_error("registration_number", _("No company has this registration number."))
        data["user"] = _user(self, "owner")
        return data


class RenameForm(ReasonForm):
    """Another name."""

    name = LineField(label=_("Name"), max_length=100)
    field_order = ["name", "reason"]

    def __init__(self, *args: Any, target: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, target=target, **kwargs)
        self.fields["name"].initial = getattr(target, "name", None)


class RestrictForm(ReasonForm):
    """A measure that staff take without a violation."""

    measure = forms.ChoiceField(label=_("Measure"), choices=Measure)
    field_order = ["measure", "reason"]


class PersonForm(ActionForm):
    """A person who should be able to sign in."""

    email = SignInEmailField(label=_("Email address"))
    name = LineField(label=_("Name"), max_length=64, required=False)


class MemberForm(ReasonForm):
    """A person's place in an account."""

    account = AccountField(label=_("UIN of the account"))
    email = SignInEmailField(
        label=_("Email address"), help_text=_("Enter the address of an existing user.")
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role)
    field_order = ["account", "email", "role", "reason"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["user"] = _user(self, "email")
        return data


class MemberRoleForm(ReasonForm):
    """Another role."""

    role = forms.ChoiceField(label=_("Role"), choices=Role)
    field_order = ["role", "reason"]

    def __init__(self, *args: Any, target: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, target=target, **kwargs)
        self.fields["role"].initial = getattr(target, "role", None)


class GroupsField(GroupsChoiceField):
    """Groups of staff, named in the language of the page."""

    def label_from_instance(self, obj: Group) -> str:
        return gettext(obj.name)


class StaffRightsForm(ReasonForm):
    """What a person may do in the administration."""

    is_staff = forms.BooleanField(label=_("May sign in to the administration"), required=False)
    groups = GroupsField(
        label=_("Groups"),
        queryset=Group.objects.order_by("name"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    field_order = ["is_staff", "groups", "reason"]

    def __init__(self, *args: Any, target: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, target=target, **kwargs)
        if target is not None:
            self.fields["is_staff"].initial = target.is_staff
            self.fields["groups"].initial = target.groups.all()


def _user(form: forms.Form, field: str) -> User | None:
    """Return the person whose address the field holds, or put the fault beside it."""
    address = form.cleaned_data.get(field)
    if not address:
        return None
    user = User.objects.filter(email=address, erased_at=None).first()
    if user is None:
        form.add_error(field, _("No user has this address."))
    return user
