"""Programs beside the console that some tests run: nginx, PgBouncer, PostgreSQL, Chromium."""

import os
import shutil
from typing import NoReturn

import pytest

#: Where Debian keeps them, though a user's own path may not.
PLACES = ["/usr/sbin", "/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/15/bin"]


def find_program(name: str) -> str:
    """Its path. Where it is not installed, the test is skipped, or fails with `REQUIRE_ALL=1`."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *PLACES])
    return shutil.which(name, path=path) or miss(f"no {name} found on this machine")


def miss(reason: str) -> NoReturn:
    """Skip, or fail where nothing may be skipped."""
    if os.environ.get("REQUIRE_ALL"):
        pytest.fail(f"{reason}, but REQUIRE_ALL is set")
    pytest.skip(reason)
