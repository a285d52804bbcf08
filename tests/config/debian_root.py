"""The image of the Dockerfile, made without Docker: on a small Debian of mmdebstrap's.

The image's own base, Debian's slim Python, has Python in another folder and in another patch
release. All that the Dockerfile adds to it is the same.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.config.test_container import BUILD, FINAL, HOME, ROOT
from tests.programs import find_program, miss

#: What Debian's slim image leaves out as well.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
#: What slim Python has: time zones and certificates, which its users count on.
PACKAGES = "python3,ca-certificates,netbase,tzdata"
#: Lays the folders out as they are on a new system, without a program in Perl that merges them.
MERGED = "/usr/share/mmdebstrap/hooks/merged-usr"
#: Where the build finds pip and the wheels, for as long as it lasts.
TOOLS = "/tools"
#: Where a container looks for programs.
PROGRAMS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class DebianRoot:
    """A folder with a Debian in it, to which the image's steps are added."""

    def __init__(self, folder: Path) -> None:
        if os.geteuid():
            miss("only root can change its root folder")
        self.folder = folder / "root"
        # Not in the folder of the tests, which others may not enter.
        self.user = FINAL.all("USER")[0]
        own = dict(pair.split("=", 1) for pair in " ".join(FINAL.all("ENV")).split())
        self.variables = own | {"PATH": own["PATH"].replace("$PATH", PROGRAMS)}

    def make(self) -> None:
        """Make the Debian, and carry out the steps of both stages."""
        self._make_debian()
        with self._tools() as variables:
            self._build(variables)
        for step in FINAL.all("RUN")[0].split("&&"):
            # Debian's Python comes without.
            if "-m pip uninstall" not in step:
                self.run(["sh", "-c", step.strip()], user="0")

    def _make_debian(self) -> None:
        excluded = [f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT]
        run = [find_program("mmdebstrap"), "--quiet", "--variant=minbase", f"--hook-dir={MERGED}"]
        run.append(f"--include={PACKAGES}")
        subprocess.run([*run, *excluded, "bookworm", str(self.folder)], check=True)
        (self.folder / "usr/local/bin/python").symlink_to("/usr/bin/python3")

    @contextmanager
    def _tools(self) -> Iterator[dict[str, str]]:
        """Let the build have pip, and what this machine's pip downloads for it."""
        tools = self.folder / TOOLS.lstrip("/")
        locks = ["--require-hashes", "--no-deps", "-r", str(ROOT / "requirements/base.txt")]
        download = [sys.executable, "-m", "pip", "--quiet", "download", *locks]
        subprocess.run([*download, "--dest", str(tools)], check=True, stderr=subprocess.DEVNULL)
        [pip] = {
            Path(path) / "pip" for path in sys.path if (Path(path) / "pip/__main__.py").exists()
        }
        shutil.copytree(pip, tools / "pip")
        yield {
            "LOCK": "requirements/base.txt",
            "PYTHONPATH": TOOLS,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": TOOLS,
            "PIP_NO_CACHE_DIR": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
        }
        shutil.rmtree(tools)

    def _build(self, variables: dict[str, str]) -> None:
        home = self.folder / HOME.lstrip("/")
        home.mkdir(parents=True)
        for word, rest in BUILD.steps:
            if word == "COPY":
                *names, target = rest.split()
                for name in names:
                    self._copy(ROOT / name, home / (name if target == "./" else target))
            elif word == "RUN":
                self.run(["sh", "-c", rest], user="0", **variables)

    def _copy(self, source: Path, target: Path) -> None:
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)

    def command(self, command: list[str], *, user: str = "") -> list[str]:
        """Return what runs a command of the image as the image runs it: read-only, as its user.

        Only `/tmp` and the volume can be written to.
        """
        chroot = find_program("chroot")
        steps = ["true"] if user == "0" else self._shutting_in()
        become = "" if user == "0" else f"--userspec={self.user}:0"
        inside = " && ".join([*steps, f'exec {chroot} {become} "{self.folder}" "$@"'])
        there = ["sh", "-c", f'cd {HOME} && exec "$@"', "sh"]
        return ["unshare", "--mount", "sh", "-c", inside, "sh", *there, *command]

    def _shutting_in(self) -> Iterator[str]:
        """Yield what makes the folder read-only, but for what the image may write to."""
        place = f'"{self.folder}"'
        yield f"mount --bind {place} {place}"
        yield f"mount -o remount,ro,bind {place}"
        yield f"mount -t tmpfs none {place}/tmp"  # noqa: S108 - its own
        for volume in FINAL.all("VOLUME"):
            yield f"mount -t tmpfs -o uid={self.user} none {place}{volume}"

    def run(self, command: list[str], *, user: str = "", **variables: str) -> str:
        """Run a command in it; return what it writes."""
        done = subprocess.run(
            self.command(command, user=user),
            env=self.variables | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def size(self) -> int:
        """Return how many bytes its files have."""
        paths = (path.lstat() for path in self.folder.rglob("*"))
        return sum({(found.st_dev, found.st_ino): found.st_size for found in paths}.values())


def serving_command() -> list[str]:
    """Return what the image runs by default."""
    command: list[str] = json.loads(FINAL.all("CMD")[0])
    return command
