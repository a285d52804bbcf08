"""How customers declare a business and read what became of it."""

import uuid
from typing import Any

import pytest

from accounts.models import User
from compliance.enums import CaseState, ConnectionState
from compliance.models import ConnectionRequest, ScreeningEntry
from compliance.services.connections import withdraw_connection
from compliance.services.violations import verify_violation
from tests.compliance.pages import HEADERS, address, read
from tests.factories import (
    NOW,
    Customer,
    approve_connection,
    make_case,
    make_connection_request,
    make_customer,
    make_file,
    make_member,
    signed_in,
)

pytestmark = pytest.mark.usefixtures("clock")

# --- Connection requests -------------------------------------------------------------------


def _answers(customer: Customer, **changed: Any) -> dict[str, Any]:
    return {
        "application": customer.application.pk,
        "entry": "other",
        "description": "Answers questions about deliveries.",
        "direction": "inbound",
        "is_cold_calling": "no",
        "number_source": "none",
        "expected_volume": "100",
        "request_key": str(uuid.uuid4()),
    } | changed


def test_a_request_is_made_and_waits(customer: Customer) -> None:
    manager = make_member(customer.account, "agent_manager")
    response = signed_in(manager).post(
        address("request_connection", customer),
        _answers(customer, attachments=[make_file()]),
        follow=True,
    )
    made = ConnectionRequest.objects.get()
    assert response.redirect_chain == [
        (address("connection_request", customer, number=made.number), 302)
    ]
    assert (made.state, made.submitted_by) == (ConnectionState.REVIEW, manager)
    text = read(response)
    assert "The request was received and is under review." in text
    assert "This business is not on the list" in text
    assert "proof.png" in text


def test_a_prohibited_service_is_refused_by_name_on_the_page(customer: Customer) -> None:
    entry = ScreeningEntry.objects.filter(name="Gambling").first()
    assert entry is not None
    response = signed_in(customer.owner).post(
        address("request_connection", customer), _answers(customer, entry=entry.pk), follow=True
    )
    text = read(response)
    assert "The connect guidelines do not allow this business." in text
    assert "This service cannot be connected: Gambling." in text


def test_the_list_stands_beside_the_form(customer: Customer) -> None:
    text = read(signed_in(customer.owner).get(address("request_connection", customer)))
    assert "Prohibited and restricted uses" in text
    assert text.count("Feudal superstition") == 3
    assert "Column group recruits and auditions" in text


def test_the_list_offers_businesses_each_once_and_an_ordinary_one_first(customer: Customer) -> None:
    form = signed_in(customer.owner).get(address("request_connection", customer)).context["form"]
    first, *groups = form.fields["entry"].choices
    labels = [label for _name, entries in groups for _key, label in entries]
    assert form["entry"].value() == first[0] == "other"
    prohibited = {label for _key, label in groups[0][1]}
    others = [label for _name, entries in groups[1:] for _key, label in entries]
    assert prohibited.isdisjoint(others)
    assert "Individual households do not support connect" not in labels


def test_inbound_calls_need_no_answer_on_cold_calling(customer: Customer) -> None:
    answers = _answers(customer, is_cold_calling="")
    signed_in(customer.owner).post(address("request_connection", customer), answers)
    assert ConnectionRequest.objects.get().is_cold_calling is False


def test_the_form_knows_the_application_that_one_came_from(customer: Customer) -> None:
    other = make_customer()
    client = signed_in(customer.owner)
    url = address("request_connection", customer)
    chosen = f'<option value="{customer.application.pk}" selected>'
    asked = client.get(url, {"application": customer.application.sdkappid})
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
    "calls to no one's numbers": ({"direction": "both"}, "Say where the numbers that you call"),
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
    customer: Customer, changed: dict[str, Any], message: str
) -> None:
    response = signed_in(customer.owner).post(
        address("request_connection", customer), _answers(customer, **changed)
    )
    assert response.status_code == 422
    assert message in read(response)
    assert not ConnectionRequest.objects.exists()


def test_a_viewer_cannot_request_by_a_forged_post(customer: Customer) -> None:
    for role in ("viewer", "finance"):
        client = signed_in(make_member(customer.account, role))
        response = client.post(address("request_connection", customer), _answers(customer))
        assert response.status_code == 403
    assert not ConnectionRequest.objects.exists()


def test_a_restricted_account_reads_why_it_cannot_request(customer: Customer) -> None:
    make_case(customer)
    client = signed_in(customer.owner)
    response = client.get(address("request_connection", customer))
    assert "This account is suspended, so no connection can be requested." in read(response)
    assert (
        client.post(address("request_connection", customer), _answers(customer)).status_code == 422
    )
    assert not ConnectionRequest.objects.exists()


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
def test_a_request_is_withdrawn(customer: Customer, headers: dict[str, str]) -> None:
    made = make_connection_request(customer)
    url = address("withdraw_connection", customer, number=made.number)
    client = signed_in(customer.owner)
    assert client.get(url, headers=headers).status_code == 200
    assert ConnectionRequest.objects.get().state == ConnectionState.REVIEW
    client.post(url, headers=headers)
    assert ConnectionRequest.objects.get().state == ConnectionState.WITHDRAWN


def test_withdrawing_too_late_says_why(customer: Customer) -> None:
    made = approve_connection(make_connection_request(customer))
    response = signed_in(customer.owner).post(
        address("withdraw_connection", customer, number=made.number)
    )
    assert response.status_code == 409
    assert "The request is now “Approved”" in read(response)


def test_applications_without_a_connection_are_named(customer: Customer) -> None:
    made = make_connection_request(customer)
    client = signed_in(customer.owner)
    sentence = "Calls do not work yet"
    assert sentence not in read(client.get(address("connection_requests", customer)))
    withdraw_connection(request=made, by=customer.owner, now=NOW)
    assert sentence in read(client.get(address("connection_requests", customer)))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (ConnectionState.REVIEW, "Our staff are reviewing this request."),
        (ConnectionState.APPROVED, "This business can be connected."),
        (ConnectionState.WITHDRAWN, "Withdrawn"),
    ],
)
def test_a_request_in_its_states(customer: Customer, state: ConnectionState, words: str) -> None:
    made = make_connection_request(customer)
    if state == ConnectionState.APPROVED:
        approve_connection(made)
    if state == ConnectionState.WITHDRAWN:
        withdraw_connection(request=made, by=customer.owner, now=NOW)
    text = read(
        signed_in(customer.owner).get(address("connection_request", customer, number=made.number))
    )
    assert words in text


def test_a_case_leads_to_the_request_it_deviates_from(customer: Customer, staff: User) -> None:
    made = approve_connection(make_connection_request(customer))
    case = make_case(customer, CaseState.INVESTIGATING, behaviour=4)
    verify_violation(violation=case, finding="x", connection=made, by=staff, now=NOW)
    page = signed_in(customer.owner).get(address("violation", customer, number=case.number))
    assert address("connection_request", customer, number=made.number) in page.content.decode()
