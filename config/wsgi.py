"""What a WSGI server such as gunicorn loads."""

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.urls import get_resolver

from config.checks import refuse_old_database
from config.unreadable import set_unreadable_aside

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def _wait_briefly() -> None:
    """Let every connection of this process wait for locks as requests may, where it can say so."""
    options = connections.settings["default"]["OPTIONS"]
    if "lock_timeout=" in options.get("options", ""):
        options["options"] += f" -c lock_timeout={round(settings.LOCK_WAIT_SECONDS * 1000)}ms"


try:
    _django = get_wsgi_application()
    _wait_briefly()
    refuse_old_database()
    # All views are loaded now and not with the first request, which may come after the files
    # of the next release have been put in place.
    _ = get_resolver().url_patterns
except ImproperlyConfigured as error:
    # One sentence instead of a traceback; gunicorn takes 3 as "do not try again".
    sys.stderr.write(f"Configuration: {error}\n")
    sys.exit(3)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request."""
    set_unreadable_aside(environ)
    return _django(environ, start_response)
