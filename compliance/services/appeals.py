"""Appeals: a customer answers a violation, and another person looks at it again."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.generics import Upload
from accounts.models import User
from accounts.services.audit import Event
from accounts.services.restrictions import lift_restriction
from accounts.services.second_person import require_second_person
from compliance.enums import AppealState, CaseState
from compliance.models import Appeal, Violation
from compliance.policy import (
    AppealFacts,
    AppealLimits,
    PolicyProblem,
    appeal_deadline,
    judge_appeal,
    judge_appeal_decider,
)
from compliance.services import notices
from compliance.services.cases import lock_case, move_case, record_case, refuse_for, require_text
from compliance.services.evidence import check_files, keep_file, require_room
from compliance.transitions import (
    APPEAL_STARTS,
    APPEAL_TRANSITIONS,
    AppealAct,
    AppealStart,
    CaseAct,
)


def appeal_limits() -> AppealLimits:
    """Return the limits that the settings give."""
    return AppealLimits(
        window=timedelta(days=settings.APPEAL_WINDOW_DAYS), rounds=settings.APPEAL_LIMIT
    )


def _facts(case: Violation, appeals: Iterable[Appeal]) -> AppealFacts:
    made = list(appeals)
    decided = [appeal.decided_at for appeal in made if appeal.decided_at is not None]
    return AppealFacts(
        state=CaseState(case.state),
        noticed_at=max([*decided, *([case.notified_at] if case.notified_at else [])], default=None),
        rounds=len(made),
    )


def appeal_problems(
    case: Violation, appeals: Iterable[Appeal], now: datetime
) -> tuple[PolicyProblem, ...]:
    """Return what stands against appealing the case now, given the appeals made of it."""
    return judge_appeal(_facts(case, appeals), appeal_limits(), now)


def appeal_until(case: Violation, appeals: Iterable[Appeal]) -> datetime | None:
    """Return until when the case can be appealed, or could; None before any notice."""
    return appeal_deadline(_facts(case, appeals), appeal_limits())


@transaction.atomic
def submit_appeal(
    *,
    violation: Violation,
    statement: str,
    files: Iterable[Upload] = (),
    by: User,
    now: datetime,
) -> Appeal:
    """Appeal a case with a statement and files; a restricted account may do this too.

    The same statement sent twice gives the same appeal. Raises Refused where an appeal is open,
    where all were made, where the time is over, and for files that are not accepted.
    """
    # Before the account is locked: a hundred megabytes take a while.
    checked = check_files(files)
    case = lock_case(violation)
    statement = require_text(statement, field="statement")
    made = list(case.appeals.all())
    sent_before = [a for a in made if a.state == AppealState.OPEN and a.statement == statement]
    if sent_before:
        return sent_before[0]
    refuse_for(appeal_problems(case, made, now))
    require_room(account=case.account, files=checked, now=now)
    appeal = Appeal.objects.create(
        account_id=case.account_id,
        violation=case,
        round=len(made) + 1,
        statement=statement,
        state=APPEAL_STARTS[AppealStart.SUBMIT],
        submitted_by=by,
        submitted_at=now,
    )
    for file in checked:
        keep_file(file, owner=appeal, is_disclosed=True, by=by, now=now)
    moved = move_case(case, CaseAct.APPEAL, reason=statement, data={"round": appeal.round})
    submitted = Event(verb="appeal.submitted", target=appeal, to_state=appeal.state)
    record_case([moved, submitted], case=case, by=by, now=now)
    return appeal


#: Who does one of these has worked on the case.
_HANDLING = (CaseAct.INVESTIGATE, CaseAct.VERIFY, CaseAct.ACT)


def handlers_of(case: Violation) -> frozenset[int]:
    """Return the ids of everyone who worked on the case up to its measure.

    Handing the case on does not make its former handler another person (ADR 0046).
    """
    actors = case.events.filter(act__in=_HANDLING).values_list("actor_id", flat=True)
    return frozenset(actor for actor in [*actors, case.handler_id] if actor is not None)


@transaction.atomic
def decide_appeal(
    *, appeal: Appeal, is_overturned: bool, reason: str, by: User, now: datetime
) -> Appeal:
    """Uphold the violation, or overturn it and give back what it took.

    Raises Refused for anyone who handled the case or submitted the appeal, and where the appeal
    was decided meanwhile.
    """
    case = lock_case(appeal.violation)
    reason = require_text(reason, field="reason")
    current = Appeal.objects.select_related("violation").get(pk=appeal.pk)
    refuse_for(
        judge_appeal_decider(by.pk, handlers=handlers_of(case), submitter=current.submitted_by_id)
    )
    makers = {*handlers_of(case), current.submitted_by_id}
    require_second_person(maker_ids=makers, by=by, account=case.account, now=now)
    was, act = current.state, AppealAct.OVERTURN if is_overturned else AppealAct.UPHOLD
    after = APPEAL_TRANSITIONS.after(was, act)
    changes = {
        "state": after,
        "decided_by": by,
        "decided_at": now,
        "decision_reason": reason,
    }
    rows = Appeal.objects.filter(pk=current.pk, state=was)
    if after is None or rows.update(**changes) != 1:
        raise Refused(_("This appeal has already been decided."), code="wrong_state")
    for name, value in changes.items():
        setattr(current, name, value)
    case_act = CaseAct.OVERTURN if is_overturned else CaseAct.UPHOLD
    moved = move_case(case, case_act, reason=reason, data={"round": current.round})
    decided = Event(
        verb="appeal.decided",
        target=current,
        from_state=was,
        to_state=after,
        reason=reason,
        news=[notices.appeal_news(case, is_overturned=is_overturned, reason=reason, now=now)],
    )
    record_case([moved, decided], case=case, by=by, now=now)
    if is_overturned:
        lift_restriction(
            account=case.account,
            case_number=case.number,
            reason=reason,
            is_annulled=True,
            by=by,
            now=now,
        )
    return current
