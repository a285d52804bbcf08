"""Every mail that the console sends, written in both languages, as text and as HTML.

`MAILS=<folder> pytest tests/test_mails.py` writes each of them as a file to look at.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import allauth
import pytest
from django.apps import apps
from django.conf import settings
from django.utils import translation

from accounts.adapters import AccountAdapter
from accounts.enums import Role
from accounts.models import Account, Notification, OutgoingMail, User
from accounts.services.invitations import invite_member
from accounts.services.outbox import _message
from accounts.templatetags.mail import browser
from tests.factories import NOW, make_account, make_user
from tests.test_chinese import ALLOWED, Reader

pytestmark = pytest.mark.django_db

CONSOLE = "https://console.example"
#: What a request says about its host is in every address that the library passes.
FORGED = "http://evil.example:99999"
TEMPLATES: Path = settings.BASE_DIR / "templates"
LIBRARY = Path(allauth.__file__).parent / "templates"
READER = "li.wei@harbour.example"
#: Someone without a name is named by the address.
NAMELESS = "owner@harbour.example"
AT = datetime(2026, 12, 1, 15, 59, 59, tzinfo=UTC)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/141.0.0.0 Safari/537.36"
)
ORIGIN = {"timestamp": AT, "ip": "203.0.113.7", "user_agent": CHROME}

#: What the sign-in library passes with each of its mails.
SIGN_IN: dict[str, dict[str, Any]] = {
    "account/email/account_already_exists": {
        "signup_url": f"{FORGED}/auth/signup/",
        "password_reset_url": f"{FORGED}/auth/password/reset/",
    },
    "account/email/email_changed": {
        **ORIGIN,
        "from_email": READER,
        "to_email": "new@harbour.example",
    },
    "account/email/email_confirm": ORIGIN,
    "account/email/email_confirmation": {
        "user": User(email=READER),
        "key": "MQ:1",
        "activate_url": f"{FORGED}/auth/confirm-email/MQ:1/",
    },
    "account/email/email_confirmation_signup": {
        "user": User(email=READER),
        "key": "MQ:1",
        "activate_url": f"{FORGED}/auth/confirm-email/MQ:1/",
    },
    "account/email/email_deleted": {**ORIGIN, "deleted_email": READER},
    "account/email/login_code": {"code": "K7Q-2MX"},
    "account/email/password_changed": ORIGIN,
    "account/email/password_reset": ORIGIN,
    "account/email/password_reset_code": {"code": "K7Q-2MX"},
    "account/email/password_reset_key": {
        "user": User(email=READER),
        "password_reset_url": f"{FORGED}/auth/password/reset/key/1-abc/",
        "uid": "1",
        "key": "abc",
    },
    "account/email/password_set": ORIGIN,
    "account/email/unknown_account": {"signup_url": f"{FORGED}/auth/signup/"},
    "mfa/email/recovery_codes_generated": ORIGIN,
    "mfa/email/totp_activated": ORIGIN,
    "mfa/email/totp_deactivated": {**ORIGIN, "user_agent": ""},
    "mfa/email/webauthn_added": {**ORIGIN, "user_agent": "Odd-Program/1.0"},
    "mfa/email/webauthn_removed": ORIGIN,
}

APPLICATION = "Harbour hotline"
_TIMES = {"expires_at": AT.isoformat(), "released_at": AT.isoformat()}
_PACKAGE: dict[str, Any] = {
    "application": APPLICATION,
    "edition": "premium",
    "is_trial": False,
    "days": 3,
    "is_automatic": False,
    **_TIMES,
    "is_released": False,
    "hold": "",
}
_PRICE = {"amount": "1302.00", "missing": "120.50", "currency": "USD"}
_CASE = {"number": "V-1000002", "reason": "Calls after a refusal"}
_MEASURE = {
    **_CASE,
    "behaviour": "Harassment",
    "behaviour_zh": "骚扰",
    "summary": "Thirty calls in one night",
    "appeal_until_at": AT.isoformat(),
}
_REQUEST = {"number": "C-1000001", "application": APPLICATION, "reason": "Documents are complete"}
_ORDER = {"number": "202611209095747526", "total": "160.00", "currency": "USD"}

#: What the services pass with each kind of news, once for each form that its words have.
_MEMBER = {"email": "li@customer.example", "role": Role.OWNER.value, "reason": "By letter"}

_CHANGED = {
    "application": APPLICATION,
    "act": "disable",
    "status": "done",
    "changed": 99_000,
    "done": 100_000,
    "total": 100_000,
    "reason": "",
}

_IMPORTED = {
    "application": APPLICATION,
    "file": "agents.xlsx",
    "outcome": "done",
    "written": 10_000,
    "total": 10_000,
    "problems": 0,
    "reason": "",
}

NEWS: dict[str, list[dict[str, Any]]] = {
    "agents_changed": [
        _CHANGED,
        {**_CHANGED, "status": "stopped", "changed": 1, "done": 500, "reason": "Out of licenses."},
    ],
    "agents_imported": [
        _IMPORTED,
        {**_IMPORTED, "outcome": "checked", "written": 0},
        {**_IMPORTED, "outcome": "faulty", "written": 0, "problems": 3},
        {**_IMPORTED, "outcome": "faulty", "written": 250, "problems": 1},
        {**_IMPORTED, "outcome": "checked", "written": 250, "reason": "The account is suspended."},
    ],
    "export_ended": [
        {"file": "a.csv", "status": status, "reason": "No.", "kept_until_at": AT.isoformat()}
        for status in ("done", "stopped")
    ],
    "connection_decided": [
        {**_REQUEST, "state": state} for state in ("approved", "refused", "revoked")
    ],
    "member_joined": [{"person": NAMELESS, "role": Role.AGENT_MANAGER.value}],
    "order_expired": [_ORDER],
    "package_expired": [
        _PACKAGE,
        {**_PACKAGE, "is_released": True},
        {**_PACKAGE, "hold": "restriction", "released_at": None},
        {**_PACKAGE, "hold": "review", "released_at": None},
    ],
    "package_expiring": [
        _PACKAGE,
        {**_PACKAGE, "days": 1, "is_automatic": True},
        {**_PACKAGE, "hold": "restriction"},
        {**_PACKAGE, "hold": "review"},
        {**_PACKAGE, "is_trial": True},
        {**_PACKAGE, "is_trial": True, "hold": "restriction"},
    ],
    "package_isolated": [{**_PACKAGE, "hold": hold} for hold in ("", "restriction", "review")],
    "package_released": [_PACKAGE],
    "package_renewed": [{"application": APPLICATION, **_PRICE, **_TIMES}],
    "payment_asked": [{"buyer": "100000000003", **_ORDER, **_TIMES}],
    "renewal_short": [{"application": APPLICATION, **_PRICE, **_TIMES}],
    "role_changed": [{"role": Role.FINANCE.value}],
    "staff_added_member": [_MEMBER],
    "staff_changed_role": [_MEMBER],
    "staff_removed_member": [_MEMBER],
    "trial_ended": [_PACKAGE, {**_PACKAGE, "hold": "restriction"}],
    "violation_appeal": [{**_CASE, "is_overturned": is_overturned} for is_overturned in (0, 1)],
    "violation_lifted": [_CASE],
    "violation_measure": [
        {**_MEASURE, "measure": measure} for measure in ("warn", "suspend", "terminate", "block")
    ],
}

_LINK = re.compile(r"https?://[^\s\"'<>]+")
_ADDRESS = re.compile(r"[\w.]+@[\w.]+")
_ENGLISH = re.compile(r"(?<![\w-])[A-Za-z][A-Za-z'’]+")
_GAPS = re.compile(
    r", ,|for ,|,\.| \.| ,|  |: $|\bNone\b|\(\)|（）|“”|，，|，。"
    r"|\{\{|\}\}|\{%|%\(|\b[a-z]+_[a-z]+\b"
)
_HOSTS = re.compile(r"127\.0\.0\.1|localhost|testserver|evil\.example|99999|\bexample\.com")


@dataclass(frozen=True)
class Mail:
    """A written mail."""

    name: str
    subject: str
    text: str
    html: str

    @property
    def said(self) -> list[str]:
        """What its reader sees, but for addresses of pages and people."""
        parts = [self.subject, *self.text.splitlines(), *Reader(self.html).said]
        return [_ADDRESS.sub("@", _LINK.sub("", part)) for part in parts]

    @property
    def links(self) -> list[str]:
        return _LINK.findall(f"{self.text}\n{self.html}")


def _written(name: str, queued: OutgoingMail | Notification) -> Mail:
    message = _message(queued, None)
    html = [str(content) for content, _kind in message.alternatives]
    return Mail(name, str(message.subject), str(message.body), html[0] if html else "")


def _sign_in_mails() -> Iterator[Mail]:
    for prefix, context in SIGN_IN.items():
        AccountAdapter().send_mail(prefix, READER, dict(context))
        yield _written(prefix.replace("/email/", "-"), OutgoingMail.objects.latest("pk"))


def _news(account: Account, language: str) -> Iterator[Mail]:
    user = User(email=READER, language=language)
    for kind, examples in NEWS.items():
        for number, params in enumerate(examples, start=1):
            path = f"/console/{account.uin}/"
            row = Notification(account=account, user=user, kind=kind, params=params, path=path)
            yield _written(f"{kind}-{number}", row)


@cache
def write_all(language: str) -> list[Mail]:
    """Write every mail in a language; once for all tests, which only read them."""
    owner = make_user(NAMELESS)
    account = make_account(name="Harbour & Sons", owner=owner)
    with translation.override(language):
        invite_member(account=account, email=READER, role=Role.FINANCE, by=owner, now=NOW)
        invitation = _written("invitation", OutgoingMail.objects.latest("pk"))
        return [invitation, *_sign_in_mails(), *_news(account, language)]


def _keep(mails: list[Mail], language: str) -> None:
    folder = Path(os.environ["MAILS"])
    folder.mkdir(parents=True, exist_ok=True)
    for mail in mails:
        file = folder / f"{mail.name}.{language}"
        Path(f"{file}.txt").write_text(f"Subject: {mail.subject}\n\n{mail.text}")
        Path(f"{file}.html").write_text(mail.html)


@pytest.fixture(autouse=True)
def _console(settings: Any) -> None:
    settings.MAIL_AT_ONCE = False
    settings.CONSOLE_URL = CONSOLE


@pytest.fixture(params=["en", "zh-hans"])
def mails(request: pytest.FixtureRequest) -> list[Mail]:
    written = write_all(request.param)
    if os.environ.get("MAILS"):
        _keep(written, request.param)
    return written


def test_no_mail_has_a_gap_or_a_raw_name(mails: list[Mail]) -> None:
    found = {mail.name: part for mail in mails for part in mail.said if part and _GAPS.search(part)}
    assert found == {}


def test_each_mail_has_a_subject_a_text_and_html(mails: list[Mail]) -> None:
    for mail in mails:
        assert mail.subject.strip() == mail.subject != "", mail.name
        assert "\n" not in mail.subject, mail.name
        assert len(mail.text) > len(mail.subject), mail.name
        shown = " ".join(" ".join(Reader(mail.html).said).split())
        assert mail.subject in shown, mail.name


def test_every_link_of_a_mail_leads_to_the_console(mails: list[Mail]) -> None:
    for mail in mails:
        assert mail.links or mail.name.endswith("_code"), mail.name
        assert [link for link in mail.links if not f"{link}/".startswith(f"{CONSOLE}/")] == []
        assert not _HOSTS.search(mail.subject + mail.text + mail.html), mail.name


def test_english_subjects_are_in_sentence_case() -> None:
    names = re.compile(rf"{APPLICATION}|Harbour & Sons|UIN|TCCC|[A-Z]-\d+")
    capitals = re.compile(r"(?<!^)(?<!: )\b[A-Z]")
    subjects = [names.sub("", mail.subject) for mail in write_all("en")]
    assert [subject for subject in subjects if capitals.search(subject)] == []


def test_no_mail_speaks_english_to_who_reads_chinese() -> None:
    """Reads the compiled catalog of translations."""
    names = ALLOWED | {"IP", "Chrome", "Windows"}
    typed = "\n".join(
        str(value) for examples in NEWS.values() for params in examples for value in params.values()
    )
    typed += "\nOdd-Program K7Q-2MX Harbour & Sons"
    left = {
        mail.name: [
            word
            for word in dict.fromkeys(_ENGLISH.findall("\n".join(mail.said)))
            if word not in names and word not in typed
        ]
        for mail in write_all("zh-hans")
    }
    assert {name: words for name, words in left.items() if words} == {}


def test_every_mail_template_of_the_sign_in_library_is_our_own() -> None:
    theirs = [
        file.relative_to(LIBRARY)
        for file in LIBRARY.glob("*/email/*.txt")
        if apps.is_installed(f"allauth.{file.relative_to(LIBRARY).parts[0]}")
    ]
    messages = [file for file in theirs if file.name.endswith("_message.txt")]
    # One of them is the base of the others.
    tried = {str(file).removesuffix("_message.txt") for file in messages} - {"account/email/base"}

    # The bases of the others, which ours do without.
    own = [file for file in theirs if not file.stem.startswith("base_")]
    assert [str(file) for file in sorted(own) if not (TEMPLATES / file).is_file()] == []
    assert tried == set(SIGN_IN)


def test_every_kind_of_news_is_tried_here() -> None:
    """A new kind needs its parameters in `NEWS`."""
    assert {file.stem for file in (TEMPLATES / "notifications").glob("*.txt")} == set(NEWS)


def test_a_security_notice_says_when_where_and_what_to_do() -> None:
    texts = {mail.name: mail.text for mail in write_all("en")}
    text = texts["account-password_changed"]
    assert "When: 1 Dec 2026, 23:59:59 UTC+8\nIP address: 203.0.113.7\n" in text
    assert "Browser: Chrome on Windows\n" in text
    assert "reset your password right away" in text
    assert f"{CONSOLE}/auth/password/reset/" in text
    # This address no longer signs in, so a new password cannot be had with it.
    assert "ask an owner of your account" in texts["account-email_changed"]
    assert "/auth/password/reset/" not in texts["account-email_changed"]


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (CHROME, "Chrome on Windows"),
        (f"{CHROME} Edg/141.0", "Edge on Windows"),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox on Linux",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("curl/8.9", "curl/8.9"),
    ],
)
def test_a_browser_is_named_in_words(user_agent: str, name: str) -> None:
    assert browser(user_agent) == name
