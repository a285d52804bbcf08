"""Every state of a case, an appeal and a request, with every act: allowed or refused."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import product

import pytest

from accounts.enums import EntityKind
from accounts.errors import Refused
from accounts.models import AuditEvent, User
from compliance.enums import (
    OPEN_STATES,
    STANDING_STATES,
    AppealState,
    CaseState,
    ConnectionState,
    HistoryAct,
    ViolationMeasure,
)
from compliance.models import Appeal, ConnectionRequest, Violation, ViolationEvent
from compliance.services.appeals import decide_appeal, submit_appeal
from compliance.services.cases import AUDIT_VERBS
from compliance.services.connections import decide_connection, withdraw_connection
from compliance.services.verification import _APPEALS, _CASES, _CONNECTIONS
from compliance.services.violations import (
    dismiss_violation,
    start_investigation,
    verify_violation,
)
from compliance.transitions import (
    APPEAL_STARTS,
    APPEAL_TRANSITIONS,
    CASE_STARTS,
    CASE_TRANSITIONS,
    CONNECTION_STARTS,
    CONNECTION_TRANSITIONS,
    AppealAct,
    AppealStart,
    CaseAct,
    CaseStart,
    ConnectionAct,
    ConnectionStart,
)
from tests.approving import by_two, take_measure
from tests.factories import (
    NOW,
    Customer,
    approve_connection,
    make_case,
    make_connection_request,
    make_customer,
    make_entity,
    make_staff,
)

S, A = CaseState, CaseAct

#: Written out a second time, from the specification.
ALLOWED_OF_CASE = {
    (S.REPORTED, A.INVESTIGATE): S.INVESTIGATING,
    (S.INVESTIGATING, A.VERIFY): S.VERIFIED,
    (S.INVESTIGATING, A.DISMISS): S.DISMISSED,
    (S.VERIFIED, A.ACT): S.ACTIONED,
    (S.ACTIONED, A.APPEAL): S.APPEALED,
    (S.APPEALED, A.UPHOLD): S.UPHELD,
    (S.APPEALED, A.OVERTURN): S.OVERTURNED,
    (S.UPHELD, A.APPEAL): S.APPEALED,
}
LATER = NOW + timedelta(minutes=1)


def _decide(is_overturned: bool) -> Callable[[Violation, Customer, User], object]:
    def decide(case: Violation, customer: Customer, by: User) -> object:
        appeal = case.appeals.order_by("-round").first()
        if appeal is None:
            # A forged one, for a case that no one appealed.
            appeal = Appeal.objects.create(
                account=customer.account,
                violation=case,
                round=1,
                statement="Forged.",
                submitted_by=customer.owner,
                submitted_at=NOW,
            )
        return decide_appeal(
            appeal=appeal, is_overturned=is_overturned, reason="Why.", by=make_staff(), now=LATER
        )

    return decide


ACTS: dict[CaseAct, Callable[[Violation, Customer, User], object]] = {
    A.INVESTIGATE: lambda case, _tenant, by: start_investigation(violation=case, by=by, now=LATER),
    A.VERIFY: lambda case, _tenant, by: verify_violation(
        violation=case, finding="True.", by=by, now=LATER
    ),
    A.DISMISS: lambda case, _tenant, by: dismiss_violation(
        violation=case, finding="Untrue.", by=by, now=LATER
    ),
    A.ACT: lambda case, _tenant, by: take_measure(
        case, ViolationMeasure.SUSPEND, reason="Why.", by=by, now=LATER
    ),
    A.APPEAL: lambda case, customer, _by: submit_appeal(
        violation=case, statement="Again: not us.", by=customer.owner, now=LATER
    ),
    A.UPHOLD: _decide(is_overturned=False),
    A.OVERTURN: _decide(is_overturned=True),
}


def test_the_table_is_the_specification() -> None:
    assert CASE_TRANSITIONS == ALLOWED_OF_CASE


def test_every_state_and_every_act_is_in_the_table() -> None:
    states = {state for state, _act in CASE_TRANSITIONS} | set(CASE_TRANSITIONS.values())
    assert states == set(S)
    assert {act for _state, act in CASE_TRANSITIONS} == set(A) == set(ACTS)


def test_the_final_states_are_these() -> None:
    final = {state for state in S if not any(CASE_TRANSITIONS.after(state, act) for act in A)}
    assert final == {S.DISMISSED, S.OVERTURNED}


def test_standing_and_open_states_are_told_apart() -> None:
    assert set(STANDING_STATES) == {S.VERIFIED, S.ACTIONED, S.APPEALED, S.UPHELD}
    assert set(OPEN_STATES) == {S.REPORTED, S.INVESTIGATING}


@pytest.mark.parametrize(("state", "act"), list(product(S, A)), ids=str)
def test_an_act_on_a_case(customer: Customer, state: CaseState, act: CaseAct) -> None:
    case = make_case(customer, state)
    before = ViolationEvent.objects.count(), AuditEvent.objects.count()
    expected = ALLOWED_OF_CASE.get((state, act))
    if expected is None:
        with pytest.raises(Refused):
            ACTS[act](case, customer, make_staff())
        assert Violation.objects.get(pk=case.pk).state == state
        assert (ViolationEvent.objects.count(), AuditEvent.objects.count()) == before
        return
    ACTS[act](case, customer, make_staff())
    assert Violation.objects.get(pk=case.pk).state == expected
    event = ViolationEvent.objects.get(violation=case, at=LATER)
    assert (event.act, event.from_state, event.to_state) == (act, state, expected)
    audits = AuditEvent.objects.filter(verb=AUDIT_VERBS[HistoryAct(act.value)], at=LATER)
    assert [(row.from_state, row.to_state) for row in audits] == [(state, expected)]


AS, AA = AppealState, AppealAct
ALLOWED_OF_APPEAL = {(AS.OPEN, AA.UPHOLD): AS.UPHELD, (AS.OPEN, AA.OVERTURN): AS.OVERTURNED}
#: The case whose last appeal is in this state.
CASE_OF_APPEAL = {AS.OPEN: S.APPEALED, AS.UPHELD: S.UPHELD, AS.OVERTURNED: S.OVERTURNED}


def test_the_table_of_appeals_is_whole() -> None:
    assert APPEAL_TRANSITIONS == ALLOWED_OF_APPEAL
    assert {AS.OPEN, *APPEAL_TRANSITIONS.values()} == set(AS)
    assert {act for _state, act in APPEAL_TRANSITIONS} == set(AA)
    assert [APPEAL_TRANSITIONS.after(state, AA.UPHOLD) for state in AS] == [
        AS.UPHELD,
        None,
        None,
    ]


@pytest.mark.parametrize(("state", "act"), list(product(AS, AA)), ids=str)
def test_an_act_on_an_appeal(customer: Customer, state: AppealState, act: AppealAct) -> None:
    case = make_case(customer, CASE_OF_APPEAL[state])
    if state == AS.UPHELD:
        # So that the case waits for a decision again, though not for one on this appeal.
        submit_appeal(violation=case, statement="Still not us.", by=customer.owner, now=NOW)
    appeal = case.appeals.get(round=1)
    assert appeal.state == state
    events = AuditEvent.objects.filter(target_type="compliance.appeal", target_id=appeal.pk)
    before, told = Appeal.objects.values().get(pk=appeal.pk), events.count()

    def decide() -> Appeal:
        return decide_appeal(
            appeal=appeal,
            is_overturned=act == AA.OVERTURN,
            reason="Why.",
            by=make_staff(),
            now=LATER,
        )

    expected = ALLOWED_OF_APPEAL.get((state, act))
    if expected is None:
        with pytest.raises(Refused) as refusal:
            decide()
        assert refusal.value.code == "wrong_state"
        assert Appeal.objects.values().get(pk=appeal.pk) == before
        assert events.count() == told
        return
    assert decide().state == expected
    assert Appeal.objects.get(pk=appeal.pk).state == expected
    assert [(e.verb, e.from_state, e.to_state) for e in events.filter(at=LATER)] == [
        ("appeal.decided", "open", expected)
    ]


CS, CA = ConnectionState, ConnectionAct
ALLOWED_OF_CONNECTION = {
    (CS.REVIEW, CA.APPROVE): CS.APPROVED,
    (CS.REVIEW, CA.REFUSE): CS.REFUSED,
    (CS.REVIEW, CA.WITHDRAW): CS.WITHDRAWN,
    (CS.APPROVED, CA.REVOKE): CS.REVOKED,
}


def _request_in(state: ConnectionState) -> ConnectionRequest:
    request = make_connection_request(make_customer())
    if state == CS.REVIEW:
        return request
    if state == CS.WITHDRAWN:
        return withdraw_connection(request=request, by=make_staff(), now=NOW)
    if state == CS.REFUSED:
        return decide_connection(
            request=request, act=CA.REFUSE, reason="No.", by=make_staff(), now=NOW
        )
    request = approve_connection(request)
    if state == CS.APPROVED:
        return request
    return _revoke(request, NOW)


def _revoke(request: ConnectionRequest, now: datetime) -> ConnectionRequest:
    revoked: ConnectionRequest = by_two(
        "connection.revoke",
        account=request.account,
        target=request,
        by=make_staff(),
        now=now,
    )
    return revoked


def _act_on(request: ConnectionRequest, act: ConnectionAct) -> object:
    if act == CA.WITHDRAW:
        return withdraw_connection(request=request, by=make_staff(), now=LATER)
    if act == CA.REVOKE:
        return _revoke(request, LATER)
    return decide_connection(request=request, act=act, reason="Why.", by=make_staff(), now=LATER)


def test_the_table_of_requests_is_whole() -> None:
    assert CONNECTION_TRANSITIONS == ALLOWED_OF_CONNECTION
    states = {state for state, _act in CONNECTION_TRANSITIONS}
    assert states | set(CONNECTION_TRANSITIONS.values()) == set(CS)
    assert {act for _state, act in CONNECTION_TRANSITIONS} == set(CA)


@pytest.mark.django_db
@pytest.mark.parametrize(("state", "act"), list(product(CS, CA)), ids=str)
def test_an_act_on_a_request(state: ConnectionState, act: ConnectionAct) -> None:
    request = _request_in(state)
    expected = ALLOWED_OF_CONNECTION.get((state, act))
    if expected is None:
        with pytest.raises(Refused) as refusal:
            _act_on(request, act)
        assert refusal.value.code == "wrong_state"
        assert ConnectionRequest.objects.get(pk=request.pk).state == state
        return
    _act_on(request, act)
    assert ConnectionRequest.objects.get(pk=request.pk).state == expected
    audits = AuditEvent.objects.filter(verb=f"connection.{expected}", at=LATER)
    assert [(row.from_state, row.to_state) for row in audits] == [(state, expected)]


@pytest.mark.django_db
def test_withdrawing_is_not_for_staff() -> None:
    with pytest.raises(Refused) as refusal:
        decide_connection(
            request=_request_in(CS.REVIEW), act=CA.WITHDRAW, reason="x", by=make_staff(), now=NOW
        )
    assert refusal.value.code == "not_staff_act"


# --- How they start, and what the audit trail may tell ---------------------------------------


def _starts_of(target: str) -> set[tuple[str, str]]:
    events = AuditEvent.objects.filter(target_type=target, from_state="")
    return set(events.values_list("verb", "to_state"))


def test_how_cases_appeals_and_requests_start(customer: Customer) -> None:
    assert CASE_STARTS == {CaseStart.REPORT: S.REPORTED}
    assert APPEAL_STARTS == {AppealStart.SUBMIT: AS.OPEN}
    assert CONNECTION_STARTS == {
        ConnectionStart.SEND: CS.REVIEW,
        ConnectionStart.SCREEN_OUT: CS.REFUSED,
    }
    make_case(customer, S.APPEALED)
    assert make_connection_request(make_customer()).state == "review"
    private = make_customer(entity=make_entity(kind=EntityKind.INDIVIDUAL))
    assert make_connection_request(private).state == "refused"
    assert _starts_of("compliance.violation") == {("violation.reported", "reported")}
    assert _starts_of("compliance.appeal") == {("appeal.submitted", "open")}
    assert _starts_of("compliance.connectionrequest") == {
        ("connection.requested", "review"),
        ("connection.requested", "refused"),
    }


def test_the_audit_trail_may_tell_of_these_moves_and_no_others() -> None:
    known = {
        verb: sorted(">".join(pair) for pair in pairs)
        for trail in (_CASES, _APPEALS, _CONNECTIONS)
        for verb, pairs in trail.verbs.items()
    }
    assert known == {
        "violation.reported": [">reported"],
        "violation.taken_up": ["reported>investigating"],
        "violation.verified": ["investigating>verified"],
        "violation.dismissed": ["investigating>dismissed"],
        "violation.actioned": ["verified>actioned"],
        "violation.appealed": ["actioned>appealed", "upheld>appealed"],
        "violation.upheld": ["appealed>upheld"],
        "violation.overturned": ["appealed>overturned"],
        "appeal.submitted": [">open"],
        "appeal.decided": ["open>overturned", "open>upheld"],
        "connection.requested": [">refused", ">review"],
        "connection.approved": ["review>approved"],
        "connection.refused": ["review>refused"],
        "connection.withdrawn": ["review>withdrawn"],
        "connection.revoked": ["approved>revoked"],
    }
