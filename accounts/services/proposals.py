"""Acts of staff that need two people: one prepares, another one approves, then it happens.

An app registers what its acts are in modules `proposals`:

    register_proposal(
        ProposalKind(
            name="member.remove",
            label=_("Remove a member"),
            permission="accounts.delete_membership",
            consequence=_("The person can no longer open this account."),
            describe=lambda proposal: [(_("Member"), …)],
            carry_out=lambda proposal, by, now: remove_member(…, approval=proposal, by=by, now=now),
        )
    )

The service that changes things asks `accounts.services.second_person.require_approval`, so that
no other door leads past the second person. Approving carries the act out in the same transaction:
where it is refused by then, nothing is decided.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts.enums import ProposalState
from accounts.errors import Refused
from accounts.models import Account, Proposal, User
from accounts.services.audit import Event, record
from accounts.services.second_person import require_outsider, require_second_person
from accounts.services.tenants import lock_account
from accounts.services.turns import fingerprint

Facts = Sequence[tuple[str | Promise, Any]]


def _state_of_row(proposal: Proposal) -> str:
    target = proposal.target
    return fingerprint(target) if target is not None else ""


def _no_one(proposal: Proposal) -> set[int]:
    return set()


def _nothing(proposal: Proposal, now: datetime) -> None:
    return None


@dataclass(frozen=True)
class ProposalKind:
    """One kind of act.

    `describe` tells the whole act in words; `check` raises Refused where it could not happen now,
    before anyone is asked; `state` tells the state that it was prepared for from any other; and
    `concerned` are the people who neither prepare nor decide it, because it is about them.
    """

    name: str
    label: str | Promise
    permission: str
    consequence: str | Promise
    describe: Callable[[Proposal], Facts]
    carry_out: Callable[[Proposal, User, datetime], Any]
    check: Callable[[Proposal, datetime], None] = _nothing
    state: Callable[[Proposal], str] = _state_of_row
    concerned: Callable[[Proposal], set[int]] = _no_one


#: All kinds by name; `accounts.apps` and the other apps fill it at the start.
KINDS: dict[str, ProposalKind] = {}


def register_proposal(*kinds: ProposalKind) -> None:
    """Make kinds of acts known."""
    KINDS.update({kind.name: kind for kind in kinds})


def approval_of(proposal: Proposal, by: User, now: datetime) -> dict[str, Any]:
    """Return what every service that carries out an approved proposal is called with."""
    return {"reason": proposal.reason, "approval": proposal, "by": by, "now": now}


def show_instant(instant: datetime) -> str:
    """Write an instant among the facts of a proposal."""
    return date_format(localtime(instant), "DATETIME_FORMAT")


def kinds_of(user: User) -> list[str]:
    """Return the kinds that `user` may prepare and decide on."""
    return [name for name, kind in KINDS.items() if user.has_perm(kind.permission)]


def find_waiting(target: Model, now: datetime) -> QuerySet[Proposal]:
    """Return what waits for a second person's decision on this object."""
    return Proposal.objects.filter(
        target_type=target._meta.label_lower,
        target_id=target.pk,
        state=ProposalState.WAITING,
        expires_at__gt=now,
    ).order_by("pk")


@transaction.atomic
def propose(
    kind: str,
    *,
    account: Account | None = None,
    target: Model | None = None,
    payload: Mapping[str, Any] | None = None,
    reason: str,
    by: User,
    now: datetime,
) -> Proposal:
    """Prepare an act for a second person.

    Raises Refused where the act could not be carried out now or is prepared already, for members
    of the company, for the person it is about, and without a reason.
    """
    if account is not None:
        account = lock_account(account.pk)
        require_outsider(by=by, account=account, now=now)
    if not reason.strip():
        raise Refused(
            _("Enter a reason for the person who decides on this."),
            code="no_reason",
            field="reason",
        )
    proposal = Proposal(
        kind=kind,
        account=account,
        target_type=target._meta.label_lower if target is not None else "",
        target_id=target.pk if target is not None else None,
        payload=dict(payload or {}),
        reason=reason.strip(),
        made_at=now,
        made_by=by,
        expires_at=now + timedelta(days=settings.PROPOSAL_DAYS),
    )
    _require_unconcerned(proposal, by)
    if target is not None and find_waiting(target, now).filter(kind=kind).exists():
        raise Refused(
            _("This has already been prepared and is awaiting approval."), code="waits_already"
        )
    KINDS[kind].check(proposal, now)
    proposal.seen = KINDS[kind].state(proposal)
    proposal.save(force_insert=True)
    # As stored: what JSON makes of dates and amounts is what will be carried out.
    proposal.refresh_from_db()
    _record(proposal, "proposal.made", "", reason=proposal.reason, by=by, now=now)
    return proposal


