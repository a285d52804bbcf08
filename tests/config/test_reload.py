"""`systemctl reload console` brings new code and new settings, and no request fails."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.config.servers import Load, Server, serving
from tests.places import as_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PARTS = ["config", "accounts", "billing", "agents", "compliance", "templates", "static"]
WHITENOISE, DJANGO = "whitenoise.storage", "django.contrib.staticfiles.storage"
REFUSING = """
from django.core.exceptions import PermissionDenied

def find_invitation(token: str) -> None:
    raise PermissionDenied
"""
INVITATION = "/invitations/no-such-token/"


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A server of its own copy of the console, on the tests' database."""
    copy = tmp_path / "console"
    for part in PARTS:
        shutil.copytree(
            Path(settings.BASE_DIR) / part, copy / part, ignore=shutil.ignore_patterns("*.pyc")
        )
    shutil.copy(Path(settings.BASE_DIR) / "manage.py", copy)
    # Assets have no hashed names here: nothing is collected.
    change(copy / "config/settings.py", f"{WHITENOISE}.CompressedManifest", f"{DJANGO}.")
    return Server(tmp_path, as_url(str(connection.settings_dict["NAME"])), root=copy)


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def test_a_reload_brings_new_code_and_settings_and_loses_no_request(server: Server) -> None:
    with serving(server, HSTS_SECONDS="1000"):
        before = server.ask(INVITATION)
        assert before.status == 404
        assert before.headers["Strict-Transport-Security"].startswith("max-age=1000;")

        # A service, and what the master itself has loaded.
        service = server.root / "accounts/services/invitations.py"
        with service.open("a") as file:
            file.write(REFUSING)
        change(
            server.root / "config/logs.py",
            '"message": mask_secrets',
            '"release": "the second one",\n            "message": mask_secrets',
        )
        server.write(HSTS_SECONDS="2000", WEB_THREADS="3")
        assert server.process is not None
        with Load(server, ["/healthz"]) as load:
            server.process.send_signal(signal.SIGHUP)
            until = time.monotonic() + 40
            while server.ask(INVITATION).status != 403 and time.monotonic() < until:
                time.sleep(0.1)
            # The old processes have ended when only new answers come.
            time.sleep(1)
            after = [server.ask(INVITATION) for _ in range(10)]

        assert {answer.status for answer in after} == {403}
        assert {answer.headers["Strict-Transport-Security"][:12] for answer in after} == {
            "max-age=2000"
        }
        assert '"release": "the second one"' in server.log.read_text().splitlines()[-1]
        assert set(load.answers) == {200}
        assert load.answers[200] > 20


def test_a_wrong_configuration_ends_the_start_with_one_sentence(server: Server) -> None:
    # Of two that end like this together, gunicorn tells with a traceback of its own now and then;
    # in production the unit asks `manage.py check` before it starts any.
    server.write(SECRET_KEY="", WEB_CONCURRENCY="1")
    server.start()

    assert server.process is not None
    assert server.process.wait(40) == 3
    log = server.log.read_text()
    assert "Configuration: SECRET_KEY is not set" in log
    assert "Traceback" not in log


def test_a_reload_with_a_wrong_configuration_is_refused_before_it_begins(server: Server) -> None:
    # What the unit's first ExecReload does; systemd does not continue where it fails.
    server.write(SECRET_KEY="")

    checked = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=server.root,
        env={"ENV_FILE": str(server.file)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 1
    assert checked.stderr.startswith("Configuration: SECRET_KEY is not set")
