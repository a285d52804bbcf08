"""What staff write into the screening table holds immediately for customers, without any code."""

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from compliance.enums import ConnectionState
from compliance.models import ConnectionRequest, FlagWord, Industry, ScreeningEntry
from tests.compliance.desk import act
from tests.compliance.pages import address, read
from tests.factories import (
    Customer,
    make_connection_request,
    make_customer,
    make_entity,
    make_staff,
    signed_in,
)

pytestmark = pytest.mark.usefixtures("db", "clock")

COLD = {"direction": "outbound", "is_cold_calling": "yes", "number_source": "third_party"}
CONSENT = {
    "direction": "outbound",
    "is_cold_calling": "no",
    "number_source": "sign_up",
    "consent_proof": "Signed forms, kept in our office.",
}
INBOUND = {"direction": "inbound", "is_cold_calling": "no", "number_source": "none"}
WAYS = {"cold": COLD, "consent": CONSENT, "inbound": INBOUND}


@pytest.fixture
def desk() -> Client:
    return signed_in(make_staff())


def _ask(
    customer: Customer, entry: Any, way: dict[str, str], description: str = "Coaching."
) -> str:
    """Send the form as the customer; return what the page says."""
    answer = signed_in(customer.owner).post(
        address("request_connection", customer),
        {
            "application": customer.application.pk,
            "entry": entry,
            "description": description,
            "expected_volume": "100",
            "request_key": str(uuid.uuid4()),
            **way,
        },
        follow=True,
    )
    assert answer.status_code == 200
    return read(answer)


def _add_entry(desk: Client, **fields: Any) -> ScreeningEntry:
    data = {
        "kind": "scenario",
        "industry": Industry.objects.get(name="Gaming").pk,
        "name": "Game coaching",
        "name_zh": "游戏陪练",
        "rule": "cold",
        "position": "2",
        "is_active": "on",
    }
    answer = desk.post(reverse("admin:compliance_screeningentry_add"), data | fields)
    assert answer.status_code == 302
    return ScreeningEntry.objects.latest("pk")


DECISIONS = {
    ("cold", "cold"): ConnectionState.REFUSED,
    ("cold", "consent"): ConnectionState.REVIEW,
    ("cold", "inbound"): ConnectionState.REVIEW,
    ("always", "cold"): ConnectionState.REFUSED,
    ("always", "consent"): ConnectionState.REFUSED,
    ("always", "inbound"): ConnectionState.REFUSED,
}


@pytest.mark.parametrize(("rule", "way"), DECISIONS)
def test_a_new_scenario_is_offered_screened_and_named(
    customer: Customer, desk: Client, rule: str, way: str
) -> None:
    entry = _add_entry(desk, rule=rule)
    assert "Game coaching" in read(Client().get("/guidelines/"))
    form = signed_in(customer.owner).get(address("request_connection", customer)).content.decode()
    assert f'<option value="{entry.pk}">Game coaching</option>' in form
    text = _ask(customer, entry.pk, WAYS[way])
    assert ConnectionRequest.objects.get().state == DECISIONS[rule, way]
    assert "Game coaching" in text
    refused = DECISIONS[rule, way] == ConnectionState.REFUSED
    assert ("The connect guidelines do not allow this business." in text) == refused


def test_a_new_prohibited_service_is_refused_by_name(customer: Customer, desk: Client) -> None:
    entry = _add_entry(desk, kind="prohibited", industry="", name="Rain making", rule="always")
    assert "Rain making" in read(Client().get("/guidelines/"))
    assert "This service cannot be connected: Rain making." in _ask(customer, entry.pk, INBOUND)
    assert ConnectionRequest.objects.get().state == ConnectionState.REFUSED


def test_an_entry_out_of_use_is_neither_shown_nor_taken(customer: Customer, desk: Client) -> None:
    entry = _add_entry(desk)
    data = {
        "kind": "scenario",
        "industry": str(entry.industry_id),
        "name": entry.name,
        "name_zh": entry.name_zh,
        "rule": "cold",
        "position": "2",
    }
    desk.post(act(entry, "edit"), data)
    assert "Game coaching" not in read(Client().get("/guidelines/"))
    form = signed_in(customer.owner).get(address("request_connection", customer)).content.decode()
    assert f'<option value="{entry.pk}">' not in form
    answer = signed_in(customer.owner).post(
        address("request_connection", customer),
        {
            "application": customer.application.pk,
            "entry": entry.pk,
            "description": "Coaching.",
            "expected_volume": "100",
            "request_key": str(uuid.uuid4()),
            **INBOUND,
        },
    )
    assert answer.status_code == 422
    assert not ConnectionRequest.objects.exists()


def test_a_new_word_sends_a_description_to_review_and_stays_with_staff(
    customer: Customer, desk: Client
) -> None:
    desk.post(reverse("admin:compliance_flagword_add"), {"word": "Moonshine", "is_active": "on"})
    assert FlagWord.objects.filter(word="moonshine").exists()
    text = _ask(customer, "other", INBOUND, description="Answers questions about MOONSHINE.")
    made = ConnectionRequest.objects.get()
    assert made.state == ConnectionState.REVIEW
    assert "The description needs our review." in text
    assert "Flag words" not in text
    page = desk.get(reverse("admin:compliance_connectionrequest_change", args=[made.pk]))
    assert "Flag words in the description: moonshine." in read(page)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("household", "Individual household"), ("individual", "Individual")],
)
@pytest.mark.parametrize("way", WAYS)
def test_households_and_individuals_are_refused_however_they_call(
    kind: str, words: str, way: str
) -> None:
    customer = make_customer(entity=make_entity(kind=kind))
    text = _ask(customer, "other", WAYS[way])
    assert ConnectionRequest.objects.get().state == ConnectionState.REFUSED
    assert "The connect guidelines do not allow this business." in text
    assert words in text


@pytest.mark.parametrize("way", WAYS)
def test_an_unclear_business_waits_for_staff_however_it_calls(customer: Customer, way: str) -> None:
    text = _ask(customer, "other", WAYS[way], description="Various things.")
    assert ConnectionRequest.objects.get().state == ConnectionState.REVIEW
    assert "The request was received and is under review." in text


def test_staff_cannot_approve_what_became_prohibited_meanwhile(
    customer: Customer, desk: Client
) -> None:
    entry = _add_entry(desk)
    made = make_connection_request(customer, entry=entry)
    data = {
        "kind": "scenario",
        "industry": str(entry.industry_id),
        "name": entry.name,
        "name_zh": entry.name_zh,
        "rule": "always",
        "position": "2",
        "is_active": "on",
    }
    desk.post(act(entry, "edit"), data)
    answer = desk.post(act(made, "approve"), {"reason": "Clear."})
    assert answer.status_code == 422
    assert "Game coaching" in read(answer)
    assert ConnectionRequest.objects.get().state == ConnectionState.REVIEW
