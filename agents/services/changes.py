"""Changing role and skill groups of many agents."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account, Application, User
from accounts.services.audit import Event, record
from agents.models import Agent, SkillGroup, SkillGroupMember
from agents.models.agents import AgentQuerySet
from agents.services.batches import (
    BulkChange,
    BulkResult,
    change_in_turns,
    keys,
)


@dataclass(frozen=True)
class AgentChange:
    """What should become of each agent; an empty role keeps each one's own.

    `joins` and `leaves` hold keys of skill groups.
    """

    role: str = ""
    joins: frozenset[int] = frozenset()
    leaves: frozenset[int] = frozenset()

    def as_json(self) -> dict[str, Any]:
        """Return it as `from_json` takes it."""
        return {"role": self.role, "joins": sorted(self.joins), "leaves": sorted(self.leaves)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Return what `as_json` was called on."""
        return cls(stored["role"], frozenset(stored["joins"]), frozenset(stored["leaves"]))

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return self == AgentChange()


def change_agents(
    *,
    application: Application,
    chosen: AgentQuerySet,
    change: AgentChange,
    by: User | None,
    now: datetime,
    expected: int | None = None,
) -> BulkResult:
    """Give the chosen agents a role, and let them join and leave skill groups.

    Raises Refused where nothing is asked for, a group is not the application's or is to be both
    joined and left, for a restricted account, and for a changed selection.
    """
    work = changing(application=application, change=change, by=by, now=now)
    return change_in_turns(application, chosen, work, expected=expected)


def changing(
    *, application: Application, change: AgentChange, by: User | None, now: datetime
) -> BulkChange:
    """Return what `change_agents` does to a few agents at a time."""

    def change_some(account: Account, agents: list[Agent]) -> list[int]:
        # A skill group may be gone since the turn before.
        _require_sensible(application, change)
        return _change_batch(account, agents, change, by=by, now=now)

    return BulkChange(change_some, lambda chosen: _require_sensible(application, change))


def _require_sensible(application: Application, change: AgentChange) -> None:
    if change.is_empty:
        raise Refused(_("Choose at least one change."), code="nothing_asked")
    if change.joins & change.leaves:
        raise Refused(
            _("A skill group cannot be joined and left at the same time."),
            code="contradiction",
            field="leaves",
        )
    wanted = change.joins | change.leaves
    own = SkillGroup.objects.filter(account_id=application.account_id, application=application)
    if own.filter(pk__in=wanted).count() != len(wanted):
        raise Refused(
            _("Choose skill groups of this application."), code="unknown_group", field="joins"
        )


def _memberships(agents: Collection[int], groups: Collection[int]) -> set[tuple[int, int]]:
    found = SkillGroupMember.objects.filter(agent__in=agents, group__in=groups)
    return set(found.values_list("agent_id", "group_id"))


def _change_batch(
    account: Account, batch: list[Agent], change: AgentChange, *, by: User | None, now: datetime
) -> list[int]:
    """Write what differs, and one audit event for each agent for which something did."""
    ids = keys(batch)
    held = _memberships(ids, change.joins)
    new = [(pk, group) for pk in ids for group in sorted(change.joins) if (pk, group) not in held]
    old = _memberships(ids, change.leaves)
    other_role = {agent.pk for agent in batch if change.role and agent.role != change.role}
    touched = other_role | {pk for pk, _group in new} | {pk for pk, _group in old}
    SkillGroupMember.objects.bulk_create(
        SkillGroupMember(account=account, agent_id=pk, group_id=group) for pk, group in new
    )
    SkillGroupMember.objects.filter(agent__in=ids, group__in=change.leaves).delete()
    changed = Agent.objects.filter(pk__in=touched)
    if other_role:
        Agent.objects.filter(pk__in=other_role).update(role=change.role)
    changed.update(updated_at=now)
    events = [
        Event(verb="agent.edited", target=agent, data=_described(agent, change, other_role))
        for agent in batch
        if agent.pk in touched
    ]
    record(events, account=account, by=by, now=now)
    return sorted(touched)


def _described(agent: Agent, change: AgentChange, other_role: set[int]) -> dict[str, object]:
    role = {"role": [agent.role, change.role]} if agent.pk in other_role else {}
    return {**role, "joins": sorted(change.joins), "leaves": sorted(change.leaves)}
