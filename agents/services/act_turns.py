"""Carrying out an act on many agents: a few hundred in each transaction, by ascending key.

A turn takes the account's lock, looks where the act stands, changes its next agents and moves the
act on, all in one transaction. So a job can be killed at any moment, run again, or run twice at
the same time, and each agent is still gone through once.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.urls import reverse

from accounts.access import Permission
from accounts.errors import Refused
from accounts.models import Account
from accounts.services.audit import Event, record
from accounts.services.background import (
    Clock,
    in_language_of,
    news_for_person,
    require_permission,
    work_off,
)
from accounts.services.notifications import News
from accounts.services.tenants import lock_account, require_good_standing
from agents.models import Agent, AgentAct
from agents.services.acts import work_of
from agents.services.batches import TURN, own_agents, require_rows
from agents.transitions import ACT_TRANSITIONS, ActMove


def carry_on_act(key: int, *, clock: Clock) -> None:
    """Carry an act out from where it stands, until it is done, canceled or stopped.

    Raises Busy where the account stays locked for long.
    """
    work_off(lambda now: _take_turn(key, now), clock)


@transaction.atomic
def _take_turn(key: int, now: datetime) -> bool:
    """Change the next agents of an act, and return whether it continues after that."""
    found = AgentAct.objects.filter(pk=key).values_list("account_id", flat=True).first()
    if found is None:
        return False
    account = lock_account(found)
    acts = AgentAct.objects.select_related("application", "created_by").defer("agents")
    act = acts.get(pk=key)
    if not act.is_waiting:
        return False
    with in_language_of(act.created_by):
        try:
            with transaction.atomic():
                gone_through, changed = _change_next(act, account, now)
        except Refused as refusal:
            _end(act, account, ActMove.STOP, reason=str(refusal), now=now)
            return False
        unchanged = sorted(set(gone_through) - set(changed))
        _move_on(act, account, len(gone_through), unchanged, now)
    return act.is_waiting


def _change_next(act: AgentAct, account: Account, now: datetime) -> tuple[list[int], list[int]]:
    """Return the keys that the turn has gone through, and of which agents something changed."""
    require_good_standing(account)
    require_permission(account, act.created_by, Permission.MANAGE_AGENTS)
    row = AgentAct.objects.filter(pk=act.pk)
    turn: list[int] = row.values_list(F("agents")[act.done : act.done + TURN], flat=True).get()
    # Its creator chose them of this application; they may be gone by now.
    chosen = own_agents(act.application, Agent.objects.filter(pk__in=turn)).order_by("pk")
    work = work_of(act.name, act.options, act.application, act.created_by, now)
    return turn, work.change(account, list(chosen))


def _move_on(
    act: AgentAct, account: Account, count: int, unchanged: list[int], now: datetime
) -> None:
    values: dict[str, Any] = {"done": act.done + count}
    if unchanged:
        values["unchanged"] = act.unchanged + unchanged
    was = ACT_TRANSITIONS.source(ActMove.CHANGE)
    here = AgentAct.objects.filter(pk=act.pk, status=was, done=act.done)
    require_rows(here.update(**values), 1)
    for name, value in values.items():
        setattr(act, name, value)
    if act.done == act.total:
        _end(act, account, ActMove.FINISH, now=now)


def _end(
    act: AgentAct, account: Account, move: ActMove, *, reason: str = "", now: datetime
) -> None:
    """Write how the act ended, and tell who began it unless they see it happen."""
    was, status = ACT_TRANSITIONS.source(move), ACT_TRANSITIONS.target(move)
    here = AgentAct.objects.filter(pk=act.pk, status=was, done=act.done)
    require_rows(here.update(status=status, reason=reason, finished_at=now), 1)
    act.status, act.reason, act.finished_at = status, reason, now
    event = Event(
        verb=f"agent_act.{status}",
        target=act,
        from_state=was,
        to_state=status,
        reason=reason,
        data={"agents": act.total, "done": act.done, "changed": act.changed},
        news=news_for_person(act, _news(act, account), now),
    )
    record([event], account=account, by=act.created_by, now=now)


def _news(act: AgentAct, account: Account) -> News:
    place = {"uin": account.uin, "sdkappid": act.application.sdkappid, "pk": act.pk}
    return News(
        account=account,
        kind="agents_changed",
        params={
            "application": act.application.name,
            "act": act.name,
            "status": act.status,
            "changed": act.changed,
            "done": act.done,
            "total": act.total,
            "reason": act.reason,
        },
        to=[act.created_by] if act.created_by else [],
        path=reverse("agents:act", kwargs=place),
    )
