"""What is done about a verified violation, and giving back a suspension."""

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from accounts.enums import Measure
from accounts.models import Proposal, User
from accounts.services.audit import Event
from accounts.services.restrictions import lift_restriction, restrict_account
from accounts.services.second_person import require_approval
from compliance.enums import CaseState, ViolationMeasure
from compliance.models import Violation
from compliance.policy import judge_lifting, judge_measure
from compliance.services import notices
from compliance.services.appeals import appeal_limits
from compliance.services.cases import (
    lock_case_for_staff,
    move_case,
    record_case,
    refuse_for,
    require_text,
    require_transition,
    rule_of,
)
from compliance.transitions import CaseAct

#: What each measure does to the account; a warning does nothing to it.
RESTRICTION: dict[ViolationMeasure, Measure] = {
    ViolationMeasure.SUSPEND: Measure.SUSPEND,
    ViolationMeasure.TERMINATE: Measure.TERMINATE,
    ViolationMeasure.BLOCK: Measure.BLOCK,
}


def check_measure(
    case: Violation, measure: ViolationMeasure, *, consequences: str, is_legal_follow_up: bool
) -> None:
    """Raise Refused where the rule of the case, or its state, does not allow this measure."""
    require_transition(case, CaseAct.ACT)
    refuse_for(
        judge_measure(
            rule_of(case),
            measure,
            consequences=consequences,
            is_legal_follow_up=is_legal_follow_up,
        )
    )


@transaction.atomic
def act_on_violation(
    *,
    violation: Violation,
    measure: ViolationMeasure,
    reason: str,
    consequences: str = "",
    is_legal_follow_up: bool = False,
    approval: Proposal | None = None,
    by: User | None,
    now: datetime,
) -> Violation:
    """Take a measure on a verified case and tell the customer; the time to appeal begins.

    One person warns; anything harder takes an approved proposal, whose first person becomes the
    handler of the case.

    The account is restricted by a row that names the case, so that lifting or overturning it
    gives back exactly that. Raises Refused for a measure that the rule does not provide, and
    for legal follow-up without serious consequences on record.
    """
    case = lock_case_for_staff(violation, by=by, now=now)
    reason = require_text(reason, field="reason")
    check_measure(case, measure, consequences=consequences, is_legal_follow_up=is_legal_follow_up)
    approved = {}
    if measure in RESTRICTION:
        approved = require_approval(approval, "violation.measure", by=by, now=now)
    moved = move_case(
        case,
        CaseAct.ACT,
        reason=reason,
        data={"measure": measure, "is_legal_follow_up": is_legal_follow_up, **approved},
        measure=measure,
        consequences=consequences.strip(),
        is_legal_follow_up=is_legal_follow_up,
        handler=approval.made_by if approval else by,
        actioned_at=now,
        notified_at=now,
    )
    news = notices.measure_news(case, appeal_until=now + appeal_limits().window, now=now)
    record_case([replace(moved, news=[news])], case=case, by=by, now=now)
    if measure in RESTRICTION:
        restrict_account(
            account=case.account,
            measure=RESTRICTION[measure],
            case_number=case.number,
            reason=reason,
            by=by,
            now=now,
        )
    return case


def check_lifting(case: Violation) -> None:
    """Raise Refused where there is no suspension of this case to lift."""
    state = CaseState(case.state)
    refuse_for(judge_lifting(state, case.measure, is_lifted=case.lifted_at is not None))


@transaction.atomic
def lift_measure(
    *,
    violation: Violation,
    reason: str,
    approval: Proposal | None = None,
    by: User | None,
    now: datetime,
) -> Violation:
    """End a suspension, which takes two people. The violation stands, so refunds stay barred.

    Raises Refused for a termination or a block, which only an overturned appeal ends.
    """
    case = lock_case_for_staff(violation, by=by, now=now)
    reason = require_text(reason, field="reason")
    check_lifting(case)
    approved = require_approval(approval, "violation.lift", by=by, now=now)
    Violation.objects.filter(pk=case.pk).update(lifted_at=now)
    case.lifted_at = now
    lift_restriction(account=case.account, case_number=case.number, reason=reason, by=by, now=now)
    lifted = Event(
        verb="violation.measure_lifted",
        target=case,
        reason=reason,
        data={"measure": case.measure, **approved},
        news=[notices.lifting_news(case, reason=reason, now=now)],
    )
    record_case([lifted], case=case, by=by, now=now)
    return case
