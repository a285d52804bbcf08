"""PostgreSQL servers of a test's own, which it may stop as it likes, and PgBouncer before them."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection

from config.embedded_postgres import ROLE, Server
from tests.places import free_port
from tests.programs import find_program

_COLUMN_VERSION = re.compile(r"ALTER TABLE ONLY \S+ ALTER COLUMN \S+ SET \(pg_attver=\d+\);$")
POOLER = Path(settings.BASE_DIR) / "config/deploy/pgbouncer.ini"


@contextmanager
def own_cluster(folder: Path) -> Iterator[Server]:
    """A server of the test's own, which it may stop as it likes."""
    server = Server(folder)
    lease = server.join()
    try:
        yield server
    finally:
        os.close(lease)
        with server.turn():
            server.stop_if_unused()
            server.remove()


def dump_into(server: Server, dump: str) -> None:
    """Copy the tests' database, with its rows, into the server's."""
    own = str(connection.settings_dict["NAME"])
    given = dict(connection.get_connection_params())
    names = ("host", "port", "user", "password")
    here = {f"PG{name.upper()}": str(given[name]) for name in names if name in given}
    there = {"PGHOST": str(server.socket_folder), "PGUSER": ROLE}
    _run(server, "pg_dump", "--no-owner", f"--file={dump}", own, **here)
    # Servers of some minor releases note versions of columns, which other ones do not know.
    lines = Path(dump).read_text().splitlines(keepends=True)
    Path(dump).write_text("".join(line for line in lines if not _COLUMN_VERSION.match(line)))
    quietly = ("--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--output=/dev/null")
    _run(server, "psql", *quietly, f"--file={dump}", ROLE, **there)


def _run(server: Server, program: str, *arguments: str, **environment: str) -> None:
    command = [str(server.programs / program), *arguments]
    subprocess.run(command, env={**os.environ, **environment}, check=True)


def direct_url(server: Server) -> str:
    """The server's address for `DATABASE_URL`."""
    return f"postgres://{ROLE}@/{ROLE}?host={server.socket_folder}"


def stop(server: Server) -> None:
    """Stop as `systemctl stop postgresql` does: sessions are ended."""
    server._run("pg_ctl", "-D", str(server.data), "-m", "fast", "-w", "stop")


def start(server: Server) -> None:
    with server.turn():
        server._start()


@contextmanager
def pooled(server: Server, folder: Path, connections: int = 20) -> Iterator[str]:
    """The address of the same database behind PgBouncer, set up as config/deploy/ says."""
    port = free_port()
    text = POOLER.read_text()
    for old, new in {
        "host=db.example.com port=5432 dbname=console": (
            f"host={server.socket_folder} dbname={ROLE} user={ROLE}"
        ),
        "console =": f"{ROLE} =",
        "listen_port = 6432": f"listen_port = {port}",
        # Whoever reaches the test's own port may use its database.
        "auth_type = scram-sha-256": "auth_type = any",
        "auth_file = /etc/pgbouncer/userlist.txt\n": "",
        "/run/postgresql": str(server.socket_folder),
        "default_pool_size = 20": f"default_pool_size = {connections}",
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    identity: dict[str, Any] = {}
    # PgBouncer refuses to be root, and the embedded server asks who its callers are.
    if server.as_root:
        identity = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        with (server.data / "pg_ident.conf").open("a") as file:
            file.write(f"checkout nobody {ROLE}\n")
        server._run("pg_ctl", "-D", str(server.data), "reload")
    file_path = server.folder / "pgbouncer.ini"
    file_path.write_text(text)
    file_path.chmod(0o644)
    with (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen(
            [find_program("pgbouncer"), str(file_path)], cwd="/", stdout=log, stderr=log, **identity
        )
    url = f"postgres://{ROLE}@127.0.0.1:{port}/{ROLE}"
    try:
        _wait_for(url, process, folder / "pgbouncer.log")
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        else:
            return
