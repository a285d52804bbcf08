"""The image and the services of `compose.yaml` fit the console; the image's commands are run."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands
from django.db import connection

from tests.places import as_url, free_port

ROOT = Path(settings.BASE_DIR)
SETTINGS = (ROOT / "docs/settings.md").read_text()
#: Where the image has the console.
HOME = "/srv/console"


@dataclass
class Stage:
    """One stage of the Dockerfile: its name and its instructions, in order."""

    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """What stands behind each instruction of this kind."""
        return [rest for found, rest in self.steps if found == word]


def read_stages() -> list[Stage]:
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    stages: list[Stage] = []
    for line in text.replace("\\\n", " ").split("\n"):
        word, _space, rest = line.strip().partition(" ")
        if word == "FROM":
            stages.append(Stage(rest.partition(" AS ")[2]))
        if word:
            stages[-1].steps.append((word, rest.strip()))
    return stages


STAGES = read_stages()
BUILD, FINAL = STAGES
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


def sources(stage: Stage) -> Iterator[str]:
    """What a stage copies from the repository."""
    for copy in stage.all("COPY"):
        if not copy.startswith("--from="):
            yield from copy.split()[:-1]


# --- The image ------------------------------------------------------------------------------


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = [line.removeprefix("!").partition("/")[0] for line in ignored if line[:1] == "!"]

    assert [source for source in sources(BUILD) if not (ROOT / source).exists()] == []
    # Everything is ignored but what the image needs: no secret, no test, no history.
    assert ignored[1] == "*"
    assert sorted(let_in) == sorted(sources(BUILD))
    assert list(sources(FINAL)) == []


def test_all_that_the_console_is_made_of_is_copied() -> None:
    apps = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}

    assert apps | {"manage.py", "locale", "static", "templates"} <= set(sources(BUILD))


def test_a_stage_copies_from_an_earlier_one() -> None:
    (copy,) = FINAL.all("COPY")

    assert copy == f"--from={BUILD.name} {HOME} {HOME}"
    assert BUILD.all("WORKDIR") == FINAL.all("WORKDIR") == [HOME]


def test_it_runs_as_nobody_who_could_change_it() -> None:
    (user,) = FINAL.all("USER")

    assert int(user) > 0
    assert f"--uid {user} " in FINAL.all("RUN")[0]
    words = [word for word, _rest in FINAL.steps]
    # Nothing is installed after that, and the console's own files belong to root.
    assert words.index("USER") > max(words.index("RUN"), words.index("COPY"))
    assert "--chown" not in FINAL.all("COPY")[0]


def test_no_tool_that_builds_is_left_in_it() -> None:
    (run,) = FINAL.all("RUN")

    assert run.startswith("python -m pip uninstall --yes")
    assert "apt" not in run
    assert "--without-pip" in BUILD.all("RUN")[0]
    assert "--require-hashes --no-deps" in BUILD.all("RUN")[1]


def test_its_commands_are_lists_so_that_signals_arrive() -> None:
    assert json.loads(FINAL.all("CMD")[0]) == [
        "gunicorn",
        "--config",
        "config/gunicorn.py",
        "config.wsgi",
    ]
    assert json.loads(FINAL.all("HEALTHCHECK")[0].partition("CMD ")[2])[:2] == ["python", "-m"]


# --- The services ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_is_shut_in(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - the container's own
    assert not {"privileged", "user", "network_mode"} & service.keys()


@pytest.mark.parametrize("name", OURS)
def test_its_variables_are_settings(name: str) -> None:
    variables = SERVICES[name]["environment"]

    assert [variable for variable in variables if f"| `{variable}` |" not in SETTINGS] == []
    assert all(isinstance(value, str) for value in variables.values())


@pytest.mark.parametrize("name", [name for name in OURS if "command" in OURS[name]])
def test_its_command_is_one_of_the_console(name: str) -> None:
    program, script, command, *_options = SERVICES[name]["command"]

    assert (program, script) == ("python", "manage.py")
    assert command in get_commands()


def test_no_secret_is_written_down_and_the_world_sees_no_port() -> None:
    text = (ROOT / "compose.yaml").read_text()
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert {"web", "worker", "database", "pgbouncer", "mail"} <= SERVICES.keys()
    assert ports != []
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD"):
        values = re.findall(rf"^\s+{name}: (.*)$", text, re.MULTILINE)
        assert values != []
        assert [value for value in values if not value.startswith("${")] == []


def test_what_services_refer_to_is_there() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", ())) <= SERVICES.keys()
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            known = source in COMPOSE["volumes"] or (ROOT / source).is_file()
            assert known, volume
    # A worker listens, which PgBouncer in transaction mode would not let it.
    assert "@database:" in SERVICES["worker"]["environment"]["DATABASE_URL"]
    assert SERVICES["web"]["environment"]["DATABASE_TRANSACTION_POOLING"] == "1"


# --- Its commands, run ----------------------------------------------------------------------


class Image:
    """What the build stage makes, in a folder in place of the image's."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "console"
        self.home.mkdir()
        programs = folder / "bin"
        programs.mkdir()
        python = programs / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        self.variables = {"PATH": f"{programs}:/usr/bin:/bin", "LOCK": "requirements/base.txt"}
        # Where pip finds packages is a matter of the machine.
        self.variables |= {n: v for n, v in os.environ.items() if n.startswith(("PIP_", "UV_"))}
        self.variables |= {n: v for n, v in os.environ.items() if n.lower().endswith("_proxy")}
        self.variables["HOME"] = os.environ.get("HOME", str(folder))

    def build(self) -> None:
        for word, rest in BUILD.steps:
            if word == "COPY":
                *names, target = rest.split()
                for name in names:
                    self.copy(ROOT / name, self.home / (name if target == "./" else target))
            elif word == "RUN":
                self.run(["sh", "-c", rest])

    def copy(self, source: Path, target: Path) -> None:
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)

    def run(self, command: list[str], **variables: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.home,
            env=self.variables | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def environment(self, **more: str) -> dict[str, str]:
        """What the image sets, and `more`."""
        text = " ".join(FINAL.all("ENV")).replace(HOME, str(self.home))
        own = dict(pair.split("=", 1) for pair in text.split())
        own["PATH"] = own["PATH"].replace("$PATH", "/usr/bin:/bin")
        return own | {"ENV_FILE": "/dev/null"} | more


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_image_builds_serves_and_is_well(tmp_path: Path) -> None:
    image = Image(tmp_path)
    image.build()
    port = free_port()
    variables = image.environment(
        SECRET_KEY="a-text-of-some-length-that-signs-nothing-anywhere-at-all",
        DATABASE_URL=as_url(str(connection.settings_dict["NAME"])),
        ALLOWED_HOSTS="console.example",
        GUNICORN_BIND=f"127.0.0.1:{port}",
        WEB_CONCURRENCY="1",
    )
    image.variables = variables
    image.run(["python", "manage.py", "check", "--deploy", "--fail-level", "WARNING"])
    # Nothing is compiled, collected or written where the console runs.
    for path in [image.home, *image.home.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    before = sorted(image.home.rglob("*"))

    health = json.loads(FINAL.all("HEALTHCHECK")[0].partition("CMD ")[2])
    log = tmp_path / "log"
    with log.open("wb") as file:
        command = json.loads(FINAL.all("CMD")[0])
        server = subprocess.Popen(command, cwd=image.home, env=variables, stdout=file, stderr=file)
    try:
        until = time.monotonic() + 30
        while subprocess.run(health, cwd=image.home, env=variables, check=False).returncode:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.3)
    finally:
        server.terminate()
        assert server.wait(20) == 0
    # A process that is gone is not well.
    assert subprocess.run(health, cwd=image.home, env=variables, check=False).returncode == 1
    assert sorted(image.home.rglob("*")) == before
    for path in [image.home, *image.home.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
