"""The code of the release before this one, for tests and measurements that run it."""

import subprocess
from pathlib import Path

from django.conf import settings

from tests.programs import find_program

#: Its commit; each release writes its own one there (docs/operations.md).
PREVIOUS = (Path(__file__).parent / "config/previous_release").read_text().strip()


def has_previous() -> bool:
    """Whether the history reaches back to it."""
    asked = [*_git(), "cat-file", "-e", f"{PREVIOUS}^{{commit}}"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def unpack_previous(folder: Path) -> None:
    """Put its files into a folder."""
    archive = subprocess.run([*_git(), "archive", PREVIOUS], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)


def _git() -> list[str]:
    return [find_program("git"), "-C", str(settings.BASE_DIR)]
