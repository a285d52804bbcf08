"""What load balancers, monitoring and log readers get to see."""

import json
import logging
import sys
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from billing.models import SweepRun
from config import logs
from tests.factories import make_customer, signed_in


def test_healthz_answers_without_a_database(client: Client) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("ended_minutes_ago", "told"),
    [
        (None, {"status": "ready", "warning": "no expiry sweep has run yet"}),
        (59, {"status": "ready"}),
        (61, {"status": "ready", "warning": "the last expiry sweep ended 61 minutes ago"}),
    ],
)
def test_readyz_is_ready_and_tells_of_an_overdue_sweep(
    client: Client, ended_minutes_ago: int | None, told: dict[str, str]
) -> None:
    if ended_minutes_ago is not None:
        ended_at = timezone.now() - timedelta(minutes=ended_minutes_ago)
        SweepRun.objects.create(as_of=ended_at, finished_at=ended_at)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, told)


@pytest.mark.django_db
def test_readyz_waits_for_migrations(client: Client) -> None:
    MigrationRecorder(connection).record_unapplied("config", "0001_initial")

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (
        503,
        {"status": "not ready", "reason": "migrations not applied: 1"},
    )


@pytest.mark.django_db
def test_readyz_waits_for_the_database(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> None:
        raise OperationalError

    monkeypatch.setattr(connections["default"], "cursor", refuse)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (
        503,
        {"status": "not ready", "reason": "the database does not answer"},
    )
    # It is asked for every few seconds: no error each time, for an outage told elsewhere.
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.django_db
def test_readyz_is_not_ready_while_nothing_can_be_written(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (
        503,
        {"status": "not ready", "reason": "the database is read-only"},
    )


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_they_are_read_only(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


# --- Requests in the log -------------------------------------------------------------------


def test_the_proxys_request_id_is_taken_over(client: Client) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": "from-proxy_1.2"})

    assert answer.headers["X-Request-ID"] == "from-proxy_1.2"


@pytest.mark.parametrize("given", ["", "short", "x" * 65, 'in"jected=1', "two words"])
def test_an_odd_request_id_is_replaced(client: Client, given: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": given})

    made = answer.headers["X-Request-ID"]
    assert len(made) == 32
    assert int(made, 16) > 0


def test_a_request_is_one_line_without_its_query(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.addFilter(logs.RequestFilter())
    client.get("/nothing-here?name=somebody", headers={"X-Request-ID": "the-request"})

    line, djangos = (json.loads(logs.JsonFormatter().format(record)) for record in caplog.records)
    assert line.pop("milliseconds") >= 0
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "logger": "console.request",
        "message": "GET /nothing-here 404",
        "method": "GET",
        "path": "/nothing-here",
        "view": None,
        "status": 404,
        "address": "127.0.0.1",
        "uin": None,
        "user": None,
        "request_id": "the-request",
    }
    # Django's own word on it belongs to the same request.
    assert djangos["request_id"] == "the-request"


@pytest.mark.django_db
def test_a_request_names_account_view_person_and_client(
    caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    customer = make_customer()
    url = reverse("start", kwargs={"uin": customer.account.uin})
    client = signed_in(customer.owner)
    # What a client writes itself stands before what the trusted proxy adds.
    headers = {"X-Forwarded-For": "10.9.9.9, 198.51.100.7"}
    answers = [client.get(url, headers=headers), Client().get(url)]

    lines = [
        json.loads(logs.JsonFormatter().format(record))
        for record in caplog.records
        if record.name == "console.request"
    ]
    assert [answer.status_code for answer in answers] == [200, 302]
    names = ("uin", "view", "user", "address")
    assert [tuple(line[name] for name in names) for line in lines] == [
        (customer.account.uin, "start", customer.owner.pk, "198.51.100.7"),
        (customer.account.uin, "start", None, "127.0.0.1"),
    ]


@pytest.mark.parametrize("claimed", ["", "nonsense", "a\nb", "1.2.3.4, , "])
def test_an_address_that_cannot_be_read_stops_no_request(
    client: Client, caplog: pytest.LogCaptureFixture, settings: Settings, claimed: str
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    client.get("/nothing-here", headers={"X-Forwarded-For": claimed})

    (address,) = [r.address for r in caplog.records if r.name == "console.request"]  # type: ignore[attr-defined]
    assert address == (None if claimed else "127.0.0.1")


def test_an_exception_stays_on_its_line() -> None:
    try:
        raise ValueError("电话")
    except ValueError:
        record = logging.LogRecord(
            "x", logging.ERROR, "", 0, "failed %s", ("here",), sys.exc_info()
        )
    token = logs.request_id.set("the-request")
    logs.RequestFilter().filter(record)
    logs.request_id.reset(token)

    text = logs.JsonFormatter().format(record)

    assert "\n" not in text
    line = json.loads(text)
    assert (line["message"], line["request_id"]) == ("failed here", "the-request")
    assert line["exception"].endswith("ValueError: 电话")


# --- What every answer carries -------------------------------------------------------------


def test_every_page_tells_the_browser_to_be_strict(client: Client) -> None:
    headers = client.get("/healthz").headers

    policy = sorted(headers["Content-Security-Policy"].split("; "))
    assert policy == [
        "base-uri 'none'",
        "default-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "img-src 'self' data:",
        "object-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
    ]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
