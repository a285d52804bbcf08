"""The check of words finds what docs/style.md forbids, and its list only gets shorter."""

from collections import Counter
from pathlib import Path

import pytest

from tests import words


def test_the_words_are_those_of_the_page() -> None:
    page = "# A\n\n| Avoid | Write |\n|---|---|\n| mend, at once | fix |\n| licence* | license |\n"

    assert words.read_terms(page) == ["mend", "at once", "licence*"]


@pytest.mark.parametrize("term", ["mend", "behaviour*", "e-mail", "须", "坐席"])
def test_the_style_page_forbids(term: str) -> None:
    assert term in words.ENGLISH + words.CHINESE


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Please mend 3 entries", {"mend": 1}),
        ("MEND it, Mend it", {"mend": 2}),
        ("Nothing at\n once", {"at once": 1}),
        ("two behaviours", {"behaviour*": 1}),
        ("请勿使用坐席，须等待", {"坐席": 1, "须": 1}),
        ("Amend the recommended entry", {}),
        ("case.behaviour, behaviour_id and --mend", {}),
    ],
)
def test_words_are_found_in_a_sentence(text: str, found: dict[str, int]) -> None:
    assert words.find(text) == found


@pytest.mark.parametrize(
    ("name", "source", "found"),
    [
        ("a.py", 'behaviour = rows["behaviour"]\n', 0),
        ("a.py", 'text = f"Nobody has {behaviour}."\n', 1),
        ("a.py", '"""Mend it."""\n', 1),
        ("a.py", "x = 1  # It is done at\n# once.\n", 1),
        ("a.html", "{% if behaviour %}{{ behaviour }}{% endif %}", 0),
        ("a.html", "<p>{% translate 'Mend this' %} e-mail</p>", 2),
        ("a.md", "`mend` and\n```\nnobody\n```\n", 0),
        ("a.md", "Nobody, see [a page](nobody.md).\n", 1),
        ("glossary.md", "| license | 许可 | one seat | licence |\n", 0),
        ("glossary.md", "| license | 许可证 | one seat | seat |\n", 1),
        ("po/zh/django.po", 'msgid "Mend"\nmsgstr "须"\n', 2),
        ("en/LC_MESSAGES/django.po", 'msgid "Mend"\nmsgstr "e-mail"\n', 1),
    ],
)
def test_only_prose_is_read(tmp_path: Path, name: str, source: str, found: int) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, encoding="utf-8")

    assert words.find("\n\n".join(words.read_prose(file))).total() == found


@pytest.mark.parametrize(
    ("now", "wrong"),
    [
        (2, 0),
        (3, 1),  # a new one
        (1, 1),  # the list is longer than it need be
        (0, 1),
    ],
)
def test_the_list_says_exactly_what_there_is(now: int, wrong: int) -> None:
    listed = words.parse("a.py\tmend\t2\n")

    assert len(words.compare(+Counter({("a.py", "mend"): now}), listed)) == wrong


def test_the_list_is_only_made_shorter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("a.py\tanew\t1\na.py\tmend\t3\n", encoding="utf-8")
    monkeypatch.setattr(words, "LISTED", listed)
    monkeypatch.setattr(words, "count", lambda: Counter({("a.py", "mend"): 1, ("b.py", "mend"): 1}))

    assert words.main(["--shrink"]) == 1
    assert listed.read_text(encoding="utf-8") == "a.py\tmend\t1\n"
    assert "b.py: “mend” occurs 1 times, listed are 0" in capsys.readouterr().err
