"""Secrets stay out of the log, and one record is one line."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.services.invitations import find_invitation
from accounts.views import invitations
from config import logs
from tests.factories import make_user

#: Arguments of URLs that let anyone who knows them act as someone else.
SECRET_ARGUMENTS = {"token", "key"}
#: Arguments that only name something; what is shown depends on who is signed in.
NAMES = {"uin", "sdkappid", "number", "pk", "public_id", "object_id", "app_label", "url"}
NAMES |= {"uidb36", "content_type_id", "name"}


@pytest.fixture(params=[logs.JsonFormatter, logs.TextFormatter])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """All that is logged, as one of the two formats writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(logs.RequestFilter())
    handler.setFormatter(request.param())
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


def routes(resolver: URLResolver, before: str = "/") -> Iterator[tuple[str, set[str]]]:
    """Every route, with the names of its arguments."""
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLPattern):
            regex: Any = pattern.pattern.regex
            inherited = {name for name in NAMES | SECRET_ARGUMENTS if f":{name}>" in before}
            yield route, set(regex.groupindex) | inherited
        else:
            yield from routes(pattern, route)


def test_every_argument_of_a_url_is_known_as_a_secret_or_a_name() -> None:
    found = list(routes(get_resolver()))

    unknown = {name for _, names in found for name in names} - SECRET_ARGUMENTS - NAMES
    secret = [route for route, names in found if names & SECRET_ARGUMENTS]
    assert unknown == set()
    assert len(secret) == 6
    assert [route for route in secret if not route.startswith(logs.SECRET_PATHS)] == []


def fail(*args: object, **kwargs: object) -> None:
    raise RuntimeError("a fault in the program")


@pytest.mark.django_db
def test_secrets_in_addresses_reach_no_log(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user()
    address = EmailAddress.objects.get_or_create(user=user, email=user.email)[0]
    reset = default_token_generator.make_token(user)
    key = EmailConfirmationHMAC(address).key
    token = "SECRETTOKEN-0123456789"
    uid = user_pk_to_url_str(user)
    urls = [
        reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": reset}),
        reverse("account_confirm_email", kwargs={"key": key}),
        *(
            reverse(f"accounts:{name}", kwargs={"token": token})
            for name in (
                "invitation",
                "invitation_accept",
                "invitation_sign_up",
                "invitation_change_person",
            )
        ),
    ]
    client = Client(raise_request_exception=False)
    statuses = set()
    for url in urls:
        statuses |= {client.get(url).status_code, client.put(url).status_code}
        statuses |= {client.post(url).status_code, client.get(url.removesuffix("/")).status_code}
        statuses.add(client.get(f"{url}odd/%20{token}").status_code)
        statuses.add(client.get(f"/auth/login/?next={url}").status_code)
        checked = Client(enforce_csrf_checks=True)
        statuses.add(checked.post(url, headers={"referer": f"https://testserver{url}"}).status_code)
        statuses.add(
            checked.post(
                "/auth/login/", secure=True, headers={"referer": f"https://x.example{url}"}
            ).status_code
        )
    monkeypatch.setattr(invitations, "find_invitation", fail)
    statuses.add(client.get(urls[2]).status_code)

    text = log.getvalue()
    assert statuses >= {200, 301, 302, 403, 404, 405, 500}
    assert "/invitations/***" in text
    assert "a fault in the program" in text
    assert [secret for secret in (reset, key, token) if secret in text] == []
    assert find_invitation(token) is None


def test_a_server_that_fails_below_the_console_writes_no_secret(log: io.StringIO) -> None:
    try:
        raise ValueError("no such thing: /invitations/SECRETTOKEN/")
    except ValueError:
        logging.getLogger("gunicorn.error").exception(
            "Error handling request %s", "/%69nvitations/SECRETTOKEN/?next=ANOTHERSECRET"
        )

    assert "/invitations/***" in log.getvalue()
    assert "SECRET" not in log.getvalue()


@pytest.mark.django_db
def test_a_request_cannot_write_a_second_line(log: io.StringIO) -> None:
    Client().get("/x%0d%0a2026-11-29%20INFO%20FORGED%1b[31m%E2%80%A8%E2%80%A9%C2%85%E2%80%AE")

    lines = [line for line in log.getvalue().split("\n") if "console.request" in line]
    assert len(lines) == 1
    assert len(log.getvalue().splitlines()) == log.getvalue().count("\n") == 2
    assert "/x\\u000d\\u000a2026-11-29 INFO FORGED\\u001b[31m\\u2028\\u2029\\u0085\\u202e" in lines[
        0
    ].replace("\\r\\n", "\\u000d\\u000a")


def test_an_exception_is_on_the_line_too(log: io.StringIO) -> None:
    try:
        raise ValueError("first\n2026-11-29 INFO FORGED")
    except ValueError:
        logging.getLogger("x").exception("电话")

    assert log.getvalue().count("\n") == 1
    assert "电话" in log.getvalue()


def test_a_developer_reads_tracebacks_in_lines() -> None:
    try:
        raise ValueError("\x1b[31m")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", None, sys.exc_info())
    logs.RequestFilter().filter(record)

    lines = logs.TextFormatter(tracebacks=True).format(record).split("\n")

    assert lines[0].endswith("failed")
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1] == "ValueError: \\u001b[31m"


def test_json_stays_json(log: io.StringIO) -> None:
    logging.getLogger("x").warning("a\u2028b\n%s", "/x?y=z", extra={"count": 3, "path": "/?a"})

    if log.getvalue().startswith("{"):
        line = json.loads(log.getvalue())
        assert (line["message"], line["count"], line["path"]) == ("a\u2028b\n/x?***", 3, "/?***")
