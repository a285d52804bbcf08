"""Log lines that machines can read, each with the request it belongs to."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

# Empty outside of a request, in a command for example.
request_id: ContextVar[str] = ContextVar("request_id", default="")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request_id"}
# Django attaches live objects under these names.
_LEFT_OUT = frozenset({"request", "server_time"})


class RequestIdFilter(logging.Filter):
    """Adds the request's id to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with `request_id` set."""
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
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", "-"),
        }
        line |= {
            name: value
            for name, value in vars(record).items()
            if name not in _STANDARD and name not in _LEFT_OUT
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def configuration(style: str, level: str) -> dict[str, Any]:
    """What `logging.config` takes. All lines go to stderr; `style` is "json" or "text"."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": RequestIdFilter}},
        "formatters": {
            "json": {"()": JsonFormatter},
            "text": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "filters": ["request_id"],
                "formatter": style,
            },
        },
        "root": {"handlers": ["stderr"], "level": level},
        # These bring handlers of their own, which would print the same a second time.
        "loggers": {
            name: {"handlers": [], "propagate": True, "level": level}
            for name in ("django", "django.server", "gunicorn.error")
        }
        # The console logs requests itself, with more about them.
        | {"gunicorn.access": {"handlers": [], "propagate": False}},
    }
