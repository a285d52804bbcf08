"""How tests let two members of staff do what takes two."""

from datetime import datetime
from typing import Any

from django.db.models import Model
from django.utils import timezone

from accounts.enums import ProposalState
from accounts.models import Account, Proposal, User
from accounts.services.proposals import approve_proposal, propose
from compliance.enums import ViolationMeasure
from compliance.models import Violation
from compliance.services.measures import RESTRICTION, act_on_violation
from tests.factories.tenants import make_staff


def by_two(
    kind: str,
    /,
    *,
    by: User,
    now: datetime,
    second: User | None = None,
    account: Account | None = None,
    target: Model | None = None,
    reason: str = "As it should be.",
    **payload: Any,
) -> Any:
    """Prepare an act as `by` and approve it as someone else; return what the act returns."""
    proposal = propose(
        kind, account=account, target=target, payload=payload, reason=reason, by=by, now=now
    )
    return approve_proposal(proposal=proposal, by=second or make_staff(), now=now)


def approve_waiting(*, by: User | None = None) -> None:
    """Approve whatever waits for a second person now."""
    for proposal in Proposal.objects.filter(state=ProposalState.WAITING):
        approve_proposal(proposal=proposal, by=by or make_staff(), now=timezone.now())


def take_measure(
    case: Violation,
    measure: ViolationMeasure,
    *,
    by: User,
    now: datetime,
    second: User | None = None,
    reason: str = "As the rules say.",
) -> Violation:
    """Take a measure on a verified case, as one person where that is enough."""
    if measure not in RESTRICTION:
        return act_on_violation(violation=case, measure=measure, reason=reason, by=by, now=now)
    taken: Violation = by_two(
        "violation.measure",
        account=case.account,
        target=case,
        reason=reason,
        by=by,
        now=now,
        second=second,
        measure=measure,
        consequences="",
        is_legal_follow_up=False,
    )
    return taken
