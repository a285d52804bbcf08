"""How every change of a violation case is made: lock, look at the table, write, record."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import User
from accounts.services.audit import Event, record
from accounts.services.second_person import require_outsider
from accounts.services.tenants import lock_account
from compliance.enums import CaseState, HistoryAct, Severity, ViolationMeasure
from compliance.models import Violation, ViolationEvent
from compliance.policy import PolicyProblem, ViolationRule
from compliance.transitions import CASE_TRANSITIONS, CaseAct

#: Reasons, findings and statements: enough for a letter, not for a book.
TEXT_LIMIT = 5000


#: What the audit trail calls each act of a case's history.
AUDIT_VERBS = {
    HistoryAct.REPORT: "violation.reported",
    HistoryAct.INVESTIGATE: "violation.taken_up",
    HistoryAct.AMEND: "violation.amended",
    HistoryAct.VERIFY: "violation.verified",
    HistoryAct.DISMISS: "violation.dismissed",
    HistoryAct.ACT: "violation.actioned",
    HistoryAct.LIFT: "violation.measure_lifted",
    HistoryAct.APPEAL: "violation.appealed",
    HistoryAct.UPHOLD: "violation.upheld",
    HistoryAct.OVERTURN: "violation.overturned",
    HistoryAct.ATTACH_EVIDENCE: "violation.evidence_attached",
    HistoryAct.DISCLOSE_EVIDENCE: "violation.evidence_disclosed",
    HistoryAct.HIDE_EVIDENCE: "violation.evidence_hidden",
}
_ACTS = {verb: act for act, verb in AUDIT_VERBS.items()}


def refuse_for(problems: Sequence[PolicyProblem]) -> None:
    """Raise Refused with everything that a policy holds against an act; nothing for nothing.

    The code and the field are those of the first problem.
    """
    if problems:
        text = " ".join(str(problem.message) for problem in problems)
        raise Refused(text, code=problems[0].code, field=problems[0].field)


def require_text(text: str, *, field: str) -> str:
    """Return a text without the blanks around it. Raises Refused for none, or for too much."""
    found = text.strip()
    if not found:
        raise Refused(
            _("Enter a reason. It is kept with the case."), code="text_missing", field=field
        )
    if len(found) > TEXT_LIMIT:
        raise Refused(
            _("Keep it under %(limit)d characters.") % {"limit": TEXT_LIMIT},
            code="text_too_long",
            field=field,
        )
    return found


def rule_of(case: Violation) -> ViolationRule:
    """Return what the rule that the case is judged by allows."""
    kept: Mapping[str, Any] = case.judged_by
    return ViolationRule(
        severity=Severity(case.severity),
        measures=tuple(ViolationMeasure(measure) for measure in kept["measures"]),
        allows_legal_follow_up=kept["allows_legal_follow_up"],
        refers_to_request=kept["refers_to_request"],
    )


def is_standing(case: Violation, now: datetime) -> bool:
    """Whether the case counts against the account at `now`; see `ViolationQuerySet.standing`."""
    standing = Violation.objects.filter(pk=case.pk).standing(
        now, warning_days=settings.WARNING_STANDING_DAYS
    )
    return standing.exists()


def lock_case(violation: Violation) -> Violation:
    """Lock the case's account and re-read the case."""
    account = lock_account(violation.account_id)
    case = Violation.objects.select_related("application", "connection").get(pk=violation.pk)
    case.account = account
    return case


def lock_case_for_staff(violation: Violation, *, by: User | None, now: datetime) -> Violation:
    """Lock the case for an act of staff. Raises Refused for members of the company."""
    case = lock_case(violation)
    require_outsider(by=by, account=case.account, now=now)
    return case


def record_case(
    events: Sequence[Event], *, case: Violation, by: User | None, now: datetime
) -> None:
    """Record events in the account's audit trail, and those of the case in its history as well."""
    ViolationEvent.objects.bulk_create(
        ViolationEvent(
            account_id=case.account_id,
            violation=case,
            at=now,
            actor=by,
            act=_ACTS[event.verb],
            from_state=event.from_state,
            to_state=event.to_state,
            reason=event.reason,
            data=dict(event.data),
        )
        for event in events
        if event.target is case
    )
    record(events, account=case.account, by=by, now=now)


def _wrong_state(case: Violation) -> Refused:
    return Refused(
        _("The case is now “%(state)s”, so this is not possible.")
        % {"state": CaseState(case.state).label},
        code="wrong_state",
    )


def require_transition(case: Violation, act: CaseAct) -> CaseState:
    """Return the state after an act. Raises Refused where the case is in no state for it."""
    after = CASE_TRANSITIONS.after(case.state, act)
    if after is None:
        raise _wrong_state(case)
    return after


def move_case(
    case: Violation,
    act: CaseAct,
    *,
    reason: str,
    data: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Event:
    """Carry out one transition of a locked case, with `changes` to its other columns.

    Returns the event for `record_case`. Raises Refused (code "wrong_state") where the table has
    no such transition.
    """
    before = case.state
    after = require_transition(case, act)
    moved = Violation.objects.filter(pk=case.pk, state=before).update(state=after, **changes)
    if moved != 1:
        raise _wrong_state(case)
    for name, value in {"state": after, **changes}.items():
        setattr(case, name, value)
    return Event(
        verb=AUDIT_VERBS[HistoryAct(act.value)],
        target=case,
        from_state=before,
        to_state=after,
        reason=reason,
        data=data or {},
    )
