"""What happens to packages and orders when nobody clicks.

Every step reads the keys that are due once, in order, and then claims them in batches: rows that
somebody else holds are skipped, and what a batch changes is written together with its audit
events in one statement and one transaction. So any number of sweeps may run at once, and one that
is killed leaves whole batches behind that the next run does not find again.
"""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InternalError, connection, transaction

from accounts.access import PERMISSIONS_OF_ROLE, Permission
from accounts.errors import Refused
from accounts.transitions import Transitions
from billing.packages.models import SweepRun
from billing.packages.release import HOLD, RELEASED_AT, UNDER_REVIEW
from billing.renewals.auto_renewal import Renewal, due_renewals, renew_automatically
from billing.transitions import ORDER_TRANSITIONS, PACKAGE_TRANSITIONS, OrderMove, PackageMove

RENEWED = "renewed"
#: Rows per transaction: more are no quicker together, and hold their locks for longer than a
#: tenth of a second.
BATCH_SIZE = 2500
_READ_AT_ONCE = 10_000
#: Whom a change of a package or an order is told.
_READERS = [role for role, may in PERMISSIONS_OF_ROLE.items() if Permission.SPEND in may]


@dataclass(frozen=True)
class Kind:
    """What a step changes: a table's rows `t`, by their column `column`, as `transitions` say.

    The rest is SQL about a changed row `c`: `key` is the column by which it is named, `name` its
    name in the audit trail, from `name_tables`. Its members' news are read from `news_tables`:
    `details`, and the `path` of the page that they lead to.
    """

    table: str
    label: str
    column: str
    transitions: Transitions[Any, Any]
    key: str
    name_tables: str
    name: str
    news_tables: str
    details: str
    path: str


@dataclass(frozen=True)
class SweepStep:
    """One kind of change: which rows are due, and what becomes of them.

    `due` is a condition on the table's row `t`, in SQL, with the parameters `now`, `released`
    (what expired by then may be due), `isolation` and `grace` (spans of time). `news` names what
    members read of it.
    """

    name: str
    of: Kind
    move: PackageMove | OrderMove
    due: str
    news: str

    @property
    def from_state(self) -> str:
        """The state in which rows are due."""
        return str(self.of.transitions.source(self.move))

    @property
    def to_state(self) -> str:
        """The state that rows have afterward."""
        return str(self.of.transitions.target(self.move))


PACKAGES = Kind(
    table="billing_package",
    label="billing.package",
    column="state",
    transitions=PACKAGE_TRANSITIONS,
    key="application_id",
    name_tables="JOIN accounts_application p ON p.id = c.application_id",
    name="p.name || ' (' || p.sdkappid || ')'",
    news_tables="""
        JOIN billing_package t ON t.id = c.id
        JOIN accounts_account a ON a.id = c.account_id
        JOIN accounts_application p ON p.id = t.application_id
    """,
    details=f"""
        'application', p.name, 'edition', t.edition, 'expires_at', t.expires_at,
        'released_at', CASE WHEN NOT {UNDER_REVIEW} THEN {RELEASED_AT} END, 'hold', {HOLD}
    """,
    path="'/console/' || a.uin || '/applications/' || p.sdkappid || '/agents/'",
)
ORDERS = Kind(
    table="billing_order",
    label="billing.order",
    column="status",
    transitions=ORDER_TRANSITIONS,
    key="number",
    name_tables="",
    name="c.number",
    news_tables="""
        JOIN billing_order t ON t.id = c.id
        JOIN accounts_account a ON a.id = c.account_id
    """,
    details="'number', t.number, 'total', t.total::text, 'currency', t.currency",
    path="'/console/' || a.uin || '/orders/' || t.number || '/'",
)


STEPS = (
    SweepStep(
        name="released_trials",
        of=PACKAGES,
        move=PackageMove.END_TRIAL,
        due="t.expires_at <= %(now)s",
        news="trial_ended",
    ),
    SweepStep(
        name="isolated",
        of=PACKAGES,
        move=PackageMove.ISOLATE,
        due="t.expires_at <= %(now)s",
        news="package_isolated",
    ),
    SweepStep(
        name="released",
        of=PACKAGES,
        move=PackageMove.RELEASE,
        due=f"t.expires_at <= %(released)s AND NOT {UNDER_REVIEW} AND {RELEASED_AT} <= %(now)s",
        news="package_released",
    ),
    SweepStep(
        name="expired_orders",
        of=ORDERS,
        move=OrderMove.EXPIRE,
        due="t.expires_at <= %(now)s",
        news="order_expired",
    ),
)


def step_parameters(step: SweepStep, now: datetime) -> dict[str, Any]:
    """Return the parameters of a step's statements at `now`."""
    return {
        "now": now,
        "released": now - timedelta(days=settings.ISOLATION_DAYS),
        "isolation": timedelta(days=settings.ISOLATION_DAYS),
        "grace": timedelta(days=settings.SUSPENSION_GRACE_DAYS),
        "from": step.from_state,
        "to": step.to_state,
        "kind": step.news,
        "roles": _READERS,
        "verb": f"{step.of.label.split('.')[1]}.{step.to_state}",
        "label": step.of.label,
    }


