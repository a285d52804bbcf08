"""Changing many agents: picked under the lock, written and audited a few hundred at a time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.errors import Busy, Refused
from accounts.models import Account, Application
from accounts.services.tenants import lock_account, require_good_standing
from agents.models import Agent
from agents.models.agents import AgentQuerySet

#: Rows read or written by one statement.
BATCH = 2_000
#: Agents changed in one transaction: it holds the account for well below a second.
TURN = 500


@dataclass(frozen=True)
class BulkResult:
    """How many agents were meant, and for how many there was something to change."""

    matched: int
    changed: int


#: Changes a few agents of an account, whose lock is held, and returns the keys of those changed.
Change = Callable[[Account, list[Agent]], list[int]]


@dataclass(frozen=True)
class BulkChange:
    """What an act does to a few agents at a time, and what is asked before the first of all.

    `check` gets all agents that are meant, and raises Refused.
    """

    change: Change
    check: Callable[[AgentQuerySet], None] = lambda chosen: None


def takes_a_job(count: int) -> bool:
    """Whether so many agents are left to a background job, since a request would take too long."""
    return count > settings.AGENTS_CHANGED_AT_ONCE


def lock_application(application: Application) -> Account:
    """Lock the application's account for a change of agents or telephones.

    Raises Refused (code "account_restricted") where the account is not in good standing.
    """
    account = lock_account(application.account_id)
    require_good_standing(account)
    return account


def own_agents(application: Application, chosen: AgentQuerySet) -> AgentQuerySet:
    """Return what of `chosen` belongs to the application, whatever the caller passed."""
    return chosen.filter(account_id=application.account_id, application_id=application.pk)


def count_confirmed(chosen: AgentQuerySet, expected: int | None) -> int:
    """Count what is about to be changed, under the lock.

    `expected` is the number that the person confirmed. Raises Refused (code "selection_changed")
    where it is another one by now, since no one agreed to that; and (code "nothing_chosen")
    where nothing is left.
    """
    matched = chosen.count()
    if expected is not None and matched != expected:
        raise Refused(
            ngettext(
                "%(count)d agent matches now. Check the numbers again.",
                "%(count)d agents match now. Check the numbers again.",
                matched,
            )
            % {"count": matched},
            code="selection_changed",
        )
    if not matched:
        raise Refused(_("Choose at least one agent."), code="nothing_chosen")
    return matched


def change_in_turns(
    application: Application,
    chosen: AgentQuerySet,
    work: BulkChange,
    *,
    expected: int | None,
) -> BulkResult:
    """Change the chosen agents, `TURN` in each transaction, so that other acts come in between.

    `work.change` is called under the account's lock with agents by ascending key, those that are
    still chosen then. `work.check` is called before the first, under the same lock. Raises
    Refused as `count_confirmed` and for a restricted account; where that comes up after some
    turns, the refusal says how many agents are done (code "stopped").
    """
    chosen = own_agents(application, chosen)
    ids: list[int] = []
    matched = done = changed = 0
    while done < max(len(ids), 1):
        try:
            with transaction.atomic():
                account = lock_application(application)
                if not ids:
                    matched = count_confirmed(chosen, expected)
                    work.check(chosen)
                    ids = list(chosen.order_by("pk").values_list("pk", flat=True))
                turn = chosen.filter(pk__in=ids[done : done + TURN]).order_by("pk")
                found = work.change(account, list(turn))
        except (Refused, Busy) as refusal:
            if not done:
                raise
            raise _stopped(done, len(ids), refusal) from refusal
        changed += len(found)
        done += TURN
    return BulkResult(matched, changed)


def _stopped(done: int, total: int, reason: Refused | Busy) -> Refused:
    why = (
        _("Someone else is working on this account right now.")
        if isinstance(reason, Busy)
        else str(reason)
    )
    return Refused(
        _("%(done)s of %(total)s agents are done. %(reason)s Repeat this for the others.")
        % {"done": done, "total": total, "reason": why},
        code="stopped",
    )


def keys(agents: Iterable[Agent]) -> list[int]:
    """Return the primary keys."""
    return [agent.pk for agent in agents]


def require_rows(found: int, expected: int) -> None:
    """Raise Refused where a filtered UPDATE met another number of rows than was decided on."""
    if found != expected:
        raise Refused(
            _("Someone else has just changed some of these agents. Try again."),
            code="changed_meanwhile",
        )
