"""Skill groups of an application."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import AccountAccess, Permission, account_page, load_application
from accounts.errors import Refused
from accounts.forms.fields import RefusableForm
from accounts.http import close_dialog, render_page
from accounts.models import Application
from agents.forms.filters import groups_of
from agents.forms.telephones import GroupForm
from agents.models import SkillGroup
from agents.services.groups import add_group, delete_group, rename_group
from agents.views.places import CHANGED_EVENT, back_to, may_change, place_of

LIST = "agents:skill_groups"


@account_page()
@require_safe
def skill_groups(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """List the application's skill groups, each with the number of its agents."""
    application = load_application(access, sdkappid)
    context = {
        "application": application,
        "groups": groups_of(application).annotate(size=Count("members")),
        "place": place_of(application),
        "may_change": may_change(access),
    }
    return render_page(request, "agents/skill_groups.html", context, partial="groups")


@account_page(Permission.MANAGE_AGENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def group_add(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Make a skill group."""
    application = load_application(access, sdkappid)
    form = GroupForm(request.POST if request.method == "POST" else None)
    context = {"title": _("Add a skill group"), "button": _("Add the skill group")}

    def save() -> str:
        group = add_group(
            application=application,
            name=form.cleaned_data["name"],
            by=access.user,
            now=timezone.now(),
        )
        return _("%(group)s was added.") % {"group": group}

    return _answer(request, access, application, form, context, save)


@account_page(Permission.MANAGE_AGENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def group_rename(
    request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int
) -> HttpResponse:
    """Give a skill group another name."""
    application, group = _load(access, sdkappid, pk)
    posted = request.POST if request.method == "POST" else None
    form = GroupForm(posted, initial={"name": group.name})
    context = {"title": _("Rename a skill group"), "button": _("Save"), "group": group}

    def save() -> str:
        renamed = rename_group(
            group=group, name=form.cleaned_data["name"], by=access.user, now=timezone.now()
        )
        return _("%(group)s was saved.") % {"group": renamed}

    return _answer(request, access, application, form, context, save)


@account_page(Permission.MANAGE_AGENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int) -> HttpResponse:
    """Delete a skill group; its agents stay."""
    application, group = _load(access, sdkappid, pk)
    form = RefusableForm(request.POST if request.method == "POST" else None)
    context = {
        "title": _("Delete a skill group"),
        "button": _("Delete permanently"),
        "group": group,
        "leaving": group.members.count(),
        "is_destructive": True,
    }

    def save() -> str:
        delete_group(group=group, by=access.user, now=timezone.now())
        return _("%(group)s was deleted.") % {"group": group.name}

    return _answer(request, access, application, form, context, save)


def _load(access: AccountAccess, sdkappid: int, pk: int) -> tuple[Application, SkillGroup]:
    application = load_application(access, sdkappid)
    group = access.get(groups_of(application), pk=pk)
    group.application = application
    return application, group


def _answer(
    request: HttpRequest,
    access: AccountAccess,
    application: Application,
    form: RefusableForm,
    context: dict[str, Any],
    save: Callable[[], str],
) -> HttpResponse:
    """Save a clean form and close the dialog, or show the form with its faults."""
    if request.method == "POST" and form.is_valid():
        try:
            sentence = save()
        except Refused as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, sentence)
            return close_dialog(request, CHANGED_EVENT, url=back_to(request, application, LIST))
    context |= {
        "application": application,
        "form": form,
        "may_change": may_change(access),
        "back_url": back_to(request, application, LIST),
    }
    status = 422 if form.is_bound else 200
    return render_page(request, "agents/skill_group.html", context, status=status)