@transaction.atomic
def approve_proposal(*, proposal: Proposal, reason: str = "", by: User, now: datetime) -> Any:
    """Carry out a prepared act as the second person; return what the act returns.

    Raises Refused where `by` is no second person, where either lacks the right by now, where it
    was decided or has expired, where its object has changed since, and where the act is refused.
    """
    current = _lock_for_decision(proposal, by=by, now=now)
    kind = KINDS[current.kind]
    if not current.made_by.has_perm(kind.permission):
        raise Refused(
            _("The person who prepared this no longer has the right to do it. Reject it."),
            code="maker_lost_right",
        )
    if kind.state(current) != current.seen:
        raise Refused(
            _("This has changed since it was prepared. Reject it, then prepare it again."),
            code="changed_meanwhile",
        )
    _decide(current, ProposalState.APPROVED, reason=reason, by=by, now=now)
    return kind.carry_out(current, by, now)


@transaction.atomic
def reject_proposal(*, proposal: Proposal, reason: str, by: User, now: datetime) -> None:
    """Turn a prepared act down, as the second person."""
    current = _lock_for_decision(proposal, by=by, now=now)
    _decide(current, ProposalState.REJECTED, reason=reason, by=by, now=now)


@transaction.atomic
def withdraw_proposal(*, proposal: Proposal, reason: str, by: User, now: datetime) -> None:
    """Take back what one has prepared oneself. Raises Refused for anyone else."""
    current = _lock(proposal, now)
    if by.pk != current.made_by_id:
        raise Refused(_("Only the person who prepared this can withdraw it."), code="not_yours")
    _decide(current, ProposalState.WITHDRAWN, reason=reason, by=by, now=now)


def _require_unconcerned(proposal: Proposal, by: User) -> None:
    if by.pk in KINDS[proposal.kind].concerned(proposal):
        raise Refused(
            _("This is about you, so other people must prepare and decide it."), code="own_account"
        )


def _lock(proposal: Proposal, now: datetime) -> Proposal:
    if proposal.account_id is not None:
        lock_account(proposal.account_id)
    rows = Proposal.objects.select_for_update(of=("self",)).select_related("account", "made_by")
    current = rows.get(pk=proposal.pk)
    state = current.state_at(now)
    if state != ProposalState.WAITING:
        raise Refused(
            _("This proposal is now “%(state)s”.") % {"state": state.label},
            code="proposal_decided",
        )
    return current


def _lock_for_decision(proposal: Proposal, *, by: User, now: datetime) -> Proposal:
    current = _lock(proposal, now)
    if not by.has_perm(KINDS[current.kind].permission):
        raise Refused(_("You do not have the right to do this."), code="no_right")
    _require_unconcerned(current, by)
    require_second_person(maker_ids=[current.made_by_id], by=by, account=current.account, now=now)
    return current


def _decide(
    proposal: Proposal, state: ProposalState, *, reason: str, by: User, now: datetime
) -> None:
    proposal.state, proposal.decided_by, proposal.decided_at = state, by, now
    proposal.decision_reason = reason
    proposal.save(update_fields=["state", "decided_by", "decided_at", "decision_reason"])
    _record(proposal, f"proposal.{state}", "waiting", reason=reason, by=by, now=now)


def _record(
    proposal: Proposal, verb: str, was: str, *, reason: str, by: User, now: datetime
) -> None:
    # No account on the event: customers read of an act when it has happened, not before.
    event = Event(
        verb=verb,
        target=proposal,
        from_state=was,
        to_state=proposal.state,
        reason=reason,
        data={"act": proposal.kind, "uin": proposal.account.uin if proposal.account else ""},
    )
    record([event], account=None, by=by, now=now)
