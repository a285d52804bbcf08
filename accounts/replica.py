"""Reading lists, exports and statements from a copy of the database, where there is one.

`DATABASE_REPLICA_URL` names a streaming replica. A view that is wrapped in `may_read_replica` reads
from it, unless the replica is too far behind, does not answer, or the person has just changed
something, which they would miss. Everything else reads from the primary: sign-in, access, pages on
which something is decided, and every service.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model
from django.db.utils import InterfaceError, OperationalError
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.template.response import SimpleTemplateResponse

from accounts.queries import call_function
from accounts.row_security import acting_as_before

View = Callable[..., HttpResponseBase]
Answer = TypeVar("Answer", bound=HttpResponseBase)

REPLICA = "replica"
#: How long a process trusts what it measured of the replica, in seconds.
_MEASURED_FOR = 1
_reading: ContextVar[bool] = ContextVar("reading_from_replica", default=False)


class ReplicaRouter:
    """Sends reads to the replica inside a view that may use it, and everything else elsewhere."""

    def db_for_read(self, model: type[Model], **_hints: Any) -> str | None:
        return REPLICA if _reading.get() else None

    def db_for_write(self, model: type[Model], **_hints: Any) -> str:
        # Also for rows that were read from the replica.
        return DEFAULT_DB_ALIAS

    def allow_relation(self, _one: Model, _other: Model, **_hints: Any) -> bool:
        # The rows of both are the same.
        return True

    def allow_migrate(self, database: str, _app_label: str, **_hints: Any) -> bool:
        return database != REPLICA


# --- How far it is behind ------------------------------------------------------------------


def measure_lag() -> float | None:
    """Return the seconds by which the replica is behind the primary; None if it does not answer.

    Zero where it has applied everything that the primary had written when it was asked. Raises
    a database error where the primary does not answer.
    """
    written = call_function("pg_current_wal_lsn")
    try:
        applied = call_function("pg_last_wal_replay_lsn", using=REPLICA)
        if call_function("pg_wal_lsn_diff", written, applied, using=REPLICA) <= 0:
            return 0.0
        last = call_function("pg_last_xact_replay_timestamp", using=REPLICA)
        now = call_function("clock_timestamp", using=REPLICA)
    except (OperationalError, InterfaceError):
        return None
    return float((now - last).total_seconds()) if last else None


class _Replica:
    """What this process knows of the replica."""

    def __init__(self) -> None:
        self.measured_at = float("-inf")
        self.is_usable = False

    def may_be_read(self) -> bool:
        now = time.monotonic()
        if now - self.measured_at > _MEASURED_FOR:
            lag = measure_lag()
            self.is_usable = lag is not None and lag <= settings.REPLICA_MAX_LAG_SECONDS
            self.measured_at = now
        return self.is_usable

    def fail(self) -> None:
        self.is_usable = False
        self.measured_at = time.monotonic()


_replica = _Replica()


# --- Reading from it -----------------------------------------------------------------------


def may_read_replica(view: View) -> View:
    """Let a view of a list, an export or a statement read from the replica.

    Access has been decided before. Where the replica fails meanwhile, the view runs again on the
    primary.
    """

    @wraps(view)
    def read(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return answer_from_replica(request, lambda: view(request, *args, **kwargs))

    return read


def answer_from_replica(request: HttpRequest, answer: Callable[[], Answer]) -> Answer:
    """Return what `answer` returns, read from the replica where this request may use it."""
    if not _may_use(request):
        return answer()
    try:
        with _from_replica(), acting_as_before(using=REPLICA):
            response = answer()
            if isinstance(response, SimpleTemplateResponse):
                # Its querysets are read as it is rendered.
                response.render()
    except (OperationalError, InterfaceError):
        _replica.fail()
        return answer()
    # A file is complete already.
    if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
        response.streaming_content = _stream(iter(response))
    return response


def _may_use(request: HttpRequest) -> bool:
    return (
        REPLICA in settings.DATABASES
        and request.method in {"GET", "HEAD"}
        and settings.REPLICA_COOKIE_NAME not in request.COOKIES
        and _replica.may_be_read()
    )


@contextmanager
def _from_replica() -> Iterator[None]:
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


def _stream(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Continue reading from the replica while the answer is being sent."""
    with acting_as_before(using=REPLICA):
        while True:
            with _from_replica():
                try:
                    piece = next(pieces)
                except StopIteration:
                    return
            yield piece


class RecentChangeMiddleware:
    """Lets people who changed something read from the primary until the replica has it too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if REPLICA not in settings.DATABASES:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method not in {"GET", "HEAD", "OPTIONS", "TRACE"}:
            response.set_cookie(
                settings.REPLICA_COOKIE_NAME,
                "1",
                max_age=settings.REPLICA_MAX_LAG_SECONDS + 2 * _MEASURED_FOR,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response
