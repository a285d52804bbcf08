"""Giving licenses to agents, taking them back, and moving them from one agent to another."""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.errors import Refused
from accounts.models import Account, Application, User
from accounts.queries import update_by_key
from accounts.services.audit import Event, record
from accounts.text import fold
from agents.models import Agent, SipTelephone
from agents.models.agents import AgentQuerySet
from agents.services.batches import (
    BATCH,
    BulkChange,
    BulkResult,
    change_in_turns,
    count_confirmed,
    keys,
    lock_application,
    own_agents,
    require_rows,
)
from agents.services.seats import (
    claim_licenses,
    free_licenses,
    licenses_missing,
)
from billing.enums import LicenseKind


def assign_licenses(
    *,
    application: Application,
    chosen: AgentQuerySet,
    by: User | None,
    now: datetime,
    is_partial_allowed: bool = False,
    expected: int | None = None,
) -> BulkResult:
    """Give a free license to each chosen agent that has none that counts.

    Begins only where there are enough, unless `is_partial_allowed`: then those added first get
    what there is. Raises LicensesMissing, and Refused as `change_in_turns`.
    """
    work = assigning(application=application, is_partial_allowed=is_partial_allowed, by=by, now=now)
    return change_in_turns(application, chosen, work, expected=expected)


def assigning(
    *, application: Application, by: User | None, now: datetime, is_partial_allowed: bool = False
) -> BulkChange:
    """Return what `assign_licenses` does to a few agents at a time."""

    def require_enough(chosen: AgentQuerySet) -> None:
        needed = chosen.unlicensed(now).count()
        free = free_licenses(application, LicenseKind.AGENT, now).count()
        if needed > free and not (free and is_partial_allowed):
            raise licenses_missing(LicenseKind.AGENT, needed=needed, free=free)

    def assign(account: Account, agents: list[Agent]) -> list[int]:
        meant = Agent.objects.filter(pk__in=keys(agents))
        waiting = list(meant.unlicensed(now).order_by("pk"))
        if is_partial_allowed:
            free = free_licenses(application, LicenseKind.AGENT, now)[: len(waiting)].count()
            waiting = waiting[:free]
        licenses = claim_licenses(application, LicenseKind.AGENT, len(waiting), now)
        hand_over(account, waiting, licenses, by=by, now=now)
        return keys(waiting)

    return BulkChange(assign, require_enough)


def hand_over(
    account: Account,
    agents: Sequence[Agent],
    licenses: Sequence[int],
    *,
    by: User | None,
    now: datetime,
) -> None:
    """Write agent and license pairwise; the unique key refuses a license that is held."""
    for start in range(0, len(agents), BATCH):
        batch = agents[start : start + BATCH]
        part = dict(zip(keys(batch), licenses[start : start + BATCH], strict=True))
        try:
            with transaction.atomic():
                found = update_by_key(
                    Agent,
                    list(part),
                    {"license": list(part.values()), "updated_at": [now] * len(part)},
                )
        except IntegrityError as error:
            raise Refused(
                _("Someone else has just taken one of these licenses. Try again."),
                code="license_taken",
            ) from error
        require_rows(found, len(batch))
        events = [
            Event(verb="agent.license_assigned", target=agent, data={"license": part[agent.pk]})
            for agent in batch
        ]
        record(events, account=account, by=by, now=now)


def release_held(
    account: Account, agents: Sequence[Agent], *, by: User | None, now: datetime
) -> list[int]:
    """Take the licenses of these agents back and return the keys of those who held one.

    Their telephones are unbound: a binding needs a licensed agent, and a telephone that stayed
    bound would keep its SIP license for nothing. For services that hold the account's lock
    already.
    """
    unbind_telephones_of(account, agents, reason="agent without a license", by=by, now=now)
    holders = [agent for agent in agents if agent.license_id is not None]
    found = Agent.objects.filter(pk__in=keys(holders), license__isnull=False).update(
        license=None, updated_at=now
    )
    require_rows(found, len(holders))
    events = [
        Event(verb="agent.license_freed", target=agent, data={"license": agent.license_id})
        for agent in holders
    ]
    record(events, account=account, by=by, now=now)
    return keys(holders)


