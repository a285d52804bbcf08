"""`python -m config.embedded_postgres`: run a program with the server, stop it, or remove it."""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from config.embedded_postgres.server import BASE_DIR, ROLE, Server

# Long enough to bridge the gap between two commands of one `make` target.
GRACE_SECONDS = 3.0


def keep(server: Server, lock: int) -> None:
    """Wait until the server has not been used for a while, then stop it. The keeper's work.

    The keeper's lock is given up within the same turn, so that the next process sees that a
    new keeper is needed.
    """
    unused_since: float | None = None
    while server.folder.exists():
        time.sleep(0.2)
        with server.turn():
            if not server.is_unused():
                unused_since = None
                continue
            unused_since = unused_since or time.monotonic()
            unused = time.monotonic() - unused_since
            # Soon where there is nothing to stop; immediately would be too soon for a server that
            # is just coming up, though the process that wanted it was killed.
            if unused >= (GRACE_SECONDS if server.postmaster() else GRACE_SECONDS / 6):
                server.stop_if_unused()
                os.close(lock)
                return


def run(command: Sequence[str]) -> None:
    """Become another program that uses the server through `DATABASE_URL`.

    Where that is set already, it says which database is meant, and stays as it is.
    """
    if not os.environ.get("DATABASE_URL"):
        server = Server(BASE_DIR)
        os.set_inheritable(server.join(), True)
        os.environ["DATABASE_URL"] = (
            f"postgres://{ROLE}@/{ROLE}?host={quote(str(server.socket_folder))}"
        )
    os.execvp(command[0], list(command))  # noqa: S606 - the developer's own command


def stop(*, and_remove: bool) -> None:
    """Stop the server immediately unless it is used, and remove its data if that is wanted."""
    server = Server(BASE_DIR)
    if not server.folder.exists():
        return
    with server.turn():
        stopped = server.stop_if_unused()
        if stopped and and_remove:
            server.remove()
    if not stopped:
        sys.exit("The embedded PostgreSQL is in use: end the programs that use it first.")


def main(arguments: Sequence[str]) -> None:
    """`run COMMAND…` with the server; `stop` it; `remove` its data; `keep` is the keeper's."""
    match arguments:
        case ["run", *command] if command:
            run(command)
        case ["stop"]:
            stop(and_remove=False)
        case ["remove"]:
            stop(and_remove=True)
        case ["keep", checkout, lock]:
            # Where the folder is gone, there is nothing to keep.
            with suppress(FileNotFoundError):
                keep(Server(Path(checkout)), int(lock))
        case _:
            sys.exit("usage: python -m config.embedded_postgres run COMMAND... | stop | remove")


if __name__ == "__main__":
    main(sys.argv[1:])
