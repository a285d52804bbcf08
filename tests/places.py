"""Where the tests' server is, for programs that are started beside them."""

import socket
from urllib.parse import quote, urlencode

from django.db import connection


def place(database: str) -> dict[str, str]:
    """libpq's parameters for a database of the tests' server."""
    given: dict[str, object] = dict(connection.get_connection_params())
    known: dict[str, str] = {
        name: str(given[name])
        for name in list(given)
        if name in {"host", "port", "user", "password"}
    }
    return {**known, "dbname": database}


def as_url(database: str) -> str:
    """The same for `DATABASE_URL`."""
    where = place(database)
    user, secret = where["user"], quote(where.get("password", ""), safe="")
    rest = urlencode([(name, where[name]) for name in ("host", "port") if name in where])
    return f"postgres://{user}:{secret}@/{database}?{rest}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
