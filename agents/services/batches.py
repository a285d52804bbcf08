"""Changing many agents in one transaction: picked under the lock, written and audited in batches.

A batch bounds the memory, not the transaction: an act on a whole filter succeeds or fails as one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.errors import Refused
from accounts.models import Account, Application, AuditEvent, User
from accounts.services.audit import build_event
from accounts.services.tenants import lock_account, require_good_standing
from agents.models import Agent
from agents.models.agents import AgentQuerySet

BATCH = 2_000


@dataclass(frozen=True)
class BulkResult:
    """How many agents were meant, and for how many there was something to change."""

    matched: int
    changed: int


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
    where it is another one by now, since nobody agreed to that; and (code "nothing_chosen")
    where nothing is left.
    """
    matched = chosen.count()
    if expected is not None and matched != expected:
        raise Refused(
            ngettext(
                "Meanwhile %(count)d agent matches. Look at the numbers again.",
                "Meanwhile %(count)d agents match. Look at the numbers again.",
                matched,
            )
            % {"count": matched},
            code="selection_changed",
        )
    if not matched:
        raise Refused(_("Choose at least one agent."), code="nothing_chosen")
    return matched


def in_batches(chosen: AgentQuerySet) -> Iterator[list[Agent]]:
    """Yield the chosen agents by ascending key, each read when its turn comes.

    What a batch changes may take it out of `chosen`; the key keeps the place.
    """
    last = 0
    while batch := list(chosen.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield batch
        last = batch[-1].pk


def keys(agents: Iterable[Agent]) -> list[int]:
    """Return the primary keys."""
    return [agent.pk for agent in agents]


def require_rows(found: int, expected: int) -> None:
    """Raise Refused where a filtered UPDATE met another number of rows than was decided on."""
    if found != expected:
        raise Refused(
            _("Somebody else has just changed some of these agents. Try again."),
            code="changed_meanwhile",
        )


def write_events(
    *,
    account: Account,
    verb: str,
    agents: Iterable[Agent],
    by: User | None,
    now: datetime,
    describe: Callable[[Agent], Mapping[str, Any]] = lambda agent: {},
    from_state: str = "",
    to_state: str = "",
) -> None:
    """Write one audit event for each agent; `describe` gives its details."""
    AuditEvent.objects.bulk_create(
        [
            build_event(
                account=account,
                verb=verb,
                target=agent,
                from_state=from_state,
                to_state=to_state,
                data=describe(agent),
                by=by,
                now=now,
            )
            for agent in agents
        ],
        batch_size=BATCH,
    )
