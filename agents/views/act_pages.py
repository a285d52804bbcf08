"""The page of an act that continues in the background: how far it is, and what became of it."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import reswap, retarget

from accounts.access import AccountAccess, Permission, account_page, load_application
from accounts.errors import Refused
from accounts.http import redirect_after, render_page, wants_fragment
from accounts.services.background import note_watched
from agents.models import AgentAct
from agents.services.acts import cancel_act, may_undo, undo_act
from agents.views.places import may_change, place_of

TEMPLATE = "agents/act_page.html"
#: What the page asks with: the phase that it shows.
SHOWN = "shown"


def _load(access: AccountAccess, sdkappid: int, pk: int) -> AgentAct:
    application = load_application(access, sdkappid)
    own = AgentAct.objects.filter(application=application).defer("agents")
    act = access.get(own.select_related("created_by"), pk=pk)
    act.application = application
    return act


def _url(act: AgentAct, name: str = "act") -> str:
    return reverse(f"agents:{name}", kwargs=place_of(act.application) | {"pk": act.pk})


def _answer(
    request: HttpRequest,
    access: AccountAccess,
    act: AgentAct,
    *,
    partial: str = "act",
    refusal: Refused | None = None,
) -> HttpResponse:
    context = {
        "application": act.application,
        "act": act,
        "refusal": refusal,
        "place": place_of(act.application),
        "may_change": may_change(access),
        "may_undo": may_change(access) and may_undo(act),
        "undone_by": act.undone_by.defer("agents", "unchanged").order_by("-pk").first(),
        "urls": {
            "page": _url(act),
            "cancel": _url(act, "act_cancel"),
            "undo": _url(act, "act_undo"),
        },
    }
    status = 422 if refusal else 200
    return render_page(request, TEMPLATE, context, partial=partial, status=status)


@account_page(Permission.MANAGE_AGENTS)
@require_http_methods(["GET", "HEAD", "POST"])
def act_page(request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int) -> HttpResponse:
    """Show how far an act is; to a page that shows the same phase already, only the bar.

    A page that waits asks by POST, since it is noted that someone looks.
    """
    act = _load(access, sdkappid, pk)
    if request.method == "POST":
        note_watched(act, access.user, timezone.now())
    if wants_fragment(request) and request.GET.get(SHOWN) == act.phase:
        response = _answer(request, access, act, partial="bar")
        return reswap(retarget(response, "#act-bar"), "innerHTML")
    return _answer(request, access, act)


@account_page(Permission.MANAGE_AGENTS)
@require_POST
def act_cancel(request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int) -> HttpResponse:
    """Cancel an act that has changed nothing yet."""
    act = _load(access, sdkappid, pk)
    try:
        cancel_act(act=act, by=access.user, now=timezone.now())
    except Refused as refusal:
        return _answer(request, access, _load(access, sdkappid, pk), refusal=refusal)
    return redirect_after(request, _url(act))


@account_page(Permission.MANAGE_AGENTS)
@require_POST
def act_undo(request: HttpRequest, access: AccountAccess, sdkappid: int, pk: int) -> HttpResponse:
    """Begin the act that takes this one back, and lead to its page."""
    act = _load(access, sdkappid, pk)
    try:
        back = undo_act(act=act, by=access.user, now=timezone.now())
    except Refused as refusal:
        return _answer(request, access, act, refusal=refusal)
    return redirect_after(request, _url(back))
