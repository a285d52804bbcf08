"""How much a run tries: a fixed sample by default, everything in the nightly run.

`make test` draws samples with fixed seeds, so that it is repeatable and short. `make
test-nightly` sets `NIGHTLY=1` and runs the full counts. `make test-quick` sets `QUICK=1`: of each
test's cases it runs the first and the last, and nothing that is slow.
"""

import os

NIGHTLY = os.environ.get("NIGHTLY", "") == "1"
QUICK = os.environ.get("QUICK", "") == "1"


def sample(small: int, full: int) -> int:
    """Return how many cases this run tries: `full` in the nightly run, else `small`."""
    return full if NIGHTLY else small
