"""What is answered while the database is away, blocked or read-only: 503, and when to try again.

One table decides for pages, `/readyz` and commands what counts as an outage and not as a fault
of the program.
"""

import enum
import secrets
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.db.utils import Error
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.errors import Busy
from accounts.row_security import shield
from config import errors

#: A blocked row is free again soon; a restart of the database takes a little longer.
RETRY_SECONDS = range(2, 6)


class Outage(enum.Enum):
    """Why a statement could not be carried out, though nothing is wrong with it."""

    BUSY = "rows are locked"
    AWAY = "the database does not answer"
    READ_ONLY = "the database is read-only"


# SQLSTATE, or its first two characters: PostgreSQL manual, appendix A.
_OUTAGES = {
    "55P03": Outage.BUSY,  # lock_not_available
    "40": Outage.BUSY,  # deadlock, serialization failure
    "25006": Outage.READ_ONLY,  # read_only_sql_transaction: a standby
    "08": Outage.AWAY,  # connection exception; PgBouncer uses it for all its own errors
    "53": Outage.AWAY,  # too many connections, out of memory or disk
    "57": Outage.AWAY,  # shutdown, restart, statement timeout
    "58": Outage.AWAY,  # errors of the system around PostgreSQL
    "25P03": Outage.AWAY,  # idle_in_transaction_session_timeout ended the connection
}


def find_outage(exception: BaseException) -> tuple[Outage, str] | None:
    """The outage behind an error of the database, and its first line; None for any other error."""
    if isinstance(exception, Busy):
        return Outage.BUSY, str(exception)
    for error in _chain(exception):
        if not isinstance(error, psycopg.Error):
            continue
        state = error.sqlstate or error.diag.sqlstate or ""
        outage = _OUTAGES.get(state) or _OUTAGES.get(state[:2])
        if not state and isinstance(error, psycopg.OperationalError | psycopg.InternalError):
            # The connection was refused or broken, so no server was there to give a code. One that
            # breaks just as a transaction ends brings two answers to its COMMIT.
            outage = Outage.AWAY
        if outage:
            return outage, " ".join(str(error).partition("\n")[0].split())[:200]
    return None


def _chain(exception: BaseException | None) -> Iterator[BaseException]:
    """An error of the database and those that led to it, Django's and the driver's."""
    while isinstance(exception, Error | psycopg.Error):
        yield exception
        exception = exception.__cause__ or exception.__context__


def answer_outage(request: HttpRequest, exception: BaseException) -> HttpResponse | None:
    """A 503 for an outage, None for any other error.

    The reason is kept on the answer as `outage`, for the request's line in the log.
    """
    found = find_outage(exception)
    if found is None:
        return None
    outage, words = found
    if outage is Outage.BUSY:
        response = shield(render)(request, "503.html", _sent_again(request), status=503)
    else:
        response = HttpResponse(_page_without_database(request), status=503)
        response.headers[errors.PROBLEM_HEADER] = "database"
    response.headers["Retry-After"] = retry_after()
    response.headers["Cache-Control"] = "no-store"
    response.outage = f"{outage.value}: {words}"  # type: ignore[attr-defined]
    return without_error_line(response)


def retry_after() -> str:
    """The seconds of a `Retry-After`, drawn so that those refused together return apart."""
    return str(secrets.choice(RETRY_SECONDS))


def without_error_line(response: HttpResponse) -> HttpResponse:
    """The answer, of which Django writes no line of its own, an error with a traceback."""
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    return response


def _sent_again(request: HttpRequest) -> dict[str, Any]:
    """What the page needs to send the same form again, where that can be done.

    Files cannot be put into a page, and passwords and codes must not be. The form passed the check
    of its CSRF token before anything was locked, and is sent with a token again.
    """
    try:
        fields = [(name, value) for name, values in request.POST.lists() for value in values]
        has_files = bool(request.FILES)
    except (RequestDataTooBig, TooManyFieldsSent, MultiPartParserError, UnreadablePostError):
        return {}
    fields = [(name, value) for name, value in fields if name != "csrfmiddlewaretoken"]
    is_secret = request.path.startswith(reverse("account_login").removesuffix("login/")) or any(
        "password" in name for name, _value in fields
    )
    can_send = request.method == "POST" and not (has_files or is_secret)
    return {"can_send": can_send, "has_files": has_files, "fields": fields if can_send else []}


def _page_without_database(request: HttpRequest) -> str:
    # Rendered without the request: the layout would ask the database who is signed in.
    reading = request.method in {"GET", "HEAD"}
    context = {"reading": reading, "address": request.get_full_path()}
    return render_to_string("503_database.html", context)


def server_error_page(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`: errors outside of views come here, such as those of the session."""
    exception = sys.exc_info()[1]
    answer = answer_outage(request, exception) if exception else None
    return answer or errors.server_error(request)
