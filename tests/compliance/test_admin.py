"""The staff's desk: what each permission opens, and that every act goes through its service."""

import uuid
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from compliance.enums import (
    AppealState,
    CaseState,
    ConnectionState,
    ViolationMeasure,
)
from compliance.models import (
    Appeal,
    ConnectionRequest,
    Evidence,
    FlagWord,
    Industry,
    RuleBook,
    ScreeningEntry,
    Violation,
    ViolationEvent,
)
from compliance.services.evidence import attach_evidence
from tests.compliance.desk import act, approve_what_waits, change, listing
from tests.compliance.pages import read
from tests.factories import (
    NOW,
    Customer,
    approve_connection,
    make_case,
    make_clerk,
    make_connection_request,
    make_customer,
    make_file,
    report_case,
    signed_in,
)

pytestmark = pytest.mark.usefixtures("clock")

HANDLE = "compliance.handle_violation"


MODELS = [
    Violation,
    Appeal,
    ConnectionRequest,
    Evidence,
    RuleBook,
    Industry,
    ScreeningEntry,
    FlagWord,
]


# --- Reading -------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_list_needs_its_own_view_permission(customer: Customer, model: Any) -> None:
    make_case(customer, CaseState.APPEALED)
    name = model._meta.model_name
    others = [f"compliance.view_{other._meta.model_name}" for other in MODELS if other is not model]
    assert signed_in(make_clerk(f"compliance.view_{name}")).get(listing(model)).status_code == 200
    assert signed_in(make_clerk(*others)).get(listing(model)).status_code == 403
    assert signed_in(make_clerk()).get(listing(model)).status_code == 403


def _everything(customer: Customer, staff: User) -> list[Any]:
    case = make_case(customer, CaseState.APPEALED, handler=staff)
    file = attach_evidence(
        violation=case, upload=make_file(), is_disclosed=False, by=staff, now=NOW
    )
    return [
        case,
        case.appeals.get(),
        make_connection_request(make_customer()),
        file,
        RuleBook.objects.get(),
        Industry.objects.first(),
        ScreeningEntry.objects.first(),
        FlagWord.objects.first(),
    ]


def test_every_page_is_read_and_no_page_is_a_form(customer: Customer, staff: User) -> None:
    client = signed_in(staff)
    for obj in _everything(customer, staff):
        response = client.get(change(obj))
        assert response.status_code == 200
        assert b'name="_save"' not in response.content
        assert client.post(change(obj), {"state": "overturned"}).status_code == 403
        delete = reverse(f"admin:compliance_{obj._meta.model_name}_delete", args=[obj.pk])
        assert client.post(delete, {"post": "yes"}).status_code == 403
        assert client.post(listing(type(obj)), {"action": "delete_selected"}).status_code != 500
        assert type(obj).objects.filter(pk=obj.pk).exists()


def test_the_page_of_a_case_shows_the_rule_the_files_and_the_history(
    customer: Customer, staff: User
) -> None:
    case = _everything(customer, staff)[0]
    text = read(signed_in(staff).get(change(case)))
    assert "Rule book 1: Someone complained of being harassed by calls" in text
    assert "proof.png" in text
    assert "Not us." in text
    for words in ("Reported", "Investigation started", "Measure taken, and notice given"):
        assert words in text


@pytest.mark.parametrize("column", ["number", "complaint_number", "called_number"])
def test_a_case_is_found(customer: Customer, staff: User, column: str) -> None:
    case = report_case(customer, complaint_number="CP-1", called_number="+861")
    report_case(customer, complaint_number="CP-2", called_number="+862")
    term = getattr(case, column)
    text = read(signed_in(staff).get(listing(Violation), {"q": term}))
    others = Violation.objects.exclude(pk=case.pk).values_list("number", flat=True)
    assert case.number in text
    assert not any(number in text for number in others)


# --- Acting --------------------------------------------------------------------------------


def _case(state: CaseState, **options: Any) -> Any:
    return lambda customer: make_case(customer, state, **options)


