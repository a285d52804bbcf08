"""Adding, editing, disabling, enabling and deleting agents."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import Account, Application, User
from accounts.services.audit import Event, record
from accounts.text import email_key, fold
from agents.enums import AgentRole
from agents.errors import DetailsRefused
from agents.models import Agent, SipTelephone, SkillGroup, SkillGroupMember
from agents.models.agents import AgentQuerySet
from agents.services.batches import (
    BulkChange,
    BulkResult,
    change_in_turns,
    keys,
    lock_application,
    require_rows,
)
from agents.services.licenses import release_held, unbind_telephones_of
from agents.services.seats import claim_licenses
from billing.enums import LicenseKind


@dataclass(frozen=True)
class AgentDetails:
    """What a person states about an agent, clean in form; `groups` holds keys of skill groups.

    An empty nickname means that customers see the name.
    """

    name: str
    staff_number: str
    email: str
    nickname: str = ""
    phone: str = ""
    role: str = AgentRole.AGENT
    extension: str = ""
    groups: tuple[int, ...] = ()

    def columns(self) -> dict[str, str]:
        """Return the values of the agent's own columns."""
        values = {**vars(self), "nickname": self.nickname or self.name}
        del values["groups"]
        return values


def _find_conflicts(
    application: Application, details: AgentDetails, agent: Agent | None
) -> Iterator[tuple[str, str]]:
    """Yield each field that would break a rule over several rows, with a sentence."""
    others = Agent.objects.filter(account_id=application.account_id, application=application)
    if agent is not None:
        others = others.exclude(pk=agent.pk)
    if others.filter(staff_number_key=fold(details.staff_number)).exists():
        yield "staff_number", _("Another agent of this application has this staff number.")
    if others.filter(email_key=email_key(details.email)).exists():
        yield "email", _("Another agent of this application has this email address.")
    if details.extension:
        telephones = SipTelephone.objects.filter(
            account_id=application.account_id, application=application
        )
        if others.filter(extension=details.extension).exists():
            yield "extension", _("Another agent of this application has this extension.")
        elif telephones.filter(extension=details.extension).exists():
            yield "extension", _("A SIP telephone of this application has this extension.")
    groups = SkillGroup.objects.filter(application=application, pk__in=details.groups)
    if groups.count() != len(set(details.groups)):
        yield "groups", _("Choose skill groups of this application.")


def _require_no_conflict(
    application: Application, details: AgentDetails, agent: Agent | None = None
) -> None:
    problems = dict(_find_conflicts(application, details, agent))
    if problems:
        raise DetailsRefused(problems)


def _set_groups(agent: Agent, groups: tuple[int, ...]) -> None:
    wanted = set(groups)
    held = set(agent.group_memberships.values_list("group_id", flat=True))
    agent.group_memberships.filter(group_id__in=held - wanted).delete()
    SkillGroupMember.objects.bulk_create(
        SkillGroupMember(account_id=agent.account_id, group_id=group, agent=agent)
        for group in sorted(wanted - held)
    )


@transaction.atomic
def add_agent(
    *,
    application: Application,
    details: AgentDetails,
    with_license: bool,
    by: User | None,
    now: datetime,
) -> Agent:
    """Add an agent, with a free license or without one.

    Raises Refused where the account is restricted, DetailsRefused where a unique field is taken,
    LicensesMissing where a license is wanted and none is free.
    """
    account = lock_application(application)
    _require_no_conflict(application, details)
    license = None
    if with_license:
        license = claim_licenses(application, LicenseKind.AGENT, 1, now)[0]
    try:
        with transaction.atomic():
            agent = Agent.objects.create(
                account=account,
                application=application,
                license_id=license,
                created_at=now,
                updated_at=now,
                **details.columns(),
            )
    except IntegrityError as error:
        raise _taken_meanwhile() from error
    _set_groups(agent, details.groups)
    event = Event(verb="agent.added", target=agent, data={"license": license})
    record([event], account=account, by=by, now=now)
    return agent


def _taken_meanwhile() -> DetailsRefused:
    """The database refused what the service had found free: someone did not take the lock."""
    return DetailsRefused({"": _("Someone else has just taken a value or the license. Try again.")})


