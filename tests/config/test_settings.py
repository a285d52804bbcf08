"""Settings as a process of its own reads them, with nothing taken from this machine."""

import json
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.utils import OperationalError

from config import checks

pytestmark = pytest.mark.slow

CONFIG = Path(checks.__file__).parent
PRODUCTION = {
    "SECRET_KEY": "a-key-for-a-test",
    "DATABASE_URL": "postgres://user:word@db.example:5433/console",
}
PRINT = "import json, sys; from config import settings as found; print(json.dumps({}))"


def read(expression: str, **environment: str) -> Any:
    """The value of an expression over `found`, the settings; a failure's last line otherwise."""
    done = subprocess.run(
        [sys.executable, "-c", PRINT.format(expression)],
        cwd=CONFIG.parent,
        env={"PATH": "/usr/bin:/bin", "ENV_FILE": "/dev/null", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        pytest.param(
            {"DATABASE_URL": PRODUCTION["DATABASE_URL"]},
            "SECRET_KEY is not set: it must hold a long random text that is kept secret"
            " (or set DEBUG=1 on a development machine, where it is made for you).",
            id="no secret key",
        ),
        pytest.param(
            {"SECRET_KEY": PRODUCTION["SECRET_KEY"]},
            "DATABASE_URL is not set: it must hold the address of a PostgreSQL database"
            " (or set DEBUG=1 on a development machine, where it is made for you).",
            id="no database",
        ),
        pytest.param(
            {**PRODUCTION, "DATABASE_URL": "sqlite:////var/tmp/console.sqlite3"},
            "The console runs on PostgreSQL only: DATABASE_URL must begin with postgres://.",
            id="SQLite",
        ),
        pytest.param(
            {"DEBUG": "1", "DATABASE_URL": "mysql://user@db.example/console"},
            "The console runs on PostgreSQL only: DATABASE_URL must begin with postgres://.",
            id="MySQL while debugging",
        ),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(
    environment: dict[str, str], sentence: str
) -> None:
    found = read("None", **environment)

    assert found == f"django.core.exceptions.ImproperlyConfigured: {sentence}"


def test_production_is_strict_without_being_told() -> None:
    names = [
        "DEBUG",
        "LOCAL",
        "ALLOWED_HOSTS",
        "SECURE_SSL_REDIRECT",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SECURE_HSTS_SECONDS",
        "WHITENOISE_USE_FINDERS",
        "EMAIL_BACKEND",
    ]

    found = read(f"{{name: getattr(found, name) for name in {names}}}", **PRODUCTION)

    assert found == {
        "DEBUG": False,
        "LOCAL": False,
        "ALLOWED_HOSTS": [],
        "SECURE_SSL_REDIRECT": True,
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "WHITENOISE_USE_FINDERS": False,
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    }


def test_options_of_the_address_are_kept_beside_our_own() -> None:
    address = "postgres://user@/console?host=/run/a-folder&sslmode=disable"

    found = read("found.DATABASES['default']", **{**PRODUCTION, "DATABASE_URL": address})

    assert found["OPTIONS"] == {
        "host": "/run/a-folder",
        "sslmode": "disable",
        "application_name": "tccc-console",
        "server_side_binding": False,
        "options": "-c lock_timeout=10s",
        "connect_timeout": 5,
        "tcp_user_timeout": 15_000,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
    }
    assert (found["CONN_MAX_AGE"], found["CONN_HEALTH_CHECKS"]) == (60, True)


def test_a_pool_keeps_the_connections_instead_of_django() -> None:
    found = read(
        "found.DATABASES['default']",
        **PRODUCTION,
        DATABASE_POOL_SIZE="4",
        DATABASE_SERVER_SIDE_BINDING="1",
        DATABASE_LOCK_TIMEOUT="",
    )

    assert found["OPTIONS"] == {
        "application_name": "tccc-console",
        "server_side_binding": True,
        "prepare_threshold": 5,
        "pool": {"min_size": 1, "max_size": 4, "timeout": 3, "reconnect_timeout": 3},
        "connect_timeout": 5,
        "tcp_user_timeout": 15_000,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
    }
    assert found["CONN_MAX_AGE"] == 0


def test_an_environment_file_fills_in_what_the_environment_does_not_say(tmp_path: Path) -> None:
    file = tmp_path / "environment"
    file.write_text("REFUND_WINDOW_DAYS=8\nISOLATION_DAYS=9\n")

    found = read(
        "[found.REFUND_WINDOW_DAYS, found.ISOLATION_DAYS]",
        **PRODUCTION,
        ENV_FILE=str(file),
        ISOLATION_DAYS="10",
    )

    assert found == [8, 10]


def test_the_local_secret_key_is_made_once_however_many_start(tmp_path: Path) -> None:
    shutil.copytree(CONFIG, tmp_path / "config", ignore=shutil.ignore_patterns("__pycache__"))
    program = PRINT.format("found.SECRET_KEY")
    users = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env={"DEBUG": "1", "DATABASE_URL": PRODUCTION["DATABASE_URL"]},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]

    keys = {json.loads(user.communicate()[0]) for user in users}

    [kept] = (tmp_path / ".local").glob("secret_key*")
    assert keys == {kept.read_text()}
    assert len(kept.read_text()) > 80
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


def test_every_variable_is_in_the_documents() -> None:
    read_by_program = {
        name
        for file in ("settings.py", "gunicorn.py", "environment.py")
        for name in re.findall(
            r'(?:env(?:\.\w+)?|_required|_networks|environ\.get)\(\s*"([A-Z_]+)"',
            (CONFIG / file).read_text(),
        )
    }
    page = (CONFIG.parent / "docs/settings.md").read_text()

    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE))

    # What gunicorn.py tells its own workers is no setting.
    assert documented == read_by_program - {"PROMETHEUS_MULTIPROC_DIR"}


# --- The server's version ------------------------------------------------------------------


@pytest.mark.django_db
def test_an_old_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(connections["default"]), "pg_version", 140_012)
    sentence = "The console needs PostgreSQL 15 or later, but the database server is version 14.12."

    assert [message.msg for message in run_checks() if message.id == "config.E001"] == [sentence]
    with pytest.raises(ImproperlyConfigured, match=re.escape(sentence)):
        checks.refuse_old_database()


@pytest.mark.django_db
def test_this_server_is_welcome() -> None:
    assert checks.database_complaint() is None


@pytest.mark.django_db
def test_a_server_that_does_not_answer_is_no_reason_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*args: object) -> None:
        raise OperationalError

    monkeypatch.setattr(connections["default"], "ensure_connection", refuse)
    monkeypatch.setattr(connections["default"], "cursor", refuse)

    assert checks.database_complaint() is None


def test_the_test_database_has_the_name_it_was_given() -> None:
    assert read(
        "found.DATABASES['default']['TEST']", **PRODUCTION, TEST_DATABASE_NAME="test_mine"
    ) == {"NAME": "test_mine"}


def test_screens_show_the_billing_time_zone() -> None:
    assert settings.TIME_ZONE == settings.BILLING_TIME_ZONE


def test_production_never_shows_the_page_of_components() -> None:
    asked = {**PRODUCTION, "COMPONENTS_PAGE": "1"}

    assert read("found.COMPONENTS_PAGE", **asked) is False
    assert read("found.COMPONENTS_PAGE", **asked, DEBUG="1") is True
