"""Every state of a case and of a request, with every act: allowed or refused."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import product

import pytest

from accounts.errors import Refused
from accounts.models import AuditEvent, User
from compliance.enums import (
    OPEN_STATES,
    STANDING_STATES,
    CaseState,
    ConnectionState,
    HistoryAct,
    ViolationMeasure,
)
from compliance.models import Appeal, ConnectionRequest, Violation, ViolationEvent
from compliance.services.appeals import decide_appeal, submit_appeal
from compliance.services.cases import AUDIT_VERBS
from compliance.services.connections import decide_connection, withdraw_connection
from compliance.services.violations import (
    dismiss_violation,
    start_investigation,
    verify_violation,
)
from compliance.transitions import (
    CASE_TRANSITIONS,
    CONNECTION_TRANSITIONS,
    CaseAct,
    ConnectionAct,
    case_state_after,
)
from tests.approving import by_two, take_measure
from tests.compliance.builders import (
    NOW,
    Tenant,
    approve,
    make_case,
    make_request,
    make_staff,
    make_tenant,
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


def _decide(is_overturned: bool) -> Callable[[Violation, Tenant, User], object]:
    def decide(case: Violation, tenant: Tenant, by: User) -> object:
        appeal = case.appeals.order_by("-round").first()
        if appeal is None:
            # A forged one, for a case that nobody appealed.
            appeal = Appeal.objects.create(
                account=tenant.account,
                violation=case,
                round=1,
                statement="Forged.",
                submitted_by=tenant.owner,
                submitted_at=NOW,
            )
        return decide_appeal(
            appeal=appeal, is_overturned=is_overturned, reason="Why.", by=make_staff(), now=LATER
        )

    return decide


ACTS: dict[CaseAct, Callable[[Violation, Tenant, User], object]] = {
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
    A.APPEAL: lambda case, tenant, _by: submit_appeal(
        violation=case, statement="Again: not us.", by=tenant.owner, now=LATER
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
    final = {state for state in S if not any(case_state_after(state, act) for act in A)}
    assert final == {S.DISMISSED, S.OVERTURNED}


def test_standing_and_open_states_are_told_apart() -> None:
    assert set(STANDING_STATES) == {S.VERIFIED, S.ACTIONED, S.APPEALED, S.UPHELD}
    assert set(OPEN_STATES) == {S.REPORTED, S.INVESTIGATING}


@pytest.mark.parametrize(("state", "act"), list(product(S, A)), ids=str)
def test_an_act_on_a_case(tenant: Tenant, state: CaseState, act: CaseAct) -> None:
    case = make_case(tenant, state)
    before = ViolationEvent.objects.count(), AuditEvent.objects.count()
    expected = ALLOWED_OF_CASE.get((state, act))
    if expected is None:
        with pytest.raises(Refused):
            ACTS[act](case, tenant, make_staff())
        assert Violation.objects.get(pk=case.pk).state == state
        assert (ViolationEvent.objects.count(), AuditEvent.objects.count()) == before
        return
    ACTS[act](case, tenant, make_staff())
    assert Violation.objects.get(pk=case.pk).state == expected
    event = ViolationEvent.objects.get(violation=case, at=LATER)
    assert (event.act, event.from_state, event.to_state) == (act, state, expected)
    audits = AuditEvent.objects.filter(verb=AUDIT_VERBS[HistoryAct(act.value)], at=LATER)
    assert [(row.from_state, row.to_state) for row in audits] == [(state, expected)]


CS, CA = ConnectionState, ConnectionAct
ALLOWED_OF_CONNECTION = {
    (CS.REVIEW, CA.APPROVE): CS.APPROVED,
    (CS.REVIEW, CA.REFUSE): CS.REFUSED,
    (CS.REVIEW, CA.WITHDRAW): CS.WITHDRAWN,
    (CS.APPROVED, CA.REVOKE): CS.REVOKED,
}


def _request_in(state: ConnectionState) -> ConnectionRequest:
    request = make_request(make_tenant())
    if state == CS.REVIEW:
        return request
    if state == CS.WITHDRAWN:
        return withdraw_connection(request=request, by=make_staff(), now=NOW)
    if state == CS.REFUSED:
        return decide_connection(
            request=request, act=CA.REFUSE, reason="No.", by=make_staff(), now=NOW
        )
    request = approve(request)
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
