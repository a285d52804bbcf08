"""What surrounds every request."""

import logging
import re
import time
import uuid
from collections.abc import Callable

from django.db.utils import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from psycopg import errors

from config.logs import request_id

logger = logging.getLogger("console.request")

# An id from the proxy is taken over only in this form, since it goes into logs and headers.
_FOREIGN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Asked for every few seconds by machines; their answers are of no interest in the log.
_QUIET = frozenset({"/healthz", "/readyz"})
# What PostgreSQL says when somebody else holds the rows for too long. Nothing was written.
_BUSY = (errors.LockNotAvailable, errors.DeadlockDetected)


class RequestLogMiddleware:
    """Gives each request an id, returns it as `X-Request-ID`, and logs one line when answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        foreign = request.headers.get("X-Request-ID", "")
        given = foreign if _FOREIGN_ID.fullmatch(foreign) else uuid.uuid4().hex
        token = request_id.set(given)
        # Django logs some answers after all middleware; the log finds the id here then.
        request.META["REQUEST_ID"] = given
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            response.headers["X-Request-ID"] = given
            if request.path not in _QUIET:
                self._log(request, response, time.perf_counter() - started)
        finally:
            request_id.reset(token)
        return response

    def _log(self, request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        user = getattr(request, "user", None)
        logger.info(
            "%s %s %s",
            request.method,
            request.path,
            response.status_code,
            extra={
                "method": request.method,
                # The query is left out: it may hold names and numbers of people.
                "path": request.path,
                "status": response.status_code,
                "milliseconds": round(seconds * 1000, 1),
                "user": getattr(user, "pk", None),
            },
        )


class BusyMiddleware:
    """Answers 503 with a way to retry where another request holds the rows for too long."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Let every other exception pass."""
        if not isinstance(exception, OperationalError):
            return None
        if not isinstance(exception.__cause__, _BUSY):
            return None
        logger.warning("rows are locked: %s", exception)
        response = render(request, "503.html", status=503)
        response.headers["Retry-After"] = "3"
        return response
