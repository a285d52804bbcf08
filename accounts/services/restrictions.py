"""Suspending, terminating and blocking accounts, and giving back what a case took.

A restriction is a row; the account's status is the strongest open one. Nothing else is touched:
agents and packages derive what follows.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.enums import STATUS_OF_MEASURE, AccountStatus, Measure
from accounts.errors import Refused
from accounts.models import Account, Proposal, Restriction, User
from accounts.services.audit import Event, record
from accounts.services.second_person import require_approval, require_outsider
from accounts.services.tenants import lock_account

_STRENGTH = list(STATUS_OF_MEASURE)


def _refresh_status(account: Account, *, reason: str) -> list[Event]:
    """Let the status follow the open measures; return the event, where it changed."""
    measures = Restriction.objects.filter(account=account, ended_at=None).values_list(
        "measure", flat=True
    )
    strongest = max(measures, key=_STRENGTH.index, default=None)
    status = AccountStatus.ACTIVE if strongest is None else STATUS_OF_MEASURE[strongest]
    if status == account.status:
        return []
    was, account.status = account.status, status
    account.save(update_fields=["status"])
    return [
        Event(
            verb="account.status_changed",
            target=account,
            from_state=was,
            to_state=status,
            reason=reason,
        )
    ]


@transaction.atomic
def restrict_account(
    *, account: Account, measure: str, case_number: str, reason: str, by: User | None, now: datetime
) -> Restriction:
    """Put a measure on the account because of a case; one open measure per case.

    Raises Refused (code "already_restricted") where the case has an open measure.
    """
    locked = lock_account(account.pk)
    if Restriction.objects.filter(account=locked, case_number=case_number, ended_at=None).exists():
        raise Refused(_("This case already restricts the account."), code="already_restricted")
    restriction = Restriction.objects.create(
        account=locked,
        measure=Measure(measure),
        case_number=case_number,
        reason=reason,
        started_at=now,
    )
    event = Event(verb="account.restricted", target=restriction, to_state=measure, reason=reason)
    record([event, *_refresh_status(locked, reason=reason)], account=locked, by=by, now=now)
    return restriction


#: What the cases of measures begin with that staff take on their own, without a violation.
STAFF_CASE = "ADM-"


@transaction.atomic
def restrict_by_staff(
    *,
    account: Account,
    measure: str,
    reason: str,
    approval: Proposal | None = None,
    by: User,
    now: datetime,
) -> Restriction:
    """Put a measure on the account without a violation; it gets a case number of its own.

    It takes two people.
    """
    require_approval(approval, "account.restrict", by=by, now=now)
    locked = lock_account(account.pk)
    require_outsider(by=by, account=locked, now=now)
    earlier = Restriction.objects.filter(account=locked, case_number__startswith=STAFF_CASE)
    return restrict_account(
        account=locked,
        measure=measure,
        case_number=f"{STAFF_CASE}{locked.uin}-{earlier.count() + 1}",
        reason=reason,
        by=by,
        now=now,
    )


@transaction.atomic
def lift_by_staff(
    *,
    restriction: Restriction,
    reason: str,
    approval: Proposal | None = None,
    by: User,
    now: datetime,
) -> bool:
    """End a measure that belongs to no violation, which takes two people as well."""
    require_approval(approval, "restriction.lift", by=by, now=now)
    return lift_restriction(
        account=restriction.account,
        case_number=restriction.case_number,
        reason=reason,
        by=by,
        now=now,
    )


@transaction.atomic
def lift_restriction(
    *,
    account: Account,
    case_number: str,
    reason: str,
    by: User | None,
    now: datetime,
    is_annulled: bool = False,
) -> bool:
    """End what a case took away; say whether there was something to end.

    With `is_annulled` the measure was wrong: rows of the case that ended earlier are annulled
    as well, so that their time does not count against the customer.
    """
    locked = lock_account(account.pk)
    of_case = Restriction.objects.filter(account=locked, case_number=case_number)
    if is_annulled:
        of_case.exclude(ended_at=None).update(is_annulled=True)
    restriction = of_case.filter(ended_at=None).first()
    if restriction is None:
        return False
    restriction.ended_at = now
    restriction.is_annulled = is_annulled
    restriction.save(update_fields=["ended_at", "is_annulled"])
    event = Event(
        verb="account.restriction_annulled" if is_annulled else "account.restriction_lifted",
        target=restriction,
        from_state=restriction.measure,
        reason=reason,
    )
    record([event, *_refresh_status(locked, reason=reason)], account=locked, by=by, now=now)
    return True
