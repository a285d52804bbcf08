"""The catalog of Chinese strings: whole, in step with the code, and compiled."""

import gettext
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.utils.translation import gettext as translated
from django.utils.translation import override

ROOT: Path = settings.BASE_DIR
FOLDER = ROOT / "locale/zh_Hans/LC_MESSAGES"
#: What `make messages` reads.
SOURCES = ("accounts", "agents", "billing", "compliance", "config", "templates", "locale")
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}|</?[a-z][^>]*>")

Key = tuple[str | None, str]


def entries(file: Path) -> dict[Key, polib.POEntry]:
    return {
        (entry.msgctxt, entry.msgid): entry for entry in polib.pofile(file) if not entry.obsolete
    }


PO = entries(FOLDER / "django.po")


def chinese(entry: polib.POEntry) -> str:
    return str(entry.msgstr_plural[0] if entry.msgid_plural else entry.msgstr)


def test_every_string_is_translated() -> None:
    assert [entry.msgid for entry in PO.values() if not chinese(entry) or entry.fuzzy] == []


def test_no_placeholder_or_tag_is_lost() -> None:
    wrong = []
    for entry in PO.values():
        forms = [entry.msgid, entry.msgid_plural] if entry.msgid_plural else [entry.msgid]
        # A singular may say "one"; Chinese has one form, which is the plural's.
        if sorted(_PLACEHOLDER.findall(chinese(entry))) not in [
            sorted(_PLACEHOLDER.findall(form)) for form in forms
        ]:
            wrong.append(entry.msgid)
    assert wrong == []


@pytest.mark.parametrize("language", ["zh_Hans", "en"])
def test_the_compiled_catalogue_is_that_of_the_texts(language: str) -> None:
    folder = ROOT / "locale" / language / "LC_MESSAGES"
    texts = entries(folder / "django.po")
    with (folder / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    found = {
        key: compiled.npgettext(key[0], key[1], entry.msgid_plural, 2)
        if key[0] and entry.msgid_plural
        else compiled.pgettext(key[0], key[1])
        if key[0]
        else compiled.ngettext(key[1], entry.msgid_plural, 2)
        if entry.msgid_plural
        else compiled.gettext(key[1])
        for key, entry in texts.items()
    }
    assert found == {key: chinese(entry) for key, entry in texts.items()}
    assert len(polib.mofile(folder / "django.mo")) == len(texts)


def test_the_libraries_speak_as_the_console_does() -> None:
    """The English catalog has their words in sentence case, and it is the one that counts."""
    with override("en"):
        assert translated("Email Addresses") == "Email addresses"


@pytest.mark.skipif(
    shutil.which("xgettext") is None and not os.environ.get("REQUIRE_ALL"),
    reason="xgettext is not installed",
)
def test_the_catalogue_has_just_the_strings_of_the_code(tmp_path: Path) -> None:
    for name in SOURCES:
        shutil.copytree(ROOT / name, tmp_path / name)
    subprocess.run(
        [sys.executable, "-m", "django", "makemessages", "--locale", "zh_Hans", "--no-location"],
        cwd=tmp_path,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": ""},
        check=True,
        capture_output=True,
    )
    fresh = set(entries(tmp_path / "locale/zh_Hans/LC_MESSAGES/django.po"))
    assert fresh - set(PO) == set(), "run `make messages`"
    assert set(PO) - fresh == set(), "run `make messages`"
