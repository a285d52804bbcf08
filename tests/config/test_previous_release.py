"""The previous release's code does the main job on this one's schema.

While a release is rolled out, hosts that still run the old code share the database with those that
run the new one, after the migrations. `previous_release` holds the commit of the old code; each
release writes its own commit there (docs/operations.md).
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, connections

from tests.bench.databases import address, copy_of
from tests.programs import miss
from tests.releases import PREVIOUS, has_previous, unpack_previous

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def old_code(tmp_path: Path) -> Path:
    """The previous release's files."""
    if not has_previous():
        miss(f"the history does not reach back to {PREVIOUS}")
    unpack_previous(tmp_path)
    return tmp_path


@pytest.fixture
def new_schema() -> Iterator[str]:
    """A copy of the migrated test database, by its name."""
    usual = str(connection.settings_dict["NAME"])
    connections.close_all()
    with copy_of(usual, f"{usual}_previous") as name:
        yield name


def test_the_old_code_does_the_main_job_on_the_new_schema(old_code: Path, new_schema: str) -> None:
    run = subprocess.run(
        [
            sys.executable,
            *("-m", "pytest", "-q", "-p", "no:cacheprovider"),
            # The old code's migrations must not make it again.
            *("--reuse-db", "tests/test_main_job.py"),
        ],
        cwd=old_code,
        env={
            **{name: value for name, value in os.environ.items() if "PYTEST" not in name},
            "DEBUG": "1",
            "DATABASE_URL": address(new_schema),
            "TEST_DATABASE_NAME": new_schema,
        },
        check=False,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert "passed" in run.stdout
    assert "skipped" not in run.stdout
