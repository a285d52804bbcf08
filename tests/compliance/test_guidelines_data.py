"""The rule book and the screening table that a new installation begins with."""

import json
from pathlib import Path

import pytest

from compliance.enums import EntryKind, EntryRule, Severity, ViolationMeasure
from compliance.models import Behaviour, FlagWord, Industry, RuleBook, ScreeningEntry

pytestmark = pytest.mark.django_db

WARN = [ViolationMeasure.WARN]
HARD = [ViolationMeasure.SUSPEND, ViolationMeasure.TERMINATE, ViolationMeasure.BLOCK]

#: number → severity, measures, bars refunds, legal follow-up, is about a request
BEHAVIOURS = {
    1: (Severity.SEVERE, HARD, True, True, False),
    2: (Severity.SERIOUS, HARD, True, False, False),
    3: (Severity.SEVERE, HARD, True, True, True),
    4: (Severity.VIOLATION, WARN, False, False, True),
    5: (Severity.SERIOUS, HARD, True, False, False),
    6: (Severity.VIOLATION, WARN, False, False, False),
    7: (Severity.VIOLATION, WARN, False, False, False),
}

#: industry → how many scenarios
INDUSTRIES = {
    "Medical care": 2,
    "Cosmetic": 3,
    "Real estate": 1,
    "Finance": 5,
    "Gaming": 1,
    "E-commerce": 1,
    "Insurance": 1,
    "Dating": 1,
    "Decoration": 3,
    "Education": 3,
    "Conference marketing": 1,
    "Short video": 1,
    "Media performance": 1,
    "Intellectual property agency": 1,
    "China telecom value-added services": 1,
    "Retail": 1,
    "Tourism": 1,
    "Software system": 1,
    "Personal call service": 1,
    "Others": 14,
}


def test_one_rule_book_holds_from_before_any_case() -> None:
    book = RuleBook.objects.get()
    assert (book.version, book.effective_at.year) == (1, 2024)


@pytest.mark.parametrize("number", BEHAVIOURS)
def test_each_behaviour_has_its_severity_and_handling(number: int) -> None:
    row = Behaviour.objects.get(number=number)
    assert (
        row.severity,
        row.measures,
        row.bars_refund,
        row.allows_legal_follow_up,
        row.refers_to_request,
    ) == BEHAVIOURS[number]
    assert row.description
    assert row.name_zh
    assert row.description_zh


def test_there_are_seven_behaviours() -> None:
    numbers = Behaviour.objects.values_list("number", flat=True)
    assert sorted(numbers) == sorted(BEHAVIOURS) == [1, 2, 3, 4, 5, 6, 7]


def test_severe_outranks_serious_outranks_violation() -> None:
    assert [s.rank for s in (Severity.VIOLATION, Severity.SERIOUS, Severity.SEVERE)] == [1, 2, 3]


def test_twelve_services_are_prohibited_always() -> None:
    services = ScreeningEntry.objects.filter(kind=EntryKind.PROHIBITED)
    assert services.count() == 12
    assert set(services.values_list("rule", flat=True)) == {EntryRule.ALWAYS}


def test_twenty_industries_have_forty_four_scenarios() -> None:
    counted = {row.name: row.entries.count() for row in Industry.objects.all()}
    assert counted == INDUSTRIES
    assert (len(counted), sum(counted.values())) == (20, 44)


def test_only_two_industries_are_refused_always() -> None:
    always = ScreeningEntry.objects.filter(kind=EntryKind.SCENARIO, rule=EntryRule.ALWAYS)
    assert set(always.values_list("industry__name", flat=True)) == {
        "Personal call service",
        "Others",
    }
    assert always.count() == 15


def test_every_entry_is_named_in_both_languages() -> None:
    assert not ScreeningEntry.objects.filter(name_zh="").exists()
    assert not Industry.objects.filter(name_zh="").exists()


def test_flag_words_are_kept_as_they_are_compared() -> None:
    words = list(FlagWord.objects.values_list("word", flat=True))
    assert words
    assert [word.casefold() for word in words] == words


def test_the_file_is_the_source_of_it_all() -> None:
    data = json.loads(Path("compliance/data/guidelines.json").read_text())
    assert [row["number"] for row in data["behaviours"]] == list(BEHAVIOURS)
    assert FlagWord.objects.count() == len(data["flag_words"])
