"""What a WSGI server such as gunicorn loads."""

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from config.checks import refuse_old_database
from config.middleware import set_unreadable_aside

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

try:
    _django = get_wsgi_application()
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
