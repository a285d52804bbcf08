"""Every entry of the list, declared in every way, and the decision that follows."""

import json
from pathlib import Path
from typing import Any

import pytest

from accounts.enums import EntityKind
from accounts.models import User
from compliance.enums import (
    ConnectionState,
    Direction,
    EntryKind,
    EntryRule,
    NumberSource,
)
from compliance.models import ConnectionRequest, FlagWord, Industry, ScreeningEntry
from compliance.screening import Code, Finding, find_words
from compliance.services.screening import save_entry, save_flag_word
from tests.factories import NOW, Customer, make_connection_request, make_customer, make_entity

DATA = json.loads((Path(__file__).parents[2] / "compliance/data/guidelines.json").read_text())
SCENARIOS = [
    (industry["name"], scenario["name"])
    for industry in DATA["industries"]
    for scenario in industry["scenarios"]
]
PROHIBITED = [service["name"] for service in DATA["prohibited_services"]]
#: The two industries whose scenarios are refused however they call.
ALWAYS = {"Personal call service", "Others"}

COLD: dict[str, Any] = {
    "direction": Direction.OUTBOUND,
    "is_cold_calling": True,
    "number_source": NumberSource.THIRD_PARTY,
}
CONSENT: dict[str, Any] = {
    "direction": Direction.OUTBOUND,
    "is_cold_calling": False,
    "number_source": NumberSource.SIGN_UP,
    "consent_proof": "Signed forms, kept in our office.",
}
INBOUND: dict[str, Any] = {
    "direction": Direction.INBOUND,
    "is_cold_calling": False,
    "number_source": NumberSource.NONE,
}
WAYS = {"cold": COLD, "consent": CONSENT, "inbound": INBOUND}


def _scenario(industry: str, name: str) -> ScreeningEntry:
    return ScreeningEntry.objects.get(industry__name=industry, name=name)


def _codes(request: ConnectionRequest) -> list[str]:
    return [finding["code"] for finding in request.screening]


def _expected(industry: str, way: str) -> tuple[ConnectionState, Code]:
    if industry in ALWAYS:
        return ConnectionState.REFUSED, Code.PROHIBITED
    return {
        "cold": (ConnectionState.REFUSED, Code.COLD_CALLING),
        "consent": (ConnectionState.REVIEW, Code.LISTED_OUTBOUND),
        "inbound": (ConnectionState.REVIEW, Code.LISTED_INBOUND),
    }[way]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("industry", "name"), SCENARIOS, ids=lambda value: str(value)[:30])
def test_each_scenario_in_each_way(customer: Customer, industry: str, name: str, way: str) -> None:
    request = make_connection_request(customer, entry=_scenario(industry, name), **WAYS[way])
    state, code = _expected(industry, way)
    assert request.state == state
    found = Finding.from_json(request.screening[0])
    assert (found.code, found.name) == (code, name)
    assert name in found.text


def test_the_ways_and_the_list_are_whole() -> None:
    assert (len(SCENARIOS), len(set(SCENARIOS)), len(WAYS)) == (44, 44, 3)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PROHIBITED)
def test_each_prohibited_service_is_refused_by_name(
    customer: Customer, name: str, way: str
) -> None:
    entry = ScreeningEntry.objects.get(kind=EntryKind.PROHIBITED, name=name)
    request = make_connection_request(customer, entry=entry, **WAYS[way])
    assert request.state == ConnectionState.REFUSED
    assert Finding.from_json(request.screening[0]).text == (
        f"This service cannot be connected: {name}."
    )


@pytest.mark.parametrize("kind", [EntityKind.HOUSEHOLD, EntityKind.INDIVIDUAL])
def test_only_enterprises_are_connected(db: None, kind: EntityKind) -> None:
    request = make_connection_request(make_customer(entity=make_entity(kind=kind)))
    assert request.state == ConnectionState.REFUSED
    assert Finding.from_json(request.screening[0]) == Finding(Code.NOT_ENTERPRISE, kind)
    assert str(kind.label) in Finding.from_json(request.screening[0]).text


