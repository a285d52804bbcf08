"""Violation cases up to the decision whether they are one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account, Application, User
from accounts.services.audit import Event
from accounts.services.second_person import require_outsider
from accounts.services.tenants import lock_account
from compliance.enums import OPEN_STATES, ReportSource
from compliance.models import Behaviour, ConnectionRequest, Violation
from compliance.policy import judge_request_reference
from compliance.services.cases import (
    lock_case_for_staff,
    move_case,
    record_case,
    refuse_for,
    require_text,
    rule_of,
)
from compliance.services.numbers import next_violation_number
from compliance.services.rule_book import find_behaviour
from compliance.transitions import CASE_STARTS, CaseAct, CaseStart


@dataclass(frozen=True)
class Report:
    """What is known of a case when it is reported, or after it was looked into.

    `summary` is for the customer to read; `evidence_text` is shown to them only where
    `is_evidence_disclosed`. The agent is named in text, as they were at the time.
    """

    source: ReportSource
    summary: str
    occurred_at: datetime | None = None
    complaint_number: str = ""
    called_number: str = ""
    call_session_id: str = ""
    agent_reference: str = ""
    agent_name: str = ""
    agent_staff_number: str = ""
    reported_business: str = ""
    actual_business: str = ""
    evidence_text: str = ""
    is_evidence_disclosed: bool = False


def _judged_by(behaviour: Behaviour) -> dict[str, Any]:
    return {
        "behaviour": behaviour,
        "judged_by": behaviour.snapshot(),
        "behaviour_number": behaviour.number,
        "severity": behaviour.severity,
        "bars_refund": behaviour.bars_refund,
    }


def _check(report: Report, *, until: datetime) -> None:
    require_text(report.summary, field="summary")
    if report.occurred_at is not None and report.occurred_at > until:
        raise Refused(
            _("It cannot have happened after it was reported."),
            code="in_the_future",
            field="occurred_at",
        )


@transaction.atomic
def report_violation(
    *,
    account: Account,
    application: Application | None,
    behaviour_number: int,
    report: Report,
    request_key: UUID,
    by: User | None,
    now: datetime,
) -> Violation:
    """Open a case; `behaviour_number` is what is alleged, by the rule book of the time.

    The same `request_key` sent again gives the same case. Raises Refused for a behavior that
    the book does not have, an application of another account, or a time to come.
    """
    locked = lock_account(account.pk)
    require_outsider(by=by, account=locked, now=now)
    known = Violation.objects.filter(request_key=request_key).first()
    if known is not None:
        return known
    _check(report, until=now)
    if application is not None and application.account_id != locked.pk:
        raise Refused(
            _("The application belongs to another account."),
            code="other_account",
            field="application",
        )
    behaviour = find_behaviour(behaviour_number, at=report.occurred_at or now)
    case = Violation.objects.create(
        account=locked,
        application=application,
        number=next_violation_number(),
        request_key=request_key,
        state=CASE_STARTS[CaseStart.REPORT],
        reported_at=now,
        **_judged_by(behaviour),
        **asdict(report),
    )
    reported = Event(verb="violation.reported", target=case, to_state=case.state)
    record_case([reported], case=case, by=by, now=now)
    return case


@transaction.atomic
def start_investigation(
    *, violation: Violation, reason: str = "", by: User, now: datetime
) -> Violation:
    """Take a reported case up; anyone who does becomes its handler."""
    case = lock_case_for_staff(violation, by=by, now=now)
    moved = move_case(case, CaseAct.INVESTIGATE, reason=reason.strip(), handler=by)
    record_case([moved], case=case, by=by, now=now)
    return case


@transaction.atomic
def amend_case(
    *, violation: Violation, report: Report, reason: str, by: User, now: datetime
) -> Violation:
    """Correct or complete what is known of a case that is not decided yet.

    What changed goes into the history. Raises Refused for a decided case.
    """
    case = lock_case_for_staff(violation, by=by, now=now)
    reason = require_text(reason, field="reason")
    _check(report, until=case.reported_at)
    if case.state not in OPEN_STATES:
        raise Refused(
            _("The case is decided, so the facts it is based on can no longer be changed."),
            code="wrong_state",
        )
    changes = {
        name: value for name, value in asdict(report).items() if getattr(case, name) != value
    }
    if not changes:
        return case
    before = {name: getattr(case, name) for name in changes}
    Violation.objects.filter(pk=case.pk).update(**changes)
    for name, value in changes.items():
        setattr(case, name, value)
    amended = Event(
        verb="violation.amended", target=case, reason=reason, data=_as_text(before, changes)
    )
    record_case([amended], case=case, by=by, now=now)
    return case


def _as_text(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"from": str(before[name]), "to": str(after[name])} for name in after}


def deviated_requests(case: Violation) -> QuerySet[ConnectionRequest]:
    """Return the approved requests that the case can deviate from, the newest first.

    They are those of its application; of a case without one, those of the whole account, so that
    leaving the application empty does not spare naming a request.
    """
    requests = ConnectionRequest.objects.approved_once().filter(account_id=case.account_id)
    if case.application is not None:
        requests = requests.filter(application=case.application)
    return requests.order_by("-pk")


def _check_request(case: Violation, connection: ConnectionRequest | None) -> None:
    refuse_for(
        judge_request_reference(
            rule_of(case),
            has_approved_request=deviated_requests(case).exists(),
            is_request_named=connection is not None,
        )
    )
    if connection and not deviated_requests(case).filter(pk=connection.pk).exists():
        raise Refused(
            _("Choose a request that was approved for the account and application of this case."),
            code="other_request",
            field="connection",
        )


@transaction.atomic
def verify_violation(
    *,
    violation: Violation,
    finding: str,
    behaviour_number: int | None = None,
    connection: ConnectionRequest | None = None,
    by: User,
    now: datetime,
) -> Violation:
    """Find that the violation is one; from now on it stands against the account.

    `finding` says what was found. `behaviour_number` is given where it is another behavior
    than the one alleged; the rule is read again from the book of the time when it happened, and
    a snapshot of it kept. `connection` is the approved request that behaviors about the
    declared business deviate from.
    """
    case = lock_case_for_staff(violation, by=by, now=now)
    finding = require_text(finding, field="finding")
    happened_at = case.occurred_at or case.reported_at
    behaviour = find_behaviour(behaviour_number or case.behaviour_number, at=happened_at)
    judged = _judged_by(behaviour)
    alleged = case.behaviour_number
    for name, value in judged.items():
        setattr(case, name, value)
    _check_request(case, connection)
    moved = move_case(
        case,
        CaseAct.VERIFY,
        reason=finding,
        data={"alleged": alleged, "behaviour": behaviour.number, "severity": behaviour.severity},
        decision=finding,
        verified_at=now,
        handler=by,
        connection=connection,
        **judged,
    )
    record_case([moved], case=case, by=by, now=now)
    return case


@transaction.atomic
def dismiss_violation(*, violation: Violation, finding: str, by: User, now: datetime) -> Violation:
    """Find that there was no violation; the case is closed and counts for nothing."""
    case = lock_case_for_staff(violation, by=by, now=now)
    finding = require_text(finding, field="finding")
    moved = move_case(case, CaseAct.DISMISS, reason=finding, decision=finding, handler=by)
    record_case([moved], case=case, by=by, now=now)
    return case
