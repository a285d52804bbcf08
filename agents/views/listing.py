"""The list of agents as an address asks for it, ready to be shown."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.http import QueryDict
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Application
from accounts.paging import COUNT_LIMIT, Page, PagePosition, count_up_to, read_page
from accounts.templatetags.console import badge, dialog_link
from accounts.templatetags.console import count as write_count
from accounts.templatetags.kit import chips
from agents.enums import ServiceState
from agents.forms import FilterForm
from agents.listing import DEFAULT_SORT, SORT_ORDERS, AgentFilter, agents_of, state_of
from agents.models import Agent, SkillGroupMember
from agents.models.agents import AgentQuerySet

#: How each state feels.
TONES = {
    ServiceState.IN_SERVICE: "good",
    ServiceState.DISABLED: "quiet",
    ServiceState.NO_LICENSE: "warning",
    ServiceState.LICENSE_ENDED: "warning",
    ServiceState.PACKAGE_ENDED: "danger",
    ServiceState.ACCOUNT_RESTRICTED: "danger",
}

#: The acts of a row's menu, in order.
ROW_ACTS = {
    "assign": _("Assign a license"),
    "free": _("Free the license"),
    "move": _("Move the license"),
    "disable": _("Disable"),
    "enable": _("Enable"),
    "refund": _("Refund the package"),
    "delete": _("Delete"),
}

#: What each row of the list says, by the name that its template uses.
WORDS = {
    "staff_number": _("Staff number"),
    "contact": _("Contact"),
    "role": _("Role"),
    "groups": _("Skill groups"),
    "extension": _("Extension"),
    "license": _("License"),
    "state": _("State"),
    "edit": _("Edit"),
}

#: Columns in order: sort name, or none where a column cannot be sorted by, and label.
COLUMNS = (
    ("name", _("Name")),
    ("staff_number", _("Staff number")),
    ("email", _("Contact")),
    ("", _("Role")),
    ("", _("Skill groups")),
    ("extension", _("Extension")),
    ("", _("License")),
    ("", _("State")),
)


#: Stands for an agent's key in addresses that are made once for all rows; no encoded query
#: holds such a text.
KEY = "{key}"
_EDIT: frozenset[str] = frozenset({"edit"})


@dataclass(frozen=True)
class RowActs:
    """What can be done with one agent; `urls` maps acts to addresses, of those on offer.

    `edit_url` holds `KEY` in the place of the agent's key.

    The lines of a row's menu differ in little more than the agent's key, so that they are made
    once for each kind of row and not by the template for each row.
    """

    edit_url: str
    urls: dict[str, str]
    _menus: dict[frozenset[str], str] = field(default_factory=dict)

    def menu(self, agent: Agent, back: str) -> SafeString:
        """Return the list items of the acts that change something about this agent."""
        idle = {"enable" if agent.is_enabled else "disable"}
        idle |= {"free", "move"} if agent.license_id is None else set()
        kind = frozenset(idle)
        if kind not in self._menus:
            self._menus[kind] = self._build(idle, back)
        return SafeString(self._menus[kind].replace(KEY, str(agent.pk)))

    def _build(self, idle: set[str], back: str) -> str:
        return format_html_join(
            "",
            "<li><a {}>{}</a></li>",
            (
                (dialog_link(f"{self.urls[name]}?ids={KEY}&{back}".rstrip("&")), label)
                for name, label in ROW_ACTS.items()
                if name in self.urls and name not in idle
            ),
        )

    def edit_link(self, agent: Agent, back: str) -> SafeString:
        """Return the attributes of the link that opens the agent's form."""
        if _EDIT not in self._menus:
            self._menus[_EDIT] = dialog_link(f"{self.edit_url}?{back}".rstrip("?"))
        return SafeString(self._menus[_EDIT].replace(KEY, str(agent.pk)))


@dataclass(frozen=True)
class AgentRow:
    """An agent as one row shows it, its words made ready."""

    agent: Agent
    role: str
    groups: SafeString
    badge: SafeString
    choose: str
    more: str
    edit_link: SafeString
    menu: SafeString


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
    rows: list[AgentRow]
    count: int
    columns: list[Column]
    address: str

    @property
    def filter_pairs(self) -> list[tuple[str, str]]:
        """The filter as names and values of hidden fields."""
        return parse_qsl(self.agent_filter.to_query())

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


def read_listing(
    query: QueryDict, application: Application, acts: RowActs, now: datetime
) -> Listing:
    """Read the page of the list that an address asks for; a faulty filter matches no one."""
    form = FilterForm(query, application=application)
    agents = agents_of(application.account_id, application.pk)
    agent_filter, sort = AgentFilter(), DEFAULT_SORT
    if form.is_valid():
        agent_filter, sort = form.agent_filter(), form.sort_name
        agents = agent_filter.apply(agents, now)
    else:
        agents = agents.none()
    count = count_up_to(agents)
    names = {group.pk: group.name for group in form.groups}
    order = SORT_ORDERS[sort.removeprefix("-")]
    shared = _query(agent_filter, sort)
    page = read_page(
        _with_all_shown(agents),
        order.turned(sort.startswith("-")),
        PagePosition.from_query(query),
        shared,
    )
    place = {name: query[name] for name in ("after", "before", "page") if query.get(name)}
    address = "&".join(part for part in (shared, urlencode(place)) if part)
    return Listing(
        form=form,
        is_filtered=not agent_filter.is_empty or not form.is_valid(),
        agent_filter=agent_filter,
        sort=sort,
        page=page,
        rows=[_row(agent, application, names, acts, address, now) for agent in page.rows],
        count=count,
        columns=_columns(agent_filter, sort),
        address=address,
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
    return (
        agents.with_licenses()
        .select_related("telephone")
        .annotate(group_ids=ArraySubquery(memberships))
    )


def _row(
    agent: Any,
    application: Application,
    names: dict[int, str],
    acts: RowActs,
    address: str,
    now: datetime,
) -> AgentRow:
    back = urlencode({"back": address}) if address else ""
    return AgentRow(
        agent=agent,
        role=agent.get_role_display(),
        groups=chips(sorted(names[pk] for pk in agent.group_ids if pk in names)),
        badge=state_badge(state_of(agent, application.account, now)),
        choose=gettext("Choose %(agent)s") % {"agent": agent},
        more=gettext("More for %(name)s") % {"name": agent.name},
        edit_link=acts.edit_link(agent, back),
        menu=acts.menu(agent, back),
    )


def state_badge(state: ServiceState) -> SafeString:
    """Show a derived state as word, shape and color."""
    return badge(state, state.label, tone=TONES[state])
