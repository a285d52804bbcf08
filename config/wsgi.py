"""What a WSGI server such as gunicorn loads."""

import os

from django.core.wsgi import get_wsgi_application

from config.checks import refuse_old_database

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

refuse_old_database()
