"""What surrounds every request."""

import logging
import re
import time
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, UnreadablePostError

from accounts.services.locks import waiting_briefly
from config.addresses import client_address
from config.errors import bad_request
from config.logs import request_id
from config.metrics import count_request
from config.outages import answer_outage
from config.unreadable import UNREADABLE, is_readable

logger = logging.getLogger("console.request")

# An id from the proxy is taken over only in this form, since it goes into logs and headers.
_FOREIGN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Asked for every few seconds by machines; their answers are of no interest in the log.
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestLogMiddleware:
    """Gives each request an id, returned as `X-Request-ID`; counts it and logs one line of it."""

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
                seconds = time.perf_counter() - started
                count_request(request, response, seconds)
                self._log(request, response, seconds)
        finally:
            request_id.reset(token)
        return response

    def _log(self, request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        # Only who was asked for already: `request.user` might ask the database, which may be away.
        user = getattr(request, "_cached_user", None)
        match = request.resolver_match
        outage = getattr(response, "outage", None)
        logger.log(
            logging.WARNING if outage else logging.INFO,
            "%s %s %s%s",
            request.method,
            request.path,
            response.status_code,
            f" ({outage})" if outage else "",
            extra={
                "method": request.method,
                # The query is left out: it may hold names and numbers of people.
                "path": request.path,
                "view": match.view_name if match else None,
                "status": response.status_code,
                "milliseconds": round(seconds * 1000, 1),
                "address": client_address(request) or None,
                # Whose account was asked for, whether or not it may be seen.
                "uin": match.kwargs.get("uin") if match else None,
                "user": getattr(user, "pk", None),
            },
        )


class IsolationMiddleware:
    """Keeps other sites from embedding answers, and pages from using the device."""

    #: Features of the browser that no page needs. Passkeys are asked for by our own pages.
    POLICY = ", ".join(
        [
            *(
                f"{feature}=()"
                for feature in (
                    "accelerometer",
                    "autoplay",
                    "bluetooth",
                    "camera",
                    "display-capture",
                    "geolocation",
                    "gyroscope",
                    "hid",
                    "idle-detection",
                    "local-fonts",
                    "magnetometer",
                    "microphone",
                    "midi",
                    "payment",
                    "screen-wake-lock",
                    "serial",
                    "usb",
                    "xr-spatial-tracking",
                )
            ),
            "publickey-credentials-create=(self)",
            "publickey-credentials-get=(self)",
        ]
    )

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", self.POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class BusyMiddleware:
    """Answers 503 with a way to retry while rows are locked or the database is away.

    Whatever a request does waits only briefly for locked rows (`accounts.services.locks`).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with waiting_briefly():
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Let every other exception pass."""
        return answer_outage(request, exception)


class ReadableRequestMiddleware:
    """Answers 400 to a request that nothing could be read from, before anything tries to."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.META.get(UNREADABLE) or not is_readable(request.META.get("CONTENT_TYPE", "")):
            return bad_request(request)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a form that broke off on its way, should anyone still be there to read it."""
        return bad_request(request) if isinstance(exception, UnreadablePostError) else None