def step_condition(step: SweepStep, *also: str) -> str:
    """Return the SQL condition by which a row `t` is due for a step, in a state of `also` too."""
    # Written out and not as a parameter, so that the partial index on these states is used.
    states = ", ".join(f"'{state}'" for state in (step.from_state, *also))
    return f"t.{step.of.column} IN ({states}) AND {step.due}"


def find_due(step: SweepStep, now: datetime) -> "array[int]":
    """Return the keys that are due for a step at `now`, those of an account together.

    So that a batch, whose events lock the row of each account against deletion, meets few
    accounts, and two sweeps seldom the same. A million keys take 8 MB: they come over a cursor on
    the server, into a plain array.
    """
    due = array("q")
    with transaction.atomic():
        with connection.cursor() as cursor:
            # All keys are read, so the plan that gives the first of them soonest is the wrong one.
            cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
        _read_keys(step, now, due)
    return due


def _read_keys(step: SweepStep, now: datetime, due: "array[int]") -> None:
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT t.id FROM {step.of.table} t WHERE {step_condition(step)}"  # noqa: S608
            " ORDER BY t.account_id, t.id",
            step_parameters(step, now),
        )
        while rows := cursor.fetchmany(_READ_AT_ONCE):
            due.extend(row[0] for row in rows)


def change_batch(step: SweepStep, ids: list[int], now: datetime) -> int:
    """Change those of `ids` that are still due and free, with one audit event each; count them.

    Members who may spend are told in the same statement, through the outbox.
    """
    of = step.of
    statement = f"""
        WITH claimed AS (
            SELECT t.id FROM {of.table} t JOIN accounts_account owner ON owner.id = t.account_id
            WHERE t.id = ANY(%(ids)s::bigint[]) AND {step_condition(step)}
            -- The events refer to the account. Where it is locked against that, its rows are left
            -- for the next run, so that those of the others in the batch do not wait for it.
            FOR NO KEY UPDATE OF t SKIP LOCKED FOR KEY SHARE OF owner SKIP LOCKED
        ), changed AS (
            UPDATE {of.table} t SET {of.column} = %(to)s
            -- An array, so that all are claimed before the first changes: another sweep that
            -- follows close behind would else share the batch, row by row.
            WHERE t.id = ANY(ARRAY(SELECT id FROM claimed))
            RETURNING t.id, t.account_id, t.{of.key}
        ), readers AS MATERIALIZED (
            SELECT c.id, c.account_id, m.user_id FROM changed c
            JOIN accounts_membership m ON m.account_id = c.account_id AND m.role = ANY(%(roles)s)
            JOIN accounts_user u ON u.id = m.user_id AND u.is_active
        ), told AS (
            INSERT INTO accounts_notification (user_id, account_id, kind, params, path,
                dedupe_key, created_at, attempts, next_attempt_at, last_error)
            SELECT c.user_id, c.account_id, %(kind)s, jsonb_build_object({of.details}),
                {of.path}, '', %(now)s, 0, %(now)s, ''
            FROM readers c {of.news_tables}
        )
        INSERT INTO accounts_auditevent (account_id, at, verb, target_type, target_id,
            target_label, from_state, to_state, reason, data)
        SELECT c.account_id, %(now)s, %(verb)s, %(label)s, c.id, {of.name}, %(from)s, %(to)s,
            '', '{{}}'
        FROM changed c {of.name_tables}
    """  # noqa: S608
    # Written out here: the driver takes ten times as long to write so long a list.
    written = "{" + ",".join(map(str, ids)) + "}"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, {**step_parameters(step, now), "ids": written})
        return int(cursor.rowcount)


def _batches(ids: "array[int]", size: int) -> Iterator[list[int]]:
    return (list(ids[start : start + size]) for start in range(0, len(ids), size))


@dataclass
class SweepResult:
    """How many rows each step changed, the renewals, and what went wrong."""

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


def _change_or_split(step: SweepStep, ids: list[int], now: datetime, result: SweepResult) -> int:
    """Change a batch; where it fails, halve it until the rows that fail stand alone.

    A database that is gone, or is a read-only standby, is no row's fault: that is raised.
    """
    try:
        return change_batch(step, ids, now)
    except DatabaseError as error:
        if isinstance(error, InternalError) or not connection.is_usable():
            raise
        if len(ids) == 1:
            result.failures.append(f"{step.name} {ids[0]}: {error}")
            return 0
    half = len(ids) // 2
    parts = (ids[:half], ids[half:])
    return sum(_change_or_split(step, part, now, result) for part in parts)


def _change_all(
    step: SweepStep, now: datetime, batch_size: int, result: SweepResult, progress: Progress
) -> None:
    due = find_due(step, now)
    changed = done = 0
    for ids in _batches(due, batch_size):
        changed += _change_or_split(step, ids, now, result)
        done += len(ids)
        progress(step.name, done, len(due))
    result.counts[step.name] = changed


def run_sweep(
    *, now: datetime, finished_at: Callable[[], datetime], batch_size: int, progress: Progress
) -> SweepResult:
    """Renew, then run every step, as of `now`; `progress` hears (step, done, due) as it goes."""
    result = SweepResult()
    _renew_all(now, result, progress)
    for step in STEPS:
        _change_all(step, now, batch_size, result, progress)
    SweepRun.objects.create(as_of=now, finished_at=finished_at(), counts=result.counts)
    return result
