"""How customers declare a business and read what became of it."""

import uuid
from typing import Any

import pytest

from accounts.models import User
from compliance.enums import CaseState, ConnectionState
from compliance.models import ConnectionRequest, ScreeningEntry
from compliance.services.connections import withdraw_connection
from compliance.services.violations import verify_violation
from tests.compliance.builders import (
    NOW,
    Tenant,
    approve,
    make_case,
    make_file,
    make_member,
    make_request,
    make_tenant,
)
from tests.compliance.pages import HEADERS, address, read, signed_in

pytestmark = pytest.mark.usefixtures("clock")

# --- Connection requests -------------------------------------------------------------------


def _answers(tenant: Tenant, **changed: Any) -> dict[str, Any]:
    return {
        "application": tenant.application.pk,
        "entry": "other",
        "description": "Answers questions about deliveries.",
        "direction": "inbound",
        "is_cold_calling": "no",
        "number_source": "none",
        "expected_volume": "100",
        "request_key": str(uuid.uuid4()),
    } | changed


def test_a_request_is_made_and_waits(tenant: Tenant) -> None:
    manager = make_member(tenant.account, "agent_manager")
    response = signed_in(manager).post(
        address("request_connection", tenant),
        _answers(tenant, attachments=[make_file()]),
        follow=True,
    )
    made = ConnectionRequest.objects.get()
    assert response.redirect_chain == [
        (address("connection_request", tenant, number=made.number), 302)
    ]
    assert (made.state, made.submitted_by) == (ConnectionState.REVIEW, manager)
    text = read(response)
    assert "The request was received and is under review." in text
    assert "The list does not name this business" in text
    assert "proof.png" in text


def test_a_prohibited_service_is_refused_by_name_on_the_page(tenant: Tenant) -> None:
    entry = ScreeningEntry.objects.filter(name="Gambling").first()
    assert entry is not None
    response = signed_in(tenant.owner).post(
        address("request_connection", tenant), _answers(tenant, entry=entry.pk), follow=True
    )
    text = read(response)
    assert "The connect guidelines refuse this business." in text
    assert "This service is never connected: Gambling." in text


def test_the_list_stands_beside_the_form(tenant: Tenant) -> None:
    text = read(signed_in(tenant.owner).get(address("request_connection", tenant)))
    assert "What is not connected" in text
    assert text.count("Feudal superstition") == 3
    assert "Column group recruits and auditions" in text


def test_the_list_offers_businesses_each_once_and_an_ordinary_one_first(tenant: Tenant) -> None:
    form = signed_in(tenant.owner).get(address("request_connection", tenant)).context["form"]
    first, *groups = form.fields["entry"].choices
    labels = [label for _name, entries in groups for _key, label in entries]
    assert form["entry"].value() == first[0] == "other"
    prohibited = {label for _key, label in groups[0][1]}
    others = [label for _name, entries in groups[1:] for _key, label in entries]
    assert prohibited.isdisjoint(others)
    assert "Individual households do not support connect" not in labels


def test_inbound_calls_need_no_answer_on_cold_calling(tenant: Tenant) -> None:
    answers = _answers(tenant, is_cold_calling="")
    signed_in(tenant.owner).post(address("request_connection", tenant), answers)
    assert ConnectionRequest.objects.get().is_cold_calling is False


def test_the_form_knows_the_application_that_one_came_from(tenant: Tenant) -> None:
    other = make_tenant()
    client = signed_in(tenant.owner)
    url = address("request_connection", tenant)
    chosen = f'<option value="{tenant.application.pk}" selected>'
    asked = client.get(url, {"application": tenant.application.sdkappid})
    assert chosen in asked.content.decode()
    for forged in (other.application.sdkappid, "1", "１４００００００００", "-1400000000", "\x00"):
        response = client.get(url, {"application": forged})
        assert response.status_code == 200
        assert other.application.name not in read(response) or chosen not in read(response)


