"""Every mail of the sign-in library has the product's own words, whole in both languages."""

import re
from pathlib import Path
from typing import Any

import allauth
import pytest
from django.utils import translation

from accounts.enums import Role
from accounts.models import OutgoingMail
from accounts.services.invitations import invite_member
from accounts.services.sign_in_mail import queue_sign_in_mail
from tests.factories import NOW, make_account, make_user

LIBRARY = Path(allauth.__file__).parent / "templates"
#: The library's parts that are installed.
PARTS = ("account", "mfa", "usersessions")
PREFIXES = sorted(
    str(path.relative_to(LIBRARY)).removesuffix("_subject.txt")
    for part in PARTS
    for path in LIBRARY.glob(f"{part}/email/*_subject.txt")
)
CONTEXT = {
    "activate_url": "http://forged.example:99/auth/confirm-email/KEY/",
    "password_reset_url": "http://forged.example:99/auth/password/reset/key/KEY/",
    "from_email": "old@example.com",
    "to_email": "new@example.com",
    "deleted_email": "gone@example.com",
    "timestamp": NOW,
    "ip": "192.0.2.1",
    "user_agent": "Firefox",
}
GAP = re.compile(r"None|\(\)|, ,|127\.0\.0\.1|localhost|testserver|\{\{|%\(| {2}")


@pytest.fixture(autouse=True)
def _mail_waits(settings: Any) -> None:
    """Keep what is queued: the words of an email are erased once it is sent."""
    settings.MAIL_AT_ONCE = False
    settings.CONSOLE_URL = "https://console.example"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_mail_of_the_library_has_words_of_our_own(prefix: str) -> None:
    assert len(PREFIXES) >= 18
    for part in ("subject", "message"):
        assert Path(f"templates/{prefix}_{part}.txt").exists()


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_mail_is_whole_in_text_and_html(prefix: str, language: str) -> None:
    code = "123456" if prefix.endswith("_code") else ""

    with translation.override(language):
        queue_sign_in_mail(
            prefix=prefix, to="nora@example.com", context={**CONTEXT, "code": code}, now=NOW
        )

    mail = OutgoingMail.objects.get()
    subject, text, html = mail.subject, mail.text, mail.html
    assert subject
    assert len(text) > len(subject)
    assert not GAP.search(f"{subject}\n{text}")
    assert f"<h1>{subject.replace(chr(39), '&#x27;')}</h1>" in html
    links = re.findall(r"https?://[^\s\"<]+", f"{text} {html}")
    assert bool(links) is not bool(code)
    assert all(link.startswith("https://console.example/") for link in links)
    assert code in text


@pytest.mark.django_db
def test_an_invitation_names_the_address_that_it_is_for() -> None:
    owner = make_user("owner@example.com")
    account = make_account(owner=owner)

    invite_member(account=account, email="guest@example.com", role=Role.VIEWER, by=owner, now=NOW)

    mail = OutgoingMail.objects.get()
    for words in (mail.text, mail.html):
        assert "for guest@example.com, until" in words
