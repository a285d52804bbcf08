"""What the list of agents shows: filters, search and sort orders, as the address says them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Collate
from django.db.models.lookups import StartsWith

from accounts.models import Account
from accounts.paging import SortOrder
from accounts.text import email_key, fold
from agents.enums import ServiceState
from agents.models import Agent, SipTelephone, SkillGroupMember
from agents.models.agents import AgentQuerySet
from agents.policy import HolderFacts, derive_agent_state

#: The sort orders on offer by their name in the address; each reads an index of its own.
SORT_ORDERS = {
    "name": SortOrder(F("name_key")),
    "staff_number": SortOrder(F("staff_number_key")),
    "email": SortOrder(F("email_key")),
    "extension": SortOrder(Collate("extension", "C")),
    "added": SortOrder(None),
}
DEFAULT_SORT = "name"


@dataclass(frozen=True)
class AgentFilter:
    """Which agents of an application are meant; empty fields do not narrow.

    `search` is the beginning of a name, staff number, email address or extension, in any case;
    `group` the key of a skill group; `licensed` is "yes" or "no".
    """

    search: str = ""
    state: str = ""
    group: int | None = None
    role: str = ""
    licensed: str = ""

    @classmethod
    def from_clean(cls, values: Mapping[str, Any]) -> Self:
        """Return the filter of a clean `FilterForm`."""
        group = values.get("group")
        return cls(
            search=values.get("search", ""),
            state=values.get("state", ""),
            group=group.pk if group else None,
            role=values.get("role", ""),
            licensed=values.get("licensed", ""),
        )

    @property
    def is_empty(self) -> bool:
        """Whether every agent of the application is meant."""
        return self == AgentFilter()

    def to_query(self) -> str:
        """Return the filter as the query part of an address."""
        values = {
            "search": self.search,
            "state": self.state,
            "group": self.group or "",
            "role": self.role,
            "licensed": self.licensed,
        }
        return urlencode({name: value for name, value in values.items() if value})

    def apply(self, agents: AgentQuerySet, now: datetime) -> AgentQuerySet:
        """Narrow `agents` to those that are meant at `now`."""
        if self.search:
            agents = agents.filter(matches_beginning(self.search))
        if self.state:
            agents = agents.in_state(self.state, now)
        if self.role:
            agents = agents.filter(role=self.role)
        if self.group:
            agents = agents.filter(
                Exists(SkillGroupMember.objects.filter(group=self.group, agent=OuterRef("pk")))
            )
        if self.licensed:
            agents = agents.licensed(now) if self.licensed == "yes" else agents.unlicensed(now)
        return agents


def matches_beginning(text: str) -> Q:
    """Return the condition that a name, staff number, address or extension begins with `text`.

    The beginning is folded as the stored keys are; signs with a meaning in patterns are escaped
    by the lookup.
    """
    beginning = Value(fold(text))
    address = Value(email_key(text))
    return (
        Q(StartsWith(F("name_key"), beginning))
        | Q(StartsWith(F("staff_number_key"), beginning))
        | Q(StartsWith(F("email_key"), address))
        | Q(StartsWith(Collate("extension", "C"), beginning))
    )


def agents_of(account_id: int, application_id: int) -> AgentQuerySet:
    """Return the agents of an application, found through its account."""
    return Agent.objects.filter(account_id=account_id, application_id=application_id)


def facts_of(holder: Agent | SipTelephone, account: Account) -> HolderFacts:
    """Return what decides about a row that was read by `with_licenses`."""
    license = holder.license
    return HolderFacts(
        account_status=account.status,
        is_enabled=holder.is_enabled if isinstance(holder, Agent) else True,
        has_license=license is not None,
        license_ends_at=license.ends_at if license else None,
        package_state=license.package.state if license else "",
        package_expires_at=license.package.expires_at if license else None,
        is_superseded=holder.is_superseded,
    )


def state_of(holder: Agent | SipTelephone, account: Account, now: datetime) -> ServiceState:
    """Return the derived state of such a row."""
    return derive_agent_state(facts_of(holder, account), now)
