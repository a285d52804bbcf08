"""An outage of the database is answered with 503; a fault of the program is not hidden."""

import json
import logging

import psycopg
import pytest
from django.db import connections, transaction
from django.db.utils import InternalError, OperationalError, ProgrammingError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from psycopg import errors

from accounts.models import User
from config import logs
from config.outages import RETRY_SECONDS, Outage, find_outage
from config.urls import urlpatterns as console
from tests.factories import PASSWORD, make_user

REFUSED = 'connection to server at "127.0.0.1", port 5432 failed: Connection refused\n\tIs it up?'


def as_django(error: psycopg.Error, kind: type[Exception] = OperationalError) -> Exception:
    """The driver's error as Django raises it."""
    raised = kind(str(error))
    raised.__cause__ = error
    return raised


def later(error: Exception, cause: Exception) -> Exception:
    """An error that was raised while another was dealt with."""
    error.__context__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (as_django(errors.LockNotAvailable("lock timeout")), Outage.BUSY),
        (as_django(errors.DeadlockDetected("deadlock")), Outage.BUSY),
        (as_django(psycopg.OperationalError(REFUSED)), Outage.AWAY),
        (as_django(psycopg.OperationalError("the connection is closed")), Outage.AWAY),
        (
            as_django(psycopg.InternalError("received 2 results from command 'COMMIT'")),
            Outage.AWAY,
        ),
        (as_django(errors.AdminShutdown("terminating connection")), Outage.AWAY),
        (as_django(errors.CannotConnectNow("starting up")), Outage.AWAY),
        (as_django(errors.TooManyConnections("too many clients")), Outage.AWAY),
        (as_django(errors.ProtocolViolation("server conn crashed?")), Outage.AWAY),
        (as_django(errors.QueryCanceled("statement timeout")), Outage.AWAY),
        (
            as_django(errors.ReadOnlySqlTransaction("read-only transaction"), InternalError),
            Outage.READ_ONLY,
        ),
        (
            later(
                ProgrammingError("Cannot open a new connection in an atomic block."),
                as_django(errors.AdminShutdown("terminating connection")),
            ),
            Outage.AWAY,
        ),
        (as_django(errors.UndefinedTable("no such table"), ProgrammingError), None),
        (as_django(errors.StatementTooComplex("too complex")), None),
        (ValueError("no"), None),
        (later(ValueError("no"), as_django(errors.LockNotAvailable("lock timeout"))), None),
    ],
    ids=str,
)
def test_what_counts_as_an_outage(error: Exception, outage: Outage | None) -> None:
    found = find_outage(error)

    assert (found[0] if found else None) is outage
    assert found is None or "\n" not in found[1]


def lose_connection(request: HttpRequest) -> HttpResponse:
    raise as_django(psycopg.OperationalError(REFUSED))


def lose_reply_of_commit(request: HttpRequest) -> HttpResponse:
    """Commit, and lose the connection before the server's answer has come back."""
    connection = transaction.get_connection()
    with transaction.atomic():
        User.objects.filter(email="lost@reply.example").update(name="Changed")
        driver = connection.connection

        class Lost:
            def __getattr__(self, name: str) -> object:
                return getattr(driver, name)

            def commit(self) -> None:
                driver.commit()
                driver.close()
                raise psycopg.OperationalError("consuming input failed: server closed")

        connection.connection = Lost()
    return HttpResponse("unreachable")


lose_connection.login_required = False  # type: ignore[attr-defined]
lose_reply_of_commit.login_required = False  # type: ignore[attr-defined]
urlpatterns = [*console, path("lose/", lose_connection), path("commit/", lose_reply_of_commit)]


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("method", "words"),
    [("get", "Try again in a moment"), ("post", "may have been saved or not")],
)
def test_a_lost_connection_is_a_503_that_says_what_to_do(
    client: Client, caplog: pytest.LogCaptureFixture, method: str, words: str
) -> None:
    answer = getattr(client, method)("/lose/?page=2")

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) in RETRY_SECONDS
    assert answer.headers["X-Problem"] == "database"
    assert words in answer.text
    assert ('href="/lose/?page=2"' in answer.text) == (method == "get")
    [record] = caplog.records
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)
    line = json.loads(logs.JsonFormatter().format(record))
    assert line["message"] == (
        f"{method.upper()} /lose/ 503 (the database does not answer: "
        'connection to server at "127.0.0.1", port 5432 failed: Connection refused)'
    )


@pytest.mark.urls(__name__)
@pytest.mark.django_db(transaction=True)
def test_a_commit_whose_reply_was_lost_is_no_fault_of_the_program(client: Client) -> None:
    make_user(email="lost@reply.example", name="Before")

    answer = client.post("/commit/")

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) in RETRY_SECONDS
    assert "may have been saved or not" in answer.text
    assert User.objects.get(email="lost@reply.example").name == "Changed"


def _refuse(*args: object, **kwargs: object) -> None:
    raise as_django(psycopg.OperationalError(REFUSED))


@pytest.mark.django_db(transaction=True)
def test_a_session_that_cannot_be_read_is_no_fault_either(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The database is asked who is signed in before any view is reached.
    client = Client(raise_request_exception=False)
    user = make_user()
    client.force_login(user)
    caplog.clear()
    monkeypatch.setattr(connections["default"], "ensure_connection", _refuse)
    monkeypatch.setattr(connections["default"], "cursor", _refuse)

    answers = [
        client.get("/accounts/"),
        client.get("/accounts/", headers={"HX-Request": "true"}),
        client.get("/admin/"),
        client.post("/auth/login/", {"login": user.email, "password": PASSWORD}),
    ]

    assert [answer.status_code for answer in answers] == [503] * 4
    assert all(int(answer.headers["Retry-After"]) in RETRY_SECONDS for answer in answers)
    assert [record.name for record in caplog.records] == ["console.request"] * 4
    assert [record.exc_info for record in caplog.records] == [None] * 4
