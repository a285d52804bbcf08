"""What other parts of the console ask compliance before they decide. Reads only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from accounts.models import Account, Restriction
from compliance.enums import OPEN_STATES, STANDING_STATES, CaseState, Severity
from compliance.models import ConnectionRequest, Violation
from compliance.periods import Span, lost_time


@dataclass(frozen=True)
class ViolationFact:
    """One case as a rule of another part sees it.

    `behaviour` is the number in the rule book, `name` its name in the page's language; `measure`
    is empty until one was taken.
    """

    number: str
    behaviour: int
    name: str
    severity: Severity
    state: CaseState
    measure: str


@dataclass(frozen=True)
class RefundBars:
    """Everything under the connect guidelines that a refund of an account depends on.

    `standing` bars it; `warnings` and `under_investigation` ask for a person's check.
    """

    standing: tuple[ViolationFact, ...] = ()
    warnings: tuple[ViolationFact, ...] = ()
    under_investigation: tuple[ViolationFact, ...] = ()


def _fact(violation: Violation) -> ViolationFact:
    return ViolationFact(
        number=violation.number,
        behaviour=violation.behaviour_number,
        name=violation.behaviour_name,
        severity=Severity(violation.severity),
        state=CaseState(violation.state),
        measure=violation.measure,
    )


def refund_bars(account: Account, *, now: datetime) -> RefundBars:
    """Return the account's cases that matter to a refund at `now`, oldest first; one query.

    Which behaviors bar a refund is the rule book's word (guide: Serious and Severe ones); one
    that does not is a warning for as long as it stands.
    """
    cases = Violation.objects.filter(account=account)
    relevant = cases.standing(now, warning_days=settings.WARNING_STANDING_DAYS)
    found = list((relevant | cases.under_investigation()).order_by("pk"))
    standing = [case for case in found if case.state in STANDING_STATES]
    return RefundBars(
        standing=tuple(_fact(case) for case in standing if case.bars_refund),
        warnings=tuple(_fact(case) for case in standing if not case.bars_refund),
        under_investigation=tuple(_fact(case) for case in found if case.state in OPEN_STATES),
    )


def _spans(restrictions: Iterable[Restriction], until: datetime) -> list[Span]:
    return [Span(row.started_at, row.ended_at or until) for row in restrictions]


def annulled_time(account: Account, *, since: datetime, until: datetime) -> timedelta:
    """Return how much of the time from `since` to `until` overturned measures took away.

    It does not count in the refund window, and staff may extend packages by it. Measures that
    overlap count once, and time that a valid measure took as well does not count.
    """
    if until <= since:
        return timedelta()
    touching = Restriction.objects.filter(
        Q(ended_at=None) | Q(ended_at__gt=since), account=account, started_at__lt=until
    )
    rows = list(touching)
    return lost_time(
        annulled=_spans([row for row in rows if row.is_annulled], until),
        valid=_spans([row for row in rows if not row.is_annulled], until),
        since=since,
        until=until,
    )


def has_approved_connection(application_id: int) -> bool:
    """Whether the application has an approved connection request, so that calls may work."""
    return ConnectionRequest.objects.approved().filter(application_id=application_id).exists()
