"""The image on a root of its own: small, and its commands run with nothing to write to.

Needs root, mmdebstrap, and a Debian mirror: a nightly test.
"""

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.clusters import own_cluster, pooled
from tests.config.debian_root import DebianRoot, serving_command
from tests.config.test_container import FINAL
from tests.places import free_port

pytestmark = [pytest.mark.nightly, pytest.mark.slow]

MEGABYTE = 1_000_000
LIMIT = 250


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> DebianRoot:
    image = DebianRoot(tmp_path_factory.mktemp("image"))
    image.make()
    return image


def test_it_is_small_and_has_no_tool_that_builds(image: DebianRoot) -> None:
    size = image.size() / MEGABYTE
    print(f"\nthe image has {size:.0f} MB")  # noqa: T201 - shown by `-s`
    assert size < LIMIT
    for program in ("gcc", "make", "pip", "pip3", "git"):
        assert not (image.folder / "usr/bin" / program).exists()
    assert "No module named pip" in image.run(["sh", "-c", "python -m pip --version 2>&1; true"])


def test_it_migrates_serves_works_and_is_well(image: DebianRoot, tmp_path: Path) -> None:
    health = json.loads(FINAL.all("HEALTHCHECK")[0].partition("CMD ")[2])
    port = free_port()
    with own_cluster(tmp_path) as cluster, pooled(cluster, tmp_path) as url:
        variables = {
            "SECRET_KEY": "a-text-of-some-length-that-signs-nothing-anywhere-at-all",
            "DATABASE_URL": url,
            "DATABASE_TRANSACTION_POOLING": "1",
            "ALLOWED_HOSTS": "console.example",
            "EMAIL_URL": "smtp://127.0.0.1:1",
            "GUNICORN_BIND": f"127.0.0.1:{port}",
            "WEB_CONCURRENCY": "1",
        }
        for command in (["migrate", "--no-input"], ["check"], ["run_worker", "--drain"]):
            image.run(["python", "manage.py", *command], **variables)
        assert image.run(["id", "-u"]).strip() == image.user
        refused = image.run(["sh", "-c", "touch manage.py /usr/x 2>&1; true"])
        assert refused.count("cannot touch") == 2
        assert "Read-only file system" in refused
        log = tmp_path / "log"
        with log.open("wb") as file:
            server = subprocess.Popen(
                image.command(serving_command()),
                env=image.variables | variables,
                stdout=file,
                stderr=file,
            )
        try:
            until = time.monotonic() + 60
            while subprocess.run(
                image.command(health), env=image.variables | variables, check=False
            ).returncode:
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.3)
        finally:
            server.terminate()
            assert server.wait(20) == 0
