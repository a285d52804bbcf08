"""Appeals: their limits, who decides, and what overturning gives back."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.enums import AccountStatus, Measure
from accounts.errors import Refused
from accounts.models import Account, Restriction, User
from accounts.services.restrictions import restrict_account
from compliance.enums import AppealState, CaseState, ViolationMeasure
from compliance.models import Appeal, Violation
from compliance.policy import (
    AppealFacts,
    AppealLimits,
    judge_appeal,
    judge_appeal_decider,
)
from compliance.services.appeals import decide_appeal, submit_appeal
from compliance.services.measures import lift_measure
from compliance.services.standing import RefundBars, annulled_time, refund_bars
from tests.compliance.builders import (
    DAY,
    NOW,
    Tenant,
    make_case,
    make_file,
    make_staff,
    make_tenant,
)

SECOND = timedelta(seconds=1)
WEEK = timedelta(days=7)
LIMITS = AppealLimits(window=WEEK, rounds=2)


def _facts(**fields: Any) -> AppealFacts:
    values: dict[str, Any] = {"state": CaseState.ACTIONED, "noticed_at": NOW, "rounds": 0}
    return AppealFacts(**values | fields)


JUDGED: dict[str, tuple[AppealFacts, datetime, list[str]]] = {
    "at once": (_facts(), NOW, []),
    "at the last instant": (_facts(), NOW + WEEK, []),
    "a second late": (_facts(), NOW + WEEK + SECOND, ["appeal_late"]),
    "once more after upholding": (_facts(state=CaseState.UPHELD, rounds=1), NOW, []),
    "a third time": (_facts(state=CaseState.UPHELD, rounds=2), NOW, ["appeals_used"]),
    "a third time, late": (
        _facts(state=CaseState.UPHELD, rounds=2),
        NOW + 2 * WEEK,
        ["appeals_used", "appeal_late"],
    ),
    "while one is open": (_facts(state=CaseState.APPEALED, rounds=1), NOW, ["appeal_open"]),
    "never told": (_facts(noticed_at=None), NOW, ["appeal_late"]),
    "reported": (_facts(state=CaseState.REPORTED), NOW, ["not_appealable"]),
    "investigating": (_facts(state=CaseState.INVESTIGATING), NOW, ["not_appealable"]),
    "verified": (_facts(state=CaseState.VERIFIED), NOW, ["not_appealable"]),
    "dismissed": (_facts(state=CaseState.DISMISSED), NOW, ["not_appealable"]),
    "overturned": (_facts(state=CaseState.OVERTURNED), NOW, ["not_appealable"]),
}


@pytest.mark.parametrize(("facts", "now", "codes"), JUDGED.values(), ids=JUDGED.keys())
def test_when_a_case_can_be_appealed(facts: AppealFacts, now: datetime, codes: list[str]) -> None:
    assert [problem.code for problem in judge_appeal(facts, LIMITS, now)] == codes


DECIDERS = {
    "a colleague": (9, []),
    "the handler": (1, ["same_handler"]),
    "a former handler": (2, ["same_handler"]),
    "the customer": (5, ["own_appeal"]),
    "nobody": (None, ["same_handler"]),
}


@pytest.mark.parametrize(("decider", "codes"), DECIDERS.values(), ids=DECIDERS.keys())
def test_who_may_decide(decider: int | None, codes: list[str]) -> None:
    problems = judge_appeal_decider(decider, handlers=frozenset({1, 2}), submitter=5)
    assert [problem.code for problem in problems] == codes


# --- Through the services ------------------------------------------------------------------


def _appeal(case: Violation, tenant: Tenant, *, now: datetime = NOW, text: str = "No.") -> Appeal:
    return submit_appeal(violation=case, statement=text, by=tenant.owner, now=now)


def _decide(appeal: Appeal, *, is_overturned: bool, now: datetime = NOW) -> Appeal:
    return decide_appeal(
        appeal=appeal, is_overturned=is_overturned, reason="Looked at.", by=make_staff(), now=now
    )


def _refusal(call: Any, *args: Any, **arguments: Any) -> str:
    with pytest.raises(Refused) as refusal:
        call(*args, **arguments)
    return refusal.value.code


def _status(tenant: Tenant) -> str:
    return Account.objects.get(pk=tenant.account.pk).status


def test_two_appeals_and_no_third(tenant: Tenant) -> None:
    case = make_case(tenant)
    for number in (1, 2):
        appeal = _appeal(case, tenant, text=f"Round {number}")
        assert appeal.round == number
        _decide(appeal, is_overturned=False)
    assert _refusal(_appeal, case, tenant) == "appeals_used"
    assert Violation.objects.get(pk=case.pk).state == CaseState.UPHELD


def test_the_second_window_counts_from_the_first_decision(tenant: Tenant) -> None:
    case = make_case(tenant)
    appeal = _appeal(case, tenant, now=NOW + 6 * DAY)
    _decide(appeal, is_overturned=False, now=NOW + 20 * DAY)
    late = NOW + 27 * DAY + SECOND
    assert _refusal(_appeal, case, tenant, now=late) == "appeal_late"
    assert _appeal(case, tenant, now=NOW + 27 * DAY).round == 2


def test_the_same_statement_sent_twice_is_one_appeal(tenant: Tenant) -> None:
    case = make_case(tenant)
    assert _appeal(case, tenant) == _appeal(case, tenant)
    assert _refusal(_appeal, case, tenant, text="Another.") == "appeal_open"
    assert Appeal.objects.count() == 1


def test_a_suspended_account_appeals_with_files(tenant: Tenant) -> None:
    case = make_case(tenant)
    assert _status(tenant) == AccountStatus.SUSPENDED
    appeal = submit_appeal(
        violation=case,
        statement="Listen to the recording.",
        files=[make_file()],
        by=tenant.owner,
        now=NOW,
    )
    file = appeal.evidence.get()
    assert (file.name, file.is_disclosed, file.uploaded_by) == ("proof.png", True, tenant.owner)


def test_a_bad_file_leaves_no_appeal(tenant: Tenant) -> None:
    case = make_case(tenant)
    code = _refusal(
        submit_appeal,
        violation=case,
        statement="x",
        files=[make_file(content=b"<html>")],
        by=tenant.owner,
        now=NOW,
    )
    assert code == "kind_not_accepted"
    assert not Appeal.objects.exists()
    assert Violation.objects.get(pk=case.pk).state == CaseState.ACTIONED


def test_the_handler_does_not_decide(tenant: Tenant, staff: User, colleague: User) -> None:
    case = make_case(tenant, handler=staff)
    appeal = _appeal(case, tenant)
    arguments: dict[str, Any] = {
        "appeal": appeal,
        "is_overturned": True,
        "reason": "x",
        "now": NOW,
    }
    assert _refusal(decide_appeal, **arguments, by=staff) == "same_handler"
    # Handing the case on makes nobody another person.
    Violation.objects.filter(pk=case.pk).update(handler=make_staff())
    assert _refusal(decide_appeal, **arguments, by=staff) == "same_handler"
    assert decide_appeal(**arguments, by=colleague).state == AppealState.OVERTURNED


def test_staff_who_are_the_customer_do_not_decide(tenant: Tenant) -> None:
    appeal = _appeal(make_case(tenant), tenant)
    code = _refusal(
        decide_appeal, appeal=appeal, is_overturned=True, reason="x", by=tenant.owner, now=NOW
    )
    assert code == "own_appeal"


def test_an_appeal_is_decided_once(tenant: Tenant) -> None:
    appeal = _appeal(make_case(tenant), tenant)
    _decide(appeal, is_overturned=False)
    assert _refusal(_decide, appeal, is_overturned=True) == "wrong_state"
    assert _status(tenant) == AccountStatus.SUSPENDED


def test_a_decision_needs_a_reason(tenant: Tenant, colleague: User) -> None:
    appeal = _appeal(make_case(tenant), tenant)
    code = _refusal(
        decide_appeal, appeal=appeal, is_overturned=True, reason=" ", by=colleague, now=NOW
    )
    assert code == "text_missing"


@pytest.mark.parametrize("measure", [m for m in ViolationMeasure if m != ViolationMeasure.WARN])
def test_overturning_gives_back_whatever_was_taken(
    tenant: Tenant, measure: ViolationMeasure
) -> None:
    case = make_case(tenant, measure=measure)
    _decide(_appeal(case, tenant), is_overturned=True, now=NOW + DAY)
    assert _status(tenant) == AccountStatus.ACTIVE
    assert refund_bars(tenant.account, now=NOW + DAY) == RefundBars()
    assert annulled_time(tenant.account, since=NOW - DAY, until=NOW + 5 * DAY) == DAY


def test_overturning_annuls_a_suspension_that_was_lifted_before(
    tenant: Tenant, staff: User
) -> None:
    case = make_case(tenant)
    lift_measure(violation=case, reason="x", by=None, now=NOW + 3 * DAY)
    _decide(_appeal(case, tenant, now=NOW + 4 * DAY), is_overturned=True, now=NOW + 5 * DAY)
    assert annulled_time(tenant.account, since=NOW, until=NOW + 9 * DAY) == 3 * DAY


def test_overturning_leaves_what_other_cases_took(tenant: Tenant) -> None:
    restrict_account(
        account=tenant.account,
        measure=Measure.SUSPEND,
        case_number="B-1",
        reason="Unpaid.",
        by=None,
        now=NOW,
    )
    blocked = make_case(tenant, measure=ViolationMeasure.BLOCK)
    other = make_case(tenant)
    _decide(_appeal(blocked, tenant), is_overturned=True)
    assert _status(tenant) == AccountStatus.SUSPENDED
    still = Restriction.objects.filter(ended_at=None).values_list("case_number", flat=True)
    assert sorted(still) == sorted(["B-1", other.number])
    bars = refund_bars(tenant.account, now=NOW)
    assert [fact.number for fact in bars.standing] == [other.number]


def test_upholding_changes_nothing_of_the_measure(tenant: Tenant) -> None:
    case = make_case(tenant, measure=ViolationMeasure.TERMINATE)
    _decide(_appeal(case, tenant), is_overturned=False)
    assert _status(tenant) == AccountStatus.TERMINATED


def test_the_database_holds_one_open_appeal(tenant: Tenant) -> None:
    case = make_case(tenant, CaseState.APPEALED)
    with pytest.raises(IntegrityError), transaction.atomic():
        Appeal.objects.create(
            account=tenant.account,
            violation=case,
            round=2,
            statement="Again.",
            submitted_by=tenant.owner,
            submitted_at=NOW,
        )


def test_a_statement_cannot_be_rewritten(tenant: Tenant) -> None:
    make_case(tenant, CaseState.APPEALED)
    with pytest.raises(Exception, match="Cannot update"), transaction.atomic():
        Appeal.objects.update(statement="Forged.")


def test_an_appeal_belongs_to_the_account_of_its_case(tenant: Tenant) -> None:
    case = make_case(tenant)
    with pytest.raises(IntegrityError, match="another account"), transaction.atomic():
        Appeal.objects.create(
            account=make_tenant().account,
            violation=case,
            round=1,
            statement="x",
            submitted_at=NOW,
        )
