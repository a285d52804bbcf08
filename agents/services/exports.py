"""Agents as rows of a table, read piece by piece."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import Permission
from accounts.models import Account, Application
from accounts.services.exports import ExportKind
from agents.enums import AgentRole, ServiceState
from agents.listing import AgentFilter, agents_of, facts_of
from agents.models import Agent, SkillGroupMember
from agents.models.agents import AgentQuerySet
from agents.policy import derive_agent_state, find_obstacles
from agents.services.batches import BATCH, own_agents
from agents.sheets import COLUMNS, GROUP_SEPARATOR, heading


def export_rows(
    application: Application, chosen: AgentQuerySet, now: datetime
) -> Iterator[list[str]]:
    """Yield the heading, then a row for each chosen agent in the order of adding.

    Agents are read by key in batches, so the memory does not grow with their number, and no
    transaction is kept open while someone's browser loads slowly.
    """
    yield heading()
    names = SkillGroupMember.objects.filter(agent=OuterRef("pk")).order_by("group__name")
    rows: QuerySet[Any] = (
        own_agents(application, chosen)
        .with_licenses()
        .annotate(group_names=ArraySubquery(names.values("group__name")))
        .order_by("pk")
    )
    last = 0
    while batch := list(rows.filter(pk__gt=last)[:BATCH]):
        for agent in batch:
            yield _cells(agent, agent.group_names, application, now)
        last = batch[-1].pk


#: What makes a license, held or not, no license to an import.
_UNLICENSED = {
    ServiceState.NO_LICENSE,
    ServiceState.LICENSE_ENDED,
    ServiceState.PACKAGE_ENDED,
}


def _cells(agent: Agent, groups: list[str], application: Application, now: datetime) -> list[str]:
    facts = facts_of(agent, application.account)
    is_licensed = _UNLICENSED.isdisjoint(find_obstacles(facts, now))
    values = {
        "name": agent.name,
        "nickname": agent.nickname,
        "staff_number": agent.staff_number,
        "email": agent.email,
        "phone": agent.phone,
        "role": str(agent.get_role_display()),
        "extension": agent.extension,
        "groups": f"{GROUP_SEPARATOR} ".join(groups),
        "license": _("Yes") if is_licensed else _("No"),
        "state": str(derive_agent_state(facts, now).label),
    }
    return [values[column] for column in COLUMNS]


def _read(account: Account, options: Mapping[str, Any], now: datetime) -> Iterator[list[str]]:
    application = Application.objects.get(account=account, pk=options["application"])
    application.account = account
    chosen = AgentFilter(**options["filter"]).apply(agents_of(account.pk, application.pk), now)
    return export_rows(application, chosen, now)


AGENTS = ExportKind(Permission.EXPORT_AGENTS, gettext_lazy("Agents"), _read)


def template_rows() -> list[list[str]]:
    """Return the heading and one made-up agent, for people to write over."""
    example = {
        "name": "Ada Lovelace",
        "nickname": "Ada",
        "staff_number": "1001",
        "email": "ada@example.com",
        "phone": "+8613800138000",
        "role": str(AgentRole.AGENT.label),
        "extension": "1001",
        "groups": "",
        "license": _("Yes"),
    }
    return [[str(COLUMNS[column]) for column in example], list(example.values())]
