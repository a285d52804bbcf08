"""The files in config/deploy/ fit the console that they are for."""

import configparser
import re
import shutil
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command, get_commands, load_command_class

from accounts.management.commands import send_notifications
from compliance.services.evidence import FILES_AT_ONCE
from config import gunicorn

ROOT: Path = settings.BASE_DIR
DEPLOY = ROOT / "config/deploy"
UNITS = sorted(path for path in (DEPLOY / "systemd").iterdir() if path.is_file())
TIMERS = {unit.stem.partition("@")[2]: unit for unit in UNITS if unit.suffix == ".timer"}
OPERATIONS = (ROOT / "docs/operations.md").read_text()
SETTINGS = (ROOT / "docs/settings.md").read_text()
_LINE = re.compile(
    r"^(\S+ +\S+ +\S+ +\S+ +\S+) +cd .* manage\.py (\w+)(?: --follow 55)?(?: --verbosity 0)?$",
    re.MULTILINE,
)
#: The same time as systemd and as cron write it.
AS_CRON = {
    "*:0/10": "*/10 * * * *",
    "*:07": "7 * * * *",
    "*:*:00": "* * * * *",
    "*-*-* 03:30": "30 3 * * *",
    "*-*-* 03:45": "45 3 * * *",
}


def read(unit: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit)
    return parser


def timetable(text: str) -> dict[str, str]:
    return {command: " ".join(when.split()) for when, command in _LINE.findall(text)}


def test_timers_cron_and_operations_agree_on_the_timetable() -> None:
    timers = {name: AS_CRON[read(unit)["Timer"]["OnCalendar"]] for name, unit in TIMERS.items()}

    assert timetable((DEPLOY / "crontab").read_text()) == timers
    assert timetable(OPERATIONS) == timers


@pytest.mark.parametrize("command", TIMERS)
def test_what_is_timed_is_a_command_that_needs_no_arguments(command: str) -> None:
    parser = load_command_class(get_commands()[command], command).create_parser("x", command)
    parser.parse_args([])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "line", list(_LINE.finditer((DEPLOY / "crontab").read_text())), ids=lambda line: line[2]
)
def test_cron_hears_nothing_while_all_is_well(
    line: re.Match[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing new comes while this looks.
    monkeypatch.setattr(send_notifications, "PAUSE_SECONDS", 3600)
    command, *options = line[0].partition("manage.py ")[2].split()
    out = StringIO()
    call_command(command, *options, stdout=out)
    assert out.getvalue() == ""


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_are_whole(unit: Path) -> None:
    parser = read(unit)
    assert parser["Unit"]["Description"].startswith("TCCC console")
    if unit.suffix == ".service":
        assert parser["Service"]["User"] != "root"
        name = "console" if unit.name == "console.service" else "console-worker"
        assert parser["Service"]["Environment"] == f"ENV_FILE=/etc/{name}.env"
        program = parser["Service"]["ExecStart"].split()[0]
        assert program in {"/srv/console/.venv/bin/gunicorn", "/srv/console/.venv/bin/python"}


def test_the_sender_of_mail_looks_for_new_mail_until_its_next_run() -> None:
    folder = DEPLOY / "systemd/console@send_notifications.service.d"
    starts = (folder / "follow.conf").read_text().splitlines()
    assert starts[-2:] == [
        "ExecStart=",
        "ExecStart=/srv/console/.venv/bin/python manage.py send_notifications --follow 50",
    ]


def test_stopping_waits_for_the_requests_under_way() -> None:
    seconds = int(read(DEPLOY / "systemd/console.service")["Service"]["TimeoutStopSec"])
    assert seconds > gunicorn.graceful_timeout


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_reads_the_times() -> None:
    times = [read(unit)["Timer"]["OnCalendar"] for unit in TIMERS.values()]
    subprocess.run(["systemd-analyze", "calendar", *times], check=True, capture_output=True)


def test_the_proxy_lets_the_largest_form_through_and_serves_the_static_files() -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    code = re.sub(r"#.*", "", text)
    assert code.count("{") == code.count("}")
    assert all(line.rstrip().endswith((";", "{", "}")) for line in code.split("\n") if line.strip())
    (megabytes,) = map(int, re.findall(r"client_max_body_size (\d+)m;", code))
    assert megabytes * 1024 * 1024 > FILES_AT_ONCE * settings.EVIDENCE_MAX_BYTES
    assert f"location {settings.STATIC_URL} {{" in code
    # What the console believes of the proxy is set by it, whatever the client sent.
    assert {"X-Forwarded-For", "X-Forwarded-Proto", "X-Request-ID"} <= set(
        re.findall(r"proxy_set_header (\S+)", code)
    )


def test_the_example_environment_holds_no_secret_and_only_known_variables() -> None:
    lines = (DEPLOY / "console.env.example").read_text().splitlines()
    pairs = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert (pairs["SECRET_KEY"], pairs["DATABASE_URL"]) == ("", "")
    assert [name for name in pairs if f"`{name}`" not in SETTINGS] == []