@transaction.atomic
def edit_agent(*, agent: Agent, details: AgentDetails, by: User | None, now: datetime) -> Agent:
    """Change what is stated about an agent; an edit that changes nothing leaves no trace.

    Raises Refused where the account is restricted, DetailsRefused where a unique field is taken.
    """
    application = agent.application
    account = lock_application(application)
    current = Agent.objects.select_for_update(no_key=True).get(pk=agent.pk)
    _require_no_conflict(application, details, current)
    columns = details.columns()
    changed = sorted(name for name, value in columns.items() if getattr(current, name) != value)
    groups = set(current.group_memberships.values_list("group_id", flat=True))
    if groups != set(details.groups):
        changed.append("groups")
    if not changed:
        return current
    for name, value in columns.items():
        setattr(current, name, value)
    current.updated_at = now
    try:
        with transaction.atomic():
            current.save(update_fields=[*columns, "updated_at"])
    except IntegrityError as error:
        raise _taken_meanwhile() from error
    _set_groups(current, details.groups)
    event = Event(verb="agent.edited", target=current, data={"fields": changed})
    record([event], account=account, by=by, now=now)
    return current


def disable_agents(
    *,
    application: Application,
    chosen: AgentQuerySet,
    frees_licenses: bool,
    by: User | None,
    now: datetime,
    expected: int | None = None,
) -> BulkResult:
    """Force agents offline until they are enabled again.

    A disabled agent keeps its license, so that it works on when it is enabled; with
    `frees_licenses` the licenses of all chosen agents, also of those disabled before, are free
    for others. Raises Refused as `change_in_turns`.
    """
    work = disabling(application=application, frees_licenses=frees_licenses, by=by, now=now)
    return change_in_turns(application, chosen, work, expected=expected)


def disabling(
    *, application: Application, by: User | None, now: datetime, frees_licenses: bool = False
) -> BulkChange:
    """Return what `disable_agents` does to a few agents at a time."""

    def disable(account: Account, agents: list[Agent]) -> list[int]:
        active = [agent for agent in agents if agent.is_enabled]
        _switch(account, active, to=False, by=by, now=now)
        if frees_licenses:
            release_held(account, agents, by=by, now=now)
        return keys(active)

    return BulkChange(disable)


def enable_agents(
    *,
    application: Application,
    chosen: AgentQuerySet,
    by: User | None,
    now: datetime,
    expected: int | None = None,
) -> BulkResult:
    """Let agents work again. Raises Refused as `change_in_turns`."""
    work = enabling(application=application, by=by, now=now)
    return change_in_turns(application, chosen, work, expected=expected)


def enabling(*, application: Application, by: User | None, now: datetime) -> BulkChange:
    """Return what `enable_agents` does to a few agents at a time."""

    def enable(account: Account, agents: list[Agent]) -> list[int]:
        idle = [agent for agent in agents if not agent.is_enabled]
        _switch(account, idle, to=True, by=by, now=now)
        return keys(idle)

    return BulkChange(enable)


def _switch(
    account: Account, agents: list[Agent], *, to: bool, by: User | None, now: datetime
) -> None:
    """Enable or disable agents that are in the other state."""
    found = Agent.objects.filter(pk__in=keys(agents), is_enabled=not to).update(
        is_enabled=to, updated_at=now
    )
    require_rows(found, len(agents))
    before, after = ("disabled", "enabled") if to else ("enabled", "disabled")
    events = [
        Event(verb=f"agent.{after}", target=agent, from_state=before, to_state=after)
        for agent in agents
    ]
    record(events, account=account, by=by, now=now)


def delete_agents(
    *,
    application: Application,
    chosen: AgentQuerySet,
    by: User | None,
    now: datetime,
    expected: int | None = None,
) -> BulkResult:
    """Remove agents permanently; their licenses are free again, their telephones unbound.

    Raises Refused as `change_in_turns`.
    """
    work = deleting(application=application, by=by, now=now)
    return change_in_turns(application, chosen, work, expected=expected)


def deleting(*, application: Application, by: User | None, now: datetime) -> BulkChange:
    """Return what `delete_agents` does to a few agents at a time."""

    def delete(account: Account, agents: list[Agent]) -> list[int]:
        unbind_telephones_of(account, agents, reason="agent deleted", by=by, now=now)
        events = [
            Event(verb="agent.deleted", target=agent, data={"freed": agent.license_id})
            for agent in agents
        ]
        record(events, account=account, by=by, now=now)
        _total, rows = Agent.objects.filter(pk__in=keys(agents)).delete()
        require_rows(rows.get(Agent._meta.label, 0), len(agents))
        return keys(agents)

    return BulkChange(delete)