#: act → how its object is made, the form's data, and the permission beside viewing
ACTS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "investigate": (_case(CaseState.REPORTED), {"reason": ""}, HANDLE),
    "amend": (
        _case(CaseState.REPORTED),
        {"source": "carrier", "summary": "Told again.", "reason": "The carrier wrote."},
        HANDLE,
    ),
    "verify": (_case(CaseState.INVESTIGATING), {"finding": "True.", "behaviour": "5"}, HANDLE),
    "dismiss": (_case(CaseState.INVESTIGATING), {"finding": "Untrue."}, HANDLE),
    "take-measure": (
        _case(CaseState.VERIFIED),
        {"measure": "suspend", "reason": "Rules."},
        HANDLE,
    ),
    "lift": (_case(CaseState.ACTIONED), {"reason": "Enough."}, HANDLE),
    "add-evidence": (_case(CaseState.ACTIONED), {"attachments": None}, HANDLE),
    "uphold": (
        lambda customer: make_case(customer, CaseState.APPEALED).appeals.get(),
        {"reason": "It stands."},
        "compliance.decide_appeal",
    ),
    "overturn": (
        lambda customer: make_case(customer, CaseState.APPEALED).appeals.get(),
        {"reason": "It falls."},
        "compliance.decide_appeal",
    ),
    "approve": (make_connection_request, {"reason": "Clear."}, "compliance.decide_connection"),
    "refuse": (make_connection_request, {"reason": "Unclear."}, "compliance.decide_connection"),
    "revoke": (
        lambda customer: approve_connection(make_connection_request(customer)),
        {"reason": "Misused."},
        "compliance.decide_connection",
    ),
}


def _data(data: dict[str, Any]) -> dict[str, Any]:
    return {name: make_file() if value is None else value for name, value in data.items()}


def _rows() -> list[int]:
    tables: list[Any] = [AuditEvent, ViolationEvent, Evidence]
    return [table.objects.count() for table in tables]


def _states(obj: Any) -> Any:
    return type(obj).objects.filter(pk=obj.pk).values().get()


@pytest.mark.parametrize("name", ACTS)
def test_an_act_needs_its_permission(customer: Customer, name: str) -> None:
    make, data, permission = ACTS[name]
    obj = make(customer)
    view = f"compliance.view_{obj._meta.model_name}"
    others = {HANDLE, "compliance.decide_appeal", "compliance.decide_connection"} - {permission}
    before = _states(obj), _rows()
    for clerk in (make_clerk(view, *others), make_clerk(permission), make_clerk()):
        client = signed_in(clerk)
        assert client.get(act(obj, name)).status_code == 403
        assert client.post(act(obj, name), _data(data)).status_code == 403
    assert (_states(obj), _rows()) == before
    client = signed_in(make_clerk(view, permission))
    assert act(obj, name) in client.get(change(obj)).content.decode()
    assert client.get(act(obj, name)).status_code == 200
    assert (_states(obj), _rows()) == before
    response = client.post(act(obj, name), _data(data))
    assert (response.status_code, response.headers["Location"]) == (302, change(obj))
    assert _rows() != before[1]


@pytest.mark.parametrize("name", ACTS)
def test_an_act_is_done_once(customer: Customer, staff: User, name: str) -> None:
    make, data, _permission = ACTS[name]
    obj = make(customer)
    client = signed_in(staff)
    client.post(act(obj, name), _data(data))
    after = _states(obj), _rows()
    again = client.post(act(obj, name), _data(data))
    if name == "amend":  # Nothing is new, so nothing is written.
        assert again.status_code == 302
    else:
        assert again.status_code in {302, 422}
    assert (_states(obj), _rows()) == after


def test_anonymous_and_customers_stay_outside(customer: Customer) -> None:
    case = make_case(customer)
    for client in (Client(), signed_in(customer.owner)):
        for url in (listing(Violation), change(case), act(case, "lift")):
            assert client.get(url).status_code == 302
            assert client.post(url).status_code == 302


def test_a_case_is_reported(customer: Customer, staff: User) -> None:
    url = reverse("admin:compliance_violation_add")
    data = {
        "account": customer.account.uin,
        "application": str(customer.application.sdkappid),
        "behaviour": "6",
        "source": "regulator",
        "summary": "Numbers in a row were called.",
        "occurred_at": "2026-03-01T10:20:30",
        "agent_name": "Li Wei",
        "request_key": str(uuid.uuid4()),
    }
    client = signed_in(make_clerk("compliance.add_violation", "compliance.view_violation"))
    responses = [client.post(url, data) for _ in range(2)]
    case = Violation.objects.get()
    assert [response.headers["Location"] for response in responses] == [change(case)] * 2
    assert (case.behaviour_number, case.source, case.agent_name) == (6, "regulator", "Li Wei")
    assert case.occurred_at == datetime.fromisoformat("2026-03-01T10:20:30+08:00")
    forbidden = signed_in(make_clerk("compliance.view_violation", HANDLE))
    assert forbidden.get(url).status_code == 403
    assert forbidden.post(url, data | {"request_key": str(uuid.uuid4())}).status_code == 403
    assert Violation.objects.count() == 1


