"""Publishing a rule book, and keeping the screening table."""

import json
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import Refused
from accounts.models import AuditEvent, User
from compliance.enums import EntryKind, EntryRule
from compliance.models import Behaviour, FlagWord, Industry, RuleBook, ScreeningEntry
from compliance.services.guidelines import read_guidelines
from compliance.services.rule_book import find_rule_book, publish_rule_book
from compliance.services.screening import save_entry, save_flag_word, save_industry
from tests.factories import NOW

pytestmark = pytest.mark.slow

DATA: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "compliance/data/guidelines.json").read_text()
)


def _refusal(call: Any, **arguments: Any) -> tuple[str, str | None]:
    with pytest.raises(Refused) as refusal:
        call(**arguments)
    return refusal.value.code, refusal.value.field


def test_a_new_book_holds_from_its_time_on(staff: User) -> None:
    later = NOW + timedelta(days=1)
    book = publish_rule_book(data=DATA, effective_at=later, by=staff, now=NOW)
    assert (book.version, book.behaviours.count()) == (2, 7)
    assert find_rule_book(NOW).version == 1
    assert find_rule_book(later).version == 2
    assert AuditEvent.objects.get(verb="rule_book.published").actor == staff


def _changed(path: list[Any], value: Any) -> dict[str, Any]:
    data = deepcopy(DATA)
    part = data
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return data


BAD: dict[str, tuple[Any, str]] = {
    "no behaviors": (_changed(["behaviours"], []), "incomplete"),
    "a number twice": (_changed(["behaviours", 0, "number"], 2), "incomplete"),
    "no number": (_changed(["behaviours", 0, "number"], "1"), "bad_form"),
    "an unknown severity": (_changed(["behaviours", 0, "severity"], "mild"), "bad_form"),
    "an unknown measure": (_changed(["severities", 0, "measures"], ["shout"]), "bad_form"),
    "no measure": (_changed(["severities", 0, "measures"], []), "bad_form"),
    "a flag that is none": (_changed(["severities", 0, "bars_refund"], "no"), "bad_form"),
    "a name without end": (_changed(["behaviours", 0, "name"], "x" * 161), "bad_form"),
    "no description": (_changed(["behaviours", 0, "description"], ""), "bad_form"),
    "a list": ([], "bad_form"),
}


@pytest.mark.parametrize(("data", "code"), BAD.values(), ids=BAD.keys())
def test_a_book_that_is_refused(staff: User, data: Any, code: str) -> None:
    arguments = {"data": data, "effective_at": NOW, "by": staff, "now": NOW}
    assert _refusal(publish_rule_book, **arguments)[0] == code
    assert RuleBook.objects.count() == 1


def test_a_book_is_not_published_into_the_past(staff: User) -> None:
    arguments = {"data": DATA, "effective_at": NOW - timedelta(1), "by": staff, "now": NOW}
    assert _refusal(publish_rule_book, **arguments) == ("in_the_past", "effective_at")


@pytest.mark.django_db
@pytest.mark.parametrize("model", [RuleBook, Behaviour])
def test_a_published_book_cannot_be_changed(model: Any) -> None:
    column = "note" if model is RuleBook else "name"
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        model.objects.update(**{column: "forged"})


def test_an_entry_is_changed_and_the_trail_says_how(staff: User) -> None:
    entry = ScreeningEntry.objects.get(name="Tourism business")
    entry.rule = EntryRule.ALWAYS
    save_entry(entry=entry, by=staff, now=NOW)
    event = AuditEvent.objects.get(verb="screening_entry.changed")
    assert event.data == {"rule": {"from": "cold", "to": "always"}}
    save_entry(entry=entry, by=staff, now=NOW)
    assert AuditEvent.objects.filter(verb="screening_entry.changed").count() == 1


def _gaming() -> Industry:
    return Industry.objects.get(name="Gaming")


ENTRIES: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "a scenario without industry": (
        {"kind": EntryKind.SCENARIO, "rule": EntryRule.COLD},
        ("industry_missing", "industry"),
    ),
    "a prohibited service with conditions": (
        {"kind": EntryKind.PROHIBITED, "rule": EntryRule.COLD},
        ("prohibited_has_no_conditions", "rule"),
    ),
    "a prohibited service that is there": (
        {"kind": EntryKind.PROHIBITED, "rule": EntryRule.ALWAYS, "name": "Gambling"},
        ("taken", "name"),
    ),
}


@pytest.mark.parametrize(("fields", "expected"), ENTRIES.values(), ids=ENTRIES.keys())
def test_an_entry_that_is_refused(
    staff: User, fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    entry = ScreeningEntry(**{"name": "Something new"} | fields)
    assert _refusal(save_entry, entry=entry, by=staff, now=NOW) == expected


def test_a_prohibited_service_belongs_to_no_industry(staff: User) -> None:
    entry = ScreeningEntry(
        kind=EntryKind.PROHIBITED, rule=EntryRule.ALWAYS, name="New", industry=_gaming()
    )
    assert _refusal(save_entry, entry=entry, by=staff, now=NOW) == (
        "prohibited_has_no_conditions",
        "industry",
    )


def test_an_industry_is_added_once(staff: User) -> None:
    save_industry(industry=Industry(name="Space travel", position=21), by=staff, now=NOW)
    again = Industry(name="Space travel")
    assert _refusal(save_industry, industry=again, by=staff, now=NOW) == ("taken", "name")


def test_a_word_is_added_once_however_it_is_written(staff: User) -> None:
    save_flag_word(word=FlagWord(word="Moon  Dust"), by=staff, now=NOW)
    assert FlagWord.objects.get(word="moon dust")
    again = FlagWord(word="ＭＯＯＮ dust")
    assert _refusal(save_flag_word, word=again, by=staff, now=NOW) == ("taken", "word")
    empty = FlagWord(word=" \u3000 ")
    assert _refusal(save_flag_word, word=empty, by=staff, now=NOW) == ("word_missing", "word")


@pytest.mark.django_db
def test_the_guidelines_are_read_in_three_queries(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(3):
        guidelines = read_guidelines(NOW)
        assert len(guidelines.behaviours) == 7
        assert len(guidelines.prohibited) == 12
        assert [line.label for line in guidelines.industries][:2] == ["Medical care", "Cosmetic"]
        assert sum(len(line.scenarios) for line in guidelines.industries) == 44
        assert sum(line.is_always for line in guidelines.industries) == 2
