"""Log lines that machines can read, each with the request it belongs to, and none with a secret."""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

#: Anyone who knows what follows one of these can act as someone else. The one list for the
#: console's log and the proxy's (config/deploy/nginx.conf); a test compares it with the URLs.
SECRET_PATHS = ("/invitations/", "/auth/password/reset/key/", "/auth/confirm-email/")
HIDDEN = "***"

# Empty outside of a request, in a command for example.
request_id: ContextVar[str] = ContextVar("request_id", default="")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request_id"}
# Django attaches live objects under these names.
_LEFT_OUT = frozenset({"request", "server_time"})


# At the beginning of a path, or after the host of an address; an editor's slip is no difference.
_SECRET = re.compile(f"^((?://[^/]+)?/*(?:{'|'.join(SECRET_PATHS)})).+", re.IGNORECASE | re.DOTALL)
# A path or an address, with or without a query, in the middle of any text.
_ADDRESS = re.compile(r"/[^\s\"'<>]+")
# What would end the line, move the cursor or change the direction of writing.
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u2028-\\u202e\\u2066-\\u2069]")


def mask_secrets(text: str) -> str:
    """The text with every key in a path and every query replaced by `***`."""
    if text.startswith("/"):
        # A path and nothing else may hold anything, spaces and quotes included.
        return _mask_address(text)
    return _ADDRESS.sub(lambda found: _mask_address(found[0]), text)


def _mask_address(address: str) -> str:
    path, mark, query = address.partition("?")
    # Also as a browser or proxy may write it: %2Finvitations%2F...
    masked = _SECRET.sub(rf"\1{HIDDEN}", unquote(path))
    if masked == unquote(path):
        masked = path
    return f"{masked}?{HIDDEN}" if mark and query else masked + mark


def _escape(text: str) -> str:
    """The text on one line: control characters as Python and JSON both write them."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class RequestFilter(logging.Filter):
    """Adds the request's id to every record, and takes secrets out of what it is made of."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with `request_id` set."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                mask_secrets(part) if isinstance(part, str) else part for part in record.args
            )
        meta = getattr(getattr(record, "request", None), "META", {})
        record.request_id = request_id.get() or meta.get("REQUEST_ID") or "-"
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, request id, and any `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": mask_secrets(record.getMessage()),
            "request_id": getattr(record, "request_id", "-"),
        }
        line |= {
            name: value if isinstance(value, int | float | None) else mask_secrets(str(value))
            for name, value in vars(record).items()
            if name not in _STANDARD and name not in _LEFT_OUT
        }
        if record.exc_info:
            line["exception"] = mask_secrets(self.formatException(record.exc_info))
        # Within JSON's texts, the only place where control characters can be left.
        return _escape(json.dumps(line, ensure_ascii=False))


class TextFormatter(logging.Formatter):
    """One line a record, for people. With `tracebacks`, an exception takes lines of its own."""

    def __init__(self, *, tracebacks: bool = False) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s")
        self.tracebacks = tracebacks

    def format(self, record: logging.LogRecord) -> str:
        """The record, with nothing in it that a terminal would obey."""
        text = mask_secrets(super().format(record))
        return (
            "\n".join(map(_escape, text.split("\n"))) if self._may_break(record) else _escape(text)
        )

    def _may_break(self, record: logging.LogRecord) -> bool:
        # A message with a line break of its own could pretend to be a second record.
        return self.tracebacks and bool(record.exc_info) and "\n" not in record.getMessage()


def configuration(style: str, level: str, *, tracebacks: bool = False) -> dict[str, Any]:
    """What `logging.config` takes. All lines go to stderr; `style` is "json" or "text".

    With `tracebacks`, text shows them as Python does, for a developer.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request": {"()": RequestFilter}},
        "formatters": {
            "json": {"()": JsonFormatter},
            "text": {"()": TextFormatter, "tracebacks": tracebacks},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "filters": ["request"],
                "formatter": style,
            },
        },
        "root": {"handlers": ["stderr"], "level": level},
        # These bring handlers of their own, which would print the same a second time.
        "loggers": {
            name: {"handlers": [], "propagate": True, "level": level}
            for name in ("django", "django.server", "gunicorn.error")
        }
        # What workers do is told; of each job that is deferred, its row tells.
        | {"procrastinate": {"level": "WARNING"}, "procrastinate.worker": {"level": level}}
        # The console logs requests itself, with more about them.
        | {"gunicorn.access": {"handlers": [], "propagate": False}},
    }
