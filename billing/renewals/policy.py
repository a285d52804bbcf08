"""Which expiry reminder is due: pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

#: How long after its day the last reminder of all is still sent. An earlier one that was missed
#: is sent until the next is due.
LATE = timedelta(days=1)


def find_due_offset(
    *, expires_at: datetime, offsets: Sequence[int], is_trial: bool, now: datetime
) -> int | None:
    """Return the offset, in days from the expiry, of the one reminder that is due at `now`.

    Only the latest whose time has come counts, so what was missed is never sent after a later
    one. A trial is reminded of before its expiry alone. A reminder before the expiry is not sent
    after it; the last one of all lapses after a day (ADR 0039).
    """
    usable = [offset for offset in offsets if offset < 0 or not is_trial]
    come = [offset for offset in usable if expires_at + timedelta(days=offset) <= now]
    if not come:
        return None
    latest = max(come)
    if latest < 0 and now >= expires_at:
        return None
    if latest == max(usable) and now >= expires_at + timedelta(days=latest) + LATE:
        return None
    return latest
