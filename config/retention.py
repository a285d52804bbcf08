"""What has been kept long enough, of all apps: see `accounts.services.retention`."""

from datetime import datetime

from accounts.services.exports import find_old_exports
from accounts.services.retention import BATCH_SIZE, OLD_ROWS, delete_in_batches
from agents.services.imports import find_left_files, throw_away_left_files
from agents.services.retention import find_old_acts, find_old_imports

#: What is deleted, by the names under which it is counted.
ALL_OLD_ROWS = {
    **OLD_ROWS,
    "exports": find_old_exports,
    "acts": find_old_acts,
    "imports": find_old_imports,
}


def count_old_data(now: datetime) -> dict[str, int]:
    """Return how many rows of each kind `purge` would delete as of `now`."""
    counts = {name: find(now).count() for name, find in ALL_OLD_ROWS.items()}
    return {**counts, "import_files": find_left_files(now).count()}


def purge(*, now: datetime, batch_size: int = BATCH_SIZE) -> dict[str, int]:
    """Delete them, and return how many there were."""
    counts = {
        name: delete_in_batches(find(now), batch_size=batch_size)
        for name, find in ALL_OLD_ROWS.items()
    }
    return {**counts, "import_files": throw_away_left_files(now=now, batch_size=batch_size)}
