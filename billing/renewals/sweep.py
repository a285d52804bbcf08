"""What happens to packages and orders when no one clicks.

For each change, the keys that are due are read once, in order, and then claimed in batches: rows
that someone else holds are skipped, and what a batch changes is written together with its audit
events in one transaction. So any number of sweeps may run together, and one that is killed leaves
whole batches behind that the next run does not find again.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DatabaseError, InternalError, connection, transaction

from accounts.errors import Refused
from accounts.queries import call_function
from accounts.services.audit import record_each
from accounts.services.tenants import keep_accounts
from billing.packages.models import SweepRun
from billing.renewals.auto_renewal import Renewal, due_renewals, renew_automatically
from billing.renewals.timed_changes import TIMED_CHANGES, Rows, TimedChange

RENEWED = "renewed"
#: Rows per transaction: more are no quicker together, and hold their locks for longer than a
#: tenth of a second.
BATCH_SIZE = 2500
_READ_AT_ONCE = 10_000


def read_due(change: TimedChange, now: datetime) -> "array[int]":
    """Return the keys that are due for a change at `now`, those of an account together.

    So that a batch, whose events lock the row of each account against deletion, meets few
    accounts, and two sweeps seldom the same. A million keys take 8 MB: they come over a cursor on
    the server, into a plain array.
    """
    with transaction.atomic():
        # All keys are read, so the plan that gives the first of them soonest is the wrong one.
        call_function("set_config", "cursor_tuple_fraction", "1", True)
        keys = change.find_due(now).order_by("account_id", "pk").values_list("pk", flat=True)
        return array("q", keys.iterator(chunk_size=_READ_AT_ONCE))


@transaction.atomic
def change_batch(change: TimedChange, keys: Sequence[int], now: datetime) -> int:
    """Change those of `keys` that are still due and free, with one audit event each; count them.

    Members who may spend are told, through the outbox.
    """
    claimed = _claim(change.find_due(now).filter(pk__any=keys))
    rows = change.of.model._default_manager.filter(pk__any=claimed)
    rows.update(**{change.of.column: change.to_state})
    record_each(rows, change.event, now=now)
    return len(claimed)


def _claim(due: Rows) -> "array[int]":
    """Lock rows until the transaction ends; return the keys of those that no one else holds.

    The events refer to the account. Where it is locked against that, its rows are left for the
    next run, so that those of the others in the batch do not wait for it.
    """
    locked = due.select_for_update(skip_locked=True, no_key=True)
    free = list(locked.values_list("pk", "account_id"))
    kept = keep_accounts({account_id for _pk, account_id in free})
    return array("q", (pk for pk, account_id in free if account_id in kept))


def _batches(keys: "array[int]", size: int) -> "Iterator[array[int]]":
    return (keys[start : start + size] for start in range(0, len(keys), size))


@dataclass
class SweepResult:
    """How many rows each change met, the renewals, and what went wrong."""

    counts: dict[str, int] = field(default_factory=dict)
    renewals: list[Renewal] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


Progress = Callable[[str, int, int], None]


def _renew_all(now: datetime, result: SweepResult, progress: Progress) -> None:
    """Renew what is due, each package in a transaction of its own.

    What goes wrong with one is reported and does not stop the others.
    """
    due = list(due_renewals(now).values_list("pk", flat=True))
    for done, package_id in enumerate(due, start=1):
        try:
            renewal = renew_automatically(package_id=package_id, now=now)
        except (Refused, DatabaseError) as error:
            if isinstance(error, InternalError) or not connection.is_usable():
                raise
            result.failures.append(f"package {package_id}: {error}")
        else:
            if renewal is not None:
                result.renewals.append(renewal)
        progress(RENEWED, done, len(due))
    result.counts[RENEWED] = sum(1 for renewal in result.renewals if renewal.is_done)


def _change_or_split(
    change: TimedChange, keys: Sequence[int], now: datetime, result: SweepResult
) -> int:
    """Change a batch; where it fails, halve it until the rows that fail stand alone.

    A database that is gone, or is a read-only standby, is no row's fault: that is raised.
    """
    try:
        return change_batch(change, keys, now)
    except DatabaseError as error:
        if isinstance(error, InternalError) or not connection.is_usable():
            raise
        if len(keys) == 1:
            result.failures.append(f"{change.name} {keys[0]}: {error}")
            return 0
    half = len(keys) // 2
    parts = (keys[:half], keys[half:])
    return sum(_change_or_split(change, part, now, result) for part in parts)


def _change_all(
    change: TimedChange, now: datetime, batch_size: int, result: SweepResult, progress: Progress
) -> None:
    due = read_due(change, now)
    changed = done = 0
    for keys in _batches(due, batch_size):
        changed += _change_or_split(change, keys, now, result)
        done += len(keys)
        progress(change.name, done, len(due))
    result.counts[change.name] = changed


def run_sweep(
    *, now: datetime, finished_at: Callable[[], datetime], batch_size: int, progress: Progress
) -> SweepResult:
    """Renew, then run every change, as of `now`; `progress` hears (name, done, due) as it goes."""
    result = SweepResult()
    _renew_all(now, result, progress)
    for change in TIMED_CHANGES:
        _change_all(change, now, batch_size, result, progress)
    SweepRun.objects.create(as_of=now, finished_at=finished_at(), counts=result.counts)
    return result
