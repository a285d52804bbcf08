"""The glossary has every noun of the product, and the catalog says it in Chinese as it does."""

import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.apps import apps

ROOT = Path(__file__).parent.parent
APPS = {"accounts", "agents", "billing", "compliance"}
#: Words that mean something else where they stand alone, such as the heading of a column.
OTHER_MEANINGS = {
    *("active", "company", "done", "enabled", "expired", "expires", "group", "name", "paid"),
    *("refused", "released", "reported", "statement", "term", "verified", "withdrawn"),
}
#: Words to avoid for one meaning that are right for another: sales revenue, granted rights.
RIGHT_ELSEWHERE = {"收入", "授权"}

Row = tuple[list[str], list[str], list[str]]


def _words(cell: str, comma: str) -> list[str]:
    """Return the terms in a cell, without remarks."""
    bare = re.sub(r"\([^)]*\)|（[^）]*）| in a sentence.*$|；句中.*$", "", cell)
    return [word.strip() for word in re.split(comma, bare) if word.strip(" –")]


def rows(page: str) -> Iterator[Row]:
    """Yield the English terms, the Chinese ones, and the words to avoid, row by row."""
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "Term":
            english = _words(cells[0], ",")
            avoided = _words(cells[3], ",") if len(cells) > 3 else []
            yield english, _words(cells[1], "[、；]"), avoided


ROWS = list(rows((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")))
CATALOG = polib.pofile(ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po")


def _chinese_of(term: str) -> set[str]:
    """Return how the glossary says a term: with its own word where each term of a row has one."""
    found: set[str] = set()
    for english, chinese, _ in ROWS:
        names = [name.lower() for name in english]
        if term in names and len(names) == len(chinese):
            found.add(chinese[names.index(term)])
        elif term in names:
            found.update(chinese)
    return found


def test_a_row_is_read() -> None:
    page = (
        "| Term | 中文 | Meaning | Not |\n| assign, free (a license) | 分配、收回 | to | 授权 |\n"
    )

    assert list(rows(page)) == [(["assign", "free"], ["分配", "收回"], ["授权"])]


def test_every_model_is_a_term() -> None:
    names = {
        str(model._meta.verbose_name).lower()
        for model in apps.get_models()
        if model._meta.app_label in APPS
    }

    assert len(names) > 30
    assert {name for name in names if not _chinese_of(name)} == set()


def test_the_catalog_says_each_term_as_the_glossary_does() -> None:
    said = {
        (entry.msgid, entry.msgstr, tuple(sorted(_chinese_of(entry.msgid.lower()))))
        for entry in CATALOG
        if not entry.msgctxt
        and _chinese_of(entry.msgid.lower())
        and entry.msgid.lower() not in OTHER_MEANINGS
    }

    assert len(said) > 100
    assert {each for each in said if each[1] not in each[2]} == set()


AVOIDED = {word for row in ROWS for word in row[2] if not word.isascii() and "–" not in word}
#: Words that are terms themselves, for another meaning.
TERMS = {word for row in ROWS for word in row[1]} | {"冲正"}


@pytest.mark.parametrize("word", sorted(AVOIDED - TERMS - RIGHT_ELSEWHERE))
def test_no_translation_has_a_word_that_the_glossary_avoids(word: str) -> None:
    assert [entry.msgid for entry in CATALOG if word in entry.msgstr] == []
