"""Acts of staff on one object: a page with a form, one service call, an audit event.

    class AccountAdmin(ObjectActions, LeanAdmin):
        @object_action(label=_("Lift"), permission="accounts.restrict_account")
        def lift(self, request, obj, data, now):
            lift_restriction(…, by=request.user, now=now)
            return _("Lifted.")

The method gets the clean data and the present instant, calls a service, and returns the sentence
that tells of success, the proposal that a second person has to decide on, or a file to download. A
service's `Refused` is shown beside its field.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import FileResponse, HttpRequest
from django.utils.functional import Promise

from accounts.errors import Refused
from accounts.forms.staff import ActionForm, ReasonForm
from accounts.models import Proposal

Outcome = str | Promise | Proposal | FileResponse
Perform = Callable[[Any, HttpRequest, Any, Mapping[str, Any], datetime], Outcome]


@dataclass(frozen=True)
class ObjectAction:
    """One act. `consequence` says what will happen; `maker` returns the id of the user who brought
    the object about, where the act is a second person's; one that `proposes` only prepares what a
    second person then decides on."""

    name: str
    label: str | Promise
    permission: str
    perform: Perform
    form: type[ActionForm]
    consequence: str | Promise
    is_available: Callable[[Any], bool]
    maker: Callable[[Any], int | None]
    proposes: bool
    is_danger: bool


def object_action(
    *,
    label: str | Promise,
    permission: str,
    form: type[ActionForm] = ReasonForm,
    consequence: str | Promise = "",
    is_available: Callable[[Any], bool] = lambda obj: True,
    maker: Callable[[Any], int | None] = lambda obj: None,
    proposes: bool = False,
    is_danger: bool = False,
) -> Callable[[Perform], Perform]:
    """Make a method of a ModelAdmin an act, with a button on the object's page.

    `permission` is "app.codename". An act that is not available for the object has no button;
    one that needs a second person has none for the first, who reads why on the page.
    """

    def mark(perform: Perform) -> Perform:
        perform.object_action = ObjectAction(  # type: ignore[attr-defined]
            name=perform.__name__.replace("_", "-"),
            label=label,
            permission=permission,
            perform=perform,
            form=form,
            consequence=consequence,
            is_available=is_available,
            maker=maker,
            proposes=proposes,
            is_danger=is_danger,
        )
        return perform

    return mark


def run_action(form: ActionForm, act: Callable[[Mapping[str, Any]], Any]) -> Any:
    """Clean the form and act. Returns None, the faults in the form, where it did not happen."""
    if not form.is_valid():
        return None
    try:
        return act(form.cleaned_data)
    except Refused as refusal:
        field = refusal.field if refusal.field in form.fields else None
        form.add_error(field, str(refusal))
        return None
