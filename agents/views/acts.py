"""Acts on a selection of agents, each a dialog that counts first: one row of a table each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.access import AccountAccess, Permission, account_page, load_application
from accounts.errors import Refused
from accounts.http import close_dialog, redirect_after, render_page
from accounts.models import Application, User
from agents import previews
from agents.forms.acts import ActForm, AssignForm, ChangeForm, DisableForm, MoveForm
from agents.forms.selection import Selection, read_selection
from agents.models.agents import AgentQuerySet
from agents.services.acts import begin_act, goes_to_background
from agents.services.agents import delete_agents, disable_agents, enable_agents
from agents.services.batches import BulkResult
from agents.services.changes import change_agents
from agents.services.licenses import assign_licenses, free_licenses_of, move_licenses
from agents.services.packages import read_newest
from agents.views.places import CHANGED_EVENT, back_to, may_change, place_of
from agents.views.sales import find_license_shop
from agents.views.undoing import Undo, find_changing, with_undo

TEMPLATE = "agents/act.html"


@dataclass(frozen=True)
class Act:
    """An act on agents: its words, its form, what it would do and what does it.

    `options` turns the clean form into the service's own arguments; `undo` is there where the act
    is not final.
    """

    name: str
    label: str | Promise
    title: str | Promise
    button: str | Promise
    done: Any
    preview: previews.Previewer
    service: Callable[..., BulkResult]
    form: type[ActForm] = ActForm
    options: Callable[[Any], dict[str, Any]] = lambda form: {}
    is_destructive: bool = False
    undo: Undo | None = None

    def perform(
        self,
        application: Application,
        chosen: AgentQuerySet,
        form: ActForm,
        by: User,
        now: datetime,
    ) -> BulkResult:
        """Call the service with what the clean form says."""
        return self.service(
            application=application,
            chosen=chosen,
            expected=form.cleaned_data["expected"],
            by=by,
            now=now,
            **self.options(form),
        )


ACTS = {
    act.name: act
    for act in (
        Act(
            "assign",
            _("Assign licenses"),
            _("Assign licenses"),
            _("Assign"),
            ngettext_lazy(
                "%(number)s agent got a license.", "%(number)s agents got a license.", "number"
            ),
            previews.preview_assign,
            assign_licenses,
            AssignForm,
            lambda form: {"is_partial_allowed": form.cleaned_data["is_partial_allowed"]},
            undo=Undo("free", lambda chosen, now: chosen.unlicensed(now)),
        ),
        Act(
            "free",
            _("Free licenses"),
            _("Free licenses"),
            _("Free"),
            ngettext_lazy(
                "%(number)s license is free now.", "%(number)s licenses are free now.", "number"
            ),
            previews.preview_free,
            free_licenses_of,
            is_destructive=True,
            undo=Undo("assign", lambda chosen, now: chosen.filter(license__isnull=False)),
        ),
        Act(
            "move",
            _("Move licenses"),
            _("Move licenses"),
            _("Move"),
            ngettext_lazy(
                "%(number)s license was moved.", "%(number)s licenses were moved.", "number"
            ),
            previews.preview_move,
            move_licenses,
            MoveForm,
            lambda form: {"staff_numbers": form.cleaned_data["staff_numbers"]},
        ),
        Act(
            "change",
            _("Change"),
            _("Change agents"),
            _("Change"),
            ngettext_lazy(
                "%(number)s agent was changed.", "%(number)s agents were changed.", "number"
            ),
            previews.preview_change,
            change_agents,
            ChangeForm,
            lambda form: {"change": form.change()},
        ),
        Act(
            "enable",
            _("Enable"),
            _("Enable agents"),
            _("Enable"),
            ngettext_lazy(
                "%(number)s agent was enabled.", "%(number)s agents were enabled.", "number"
            ),
            previews.preview_enable,
            enable_agents,
            undo=Undo("disable", lambda chosen, now: chosen.filter(is_enabled=False)),
        ),
        Act(
            "disable",
            _("Disable"),
            _("Disable agents"),
            _("Disable"),
            ngettext_lazy(
                "%(number)s agent was disabled.", "%(number)s agents were disabled.", "number"
            ),
            previews.preview_disable,
            disable_agents,
            DisableForm,
            lambda form: {"frees_licenses": form.cleaned_data["frees_licenses"]},
            is_destructive=True,
            undo=Undo(
                "enable",
                lambda chosen, now: chosen.filter(is_enabled=True),
                lambda form: not form.cleaned_data["frees_licenses"],
            ),
        ),
        Act(
            "delete",
            _("Delete"),
            _("Delete agents"),
            _("Delete permanently"),
            ngettext_lazy(
                "%(number)s agent was deleted.", "%(number)s agents were deleted.", "number"
            ),
            previews.preview_delete,
            delete_agents,
            is_destructive=True,
        ),
    )
}


@account_page(Permission.MANAGE_AGENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def act_on_agents(
    request: HttpRequest, access: AccountAccess, sdkappid: int, act: str
) -> HttpResponse:
    """Ask for consent with exact numbers; on POST, do it and say for how many."""
    application = load_application(access, sdkappid)
    chosen_act, now = ACTS[act], timezone.now()
    try:
        selection = read_selection(application, request.GET)
    except Refused as refusal:
        context = _context(request, access, application, chosen_act) | {"refusal": refusal}
        return render_page(request, TEMPLATE, context, status=422)
    if request.method == "POST":
        return _carry_out(request, access, selection, chosen_act, now)
    form = chosen_act.form(application=application)
    return _ask(request, access, selection, chosen_act, form, now)


def _carry_out(
    request: HttpRequest, access: AccountAccess, selection: Selection, act: Act, now: datetime
) -> HttpResponse:
    application = selection.application
    form = act.form(request.POST, application=application)
    if not form.is_valid():
        return _ask(request, access, selection, act, form, now, status=422)
    if goes_to_background(act.name, selection.agents(now).count()):
        return _begin(request, access, selection, act, form, now)
    undoing = find_changing(request, act.undo, selection.agents(now), form, now)
    try:
        result = act.perform(application, selection.agents(now), form, access.user, now)
    except Refused as refusal:
        return _ask_again(request, access, selection, act, form, refusal, now)
    sentence = act.done % {"number": result.changed} if result.changed else _("Nothing to change.")
    if act.undo and undoing:
        sentence = with_undo(sentence, application, act.undo, undoing)
    messages.success(request, sentence)
    return close_dialog(request, CHANGED_EVENT, url=back_to(request, application))


def _begin(
    request: HttpRequest,
    access: AccountAccess,
    selection: Selection,
    act: Act,
    form: ActForm,
    now: datetime,
) -> HttpResponse:
    """Leave the act to a background job, and lead to the page that shows how far it is."""
    application = selection.application
    try:
        begun = begin_act(
            application=application,
            name=act.name,
            options=act.options(form),
            chosen=selection.agents(now),
            expected=form.cleaned_data["expected"],
            by=access.user,
            now=now,
        )
    except Refused as refusal:
        return _ask_again(request, access, selection, act, form, refusal, now)
    url = reverse("agents:act", kwargs=place_of(application) | {"pk": begun.pk})
    return redirect_after(request, url)


def _ask_again(
    request: HttpRequest,
    access: AccountAccess,
    selection: Selection,
    act: Act,
    form: ActForm,
    refusal: Refused,
    now: datetime,
) -> HttpResponse:
    form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
    status = 409 if refusal.code == "selection_changed" else 422
    return _ask(request, access, selection, act, form, now, status=status)


def _ask(
    request: HttpRequest,
    access: AccountAccess,
    selection: Selection,
    act: Act,
    form: ActForm,
    now: datetime,
    *,
    status: int = 200,
) -> HttpResponse:
    preview = act.preview(selection.application, selection.agents(now), now)
    context = _context(request, access, selection.application, act) | {
        "form": form.fitted(preview),
        "preview": preview,
        "buy_url": _find_shop(access, selection.application, preview, now),
        "is_whole_filter": selection.ids is None,
    }
    return render_page(request, TEMPLATE, context, status=status)


def _context(
    request: HttpRequest, access: AccountAccess, application: Application, act: Act
) -> dict[str, Any]:
    return {
        "application": application,
        "act": act,
        "may_change": may_change(access),
        "back_url": back_to(request, application),
    }


def _find_shop(
    access: AccountAccess, application: Application, preview: previews.Preview, now: datetime
) -> str:
    if not preview.missing:
        return ""
    return find_license_shop(access, application, read_newest(application, now))
