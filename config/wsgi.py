"""What a WSGI server such as gunicorn loads."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from config.checks import refuse_old_database

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

try:
    application = get_wsgi_application()
    refuse_old_database()
    # All views are loaded now and not with the first request, which may come after the files
    # of the next release have been put in place.
    _ = get_resolver().url_patterns
except ImproperlyConfigured as error:
    # One sentence instead of a traceback; gunicorn takes 3 as "do not try again".
    sys.stderr.write(f"Configuration: {error}\n")
    sys.exit(3)
