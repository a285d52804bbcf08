"""Sending faults to Sentry and traces to a collector, where settings name them.

The libraries are extras (`requirements/extras.txt`), and are loaded only then. What leaves the host
holds no more than the log does: no query, form, cookie or local variable, and no key of a link.
"""

from importlib import import_module

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def start_reporting() -> None:
    """Begin to send what is set; raises ImproperlyConfigured where its library is missing."""
    wanted = {"faults": settings.SENTRY_DSN, "traces": settings.TRACES_URL}
    for name, address in wanted.items():
        if not address:
            continue
        try:
            module = import_module(f"config.reporting.{name}")
        except ModuleNotFoundError as error:
            raise ImproperlyConfigured(
                f"SENTRY_DSN and TRACES_URL need requirements/extras.txt installed: {error}."
            ) from error
        getattr(module, f"report_{name}")(address)
