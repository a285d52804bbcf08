"""PostgreSQL servers of a test's own, which it may stop as it likes, and PgBouncer before them."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection

from config.embedded_postgres import PORT, ROLE, SUPERUSER, Server
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
    server.run("pg_ctl", "-D", str(server.data), "-m", "fast", "-w", "stop")


def start(server: Server) -> None:
    with server.turn():
        server._start()


@contextmanager
def standby_of(server: Server) -> Iterator["Standby"]:
    """A streaming replica of the server, in the server's folder."""
    standby = Standby(server)
    with (server.data / "pg_hba.conf").open("a") as file:
        file.write("local replication all peer map=checkout\n")
    _let_nobody_in(server, SUPERUSER)
    standby.start()
    try:
        yield standby
    finally:
        standby.stop()


class Standby:
    """A replica that follows, may be paused, and may be stopped."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.data = server.folder / "standby"
        self.socket_folder = server.folder / "standby-socket"
        for folder in (self.data, self.socket_folder):
            folder.mkdir(mode=0o700)
            if server.as_root:
                shutil.chown(folder, "nobody", "nogroup")

    @property
    def url(self) -> str:
        """The address for `DATABASE_REPLICA_URL`."""
        return f"postgres://{ROLE}@/{ROLE}?host={self.socket_folder}"

    def start(self) -> None:
        """Copy the server's data, and follow it from there."""
        self.server.run(
            "pg_basebackup",
            *("-D", str(self.data), "-h", str(self.server.socket_folder), "-p", str(PORT)),
            *("-U", SUPERUSER, "-R", "-X", "stream", "-c", "fast", "--no-sync"),
        )
        self.server.run(
            "pg_ctl",
            *("-D", str(self.data), "-l", str(self.data / "standby.log"), "-w"),
            *("-o", f"-k {self.socket_folder} -p {PORT}", "start"),
        )

    def stop(self) -> None:
        """Stop, if it runs."""
        if (self.data / "postmaster.pid").exists():
            self.server.run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")

    def ask(self, statement: str) -> Any:
        """Return what a statement of the superuser returns."""
        with psycopg.connect(
            host=str(self.socket_folder), port=PORT, dbname=ROLE, user=SUPERUSER
        ) as connection:
            found = connection.execute(statement).fetchone()
        return found[0] if found else None

    def wait_for(self, statement: str) -> None:
        """Wait until a statement returns true here."""
        until = time.monotonic() + 10
        while not self.ask(statement):
            assert time.monotonic() < until, statement
            time.sleep(0.05)


def _let_nobody_in(server: Server, role: str) -> None:
    """Let the embedded server's own user connect as this role, where that is not the caller."""
    if server.as_root:
        with (server.data / "pg_ident.conf").open("a") as file:
            file.write(f"checkout nobody {role}\n")
    server.run("pg_ctl", "-D", str(server.data), "reload")


@contextmanager
def pooled(server: Server, folder: Path, connections: int = 20) -> Iterator[str]:
    """The address of the same database behind PgBouncer, set up as config/deploy/ says."""
    with pooler(server, folder, connections) as (url, _process):
        yield url


@contextmanager
def pooler(
    server: Server, folder: Path, connections: int = 20
) -> "Iterator[tuple[str, subprocess.Popen[bytes]]]":
    """The same with PgBouncer's process, for a test that freezes it."""
    port = free_port()
    text = POOLER.read_text()
    for old, new in {
        "host=db.example.com port=5432 dbname=console": (
            f"host={server.socket_folder} dbname={ROLE} user={ROLE}"
        ),
        "console =": f"{ROLE} =",
        "listen_port = 6432": f"listen_port = {port}",
        # Anyone who reaches the test's own port may use its database.
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
    _let_nobody_in(server, ROLE)
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
        yield url, process
    finally:
        process.terminate()
        process.send_signal(signal.SIGCONT)
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
