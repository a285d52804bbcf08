"""Acts on more agents than a request should change: begun, canceled, and taken back (ADR 0063).

`agents.services.act_turns` carries them out.
"""

from array import array
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.enums import WorkStatus
from accounts.errors import Refused
from accounts.jobs import defer
from accounts.models import Application, User
from accounts.services.audit import Event, record
from accounts.services.tenants import lock_account
from agents.enums import ActName
from agents.models import Agent, AgentAct
from agents.models.agents import AgentQuerySet
from agents.services.agents import deleting, disabling, enabling
from agents.services.batches import (
    BulkChange,
    count_confirmed,
    lock_application,
    own_agents,
    takes_a_job,
)
from agents.services.changes import AgentChange, changing
from agents.services.licenses import assigning, freeing
from agents.transitions import ACT_STARTS, ACT_TRANSITIONS, ActMove, ActStart

#: The task that carries an act out.
CARRY_ON = "agents.tasks.carry_on"
#: What an act does to a few agents, by its name.
_WORK: dict[str, Callable[..., BulkChange]] = {
    ActName.ASSIGN: assigning,
    ActName.FREE: freeing,
    ActName.CHANGE: changing,
    ActName.ENABLE: enabling,
    ActName.DISABLE: disabling,
    ActName.DELETE: deleting,
}
#: Which act takes another one back.
_BACK = {
    ActName.ASSIGN: ActName.FREE,
    ActName.FREE: ActName.ASSIGN,
    ActName.ENABLE: ActName.DISABLE,
    ActName.DISABLE: ActName.ENABLE,
}


def goes_to_background(name: str, count: int) -> bool:
    """Whether an act on so many agents is carried out by a job."""
    return name in _WORK and takes_a_job(count)


def _as_json(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.as_json() if isinstance(value, AgentChange) else value
        for name, value in options.items()
    }


def work_of(
    name: str, options: Mapping[str, Any], application: Application, by: User | None, now: datetime
) -> BulkChange:
    """Return what an act with these stored options does."""
    values = dict(options)
    if "change" in values:
        values["change"] = AgentChange.from_json(values["change"])
    return _WORK[name](application=application, by=by, now=now, **values)


@transaction.atomic
def begin_act(
    *,
    application: Application,
    name: str,
    options: Mapping[str, Any],
    chosen: AgentQuerySet,
    by: User,
    now: datetime,
    expected: int | None = None,
    undoes: AgentAct | None = None,
) -> AgentAct:
    """Note an act on the chosen agents, and let a job carry it out.

    `options` are the arguments that the act's own service takes. Raises Refused as that service
    does before it changes the first agent.
    """
    account = lock_application(application)
    own = own_agents(application, chosen)
    count_confirmed(own, expected)
    stored = _as_json(options)
    work_of(name, stored, application, by, now).check(own)
    agents = list(own.order_by("pk").values_list("pk", flat=True))
    act = AgentAct.objects.create(
        account=account,
        application=application,
        name=name,
        options=stored,
        agents=agents,
        total=len(agents),
        status=ACT_STARTS[ActStart.BEGIN],
        undoes=undoes,
        created_at=now,
        created_by=by,
    )
    event = Event(
        verb="agent_act.begun",
        target=act,
        to_state=act.status,
        data={"act": name, "options": stored, "agents": act.total},
    )
    record([event], account=account, by=by, now=now)
    defer(CARRY_ON, {"key": act.pk})
    return act


# --- Canceling and taking back -------------------------------------------------------------


@transaction.atomic
def cancel_act(*, act: AgentAct, by: User, now: datetime) -> None:
    """Cancel an act of which no agent was gone through. Raises Refused where it has begun."""
    account = lock_account(act.account_id)
    was, after = ACT_TRANSITIONS.source(ActMove.CANCEL), ACT_TRANSITIONS.target(ActMove.CANCEL)
    here = AgentAct.objects.filter(pk=act.pk, status=was, done=0)
    if not here.update(status=after, finished_at=now):
        raise Refused(
            _("Agents have already been changed, so this can no longer be canceled."), code="begun"
        )
    event = Event(verb="agent_act.canceled", target=act, from_state=was, to_state=after)
    record([event], account=account, by=by, now=now)


def may_undo(act: AgentAct) -> bool:
    """Whether an act has ended and changed something that another one brings back as it was.

    One that takes another back is not taken back itself, and one that is taken back, or about to
    be, is not offered again.
    """
    return (
        act.name in _BACK
        and act.undoes_id is None
        and not act.is_waiting
        and act.changed > 0
        and not act.options.get("frees_licenses")
        and not act.undone_by.filter(status__in=(WorkStatus.WAITING, WorkStatus.DONE)).exists()
    )


@transaction.atomic
def undo_act(*, act: AgentAct, by: User, now: datetime) -> AgentAct:
    """Begin the act that takes another one back, for exactly the agents which that one changed.

    Agents deleted since are left out. Raises Refused where it cannot be taken back.
    """
    lock_application(act.application)
    current = AgentAct.objects.select_related("application").get(pk=act.pk)
    if not may_undo(current):
        raise Refused(_("This cannot be undone."), code="no_undo")
    changed = array("q", set(current.agents[: current.done]) - set(current.unchanged))
    return begin_act(
        application=current.application,
        name=_BACK[ActName(current.name)],
        options={},
        chosen=Agent.objects.filter(pk__any=changed),
        by=by,
        now=now,
        undoes=current,
    )
