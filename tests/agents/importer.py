"""One importing process, held back until its parent says go: `python -m tests.agents.importer`."""

import sys
from datetime import datetime

import django

django.setup()

from django.db import connection  # noqa: E402

from agents.models import AgentImport  # noqa: E402
from agents.services import import_turns  # noqa: E402


def main() -> None:
    """Run the import with the key of the first argument, as of the second, so many rows a turn.

    Prints "ready" and waits for a line.
    """
    import_turns.TURN = int(sys.argv[3])
    connection.ensure_connection()
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    imported = AgentImport.objects.get(pk=int(sys.argv[1]))
    import_turns.run_import(imported=imported, by=None, now=datetime.fromisoformat(sys.argv[2]))


if __name__ == "__main__":
    main()
