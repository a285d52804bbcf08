"""Small forms: activating an application, finding orders, refusing to pay one."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import LineField
from billing.enums import OrderKind, ShownOrderStatus


class ActivationForm(forms.Form):
    """The application's name, as its members will see it."""

    name = LineField(
        label=_("Application name"),
        max_length=64,
        help_text=_("For example the team or the hotline that will use it."),
        error_messages={"required": _("Enter a name for the application.")},
    )


class OrderFilterForm(forms.Form):
    """Narrows the list of orders."""

    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("All")), *ShownOrderStatus.choices]
    )
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("All")), *OrderKind.choices]
    )

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="filter_%s")


class RefusePaymentForm(forms.Form):
    """Why another account's order is not paid; its members can read it."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The other account can read this."),
        error_messages={
            "required": _("Enter a reason, so that the other account knows what to do.")
        },
    )