BAD_ANSWERS: dict[str, tuple[dict[str, Any], str]] = {
    "another account's application": ({"application": 999999}, "Select a valid choice."),
    "no scenario": ({"entry": ""}, "This field is required."),
    "a forged scenario": ({"entry": "999999"}, "Select a valid choice."),
    "no description": ({"description": ""}, "This field is required."),
    "a forged direction": ({"direction": "sideways"}, "Select a valid choice."),
    "no answer on cold calls": (
        {"is_cold_calling": "", "direction": "outbound", "number_source": "own"},
        "This field is required.",
    ),
    "cold calls that come in": ({"is_cold_calling": "yes"}, "cannot be cold calls"),
    "calls to nobody's numbers": ({"direction": "both"}, "Say where the numbers that you call"),
    "a negative volume": ({"expected_volume": "-1"}, "greater than or equal to 0"),
    "a broken volume": ({"expected_volume": "1.5"}, "Enter a whole number."),
    "a volume without end": ({"expected_volume": "1e9"}, "Enter a whole number."),
    "not a number": ({"expected_volume": "NaN"}, "Enter a whole number."),
    "a huge volume": ({"expected_volume": "9" * 18}, "less than or equal to"),
    "a volume of no number": ({"expected_volume": "9" * 30}, "Enter a whole number."),
    "a forged key": ({"request_key": "x"}, "Enter a valid UUID."),
}


@pytest.mark.parametrize(("changed", "message"), BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
def test_bad_answers_come_back_with_their_reason(
    tenant: Tenant, changed: dict[str, Any], message: str
) -> None:
    response = signed_in(tenant.owner).post(
        address("request_connection", tenant), _answers(tenant, **changed)
    )
    assert response.status_code == 422
    assert message in read(response)
    assert not ConnectionRequest.objects.exists()


def test_a_viewer_cannot_request_by_a_forged_post(tenant: Tenant) -> None:
    for role in ("viewer", "finance"):
        client = signed_in(make_member(tenant.account, role))
        response = client.post(address("request_connection", tenant), _answers(tenant))
        assert response.status_code == 403
    assert not ConnectionRequest.objects.exists()


def test_a_restricted_account_reads_why_it_cannot_request(tenant: Tenant) -> None:
    make_case(tenant)
    client = signed_in(tenant.owner)
    response = client.get(address("request_connection", tenant))
    assert "This account is suspended, so no connection can be requested." in read(response)
    assert client.post(address("request_connection", tenant), _answers(tenant)).status_code == 422
    assert not ConnectionRequest.objects.exists()


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
def test_a_request_is_withdrawn(tenant: Tenant, headers: dict[str, str]) -> None:
    made = make_request(tenant)
    url = address("withdraw_connection", tenant, number=made.number)
    client = signed_in(tenant.owner)
    assert client.get(url, headers=headers).status_code == 200
    assert ConnectionRequest.objects.get().state == ConnectionState.REVIEW
    client.post(url, headers=headers)
    assert ConnectionRequest.objects.get().state == ConnectionState.WITHDRAWN


def test_withdrawing_too_late_says_why(tenant: Tenant) -> None:
    made = approve(make_request(tenant))
    response = signed_in(tenant.owner).post(
        address("withdraw_connection", tenant, number=made.number)
    )
    assert response.status_code == 409
    assert "The request is “Approved” by now" in read(response)


def test_applications_without_a_connection_are_named(tenant: Tenant) -> None:
    made = make_request(tenant)
    client = signed_in(tenant.owner)
    sentence = "Calls do not work yet"
    assert sentence not in read(client.get(address("connection_requests", tenant)))
    withdraw_connection(request=made, by=tenant.owner, now=NOW)
    assert sentence in read(client.get(address("connection_requests", tenant)))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (ConnectionState.REVIEW, "Our staff look at this request."),
        (ConnectionState.APPROVED, "This business may be connected."),
        (ConnectionState.WITHDRAWN, "Withdrawn"),
    ],
)
def test_a_request_in_its_states(tenant: Tenant, state: ConnectionState, words: str) -> None:
    made = make_request(tenant)
    if state == ConnectionState.APPROVED:
        approve(made)
    if state == ConnectionState.WITHDRAWN:
        withdraw_connection(request=made, by=tenant.owner, now=NOW)
    text = read(
        signed_in(tenant.owner).get(address("connection_request", tenant, number=made.number))
    )
    assert words in text


def test_a_case_leads_to_the_request_it_deviates_from(tenant: Tenant, staff: User) -> None:
    made = approve(make_request(tenant))
    case = make_case(tenant, CaseState.INVESTIGATING, behaviour=4)
    verify_violation(violation=case, finding="x", connection=made, by=staff, now=NOW)
    page = signed_in(tenant.owner).get(address("violation", tenant, number=case.number))
    assert address("connection_request", tenant, number=made.number) in page.content.decode()
