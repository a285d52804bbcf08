"""What has been kept long enough, of all apps: see `accounts.services.retention`."""

from datetime import datetime

from accounts.services.retention import BATCH_SIZE, count_old_rows, delete_old_rows
from agents.services.imports import find_left_files, throw_away_left_files


def count_old_data(now: datetime) -> dict[str, int]:
    """Return how many rows of each kind `purge` would delete as of `now`."""
    return {**count_old_rows(now), "import_files": find_left_files(now).count()}


def purge(*, now: datetime, batch_size: int = BATCH_SIZE) -> dict[str, int]:
    """Delete them, and return how many there were."""
    counts = delete_old_rows(now=now, batch_size=batch_size)
    return {**counts, "import_files": throw_away_left_files(now=now, batch_size=batch_size)}
