"""Recording a case, judging it, acting on it, and giving back what was taken."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.enums import AccountStatus
from accounts.errors import Refused
from accounts.models import Account, Restriction, User
from compliance.audit_words import SENTENCES
from compliance.enums import CaseState, HistoryAct, Severity, ViolationMeasure
from compliance.models import Violation, ViolationEvent
from compliance.policy import ViolationRule, judge_measure
from compliance.services.cases import AUDIT_VERBS
from compliance.services.measures import act_on_violation, lift_measure
from compliance.services.rule_book import publish_rule_book
from compliance.services.violations import (
    amend_case,
    report_violation,
    verify_violation,
)
from compliance.transitions import CaseAct
from tests.factories import (
    DAY,
    NOW,
    Customer,
    approve_connection,
    make_case,
    make_connection_request,
    make_customer,
    make_report,
    report_case,
)

M = ViolationMeasure


def _status(customer: Customer) -> str:
    return Account.objects.get(pk=customer.account.pk).status


def _refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(Refused) as refusal:
        call(**arguments)
    return refusal.value.code


# --- Recording -----------------------------------------------------------------------------


def test_a_report_keeps_a_snapshot_of_its_rule(customer: Customer) -> None:
    case = report_case(customer, 5)
    assert (case.behaviour_number, case.severity, case.bars_refund) == (5, Severity.SERIOUS, True)
    assert case.judged_by["rule_book"] == 1
    assert case.judged_by["name"] == "Wearing people down or insulting them"
    assert case.judged_by["measures"] == [M.SUSPEND, M.TERMINATE, M.BLOCK]


def test_the_same_form_sent_twice_gives_one_case(customer: Customer) -> None:
    arguments: dict[str, Any] = {
        "account": customer.account,
        "application": customer.application,
        "behaviour_number": 2,
        "report": make_report(),
        "request_key": uuid.uuid4(),
        "by": None,
        "now": NOW,
    }
    assert report_violation(**arguments) == report_violation(**arguments)
    assert (Violation.objects.count(), ViolationEvent.objects.count()) == (1, 1)


def test_each_case_has_a_number_of_its_own(customer: Customer) -> None:
    numbers = [report_case(customer).number for _ in range(3)]
    assert len(set(numbers)) == 3
    assert all(number.startswith("V-") for number in numbers)


REPORTS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown behavior": ({"behaviour_number": 8}, "no_behaviour"),
    "before any rule book": (
        {"report": make_report(occurred_at=NOW - 4000 * DAY)},
        "no_rule_book",
    ),
    "in the future": ({"report": make_report(occurred_at=NOW + DAY)}, "in_the_future"),
    "no summary": ({"report": make_report(summary=" ")}, "text_missing"),
    "a summary without end": ({"report": make_report(summary="x" * 5001)}, "text_too_long"),
}


@pytest.mark.parametrize(("changed", "code"), REPORTS.values(), ids=REPORTS.keys())
def test_a_report_that_is_refused(customer: Customer, changed: dict[str, Any], code: str) -> None:
    arguments: dict[str, Any] = {
        "account": customer.account,
        "application": None,
        "behaviour_number": 2,
        "report": make_report(),
        "request_key": uuid.uuid4(),
        "by": None,
        "now": NOW,
    }
    assert _refusal(report_violation, **arguments | changed) == code
    assert not Violation.objects.exists()


def test_an_application_of_another_account_is_refused(customer: Customer) -> None:
    code = _refusal(
        report_violation,
        account=customer.account,
        application=make_customer().application,
        behaviour_number=2,
        report=make_report(),
        request_key=uuid.uuid4(),
        by=None,
        now=NOW,
    )
    assert code == "other_account"


def test_the_database_refuses_an_application_of_another_account(customer: Customer) -> None:
    case = report_case(customer)
    with pytest.raises(IntegrityError, match="another account"), transaction.atomic():
        Violation.objects.filter(pk=case.pk).update(application=make_customer().application)


# --- Judging -------------------------------------------------------------------------------


def test_another_behaviour_may_be_found_than_was_alleged(customer: Customer, staff: User) -> None:
    case = make_case(customer, CaseState.INVESTIGATING, behaviour=1)
    found = verify_violation(
        violation=case, finding="No fraud, but insults.", behaviour_number=5, by=staff, now=NOW
    )
    stored = Violation.objects.get(pk=found.pk)
    assert (stored.behaviour_number, stored.severity) == (5, Severity.SERIOUS)
    assert stored.judged_by["number"] == 5
    assert (stored.handler, stored.verified_at) == (staff, NOW)
    event = ViolationEvent.objects.get(act="verify")
    assert event.data == {"alleged": 1, "behaviour": 5, "severity": "serious"}


def _milder_book() -> dict[str, Any]:
    return {
        "note": "Milder",
        "severities": [{"key": "violation", "measures": ["warn"], "bars_refund": False}],
        "behaviours": [
            {"number": 2, "severity": "violation", "name": "Noise", "description": "Calls."}
        ],
    }


def test_a_case_is_judged_by_the_rules_of_the_time_when_it_happened(
    customer: Customer, staff: User
) -> None:
    publish_rule_book(data=_milder_book(), effective_at=NOW + DAY, by=staff, now=NOW)
    old = report_case(customer, 2, now=NOW + 3 * DAY, occurred_at=NOW)
    new = report_case(customer, 2, now=NOW + 3 * DAY, occurred_at=NOW + 2 * DAY)
    assert (old.severity, old.judged_by["rule_book"]) == (Severity.SERIOUS, 1)
    assert (new.severity, new.judged_by["rule_book"]) == (Severity.VIOLATION, 2)


def test_a_case_keeps_its_rule_when_a_new_book_is_published(
    customer: Customer, staff: User
) -> None:
    case = make_case(customer, CaseState.VERIFIED)
    publish_rule_book(data=_milder_book(), effective_at=NOW, by=staff, now=NOW)
    assert Violation.objects.get(pk=case.pk).severity == Severity.SERIOUS


def test_a_case_about_the_declared_business_refers_to_the_approved_request(
    customer: Customer, staff: User
) -> None:
    request = approve_connection(make_connection_request(customer))
    case = make_case(customer, CaseState.INVESTIGATING, behaviour=4)
    arguments: dict[str, Any] = {"violation": case, "finding": "x", "by": staff, "now": NOW}
    assert _refusal(verify_violation, **arguments) == "request_missing"
    assert verify_violation(**arguments, connection=request).connection == request


def test_a_case_without_application_refers_to_an_approved_request_of_the_account(
    customer: Customer, staff: User
) -> None:
    request = approve_connection(make_connection_request(customer))
    case = make_case(customer, CaseState.INVESTIGATING, behaviour=4)
    Violation.objects.filter(pk=case.pk).update(application=None)
    case.refresh_from_db()
    arguments: dict[str, Any] = {"violation": case, "finding": "x", "by": staff, "now": NOW}
    foreign = approve_connection(make_connection_request(make_customer()))
    assert _refusal(verify_violation, **arguments) == "request_missing"
    assert _refusal(verify_violation, **arguments, connection=foreign) == "other_request"
    assert verify_violation(**arguments, connection=request).connection == request


def test_a_business_that_was_never_declared_refers_to_nothing(
    customer: Customer, staff: User
) -> None:
    case = make_case(customer, CaseState.INVESTIGATING, behaviour=3)
    found = verify_violation(violation=case, finding="Private business.", by=staff, now=NOW)
    assert found.connection is None


def test_only_an_approved_request_of_the_application_can_be_deviated_from(
    customer: Customer, staff: User
) -> None:
    case = make_case(customer, CaseState.INVESTIGATING, behaviour=4)
    arguments: dict[str, Any] = {"violation": case, "finding": "x", "by": staff, "now": NOW}
    waiting = make_connection_request(customer)
    foreign = approve_connection(make_connection_request(make_customer()))
    assert _refusal(verify_violation, **arguments, connection=waiting) == "other_request"
    assert _refusal(verify_violation, **arguments, connection=foreign) == "other_request"


def test_other_behaviours_refer_to_no_request(customer: Customer, staff: User) -> None:
    request = approve_connection(make_connection_request(customer))
    case = make_case(customer, CaseState.INVESTIGATING, behaviour=2)
    code = _refusal(
        verify_violation, violation=case, finding="x", connection=request, by=staff, now=NOW
    )
    assert code == "request_not_about"


def test_an_open_case_can_be_corrected_and_the_history_says_how(
    customer: Customer, staff: User
) -> None:
    case = report_case(customer)
    report = make_report(agent_name="Li Wei", agent_staff_number="S1")
    amend_case(violation=case, report=report, reason="The agent is known.", by=staff, now=NOW)
    assert Violation.objects.get(pk=case.pk).agent_name == "Li Wei"
    event = ViolationEvent.objects.get(act="amend")
    assert event.data == {
        "agent_name": {"from": "", "to": "Li Wei"},
        "agent_staff_number": {"from": "", "to": "S1"},
    }


def test_a_decided_case_can_no_longer_be_corrected(customer: Customer, staff: User) -> None:
    case = make_case(customer, CaseState.VERIFIED)
    code = _refusal(amend_case, violation=case, report=make_report(), reason="x", by=staff, now=NOW)
    assert code == "wrong_state"


# --- Measures ------------------------------------------------------------------------------

WARN_ONLY = ViolationRule(Severity.VIOLATION, (M.WARN,))
SERIOUS = ViolationRule(Severity.SERIOUS, (M.SUSPEND, M.TERMINATE, M.BLOCK))
SEVERE = ViolationRule(Severity.SEVERE, SERIOUS.measures, allows_legal_follow_up=True)

#: rule, measure, consequences, legal follow-up → codes
MEASURES = {
    "warn for a violation": (WARN_ONLY, M.WARN, "", False, []),
    "suspend for a violation": (WARN_ONLY, M.SUSPEND, "", False, ["measure_not_allowed"]),
    "terminate for a violation": (WARN_ONLY, M.TERMINATE, "", False, ["measure_not_allowed"]),
    "block for a violation": (WARN_ONLY, M.BLOCK, "", False, ["measure_not_allowed"]),
    "warn for a serious one": (SERIOUS, M.WARN, "", False, ["measure_not_allowed"]),
    "suspend for a serious one": (SERIOUS, M.SUSPEND, "", False, []),
    "terminate for a serious one": (SERIOUS, M.TERMINATE, "", False, []),
    "block for a serious one": (SERIOUS, M.BLOCK, "", False, []),
    "warn for a severe one": (SEVERE, M.WARN, "", False, ["measure_not_allowed"]),
    "block for a severe one": (SEVERE, M.BLOCK, "", False, []),
    "lawyers for a severe one": (SEVERE, M.BLOCK, "Losses.", True, []),
    "lawyers without consequences": (SEVERE, M.BLOCK, " ", True, ["consequences_missing"]),
    "lawyers for a serious one": (SERIOUS, M.BLOCK, "Losses.", True, ["no_legal_follow_up"]),
    "everything wrong together": (
        WARN_ONLY,
        M.BLOCK,
        "",
        True,
        ["measure_not_allowed", "no_legal_follow_up", "consequences_missing"],
    ),
}


@pytest.mark.parametrize(
    ("rule", "measure", "consequences", "is_legal", "codes"),
    MEASURES.values(),
    ids=MEASURES.keys(),
)
def test_which_measure_a_rule_provides(
    rule: ViolationRule,
    measure: ViolationMeasure,
    consequences: str,
    is_legal: bool,
    codes: list[str],
) -> None:
    problems = judge_measure(rule, measure, consequences=consequences, is_legal_follow_up=is_legal)
    assert [problem.code for problem in problems] == codes


STATUS = {
    M.SUSPEND: AccountStatus.SUSPENDED,
    M.TERMINATE: AccountStatus.TERMINATED,
    M.BLOCK: AccountStatus.BLOCKED,
}


@pytest.mark.parametrize("measure", STATUS)
def test_a_measure_restricts_the_account_in_the_name_of_the_case(
    customer: Customer, measure: ViolationMeasure
) -> None:
    case = make_case(customer, measure=measure)
    assert _status(customer) == STATUS[measure]
    restriction = Restriction.objects.get()
    assert (restriction.case_number, restriction.measure) == (case.number, measure)
    assert (case.measure, case.actioned_at, case.notified_at) == (measure, NOW, NOW)


def test_a_warning_restricts_nothing(customer: Customer) -> None:
    make_case(customer, behaviour=6)
    assert _status(customer) == AccountStatus.ACTIVE
    assert not Restriction.objects.exists()


def test_a_forged_measure_changes_nothing(customer: Customer, staff: User) -> None:
    case = make_case(customer, CaseState.VERIFIED, behaviour=6)
    code = _refusal(
        act_on_violation, violation=case, measure=M.BLOCK, reason="x", by=staff, now=NOW
    )
    assert (code, _status(customer)) == ("measure_not_allowed", AccountStatus.ACTIVE)
    assert Violation.objects.get(pk=case.pk).state == CaseState.VERIFIED


def test_the_database_refuses_lawyers_without_consequences(customer: Customer) -> None:
    case = make_case(customer, CaseState.VERIFIED, behaviour=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Violation.objects.filter(pk=case.pk).update(is_legal_follow_up=True)


def test_a_suspension_can_be_lifted(customer: Customer, staff: User) -> None:
    case = make_case(customer)
    lift_measure(violation=case, reason="Enough.", by=None, now=NOW + DAY)
    assert _status(customer) == AccountStatus.ACTIVE
    restriction = Restriction.objects.get()
    assert (restriction.ended_at, restriction.is_annulled) == (NOW + DAY, False)
    stored = Violation.objects.get(pk=case.pk)
    assert (stored.state, stored.lifted_at) == (CaseState.ACTIONED, NOW + DAY)


LIFTING = {
    "a termination": ({"measure": M.TERMINATE}, "not_liftable"),
    "a block": ({"measure": M.BLOCK}, "not_liftable"),
    "a warning": ({"behaviour": 6}, "not_liftable"),
    "nothing yet": ({"state": CaseState.VERIFIED}, "no_measure"),
    "an overturned case": ({"state": CaseState.OVERTURNED}, "no_measure"),
}


@pytest.mark.parametrize(("made", "code"), LIFTING.values(), ids=LIFTING.keys())
def test_what_cannot_be_lifted(
    customer: Customer, staff: User, made: dict[str, Any], code: str
) -> None:
    case = make_case(customer, **made)
    before = _status(customer)
    assert _refusal(lift_measure, violation=case, reason="x", by=staff, now=NOW) == code
    assert _status(customer) == before


def test_a_suspension_is_lifted_once(customer: Customer, staff: User) -> None:
    case = make_case(customer)
    lift_measure(violation=case, reason="x", by=None, now=NOW)
    assert _refusal(lift_measure, violation=case, reason="x", by=staff, now=NOW) == "lifted_already"


def test_lifting_one_case_leaves_what_another_took(customer: Customer, staff: User) -> None:
    first, second = make_case(customer), make_case(customer)
    lift_measure(violation=first, reason="x", by=None, now=NOW)
    assert _status(customer) == AccountStatus.SUSPENDED
    lift_measure(violation=second, reason="x", by=None, now=NOW)
    assert _status(customer) == AccountStatus.ACTIVE


def test_history_has_every_transition_and_words_for_everything() -> None:
    acts = {act.value for act in HistoryAct}
    assert {act.value for act in CaseAct} < acts
    assert {act.value for act in AUDIT_VERBS} == acts
    assert set(AUDIT_VERBS.values()) < set(SENTENCES)


@pytest.mark.parametrize("column", ["reason", "at", "to_state"])
def test_history_cannot_be_rewritten(customer: Customer, column: str) -> None:
    report_case(customer)
    value = NOW + timedelta(1) if column == "at" else "verified"
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ViolationEvent.objects.update(**{column: value})
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ViolationEvent.objects.all().delete()


def test_a_case_cannot_be_deleted(customer: Customer) -> None:
    case = report_case(customer)
    with pytest.raises(Exception, match="Cannot delete"), transaction.atomic():
        Violation.objects.filter(pk=case.pk)._raw_delete("default")
