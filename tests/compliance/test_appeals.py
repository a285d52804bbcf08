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
from tests.factories import (
    DAY,
    NOW,
    SECOND,
    Customer,
    make_case,
    make_customer,
    make_file,
    make_staff,
)

WEEK = timedelta(days=7)
LIMITS = AppealLimits(window=WEEK, rounds=2)


def _facts(**fields: Any) -> AppealFacts:
    values: dict[str, Any] = {"state": CaseState.ACTIONED, "noticed_at": NOW, "rounds": 0}
    return AppealFacts(**values | fields)


JUDGED: dict[str, tuple[AppealFacts, datetime, list[str]]] = {
    "immediately": (_facts(), NOW, []),
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


def _appeal(
    case: Violation, customer: Customer, *, now: datetime = NOW, text: str = "No."
) -> Appeal:
    return submit_appeal(violation=case, statement=text, by=customer.owner, now=now)


def _decide(appeal: Appeal, *, is_overturned: bool, now: datetime = NOW) -> Appeal:
    return decide_appeal(
        appeal=appeal, is_overturned=is_overturned, reason="Looked at.", by=make_staff(), now=now
    )


def _refusal(call: Any, *args: Any, **arguments: Any) -> str:
    with pytest.raises(Refused) as refusal:
        call(*args, **arguments)
    return refusal.value.code


def _status(customer: Customer) -> str:
    return Account.objects.get(pk=customer.account.pk).status


def test_two_appeals_and_no_third(customer: Customer) -> None:
    case = make_case(customer)
    for number in (1, 2):
        appeal = _appeal(case, customer, text=f"Round {number}")
        assert appeal.round == number
        _decide(appeal, is_overturned=False)
    assert _refusal(_appeal, case, customer) == "appeals_used"
    assert Violation.objects.get(pk=case.pk).state == CaseState.UPHELD


def test_the_second_window_counts_from_the_first_decision(customer: Customer) -> None:
    case = make_case(customer)
    appeal = _appeal(case, customer, now=NOW + 6 * DAY)
    _decide(appeal, is_overturned=False, now=NOW + 20 * DAY)
    late = NOW + 27 * DAY + SECOND
    assert _refusal(_appeal, case, customer, now=late) == "appeal_late"
    assert _appeal(case, customer, now=NOW + 27 * DAY).round == 2


def test_the_same_statement_sent_twice_is_one_appeal(customer: Customer) -> None:
    case = make_case(customer)
    assert _appeal(case, customer) == _appeal(case, customer)
    assert _refusal(_appeal, case, customer, text="Another.") == "appeal_open"
    assert Appeal.objects.count() == 1


def test_a_suspended_account_appeals_with_files(customer: Customer) -> None:
    case = make_case(customer)
    assert _status(customer) == AccountStatus.SUSPENDED
    appeal = submit_appeal(
        violation=case,
        statement="Listen to the recording.",
        files=[make_file()],
        by=customer.owner,
        now=NOW,
    )
    file = appeal.evidence.get()
    assert (file.name, file.is_disclosed, file.uploaded_by) == ("proof.png", True, customer.owner)


def test_a_bad_file_leaves_no_appeal(customer: Customer) -> None:
    case = make_case(customer)
    code = _refusal(
        submit_appeal,
        violation=case,
        statement="x",
        files=[make_file(content=b"<html>")],
        by=customer.owner,
        now=NOW,
    )
    assert code == "kind_not_accepted"
    assert not Appeal.objects.exists()
    assert Violation.objects.get(pk=case.pk).state == CaseState.ACTIONED


def test_the_handler_does_not_decide(customer: Customer, staff: User, colleague: User) -> None:
    case = make_case(customer, handler=staff)
    appeal = _appeal(case, customer)
    arguments: dict[str, Any] = {
        "appeal": appeal,
        "is_overturned": True,
        "reason": "x",
        "now": NOW,
    }
    assert _refusal(decide_appeal, **arguments, by=staff) == "same_handler"
    # Handing the case on makes no one another person.
    Violation.objects.filter(pk=case.pk).update(handler=make_staff())
    assert _refusal(decide_appeal, **arguments, by=staff) == "same_handler"
    assert decide_appeal(**arguments, by=colleague).state == AppealState.OVERTURNED


def test_staff_who_are_the_customer_do_not_decide(customer: Customer) -> None:
    appeal = _appeal(make_case(customer), customer)
    code = _refusal(
        decide_appeal, appeal=appeal, is_overturned=True, reason="x", by=customer.owner, now=NOW
    )
    assert code == "own_appeal"


def test_an_appeal_is_decided_once(customer: Customer) -> None:
    appeal = _appeal(make_case(customer), customer)
    _decide(appeal, is_overturned=False)
    assert _refusal(_decide, appeal, is_overturned=True) == "wrong_state"
    assert _status(customer) == AccountStatus.SUSPENDED


def test_a_decision_needs_a_reason(customer: Customer, colleague: User) -> None:
    appeal = _appeal(make_case(customer), customer)
    code = _refusal(
        decide_appeal, appeal=appeal, is_overturned=True, reason=" ", by=colleague, now=NOW
    )
    assert code == "text_missing"


@pytest.mark.parametrize("measure", [m for m in ViolationMeasure if m != ViolationMeasure.WARN])
def test_overturning_gives_back_whatever_was_taken(
    customer: Customer, measure: ViolationMeasure
) -> None:
    case = make_case(customer, measure=measure)
    _decide(_appeal(case, customer), is_overturned=True, now=NOW + DAY)
    assert _status(customer) == AccountStatus.ACTIVE
    assert refund_bars(customer.account, now=NOW + DAY) == RefundBars()
    assert annulled_time(customer.account, since=NOW - DAY, until=NOW + 5 * DAY) == DAY


def test_overturning_annuls_a_suspension_that_was_lifted_before(
    customer: Customer, staff: User
) -> None:
    case = make_case(customer)
    lift_measure(violation=case, reason="x", by=None, now=NOW + 3 * DAY)
    _decide(_appeal(case, customer, now=NOW + 4 * DAY), is_overturned=True, now=NOW + 5 * DAY)
    assert annulled_time(customer.account, since=NOW, until=NOW + 9 * DAY) == 3 * DAY


def test_overturning_leaves_what_other_cases_took(customer: Customer) -> None:
    restrict_account(
        account=customer.account,
        measure=Measure.SUSPEND,
        case_number="B-1",
        reason="Unpaid.",
        by=None,
        now=NOW,
    )
    blocked = make_case(customer, measure=ViolationMeasure.BLOCK)
    other = make_case(customer)
    _decide(_appeal(blocked, customer), is_overturned=True)
    assert _status(customer) == AccountStatus.SUSPENDED
    still = Restriction.objects.filter(ended_at=None).values_list("case_number", flat=True)
    assert sorted(still) == sorted(["B-1", other.number])
    bars = refund_bars(customer.account, now=NOW)
    assert [fact.number for fact in bars.standing] == [other.number]


def test_upholding_changes_nothing_of_the_measure(customer: Customer) -> None:
    case = make_case(customer, measure=ViolationMeasure.TERMINATE)
    _decide(_appeal(case, customer), is_overturned=False)
    assert _status(customer) == AccountStatus.TERMINATED


def test_the_database_holds_one_open_appeal(customer: Customer) -> None:
    case = make_case(customer, CaseState.APPEALED)
    with pytest.raises(IntegrityError), transaction.atomic():
        Appeal.objects.create(
            account=customer.account,
            violation=case,
            round=2,
            statement="Again.",
            submitted_by=customer.owner,
            submitted_at=NOW,
        )


def test_a_statement_cannot_be_rewritten(customer: Customer) -> None:
    make_case(customer, CaseState.APPEALED)
    with pytest.raises(Exception, match="Cannot update"), transaction.atomic():
        Appeal.objects.update(statement="Forged.")


def test_an_appeal_belongs_to_the_account_of_its_case(customer: Customer) -> None:
    case = make_case(customer)
    with pytest.raises(IntegrityError, match="another account"), transaction.atomic():
        Appeal.objects.create(
            account=make_customer().account,
            violation=case,
            round=1,
            statement="x",
            submitted_at=NOW,
        )
