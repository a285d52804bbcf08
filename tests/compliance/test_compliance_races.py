"""What many hands together may not do to a case, and proof that the lock is what stops them."""

import uuid
from collections.abc import Callable

import pytest

from accounts.errors import Refused
from accounts.models import Account, AuditEvent, Restriction, User
from compliance.enums import AppealState, CaseState, ViolationMeasure
from compliance.models import Appeal, ConnectionRequest, Violation
from compliance.services import cases, connections
from compliance.services.appeals import decide_appeal, submit_appeal
from compliance.services.connections import request_connection
from compliance.services.measures import act_on_violation
from tests.approving import take_measure
from tests.factories import (
    NOW,
    Customer,
    make_business,
    make_case,
    make_customer,
    make_staff,
)
from tests.races import Outcome, errors, race, values
from tests.tiers import sample

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

HANDS = 10
TIMES = sample(3, 10)
#: How often a race without its lock may end well before the test gives up.
TRIES = 40


def _unlocked(account_id: int) -> Account:
    return Account.objects.select_related("entity").get(pk=account_id)


def _refusals(outcomes: list[Outcome[int]]) -> list[str]:
    return [error.code if isinstance(error, Refused) else repr(error) for error in errors(outcomes)]


def _appeal(case: Violation, owner: User) -> Callable[[], int]:
    return lambda: submit_appeal(violation=case, statement="Not us.", by=owner, now=NOW).pk


def test_one_appeal_sent_ten_times_is_one_appeal() -> None:
    for _time in range(TIMES):
        customer = make_customer()
        case = make_case(customer)
        outcomes = race(*[_appeal(case, customer.owner)] * HANDS)
        assert errors(outcomes) == []
        assert len(set(values(outcomes))) == 1
        assert Appeal.objects.filter(violation=case).count() == 1


def test_without_the_lock_the_same_appeal_is_answered_differently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cases, "lock_account", _unlocked)

    def race_once() -> list[BaseException]:
        customer = make_customer()
        return errors(race(*[_appeal(make_case(customer), customer.owner)] * HANDS))

    assert any(race_once() for _try in range(TRIES))


def _measure(case: Violation, staff: User) -> Callable[[], int]:
    return lambda: take_measure(case, ViolationMeasure.SUSPEND, by=staff, now=NOW).pk


def test_one_measure_taken_by_ten_hands_is_taken_once() -> None:
    for _time in range(TIMES):
        customer = make_customer()
        case = make_case(customer, CaseState.VERIFIED)
        outcomes = race(*[_measure(case, make_staff()) for _hand in range(HANDS)])
        # Who is later finds it prepared by someone else, or done.
        assert len(_refusals(outcomes)) == HANDS - 1
        assert set(_refusals(outcomes)) <= {"waits_already", "wrong_state"}
        assert Restriction.objects.filter(account=customer.account).count() == 1
        told = AuditEvent.objects.filter(account=customer.account, verb="violation.actioned")
        assert told.count() == 1


def _warning(case: Violation) -> Callable[[], int]:
    staff = make_staff()
    return lambda: (
        act_on_violation(
            violation=case, measure=ViolationMeasure.WARN, reason="Rules.", by=staff, now=NOW
        ).pk
    )


def test_one_warning_given_by_ten_hands_is_given_once() -> None:
    for _time in range(TIMES):
        customer = make_customer()
        case = make_case(customer, CaseState.VERIFIED, behaviour=4)
        outcomes = race(*[_warning(case) for _hand in range(HANDS)])
        assert _refusals(outcomes) == ["wrong_state"] * (HANDS - 1)
        told = AuditEvent.objects.filter(account=customer.account, verb="violation.actioned")
        assert told.count() == 1


def _decide(appeal: Appeal, is_overturned: bool) -> Callable[[], int]:
    staff = make_staff()
    return lambda: (
        decide_appeal(
            appeal=appeal, is_overturned=is_overturned, reason="So.", by=staff, now=NOW
        ).pk
    )


def test_two_who_decide_differently_decide_once() -> None:
    for _time in range(TIMES):
        customer = make_customer()
        case = make_case(customer, CaseState.APPEALED)
        appeal = case.appeals.get()
        outcomes = race(_decide(appeal, True), _decide(appeal, False))
        assert _refusals(outcomes) == ["wrong_state"]
        decided = Appeal.objects.get(pk=appeal.pk).state
        state = Violation.objects.get(pk=case.pk).state
        status = Account.objects.get(pk=customer.account.pk).status
        assert (decided, state, status) in {
            (AppealState.OVERTURNED, CaseState.OVERTURNED, "active"),
            (AppealState.UPHELD, CaseState.UPHELD, "suspended"),
        }


def _request(customer: Customer) -> Callable[[], int]:
    key = uuid.uuid4()
    return lambda: (
        request_connection(
            account=customer.account,
            application=customer.application,
            entry=None,
            business=make_business(),
            request_key=key,
            by=customer.owner,
            now=NOW,
        ).pk
    )


def test_ten_requests_for_an_application_leave_one_waiting() -> None:
    for _time in range(TIMES):
        customer = make_customer()
        outcomes = race(*[_request(customer) for _hand in range(HANDS)])
        assert _refusals(outcomes) == ["already_waiting"] * (HANDS - 1)
        assert ConnectionRequest.objects.filter(account=customer.account).count() == 1


def test_one_form_sent_ten_times_is_one_request() -> None:
    for _time in range(TIMES):
        customer = make_customer()
        outcomes = race(*[_request(customer)] * HANDS)
        assert errors(outcomes) == []
        assert len(set(values(outcomes))) == 1


def test_without_the_lock_the_same_form_is_answered_differently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "lock_account", _unlocked)
    assert any(errors(race(*[_request(make_customer())] * HANDS)) for _try in range(TRIES))