def unbind_telephones_of(
    account: Account, agents: Sequence[Agent], *, reason: str, by: User | None, now: datetime
) -> None:
    """Let the telephones of these agents ring for no one; they keep their own licenses."""
    bound = SipTelephone.objects.filter(agent__in=keys(agents))
    events = [
        Event(
            verb="telephone.unbound",
            target=telephone,
            from_state=str(telephone.agent)[:32],
            reason=reason,
        )
        for telephone in bound.select_related("agent")
    ]
    record(events, account=account, by=by, now=now)
    bound.update(agent=None, updated_at=now)


def free_licenses_of(
    *,
    application: Application,
    chosen: AgentQuerySet,
    by: User | None,
    now: datetime,
    expected: int | None = None,
) -> BulkResult:
    """Take the chosen agents' licenses back; the licenses stay, free, until their date.

    Raises Refused as `change_in_turns`.
    """
    work = freeing(application=application, by=by, now=now)
    return change_in_turns(application, chosen, work, expected=expected)


def freeing(*, application: Application, by: User | None, now: datetime) -> BulkChange:
    """Return what `free_licenses_of` does to a few agents at a time."""

    def free(account: Account, agents: list[Agent]) -> list[int]:
        return release_held(account, agents, by=by, now=now)

    return BulkChange(free)


@transaction.atomic
def move_licenses(
    *,
    application: Application,
    chosen: AgentQuerySet,
    staff_numbers: Sequence[str],
    by: User | None,
    now: datetime,
    expected: int | None = None,
) -> BulkResult:
    """Hand the chosen agents' licenses to the agents with these staff numbers, in this order.

    Givers go by the order in which they were added. Raises Refused (field "staff_numbers") where
    the takers are not exactly as many as the givers, are unknown, named twice, or licensed.
    """
    account = lock_application(application)
    chosen = own_agents(application, chosen)
    matched = count_confirmed(chosen, expected)
    givers = list(chosen.licensed(now).order_by("pk"))
    takers = _find_takers(application, staff_numbers, givers, now)
    licenses = [giver.license_id for giver in givers if giver.license_id is not None]
    release_held(account, givers, by=by, now=now)
    hand_over(account, takers, licenses, by=by, now=now)
    return BulkResult(matched, len(givers))


def _refuse_takers(message: str) -> Refused:
    return Refused(message, code="takers_refused", field="staff_numbers")


def _find_takers(
    application: Application, staff_numbers: Sequence[str], givers: Sequence[Agent], now: datetime
) -> list[Agent]:
    """Return the agents that take over, in the order in which they were named."""
    if not givers:
        raise Refused(_("None of these agents has a license to give."), code="no_giver")
    if len(staff_numbers) != len(givers):
        raise _refuse_takers(
            ngettext(
                "Enter exactly %(count)d staff number, because %(count)d license is moved.",
                "Enter exactly %(count)d staff numbers, because %(count)d licenses are moved.",
                len(givers),
            )
            % {"count": len(givers)}
        )
    own = Agent.objects.filter(account_id=application.account_id, application=application)
    wanted = own.filter(staff_number_key__in=[fold(number) for number in staff_numbers])
    known = {agent.staff_number_key: agent for agent in wanted}
    takers = []
    for number in staff_numbers:
        taker = known.get(fold(number))
        if taker is None:
            raise _refuse_takers(
                _("No agent has the staff number “%(number)s”.") % {"number": number}
            )
        takers.append(taker)
    _require_unlicensed(own, takers, now)
    return takers


def _require_unlicensed(own: AgentQuerySet, takers: Sequence[Agent], now: datetime) -> None:
    if len(set(keys(takers))) != len(takers):
        raise _refuse_takers(_("List each agent only once."))
    licensed = own.filter(pk__in=keys(takers)).licensed(now).first()
    if licensed is not None:
        raise _refuse_takers(_("%(agent)s already has a license.") % {"agent": str(licensed)})