BAD_REPORTS: dict[str, tuple[dict[str, str], str]] = {
    "an unknown account": ({"account": "999999999999"}, "No account has this UIN."),
    "other digits": ({"account": "１００００００００００１"}, "No account has this UIN."),
    "an unknown application": ({"application": "1499999999"}, "No application has this SDKAppID."),
    "an unknown behavior": ({"behaviour": "8"}, "Select a valid choice."),
    "a time to come": ({"occurred_at": "2026-04-01T00:00"}, "after it was reported"),
    "before any rule": ({"occurred_at": "2001-01-01T00:00"}, "No rule book applied"),
    "a NUL": ({"summary": "a\x00b"}, "Null characters are not allowed."),
    "two lines of agent": ({"agent_name": "a\nb"}, "without line breaks"),
}


@pytest.mark.parametrize(("changed", "message"), BAD_REPORTS.values(), ids=BAD_REPORTS.keys())
def test_a_bad_report_comes_back_with_its_reason(
    customer: Customer, staff: User, changed: dict[str, str], message: str
) -> None:
    data = {
        "account": customer.account.uin,
        "behaviour": "6",
        "source": "regulator",
        "summary": "x",
        "request_key": str(uuid.uuid4()),
    }
    response = signed_in(staff).post(reverse("admin:compliance_violation_add"), data | changed)
    assert response.status_code == 422
    assert message in read(response)
    assert not Violation.objects.exists()


def test_an_application_of_another_account_is_refused(customer: Customer, staff: User) -> None:
    data = {
        "account": customer.account.uin,
        "application": str(make_customer().application.sdkappid),
        "behaviour": "6",
        "source": "regulator",
        "summary": "x",
        "request_key": str(uuid.uuid4()),
    }
    response = signed_in(staff).post(reverse("admin:compliance_violation_add"), data)
    assert "The application belongs to another account." in read(response)


def test_only_the_rules_measures_are_offered_and_taken(customer: Customer, staff: User) -> None:
    case = make_case(customer, CaseState.VERIFIED, behaviour=6)
    client = signed_in(staff)
    page = client.get(act(case, "take-measure")).content.decode()
    assert 'value="warn"' in page
    assert 'value="block"' not in page
    response = client.post(act(case, "take-measure"), {"measure": "block", "reason": "x"})
    assert response.status_code == 422
    assert Violation.objects.get().state == CaseState.VERIFIED


def test_lawyers_need_consequences(customer: Customer, staff: User) -> None:
    case = make_case(customer, CaseState.VERIFIED, behaviour=1)
    data = {"measure": "block", "reason": "x", "is_legal_follow_up": "on"}
    client = signed_in(staff)
    response = client.post(act(case, "take-measure"), data)
    assert "Legal follow-up requires a serious impact or consequences on record." in read(response)
    client.post(act(case, "take-measure"), data | {"consequences": "A family lost its savings."})
    approve_what_waits()
    stored = Violation.objects.get()
    assert (stored.is_legal_follow_up, stored.measure) == (True, ViolationMeasure.BLOCK)


def test_the_handler_may_not_decide_the_appeal(customer: Customer, staff: User) -> None:
    case = make_case(customer, CaseState.APPEALED, handler=staff)
    appeal = case.appeals.get()
    client = signed_in(staff)
    for name in ("uphold", "overturn"):
        assert client.get(act(appeal, name)).status_code == 403
        assert client.post(act(appeal, name), {"reason": "x"}).status_code == 403
    assert Appeal.objects.get().state == AppealState.OPEN


def test_a_former_handler_may_not_decide_the_appeal(
    customer: Customer, staff: User, colleague: User
) -> None:
    case = make_case(customer, CaseState.APPEALED, handler=staff)
    Violation.objects.filter(pk=case.pk).update(handler=colleague)
    response = signed_in(staff).post(act(case.appeals.get(), "overturn"), {"reason": "x"})
    assert response.status_code == 422
    assert "An appeal must be decided by someone who did not handle the case." in read(response)


def test_staff_do_not_approve_what_they_asked_for_as_customers(customer: Customer) -> None:
    clerk = make_clerk("compliance.view_connectionrequest", "compliance.decide_connection")
    made = make_connection_request(customer, by=clerk)
    assert signed_in(clerk).post(act(made, "approve"), {"reason": "x"}).status_code == 403
    assert ConnectionRequest.objects.get().state == ConnectionState.REVIEW


def test_flag_words_are_named_to_staff(customer: Customer, staff: User) -> None:
    made = make_connection_request(customer, description="Casino news")
    assert "Flag words in the description: casino." in read(signed_in(staff).get(change(made)))
