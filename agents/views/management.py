"""The Agent Management page: the package above, the agents below."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django_htmx.http import push_url

from accounts.access import AccountAccess, Permission, account_page, load_application
from accounts.http import announce, render_page, wants_fragment
from accounts.models import Application
from agents.models import AgentAct
from agents.services.packages import read_newest, read_summary
from agents.services.under_way import find_work, with_work
from agents.views.acts import ACTS
from agents.views.listing import KEY, WORDS, RowActs, read_listing
from agents.views.places import may_change, place_of
from agents.views.sales import may_spend, sales_of
from billing.packages.acts import PackageAct
from billing.packages.status import PackageStatus

TEMPLATE = "agents/management.html"


@account_page()
@require_safe
def management(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Show the application's package and its agents; htmx asks for the agents alone."""
    application = load_application(access, sdkappid, with_work())
    now = timezone.now()
    context = _shared(access, application, now)
    listing = read_listing(request.GET, application, context["row_acts"], now)
    context |= {
        "title": _("Agent management"),
        "subtitle": str(application),
        "listing": listing,
        "words": {name: str(word) for name, word in WORDS.items()},
        "acts": _bulk_acts(application),
        "under_way": _under_way(access, application),
        "tools": _tools(access, application),
    }
    response = render_page(request, TEMPLATE, context, partial="agents")
    if wants_fragment(request):
        url = request.path + (f"?{listing.address}" if listing.address else "")
        response = announce(push_url(response, url), listing.count_sentence)
    return response


@account_page()
@require_safe
def summary(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Show the package alone, for the page that stands already; else lead to the page."""
    application = load_application(access, sdkappid)
    if not wants_fragment(request):
        return redirect(reverse("agents:management", kwargs=place_of(application)))
    context = _shared(access, application, timezone.now())
    return render_page(request, TEMPLATE, context, partial="summary")


def _shared(access: AccountAccess, application: Application, now: datetime) -> dict[str, Any]:
    place = place_of(application)
    status = read_newest(application, now)
    summary = SimpleLazyObject(lambda: read_summary(application, now, status=status))
    urls = {name: reverse(f"agents:{name}", kwargs=place) for name in ("add", "summary")}
    if access.may(Permission.EXPORT_AGENTS):
        urls["export"] = reverse("agents:export", kwargs=place)
    if may_change(access):
        urls["import"] = reverse("agents:import", kwargs=place)
    urls["license_all"] = reverse("agents:assign", kwargs=place) + "?all=1&licensed=no"
    return {
        "access": access,
        "application": application,
        "now": now,
        "summary": summary,
        "may_change": may_change(access),
        "may_choose_renewal": may_spend(access) and PackageAct.CHOOSE_RENEWAL in status.acts,
        "may_read_money": access.may(Permission.READ_MONEY),
        "may_manage": access.may(Permission.MANAGE_AGENTS),
        "urls": urls,
        "row_acts": _row_acts(access, application, status),
        "sales": sales_of(access, application, status),
    }


def _row_acts(access: AccountAccess, application: Application, status: PackageStatus) -> RowActs:
    place, urls = place_of(application), {}
    if may_change(access):
        urls = {name: reverse(f"agents:{name}", kwargs=place) for name in ACTS}
    if may_spend(access) and PackageAct.REFUND in status.acts:
        urls["refund"] = reverse("agents:refund", kwargs=place)
    edit_url = reverse("agents:edit", kwargs={**place, "pk": 0})
    return RowActs(edit_url.replace("/0/edit/", f"/{KEY}/edit/"), urls)


def _bulk_acts(application: Application) -> list[dict[str, Any]]:
    place = place_of(application)
    return [
        {
            "label": act.label,
            "url": reverse(f"agents:{act.name}", kwargs=place),
            "is_destructive": act.is_destructive,
        }
        for act in ACTS.values()
    ]


def _under_way(access: AccountAccess, application: Application) -> list[dict[str, Any]]:
    if not (access.may(Permission.MANAGE_AGENTS) and application.has_work):  # type: ignore[attr-defined]
        return []
    place = place_of(application)
    return [
        {
            "work": work,
            "is_act": isinstance(work, AgentAct),
            "url": reverse(
                "agents:act" if isinstance(work, AgentAct) else "agents:import_file",
                kwargs={**place, "pk": work.pk},
            ),
        }
        for work in find_work(application)
    ]


def _tools(access: AccountAccess, application: Application) -> list[dict[str, Any]]:
    """Return the quiet buttons of the page's head."""
    if not may_change(access):
        return []
    url = reverse("agents:import", kwargs=place_of(application))
    return [{"label": _("Import"), "url": url, "icon": "arrow-up-tray"}]
