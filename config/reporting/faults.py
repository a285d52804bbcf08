"""Faults of the program for Sentry."""

from typing import Any

import sentry_sdk

from config.logs import request_id
from config.reporting.masks import masked


def report_faults(address: str) -> None:
    """Send every exception that nothing handled, and every line of level ERROR."""
    sentry_sdk.init(
        dsn=address,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        auto_session_tracking=False,
        before_send=_without_secrets,
    )


def _without_secrets(event: Any, hint: Any) -> Any:
    """Return what is sent of a fault: no more of the request than method and path."""
    request = event.get("request", {})
    kept = {name: request[name] for name in ("method", "url") if name in request}
    tags = {**event.get("tags", {}), "request_id": request_id.get() or "-"}
    return masked({**event, "request": kept, "tags": tags})
