"""Requests that cannot be read get a page of the console, and one line in the log."""

from importlib import import_module

import pytest
from django.db import connections
from django.http import UnreadablePostError
from django.test import Client, RequestFactory
from django.urls import reverse

from config.errors import server_error
from tests import factories
from tests.hostile_values import BODIES

pytestmark = pytest.mark.django_db

SIGN_IN = "/auth/login/"
#: Bodies that are read, and refused for what they are.
DAMAGED = {"boundary of another script", "empty boundary", "empty charset", "odd type"}
FORM = "application/x-www-form-urlencoded"
#: Bodies that Django refuses to read.
UNREADABLE = [
    "unknown charset",
    "Latin-1",
    "UTF-7",
    "UTF-16",
    "no text encoding",
    "encoding that always fails",
    "parts in Latin-1",
    "parts in hex",
    "parts, undefined",
    "no boundary",
    "long boundary",
    "2,000 fields",
    "1,500 parts",
    "200 files",
    "3 MB",
]


def visitor() -> Client:
    """Return a visitor's browser, which has the CSRF cookie and no token."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.get(SIGN_IN)
    return client


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("url", [SIGN_IN, "/theme/", "/console/100000000001/"])
def test_a_body_that_cannot_be_read_is_a_bad_request(
    name: str, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    content_type, body = BODIES[name]
    client = visitor()
    caplog.clear()

    answer = client.generic("POST", url, body, content_type)

    assert answer.status_code == 400
    assert "The request could not be read" in answer.text
    assert answer.headers["X-Request-ID"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    lines = [record for record in caplog.records if record.name == "console.request"]
    assert [record.getMessage() for record in lines] == [f"POST {url} 400"]
    # Django names an attempt to send too much in a line of its own.
    others = {record.name.rpartition(".")[0] for record in caplog.records if record not in lines}
    assert others <= {"django.security"}
    assert len(caplog.records) <= 2


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_body_to_no_page_finds_no_page(name: str) -> None:
    content_type, body = BODIES[name]

    status = visitor().generic("POST", "/nosuchpage/", body, content_type).status_code

    # What is known to be unreadable is refused first; the rest is not read at all.
    assert status in {400, 404}


@pytest.mark.parametrize("name", sorted(set(BODIES) - set(UNREADABLE)))
def test_what_can_be_read_somehow_needs_a_token_all_the_same(name: str) -> None:
    content_type, body = BODIES[name]

    status = visitor().generic("POST", SIGN_IN, body, content_type).status_code

    assert status == (400 if name in DAMAGED else 403)


@pytest.mark.parametrize("charset", ["nope", "hex", "utf-16", "undefined", "", "x" * 20_000])
def test_a_charset_cannot_spoil_a_query(charset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # It looks at the database while it is loaded, and waits for locks as a web process does.
    options = connections.settings["default"]["OPTIONS"]
    monkeypatch.setitem(options, "options", options["options"])
    application = import_module("config.wsgi").application
    told: list[str] = []
    environ = RequestFactory().get("/prices/?q=%FF").environ
    environ["CONTENT_TYPE"] = f"text/html; charset={charset}"

    # What gunicorn calls: the test client makes requests in a way of its own.
    body = b"".join(application(environ, lambda status, headers: told.append(status)))

    assert told == ["400 Bad Request"]
    assert b"The request could not be read" in body


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8", "us-ascii"])
def test_the_usual_charsets_are_read(charset: str) -> None:
    headers = {"Content-Type": f"text/html; charset={charset}"}

    answer = visitor().get("/prices/", headers=headers)

    assert answer.status_code == 200


def test_a_body_that_breaks_off_is_a_bad_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(request: object) -> None:
        raise UnreadablePostError("connection reset")

    client = Client(raise_request_exception=False)
    monkeypatch.setattr("django.core.handlers.wsgi.WSGIRequest._load_post_and_files", break_off)

    assert client.post("/theme/", {"theme": "dark"}).status_code == 400


def test_a_fault_after_an_unreadable_body_has_the_consoles_page(
    rf: object, caplog: pytest.LogCaptureFixture
) -> None:
    request = rf.generic("POST", SIGN_IN, b"a=1", f"{FORM}; charset=latin-1")  # type: ignore[attr-defined]

    answer = server_error(request)

    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text


def test_a_refusal_still_offers_its_forms() -> None:
    """Pages of errors carry forms, such as the one to sign out, that must still be accepted."""
    customer = factories.make_user()
    client = Client(enforce_csrf_checks=True)
    client.force_login(customer)

    answer = client.get("/nosuchpage/")
    token = answer.text.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]

    assert answer.status_code == 404
    assert client.post(reverse("account_logout"), {"csrfmiddlewaretoken": token}).status_code == 302
