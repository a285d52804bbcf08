"""One sweeping process, held back until its parent says go."""

import json
import resource
import sys
from datetime import datetime

import django

django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from billing.renewals.sweep import BATCH_SIZE, run_sweep  # noqa: E402


def main() -> None:
    """Sweep as of the first argument, in batches as of the second or as the command makes them.

    Prints "ready", waits for a line, and reports the rows and the peak memory as JSON.
    """
    now = datetime.fromisoformat(sys.argv[1])
    batch_size = int(sys.argv[2]) if len(sys.argv) > 2 else BATCH_SIZE
    connection.ensure_connection()
    print("ready", flush=True)  # noqa: T201
    sys.stdin.readline()
    result = run_sweep(
        now=now,
        finished_at=timezone.now,
        batch_size=batch_size,
        progress=lambda step, done, due: None,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": sum(result.counts.values()), "peak_megabytes": peak}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
