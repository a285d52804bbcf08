"""The server of one checkout: where it lives, and how it is started, joined and stopped."""

import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg import sql

from config.embedded_postgres.programs import (
    MAJOR_VERSION,
    end_process,
    find_programs,
    make_own,
    nobody,
    run_program,
)

BASE_DIR = Path(__file__).resolve().parents[2]
ROLE = "tccc"
SUPERUSER = "postgres"
#: Whose rights the transactions of customers, staff and workers have.
ROLES = ("tccc_web", "tccc_staff", "tccc_worker")
# Part of the socket's name only.
PORT = 5432
START_SECONDS = 60
CONFIGURATION = """
listen_addresses = ''
max_connections = 300
shared_buffers = 256MB
max_wal_size = 2GB
timezone = 'UTC'
log_timezone = 'UTC'
jit = off
"""


@dataclass(frozen=True)
class Server:
    """Where the server of one checkout lives and how it is run, for the present user."""

    checkout: Path

    @cached_property
    def folder(self) -> Path:
        """The folder for locks and the socket, and for root's data; a short path."""
        key = hashlib.sha256(os.fsencode(self.checkout)).hexdigest()[:12]
        # Every user may write to /var/tmp; `prepare` checks whose folder this is.
        return Path(f"/var/tmp/tccc-console-{os.geteuid()}-{key}")  # noqa: S108

    @property
    def as_root(self) -> bool:
        """Whether the programs must run as another user than the present one."""
        return os.geteuid() == 0

    @property
    def data(self) -> Path:
        """The cluster's data: beside the code, or for root where `nobody` can reach it."""
        home = self.folder if self.as_root else self.checkout / ".local"
        return home / f"postgres-{MAJOR_VERSION}"

    @property
    def socket_folder(self) -> Path:
        """Only the server's user and root may enter it."""
        return self.folder / "socket"

    @property
    def log(self) -> Path:
        """What the server has to say."""
        return self.data / "server.log"

    @cached_property
    def programs(self) -> Path:
        """The folder of initdb and pg_ctl."""
        return find_programs(self.folder, as_nobody=self.as_root)

    def prepare(self) -> None:
        """Make the folders, and refuse one that another user has put there."""
        make_own(self.folder, 0o755 if self.as_root else 0o700)
        if self.as_root:
            self.socket_folder.mkdir(mode=0o700, exist_ok=True)
            os.chown(self.socket_folder, nobody().pw_uid, nobody().pw_gid)
        else:
            self.socket_folder.mkdir(mode=0o700, exist_ok=True)
            self.data.parent.mkdir(mode=0o700, exist_ok=True)

    # --- Locks ---------------------------------------------------------------------------

    def lock_file(self, name: str) -> int:
        """An open descriptor, closed when another program takes this process over."""
        return os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """While it is this process's turn, no other starts, stops, or joins."""
        descriptor = self.lock_file("turn")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    # --- Running -------------------------------------------------------------------------

    def join(self) -> int:
        """Hold the lease, with the server running and its database there; the descriptor."""
        self.prepare()
        with self.turn():
            lease = self.lock_file("lease")
            fcntl.flock(lease, fcntl.LOCK_SH)
            try:
                self._ensure_keeper()
                if not self.accepts():
                    self._start()
                self._ensure_role_and_database()
            except BaseException:
                os.close(lease)
                raise
        return lease

    def connect(
        self, *, user: str = SUPERUSER, dbname: str = "postgres"
    ) -> "psycopg.Connection[tuple[Any, ...]]":
        """A connection, by default as the cluster's superuser."""
        return psycopg.connect(
            host=str(self.socket_folder),
            port=PORT,
            user=user,
            dbname=dbname,
            autocommit=True,
            connect_timeout=5,
        )

    def accepts(self) -> bool:
        """Whether the server is up. One that is still starting is waited for."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                if self.postmaster() is None or time.monotonic() > deadline:
                    return False
                time.sleep(0.1)
            else:
                return True

    def postmaster(self) -> psutil.Process | None:
        """The server's process, if that is what the number in its file still stands for."""
        try:
            number = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(number)
            ours = str(self.data) in process.cmdline()
        except (OSError, ValueError, psutil.Error):
            return None
        return process if ours else None

    def _start(self) -> None:
        if self.postmaster():
            raise ImproperlyConfigured(
                f"The embedded PostgreSQL runs, but does not answer; see {self.log}."
            )
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        # A number in a file that a crash left may belong to another program by now, and
        # PostgreSQL would take that for a server.
        for left in [self.data / "postmaster.pid", *self.socket_folder.iterdir()]:
            left.unlink(missing_ok=True)
        self.run(
            "pg_ctl",
            *("-D", str(self.data), "-l", str(self.log), "-w", "-t", str(START_SECONDS)),
            *("-o", f"-k {self.socket_folder} -p {PORT}", "start"),
        )

    def _make_cluster(self) -> None:
        fresh = self.data.with_name(f"{self.data.name}-fresh")
        # Left by a process that was killed while it made one.
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if self.as_root:
            os.chown(fresh, nobody().pw_uid, nobody().pw_gid)
        self.run(
            "initdb",
            *("-D", str(fresh), "-U", SUPERUSER, "--encoding=UTF8", "--no-sync"),
            # The order of code points, the same on every machine.
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            *("--auth-local=peer", "--auth-host=reject"),
        )
        user = pwd.getpwuid(os.geteuid()).pw_name
        (fresh / "pg_hba.conf").write_text("local all all peer map=checkout\n")
        (fresh / "pg_ident.conf").write_text(
            "".join(f'checkout "{user}" {role}\n' for role in (SUPERUSER, ROLE, *ROLES))
        )
        with (fresh / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION)
        fresh.rename(self.data)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the server's user."""
        done = run_program(self.programs / program, *arguments, as_nobody=self.as_root)
        if done.returncode:
            words = (done.stderr or done.stdout).strip()
            log = self.log.read_text()[-2000:] if self.log.exists() else ""
            raise ImproperlyConfigured(
                f"The embedded PostgreSQL did not start: {program} says {words!r}\n{log}".rstrip()
            )

    def _ensure_role_and_database(self) -> None:
        with suppress(psycopg.OperationalError), self.connect(user=ROLE, dbname=ROLE) as connection:
            found = connection.execute(
                "SELECT count(*) FROM pg_roles WHERE rolname = ANY (%s)"
                " AND pg_has_role(rolname, 'MEMBER')",
                [list(ROLES)],
            ).fetchone()
            if found == (len(ROLES),):
                return
        with self.connect() as connection:
            for create in (
                f"CREATE ROLE {ROLE} LOGIN CREATEDB",
                f"CREATE DATABASE {ROLE} OWNER {ROLE}",
                *(f"CREATE ROLE {role} LOGIN NOINHERIT" for role in ROLES),
                f"GRANT {', '.join(ROLES)} TO {ROLE}",
                "GRANT tccc_staff TO tccc_web",
            ):
                # A process that was killed may have got halfway.
                with suppress(psycopg.errors.DuplicateObject, psycopg.errors.DuplicateDatabase):
                    connection.execute(sql.SQL(create))

    # --- Stopping ------------------------------------------------------------------------

    def _ensure_keeper(self) -> None:
        lock = self.lock_file("keeper")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        else:
            # The keeper inherits the locked descriptor, so there is no moment without a lock.
            subprocess.Popen(  # noqa: S603 - this very package
                [
                    *(sys.executable, "-P", "-s", "-m", __package__),
                    *("keep", str(self.checkout), str(lock)),
                ],
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(BASE_DIR)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[lock],
                start_new_session=True,
            ).returncode = 0  # Not waited for: it outlives this process.
        finally:
            os.close(lock)

    def stop_if_unused(self) -> bool:
        """Stop the server unless a process holds the lease. For use in one's `turn`."""
        lease = self.lock_file("lease")
        try:
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            # Not through pg_ctl, which may be gone with the checkout.
            if process := self.postmaster():
                end_process(process)
            return True
        finally:
            os.close(lease)

    def remove(self) -> None:
        """Remove the data and the folder of a stopped server. For use in one's `turn`."""
        shutil.rmtree(self.data, ignore_errors=True)
        # Away in one go: a keeper that looks meanwhile would put its locks into the folder.
        gone = self.folder.with_name(f"{self.folder.name}-gone")
        self.folder.rename(gone)
        shutil.rmtree(gone)

    def is_unused(self) -> bool:
        """Whether no process holds the lease. For use in one's `turn`."""
        lease = self.lock_file("lease")
        try:
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(lease)
        return True
