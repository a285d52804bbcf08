"""Recording that a command has run."""

from datetime import datetime

from accounts.models import CommandRun
from accounts.queries import call_function


def record_run(*, command: str, failures: int = 0, now: datetime) -> None:
    """Record that a run of `command` has ended at `now`; the one before is forgotten.

    On a standby, where a command that only reads may run too, nothing can be recorded.
    """
    if call_function("current_setting", "transaction_read_only") == "on":
        return
    CommandRun.objects.update_or_create(
        command=command, defaults={"finished_at": now, "failures": failures}
    )
