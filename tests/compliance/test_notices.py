"""What customers are told, who is reached, and in which words."""

from typing import Any

import pytest
from django.utils import translation

from accounts.models import Notification, User
from accounts.services.letters import LetterWords, write
from compliance.enums import CaseState, ViolationMeasure
from compliance.services.appeals import decide_appeal
from compliance.services.connections import decide_connection
from compliance.services.measures import lift_measure
from compliance.transitions import ConnectionAct
from tests.approving import by_two
from tests.factories import (
    NOW,
    Customer,
    approve_connection,
    make_case,
    make_connection_request,
    make_member,
    make_staff,
)


def _news(kind: str) -> Notification:
    return Notification.objects.select_related("account", "user").get(kind=kind)


def _words(kind: str, language: str = "en") -> LetterWords:
    with translation.override(language):
        return write(_news(kind))


MEASURES = {
    ViolationMeasure.SUSPEND: "Service suspended: violation",
    ViolationMeasure.TERMINATE: "Service terminated: violation",
    ViolationMeasure.BLOCK: "Account blocked: violation",
}


@pytest.mark.parametrize("measure", MEASURES)
def test_a_measure_is_told(customer: Customer, measure: ViolationMeasure) -> None:
    case = make_case(customer, measure=measure)
    words = _words("violation_measure")
    assert words.subject == f"{MEASURES[measure]} {case.number}"
    assert "Behavior: Harassment." in words.text
    assert case.summary in words.text
    assert "All agents are now out of service." in words.text
    assert "You can appeal until 17 Mar 2026, 10:00:00 UTC+8." in words.text


def test_a_warning_is_told(customer: Customer) -> None:
    case = make_case(customer, behaviour=6)
    words = _words("violation_measure")
    assert words.subject == f"Warning: violation {case.number}"
    assert "Service continues." in words.text


def test_a_reader_of_chinese_reads_the_rule_in_chinese(customer: Customer) -> None:
    make_case(customer)
    assert "骚扰" in _words("violation_measure", "zh-hans").text


def test_only_those_who_can_appeal_are_told_of_a_measure(customer: Customer) -> None:
    make_member(customer.account, "viewer")
    case = make_case(customer)
    news = _news("violation_measure")
    assert news.user == customer.owner
    assert news.path == f"/console/{customer.account.uin}/violations/{case.number}/"
    assert news.next_attempt_at == NOW


def test_lifting_is_told(customer: Customer, staff: User) -> None:
    case = make_case(customer)
    lift_measure(violation=case, reason="A first offense.", by=None, now=NOW)
    words = _words("violation_lifted")
    assert words.subject == f"Suspension lifted: violation {case.number}"
    assert "you still cannot get refunds" in words.text
    assert "A first offense." in words.text


@pytest.mark.parametrize(
    ("is_overturned", "subject"),
    [
        (True, "Appeal granted: violation {} is overturned"),
        (False, "Appeal refused: violation {} stands"),
    ],
    ids=["overturned", "upheld"],
)
def test_the_answer_to_an_appeal_is_told(
    customer: Customer, is_overturned: bool, subject: str
) -> None:
    case = make_case(customer, CaseState.APPEALED)
    decide_appeal(
        appeal=case.appeals.get(),
        is_overturned=is_overturned,
        reason="We heard it again.",
        by=make_staff(),
        now=NOW,
    )
    words = _words("violation_appeal")
    assert words.subject == subject.format(case.number)
    assert "We heard it again." in words.text


DECISIONS: dict[str, tuple[list[ConnectionAct], str]] = {
    "approved": ([ConnectionAct.APPROVE], "Connection approved: {}"),
    "refused": ([ConnectionAct.REFUSE], "Connection refused: {}"),
    "revoked": (
        [ConnectionAct.APPROVE, ConnectionAct.REVOKE],
        "Connection approval revoked: {}",
    ),
}


@pytest.mark.parametrize(("acts", "subject"), DECISIONS.values(), ids=DECISIONS.keys())
def test_the_decision_on_a_request_is_told(
    customer: Customer, staff: User, acts: list[ConnectionAct], subject: str
) -> None:
    request = make_connection_request(customer)
    for act in acts:
        Notification.objects.all().delete()
        if act == ConnectionAct.REVOKE:
            by_two(
                "connection.revoke",
                account=customer.account,
                target=request,
                reason="As it is.",
                by=staff,
                now=NOW,
            )
        else:
            decide_connection(request=request, act=act, reason="As it is.", by=staff, now=NOW)
    words = _words("connection_decided")
    assert words.subject == subject.format(customer.application)
    assert "As it is." in words.text


def test_those_who_make_requests_are_told_of_decisions(customer: Customer) -> None:
    manager = make_member(customer.account, "agent_manager")
    make_member(customer.account, "finance")
    approve_connection(make_connection_request(customer))
    readers: Any = Notification.objects.values_list("user_id", flat=True)
    assert set(readers) == {customer.owner.pk, manager.pk}


def test_what_was_not_decided_is_not_told(customer: Customer) -> None:
    make_case(customer, CaseState.VERIFIED)
    make_connection_request(customer)
    assert not Notification.objects.exists()
