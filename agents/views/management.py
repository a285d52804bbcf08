"""The Agent Management page: the package above, the agents below."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_htmx.http import push_url

from accounts.access import AccountAccess, Permission, account_page
from accounts.http import announce, render_page, wants_fragment
from accounts.models import Application
from accounts.templatetags.console import count as write_count
from agents.enums import ServiceState
from agents.forms import FilterForm
from agents.listing import DEFAULT_SORT, SORT_ORDERS, AgentFilter, agents_of, state_of
from agents.models import Agent, SkillGroupMember
from agents.models.agents import AgentQuerySet
from agents.paging import COUNT_LIMIT, Page, Place, count_up_to, read_page
from agents.services.packages import read_summary
from agents.views.places import load_application, may_change, place_of

TEMPLATE = "agents/management.html"

#: How each state feels.
TONES = {
    ServiceState.IN_SERVICE: "good",
    ServiceState.DISABLED: "quiet",
    ServiceState.NO_LICENCE: "warning",
    ServiceState.LICENCE_ENDED: "warning",
    ServiceState.PACKAGE_ENDED: "danger",
    ServiceState.ACCOUNT_RESTRICTED: "danger",
}

#: The addresses that the page's buttons lead to, all with an application's arguments.
ACTS = ("add", "assign", "change", "delete", "disable", "enable", "free", "move", "summary")
SALES = {
    "purchase": ("billing:purchase",),
    "add": ("billing:add",),
    "renew": ("billing:renew",),
    "upgrade": ("billing:upgrade",),
    "refund": ("agents:refund",),
}

#: Columns in order: sort name, or none where a column cannot be sorted by, and label.
COLUMNS = (
    ("name", _("Name")),
    ("staff_number", _("Staff number")),
    ("email", _("Contact")),
    ("", _("Role")),
    ("", _("Skill groups")),
    ("extension", _("Extension")),
    ("", _("Licence")),
    ("", _("State")),
)


@dataclass(frozen=True)
class Row:
    """An agent as one row shows it."""

    agent: Agent
    state: ServiceState
    tone: str
    groups: list[str]


@dataclass(frozen=True)
class Column:
    """The head of a column; `url` sorts by it, `order` is "ascending", "descending" or empty."""

    label: str
    url: str = ""
    order: str = ""


@dataclass(frozen=True)
class Listing:
    """The list as an address asks for it."""

    form: FilterForm
    is_filtered: bool
    agent_filter: AgentFilter
    sort: str
    page: Page[Agent]
    rows: list[Row]
    count: int
    columns: list[Column]
    query: str
    address: str

    @property
    def count_text(self) -> str:
        """The number of agents, "10,000+" where there are more than are counted."""
        if self.count > COUNT_LIMIT:
            return f"{write_count(COUNT_LIMIT)}+"
        return write_count(self.count)

    @property
    def count_sentence(self) -> str:
        """The number of agents in words."""
        text = ngettext("%(number)s agent", "%(number)s agents", self.count)
        return text % {"number": self.count_text}


def read_listing(query: QueryDict, application: Application, now: datetime) -> Listing:
    """Read the page of the list that an address asks for; a faulty filter matches nobody."""
    form = FilterForm(query, application=application)
    agents = agents_of(application.account_id, application.pk)
    agent_filter, sort = AgentFilter(), DEFAULT_SORT
    if form.is_valid():
        agent_filter, sort = form.agent_filter(), form.sort_name
        agents = agent_filter.apply(agents, now)
    else:
        agents = agents.none()
    count = count_up_to(agents)
    names = {group.pk: group.name for group in form.fields["group"].queryset}  # type: ignore[attr-defined]
    order = SORT_ORDERS[sort.removeprefix("-")]
    shared = _query(agent_filter, sort)
    page = read_page(
        _with_all_shown(agents), order.turned(sort.startswith("-")), Place.from_query(query), shared
    )
    place = {name: query[name] for name in ("after", "before", "page") if query.get(name)}
    return Listing(
        form=form,
        is_filtered=not agent_filter.is_empty or not form.is_valid(),
        agent_filter=agent_filter,
        sort=sort,
        page=page,
        rows=[_row(agent, application, names, now) for agent in page.rows],
        count=count,
        columns=_columns(agent_filter, sort),
        query=shared,
        address="&".join(part for part in (shared, urlencode(place)) if part),
    )


def _query(agent_filter: AgentFilter, sort: str) -> str:
    parts = (agent_filter.to_query(), urlencode({"sort": sort}) if sort != DEFAULT_SORT else "")
    return "&".join(part for part in parts if part)


def _columns(agent_filter: AgentFilter, sort: str) -> list[Column]:
    columns = []
    for name, label in COLUMNS:
        order = {name: "ascending", f"-{name}": "descending"}.get(sort, "") if name else ""
        turned = f"-{name}" if order == "ascending" else name
        url = f"?{_query(agent_filter, turned)}" if name else ""
        columns.append(Column(str(label), url, order))
    return columns


def _with_all_shown(agents: AgentQuerySet) -> AgentQuerySet:
    """Join what a row shows; skill groups come as keys, since their names are at hand."""
    memberships = SkillGroupMember.objects.filter(agent=OuterRef("pk")).values("group_id")
    return agents.select_related("licence__package", "telephone").annotate(
        group_ids=ArraySubquery(memberships)
    )


def _row(agent: Any, application: Application, names: dict[int, str], now: datetime) -> Row:
    state = state_of(agent, application.account, now)
    groups = sorted(names[pk] for pk in agent.group_ids if pk in names)
    return Row(agent, state, TONES[state], groups)


@account_page()
def management(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Show the application's package and its agents; htmx asks for the agents alone."""
    application = load_application(access, sdkappid)
    now = timezone.now()
    listing = read_listing(request.GET, application, now)
    context = {
        **_shared(access, application, now),
        "title": _("Agent management"),
        "subtitle": str(application),
        "listing": listing,
    }
    response = render_page(request, TEMPLATE, context, partial="agents")
    if wants_fragment(request):
        url = request.path + (f"?{listing.address}" if listing.address else "")
        response = announce(push_url(response, url), listing.count_sentence)
    return response


@account_page()
def summary(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Show the package alone, for the page that stands already; else lead to the page."""
    application = load_application(access, sdkappid)
    if not wants_fragment(request):
        return redirect("agents:management", **place_of(application))
    context = _shared(access, application, timezone.now())
    return render_page(request, TEMPLATE, context, partial="summary")


def _shared(access: AccountAccess, application: Application, now: datetime) -> dict[str, Any]:
    place = place_of(application)
    return {
        "application": application,
        "now": now,
        "summary": SimpleLazyObject(lambda: read_summary(application, now)),
        "may_change": may_change(access),
        "may_manage": access.may(Permission.MANAGE_AGENTS),
        "may_spend": access.may(Permission.SPEND) and access.account.is_in_good_standing,
        "may_export": access.may(Permission.EXPORT_AGENTS),
        "urls": {act: reverse(f"agents:{act}", kwargs=place) for act in ACTS},
        "sales": {act: _address_if_any(names, place) for act, names in SALES.items()},
    }


def _address_if_any(names: tuple[str, ...], place: dict[str, Any]) -> str:
    """Return the address of the first page that exists, or nothing."""
    for name in names:
        try:
            return reverse(name, kwargs=place)
        except NoReverseMatch:
            continue
    return ""
