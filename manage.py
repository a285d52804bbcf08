#!/usr/bin/env python
"""Django's command line for the console."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db.utils import DatabaseError, InterfaceError

from config.outages import find_outage


def main() -> None:
    """Run one command; a wrong configuration or lost database is a sentence, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Configuration: {error}")
    except (DatabaseError, InterfaceError) as error:
        found = find_outage(error)
        if found is None:
            raise
        sys.stderr.write(f"Database: {found[0].value}: {found[1]}\n")
        # "Try again later", and not what a command says when it found something wrong.
        sys.exit(os.EX_TEMPFAIL)


if __name__ == "__main__":
    main()
