"""Anyone who reads Chinese finds no English of ours: every page is walked, every word looked at.

What people typed themselves (names, reasons, addresses) is known from the database, and stays as
it was typed.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Self
from uuid import UUID

import pytest
from django.apps import apps
from django.db.models import JSONField, Model
from django.test import override_settings

from accounts.models import User
from billing.models import Feature
from compliance.models import Behaviour, Industry, ScreeningEntry
from tests.pages import Shown, client_of, every_page

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

#: Names and abbreviations that are the same in both languages.
ALLOWED = {
    *("TCCC", "UIN", "SDKAppID", "SIP", "USD", "IVR", "API", "Web", "SDK", "CSV", "XLSX", "UTF"),
    *("TOTP", "UTC", "CST", "Asia", "Shanghai", "English", "PostgreSQL", "JSON", "SHA", "URL"),
    *("PDF", "PNG", "JPEG", "MP3", "WAV", "Django", "https", "http", "MB", "GMT", "App", "POS"),
    *("ZIP", "JS", "JavaScript", "WebAuthn", "null", "billing", "data"),
    # The admin's own icons say so to screen readers, in no other language.
    *("True", "False", "Search"),
    # What a command's name, purge_old_data, begins with.
    "purge",
    # Keys as they are printed on the keyboard.
    *("Control", "Command", "Mac"),
}
#: Their rows have words in both languages, of which the console shows one.
BILINGUAL: set[type[Model]] = {Feature, Behaviour, Industry, ScreeningEntry}
#: Attributes that people see or hear.
SPOKEN = {"alt", "aria-label", "aria-description", "placeholder", "title", "data-label"}
_WORDS = re.compile(r"(?<![\w-])[A-Za-z][A-Za-z'’]+(?:[ ,./-]+[A-Za-z][A-Za-z'’]+)*")


class Reader(HTMLParser):
    """Collects what a page says, in sight or to a screen reader."""

    SILENT = ("script", "style", "template", "code", "kbd", "svg")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._silent: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        # The language's own name is written in it, for who cannot read the page.
        if tag in self.SILENT or (tag != "html" and values.get("lang") == "en"):
            self._silent.append(tag)
        self.said += [value for name, value in attrs if name in SPOKEN and value]
        if tag == "input" and values.get("type") in {"submit", "button", "reset"}:
            self.said.append(values.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.said.append(" ".join(data.split()))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str | UUID):
        yield str(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def typed_by_people(models: Iterable[type[Model]]) -> str:
    """Return every text of these tables, and every random key, one to a line."""
    found: set[str] = set()
    for model in models:
        for field in model._meta.concrete_fields:
            choices = getattr(field, "choices", None)
            is_text = field.get_internal_type() in {
                "CharField",
                "TextField",
                "EmailField",
                "SlugField",
                "UUIDField",
            }
            if choices or not (is_text or isinstance(field, JSONField)):
                continue
            for value in model._default_manager.values_list(field.name, flat=True).distinct():
                found.update(_texts(value))
    return "\n".join(found)


@dataclass(frozen=True)
class Typed:
    """What may be English. Staff, who write the words of both languages, see both."""

    console: str
    admin: str

    @classmethod
    def read(cls) -> Self:
        models = set(apps.get_models())
        console = typed_by_people(models - BILINGUAL)
        return cls(console, console + typed_by_people(BILINGUAL))

    def on(self, shown: Shown) -> str:
        return self.admin if shown.name.startswith("admin:") else self.console


def english(html: str, typed: str) -> list[str]:
    """Return the runs of English words that no one typed."""
    runs = [run for said in Reader(html).said for run in _WORDS.findall(said)]
    return [
        run
        for run in dict.fromkeys(runs)
        if not set(re.findall(r"[A-Za-z'’]+", run)) <= ALLOWED and run not in typed
    ]


def _open(pages: list[Shown], language: str) -> Iterator[tuple[Shown, str]]:
    clients = {shown.email: client_of(shown.email) for shown in pages}
    for shown in pages:
        answer = clients[shown.email].get(shown.url, headers={"accept-language": language})
        assert answer.status_code == 200, shown.url
        yield shown, answer.content.decode()


@pytest.fixture(scope="module")
def pages(demo: str) -> list[Shown]:
    """Every page, found once for the tests of this module."""
    with override_settings(STAFF_SECOND_FACTOR=False):
        return every_page(demo)


def test_no_page_speaks_english_to_who_reads_chinese(pages: list[Shown], settings: Any) -> None:
    settings.STAFF_SECOND_FACTOR = False
    User.objects.update(language="zh-hans")
    typed = Typed.read()

    left = {
        shown.name: english(html, typed.on(shown)) for shown, html in _open(pages, "zh-CN,zh;q=0.9")
    }

    report = "\n".join(f"{name}: {'; '.join(runs)}" for name, runs in left.items() if runs)
    assert not report, report


def test_the_same_walk_finds_english_where_there_is_some(pages: list[Shown], settings: Any) -> None:
    """Else the test above could not fail."""
    settings.STAFF_SECOND_FACTOR = False
    typed = Typed.read()

    left = [english(html, typed.on(shown)) for shown, html in _open(pages[:30], "en")]

    assert all(left)
