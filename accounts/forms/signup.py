"""Forms for signing up and for opening accounts."""

from typing import Any, cast

from allauth.core import context as allauth_context
from django import forms
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.enums import EntityKind
from accounts.forms.fields import LineField
from accounts.forms.sign_in import FoldedSignupForm
from accounts.models import Entity, User
from accounts.row_security import beyond_tenancy
from accounts.services.preferences import introduce
from accounts.services.signup import Company, keep_for_later
from accounts.services.tenants import clean_registration_number, entity_exists

COMPANY_FIELDS = ("entity_name", "kind", "registration_number", "account_name")


def _company_fields() -> dict[str, forms.Field]:
    """Return fresh fields that tell of a company and its first account."""
    return {
        "entity_name": LineField(
            label=_("Company name"),
            max_length=200,
            help_text=_("The registered legal name."),
            widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        ),
        "kind": forms.ChoiceField(
            label=_("Kind"),
            choices=EntityKind,
            help_text=_("Only enterprises can connect telephone numbers."),
        ),
        "registration_number": LineField(
            label=_("Registration number"),
            max_length=64,
            help_text=_(
                "For example, the unified social credit code or the company register number."
            ),
        ),
        "account_name": LineField(
            label=_("Account name"),
            max_length=100,
            help_text=_("A name for you and your colleagues. You can change it later."),
        ),
    }


def clean_free_number(form: forms.Form) -> None:
    """Put the fault beside the registration number where a company has it already."""
    number = form.cleaned_data.get("registration_number")
    if not number:
        return
    held = Entity.objects.filter(registration_number=clean_registration_number(number))
    with beyond_tenancy():
        is_taken = held.exists()
    if is_taken:
        form.add_error("registration_number", str(entity_exists()))


def company_of(data: dict[str, Any]) -> Company:
    """Return the company that a clean form tells of."""
    return Company(data["entity_name"], data["kind"], data["registration_number"])


class SignupForm(FoldedSignupForm):
    """A new sign-in: for one's own company, or for the account that one was invited to.

    Anyone who comes from an invitation has proved the address by its link, so that the address is
    fixed and nothing is asked of the company.
    """

    field_order = ["name", "email", "password1", "password2", *COMPANY_FIELDS]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invited_email: str = (
            allauth_context.request.session.get("account_verified_email") or ""
        )
        self.fields["name"] = LineField(
            label=_("Your name"),
            max_length=64,
            widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
        )
        if self.invited_email:
            self.fields["email"].disabled = True
            self.initial["email"] = self.invited_email
        else:
            self.fields.update(_company_fields())
        self.order_fields(self.field_order)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        clean_free_number(self)
        return data

    def try_save(self, request: HttpRequest) -> Any:
        if self.account_already_exists:
            # As long as making a new sign-in takes, so that time does not tell the two apart.
            User().set_password(self.cleaned_data["password1"])
        return super().try_save(request)

    @transaction.atomic
    def save(self, request: HttpRequest) -> User:
        user = cast(User, super().save(request))
        data, now = self.cleaned_data, timezone.now()
        introduce(name=data["name"], language=get_language() or "", by=user)
        if not self.invited_email:
            keep_for_later(
                company=company_of(data), account_name=data["account_name"], by=user, now=now
            )
        return user


class OpenAccountForm(forms.Form):
    """An account for a new company, or a further one for a company of one's own.

    `entities` are the companies that the person may open further accounts for.
    """

    entity = forms.ModelChoiceField(
        label=_("Company"),
        queryset=Entity.objects.none(),
        required=False,
        empty_label=_("A new company"),
    )
    field_order = ["entity", *COMPANY_FIELDS]

    def __init__(self, *args: Any, entities: QuerySet[Entity], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.update(_company_fields())
        if entities.exists():
            choice = self.fields["entity"]
            choice.queryset = entities  # type: ignore[attr-defined]
            for name in COMPANY_FIELDS[:-1]:
                self.fields[name].required = False
            for name in ["entity", *COMPANY_FIELDS[:-1]]:
                # Neither optional nor always required: the label says nothing, the help text does.
                self.fields[name].is_conditional = True  # type: ignore[attr-defined]
            choice.help_text = _(
                "For one of your existing companies, only the account name is needed."
            )
        else:
            del self.fields["entity"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("entity"):
            return data
        for name in COMPANY_FIELDS[:-1]:
            if not data.get(name) and name not in self.errors:
                message = self.fields[name].error_messages["required"]
                self.add_error(name, forms.ValidationError(message, code="required"))
        clean_free_number(self)
        return data