def test_a_business_that_the_list_does_not_name_goes_to_review(customer: Customer) -> None:
    request = make_connection_request(customer)
    assert (request.state, _codes(request)) == (ConnectionState.REVIEW, [Code.NOT_LISTED])


def test_cold_calling_for_an_unlisted_business_goes_to_review(customer: Customer) -> None:
    request = make_connection_request(customer, **COLD)
    assert request.state == ConnectionState.REVIEW
    assert _codes(request) == [
        Code.NOT_LISTED,
        Code.COLD_NOT_LISTED,
        Code.CONSENT_MISSING,
        Code.NUMBERS_DOUBTFUL,
    ]


def test_all_reasons_are_given_not_just_the_first(db: None) -> None:
    customer = make_customer(entity=make_entity(kind=EntityKind.HOUSEHOLD))
    entry = _scenario("Finance", "Credit card")
    request = make_connection_request(
        customer, entry=entry, **COLD | {"description": "Casino bonus cards"}
    )
    assert _codes(request) == [
        Code.NOT_ENTERPRISE,
        Code.COLD_CALLING,
        Code.CONSENT_MISSING,
        Code.NUMBERS_DOUBTFUL,
        Code.FLAGGED_WORDS,
    ]


def test_calls_without_documented_consent_are_pointed_out(customer: Customer) -> None:
    request = make_connection_request(customer, **CONSENT | {"consent_proof": "  "})
    assert _codes(request) == [Code.NOT_LISTED, Code.CONSENT_MISSING]


WORDS = {
    "in any case": ("Overdue LOAN reminders", ["loan"], ("loan",)),
    "in full width": ("Ｃａｓｉｎｏ", ["casino"], ("casino",)),
    "not inside another word": ("We download reloaned files", ["loan"], ()),
    "over several blanks": ("feng   shui", ["feng shui"], ("feng shui",)),
    "Chinese without blanks": ("提供贷款咨询服务", ["贷款"], ("贷款",)),
    "several": ("debt and loan", ["loan", "debt"], ("loan", "debt")),
    "a pattern is no pattern": ("abc", ["a.c"], ()),
}


@pytest.mark.parametrize(("text", "words", "found"), WORDS.values(), ids=WORDS.keys())
def test_words_are_found(text: str, words: list[str], found: tuple[str, ...]) -> None:
    assert find_words(text, words) == found


def test_a_flagged_word_leads_to_review_and_is_named_to_staff_only(
    customer: Customer,
) -> None:
    request = make_connection_request(customer, description="Reminders of overdue payment")
    assert request.state == ConnectionState.REVIEW
    found = Finding.from_json(request.screening[1])
    assert found.staff_text == "Flag words in the description: overdue payment."
    assert found.text == "The description needs our review."


def test_staff_add_an_entry_without_code(customer: Customer, staff: User) -> None:
    entry = ScreeningEntry(
        kind=EntryKind.SCENARIO,
        industry=Industry.objects.get(name="Gaming"),
        name="Game coaching",
        rule=EntryRule.COLD,
    )
    save_entry(entry=entry, by=staff, now=NOW)
    assert make_connection_request(customer, entry=entry, **COLD).state == ConnectionState.REFUSED


def test_staff_add_a_word_without_code(customer: Customer, staff: User) -> None:
    save_flag_word(word=FlagWord(word="  Deliveries "), by=staff, now=NOW)
    assert _codes(make_connection_request(customer)) == [Code.NOT_LISTED, Code.FLAGGED_WORDS]


def test_a_word_out_of_use_flags_nothing(customer: Customer, staff: User) -> None:
    word = FlagWord.objects.get(word="casino")
    word.is_active = False
    save_flag_word(word=word, by=staff, now=NOW)
    assert _codes(make_connection_request(customer, description="Casino")) == [Code.NOT_LISTED]
