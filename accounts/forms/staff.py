"""Forms with which staff act on one object in the administration."""

from typing import Any

from django import forms
from django.db.models import Model
from django.utils.translation import gettext_lazy as _


class ActionForm(forms.Form):
    """What an act needs to know. `target` is the object acted on, None while adding one."""

    def __init__(self, *args: Any, target: Model | None = None, **kwargs: Any) -> None:
        self.target: Any = target
        super().__init__(*args, **kwargs)


class ReasonForm(ActionForm):
    """An act that needs nothing but its reason, which goes into the audit trail."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Kept in the audit trail. The customer may read it."),
    )
