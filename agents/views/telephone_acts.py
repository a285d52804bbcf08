"""What can be done with one SIP telephone, each as a dialog."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.access import AccountAccess, Permission, account_page
from accounts.errors import Refused
from accounts.forms.fields import RefusableForm
from accounts.http import close_dialog, render_page
from agents.forms.telephones import BindForm, TelephoneForm
from agents.models import SipTelephone
from agents.services import telephones as services
from agents.views.places import CHANGED_EVENT, back_to, may_change
from agents.views.telephones import LIST, load_telephone, show_password


@dataclass(frozen=True)
class TelephoneWords:
    """What a dialog says: its title, its button, and what will happen."""

    title: str | Promise
    button: str | Promise
    effects: tuple[str | Promise, ...] = ()
    done: str | Promise = ""
    is_destructive: bool = False


def _ask(
    request: HttpRequest,
    access: AccountAccess,
    telephone: SipTelephone,
    words: TelephoneWords,
    form: Form,
) -> HttpResponse:
    application = telephone.application
    context = {
        "application": application,
        "telephone": telephone,
        "words": words,
        "form": form,
        "may_change": may_change(access),
        "back_url": back_to(request, application, LIST),
    }
    status = 422 if form.is_bound else 200
    return render_page(request, "agents/telephone_act.html", context, status=status)


@account_page(Permission.MANAGE_AGENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def telephone_edit(
    request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int
) -> HttpResponse:
    """Change a telephone's name or extension."""
    application, telephone = load_telephone(access, sdkappid, pk)
    initial = {"label": telephone.label, "extension": telephone.extension}
    form = TelephoneForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            edited = services.edit_telephone(
                telephone=telephone, **form.cleaned_data, by=access.user, now=timezone.now()
            )
        except Refused as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("%(telephone)s was changed.") % {"telephone": edited})
            return close_dialog(request, CHANGED_EVENT, url=back_to(request, application, LIST))
    words = TelephoneWords(gettext_lazy("Edit a SIP telephone"), gettext_lazy("Save"))
    return _ask(request, access, telephone, words, form)


#: The acts that need no more than consent, by their name in the address.
PLAIN_ACTS: dict[str, tuple[TelephoneWords, Callable[..., Any]]] = {
    "unbind": (
        TelephoneWords(
            gettext_lazy("Unbind a SIP telephone"),
            gettext_lazy("Unbind"),
            (gettext_lazy("It no longer rings for an agent, but stays registered."),),
            gettext_lazy("%(telephone)s was unbound."),
        ),
        services.unbind_telephone,
    ),
    "license": (
        TelephoneWords(
            gettext_lazy("Assign a SIP license"),
            gettext_lazy("Assign"),
            (gettext_lazy("It takes one free SIP license and can be called again."),),
            gettext_lazy("%(telephone)s got a license."),
        ),
        services.license_telephone,
    ),
    "free": (
        TelephoneWords(
            gettext_lazy("Free a SIP license"),
            gettext_lazy("Free"),
            (
                gettext_lazy("It is unbound from its agent and goes out of service."),
                gettext_lazy(
                    "The license becomes free and stays until its expiry. It is not refunded."
                ),
            ),
            gettext_lazy("The license of %(telephone)s is free now."),
            is_destructive=True,
        ),
        services.free_telephone_license,
    ),
    "remove": (
        TelephoneWords(
            gettext_lazy("Remove a SIP telephone"),
            gettext_lazy("Remove permanently"),
            (
                gettext_lazy("It can no longer register. This cannot be undone."),
                gettext_lazy(
                    "Its license becomes free and stays until its expiry. It is not refunded."
                ),
            ),
            gettext_lazy("%(telephone)s was removed."),
            is_destructive=True,
        ),
        services.remove_telephone,
    ),
}


@account_page(Permission.MANAGE_AGENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def act_on_telephone(
    request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int, act: str
) -> HttpResponse:
    """Ask for consent, then do one of the plain acts."""
    application, telephone = load_telephone(access, sdkappid, pk)
    words, service = PLAIN_ACTS[act]
    form = RefusableForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        name = str(telephone)
        try:
            service(telephone=telephone, by=access.user, now=timezone.now())
        except Refused as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, str(words.done) % {"telephone": name})
            return close_dialog(request, CHANGED_EVENT, url=back_to(request, application, LIST))
    return _ask(request, access, telephone, words, form)


@account_page(Permission.MANAGE_AGENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int) -> HttpResponse:
    """Give the telephone another password and show it, this once."""
    application, telephone = load_telephone(access, sdkappid, pk)
    form = RefusableForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            current, password = services.reset_password(
                telephone=telephone, by=access.user, now=timezone.now()
            )
        except Refused as refusal:
            form.refuse(refusal)
        else:
            return show_password(request, application, current, password)
    words = TelephoneWords(
        gettext_lazy("Reset the password"),
        gettext_lazy("Generate a new password"),
        (gettext_lazy("The current password stops working immediately."),),
    )
    return _ask(request, access, telephone, words, form)


@account_page(Permission.MANAGE_AGENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def bind(request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int) -> HttpResponse:
    """Let the telephone ring for an agent, where the edition allows it."""
    application, telephone = load_telephone(access, sdkappid, pk)
    form = BindForm(request.POST if request.method == "POST" else None, application=application)
    if request.method == "POST" and form.is_valid():
        agent = form.cleaned_data["agent"]
        try:
            services.bind_telephone(
                telephone=telephone, agent=agent, by=access.user, now=timezone.now()
            )
        except Refused as refusal:
            form.refuse(refusal)
        else:
            sentence = _("%(telephone)s rings for %(agent)s now.")
            messages.success(request, sentence % {"telephone": telephone, "agent": agent})
            return close_dialog(request, CHANGED_EVENT, url=back_to(request, application, LIST))
    words = TelephoneWords(
        gettext_lazy("Bind a SIP telephone to an agent"),
        gettext_lazy("Bind"),
        (gettext_lazy("Calls for the agent ring on this telephone."),),
    )
    return _ask(request, access, telephone, words, form)
