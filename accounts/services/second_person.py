"""Who may decide on what another member of staff prepared.

One policy for every decision of staff: credits, refunds, appeals, connection requests and
proposals all ask it. A decision is refused to

- the person who made the thing,
- members of the company that it concerns, today or until a day ago,
- a person whose own sign-in or rights are younger than a day, and
- two people, if one created the other or gave the other rights, lately; also through a
  third person, so that two sign-ins made by one person never decide on each other's work.

A day is the setting `SECOND_PERSON_HOURS`. What was made on the server (`createsuperuser`) has no
maker here: the operator of the server is outside these rules.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.enums import ProposalState
from accounts.errors import Refused
from accounts.models import Account, AuditEvent, Membership, Proposal, User

#: Events that create a sign-in, give it rights, or let another person use it.
_GIVING = (
    "user.registered",
    "user.reactivated",
    "user.rights_changed",
    "user.second_factor_reset",
)
_LEAVING = ("member.left", "member.removed")


def refusal_for(
    *,
    by: User | None,
    maker_ids: Iterable[int | None] = (),
    account: Account | None = None,
    now: datetime,
) -> Refused | None:
    """Return why `by` may not decide on this; None where nothing stands against it.

    `maker_ids` are the people who brought it about, None for the system. Without makers only
    the company is looked at. `by=None` is the system itself, which may.
    """
    if by is None:
        return None
    makers = {maker for maker in maker_ids if maker is not None}
    if by.pk in makers:
        return Refused(
            _("You recorded or handled this, so another person must decide it."),
            code="same_person",
        )
    hours = settings.SECOND_PERSON_HOURS
    if account is not None and is_insider(by, account, now):
        return Refused(
            ngettext(
                "You are, or were within %(hours)d hour, a member of this company, so "
                "another person must act on it.",
                "You are, or were within %(hours)d hours, a member of this company, so "
                "another person must act on it.",
                hours,
            )
            % {"hours": hours},
            code="own_company",
        )
    if makers and _givers({by.pk}, now):
        return Refused(
            _("Your user or your rights are too new to decide on what others did."),
            code="too_new",
        )
    if makers and _line({by.pk}, now) & _line(makers, now):
        return Refused(
            ngettext(
                "Within %(hours)d hour, you or the person who prepared this changed the "
                "other one's access, so another person must decide it.",
                "Within %(hours)d hours, you or the person who prepared this changed "
                "the other one's access, so another person must decide it.",
                hours,
            )
            % {"hours": hours},
            code="linked_person",
        )
    return None


def require_second_person(
    *,
    maker_ids: Iterable[int | None],
    by: User | None,
    account: Account | None = None,
    now: datetime,
) -> None:
    """Raise Refused where `by` is no second person for the makers, or no outsider."""
    refusal = refusal_for(by=by, maker_ids=maker_ids, account=account, now=now)
    if refusal is not None:
        raise refusal


def require_outsider(*, by: User | None, account: Account, now: datetime) -> None:
    """Raise Refused (code "own_company") where `by` is a member of the account's company."""
    require_second_person(maker_ids=(), by=by, account=account, now=now)


def require_approval(
    approval: Proposal | None, kind: str, *, by: User | None, now: datetime
) -> dict[str, Any]:
    """Return what the audit event says of the first person; empty for the system (`by=None`).

    Raises Refused (code "second_person_needed") unless `approval` is an act of this kind that
    `by` approves at this very instant.
    """
    if by is None:
        return {}
    is_approved = (
        approval is not None
        and Proposal.objects.filter(
            pk=approval.pk,
            kind=kind,
            state=ProposalState.APPROVED,
            decided_by=by,
            decided_at=now,
        ).exists()
    )
    if approval is None or not is_approved:
        raise Refused(
            _("This takes two people: one prepares it, and another one approves it."),
            code="second_person_needed",
        )
    return {"proposed_by": approval.made_by_id}


def is_insider(user: User, account: Account, now: datetime) -> bool:
    """Whether `user` is a member of an account of this company, or left one lately."""
    company = Account.objects.filter(entity_id=account.entity_id)
    if Membership.objects.filter(user=user, account__in=company).exists():
        return True
    left = AuditEvent.objects.filter(
        # The type is what the index begins with: changes of members are few.
        target_type=Membership._meta.label_lower,
        account__in=company,
        verb__in=_LEAVING,
        at__gt=_since(now),
    )
    return left.filter(data__user=user.pk).exists()


def _since(now: datetime) -> datetime:
    return now - timedelta(hours=settings.SECOND_PERSON_HOURS)


def _givers(people: set[int], now: datetime) -> set[int]:
    """Return who made any of these people, or gave them rights, within the day."""
    events = AuditEvent.objects.filter(
        target_type=User._meta.label_lower,
        target_id__in=people,
        verb__in=_GIVING,
        at__gt=_since(now),
    )
    found = set()
    for actor, verb, was, to, data in events.values_list(
        "actor_id", "verb", "from_state", "to_state", "data"
    ):
        # Removing rights creates no link between two people.
        is_gift = was != to or set(data.get("to", ())) - set(data.get("from", ()))
        if verb != "user.rights_changed" or (is_gift and to == "staff"):
            found |= {actor, data.get("proposed_by")}
    return {person for person in found if person is not None}


def _line(people: set[int], now: datetime) -> set[int]:
    """Return these people with everyone who created them, directly or indirectly."""
    line, new = set(people), set(people)
    while new:
        new = _givers(new, now) - line
        line |= new
    return line
