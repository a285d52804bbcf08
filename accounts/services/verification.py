"""Checking stored rows against each other: what a check is, and the checks of accounts.

The database enforces most promises as rows are written. Verification reads everything and finds
what got past that: a restored backup, a manual UPDATE, a trigger that was switched off. A check
is one statement that returns the rows in breach, so the database reads a million rows and only
breaches travel.

Each app adds the checks of its own tables; `config.verification` runs them all.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import DataError, connection, transaction

from accounts.enums import STATUS_OF_MEASURE, AccountStatus


@dataclass(frozen=True)
class Breach:
    """A promise that does not hold, with the ids of the row."""

    message: str


@dataclass(frozen=True)
class Check:
    """One promise: a statement that returns the rows in breach, and how to report a row.

    `message` is a format string for the row's columns. `confirm` looks at a row again in Python,
    where SQL can only find candidates; it returns True for a breach.
    """

    message: str
    statement: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    confirm: Callable[[tuple[Any, ...]], bool] | None = None


def find_breaches(checks: Iterable[Check]) -> Iterator[Breach]:
    """Run `checks`; yield what is wrong, one by one. Reads only."""
    for check in checks:
        yield from _run(check)


def _run(check: Check) -> Iterator[Breach]:
    try:
        with transaction.atomic():
            rows = read_rows(check.statement, check.parameters)
    except DataError as error:
        # A damaged value, such as a text where JSON held a number, must not end the run.
        reason = str(error).strip().splitlines()[0]
        yield Breach(f"a stored value cannot be read ({reason}); check: {check.message}")
        return
    for row in rows:
        if check.confirm is None or check.confirm(row):
            yield Breach(check.message.format(*row))


def read_rows(statement: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    """Return what a statement of a check finds."""
    with connection.cursor() as cursor:
        # Without parameters, a percent sign in the statement is just that.
        cursor.execute(statement, parameters or None)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


# --- Audit trail ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Trail:
    """The events of one kind of object, and the state that they must add up to.

    `verbs` maps each verb that moves the state to the moves ("from", "to") that it may record.
    `state` is the column with the present state. `number` names the object in messages.
    """

    noun: str
    label: str
    table: str
    state: str
    number: str
    verbs: Mapping[str, frozenset[tuple[str, str]]]
    # Rows that were never announced by an event of their own, as a condition on the row `t`.
    silent: str = "FALSE"
    # Whether rows may be deleted, so that events outlive them.
    is_deletable: bool = False

    def checks(self) -> tuple[Check, ...]:
        """Return the checks that every state has exactly one event, and every event a state."""
        moves = [
            f"{verb}|{source}|{target}"
            for verb, pairs in self.verbs.items()
            for source, target in sorted(pairs)
        ]
        parameters = {"label": self.label, "verbs": list(self.verbs), "moves": moves}
        trail = """
            WITH trail AS (
                SELECT id, account_id, target_id, verb, from_state, to_state,
                    lag(to_state, 1, '') OVER events AS before,
                    lead(id) OVER events IS NULL AS is_last
                FROM accounts_auditevent
                WHERE target_type = %(label)s AND verb = ANY(%(verbs)s)
                WINDOW events AS (PARTITION BY target_id ORDER BY id)
            )
        """
        found = [
            Check(
                f"audit event {{0}} of {self.noun} {{1}}: it begins at '{{2}}', "
                "but the event before it ended at '{3}'",
                trail
                + "SELECT id, target_id, from_state, before FROM trail WHERE from_state <> before",
                parameters,
            ),
            Check(
                f"audit event {{0}} of {self.noun} {{1}}: "
                "'{2}' records a move from '{3}' to '{4}', which is not allowed",
                trail
                + """SELECT id, target_id, verb, from_state, to_state FROM trail
                     WHERE verb || '|' || from_state || '|' || to_state <> ALL(%(moves)s)""",
                parameters,
            ),
            Check(
                f"{self.noun} {{0}}: it is '{{1}}', but its last audit event says '{{2}}'",
                trail
                + f"""SELECT t.{self.number}, t.{self.state}, trail.to_state
                      FROM {self.table} t JOIN trail ON trail.target_id = t.id
                      WHERE trail.is_last AND trail.to_state <> t.{self.state}""",
                parameters,
            ),
            Check(
                f"{self.noun} {{0}}: the audit trail does not say how it came to be",
                f"""SELECT t.{self.number} FROM {self.table} t WHERE NOT ({self.silent})
                    AND NOT EXISTS (SELECT FROM accounts_auditevent e
                        WHERE e.target_type = %(label)s AND e.target_id = t.id
                        AND e.verb = ANY(%(verbs)s))""",
                parameters,
            ),
        ]
        if self.label != "accounts.account":
            found.append(
                Check(
                    f"audit event {{0}}: it tells of {self.noun} {{1}}, which is another account's",
                    f"""SELECT e.id, t.{self.number} FROM accounts_auditevent e
                        JOIN {self.table} t ON t.id = e.target_id
                        WHERE e.target_type = %(label)s
                        AND e.account_id IS DISTINCT FROM t.account_id""",
                    {"label": self.label},
                )
            )
        if not self.is_deletable:
            found.append(
                Check(
                    f"audit event {{0}}: the {self.noun} {{1}} that it tells of is gone",
                    f"""SELECT e.id, e.target_label FROM accounts_auditevent e
                        WHERE e.target_type = %(label)s AND NOT EXISTS (
                            SELECT FROM {self.table} t WHERE t.id = e.target_id)""",
                    {"label": self.label},
                )
            )
        return tuple(found)


def moves(*pairs: str) -> frozenset[tuple[str, str]]:
    """Return the moves written as "from>to"; "x>x" is an event that leaves the state alone."""
    return frozenset((source, target) for source, target in (pair.split(">") for pair in pairs))


_STATUSES = AccountStatus.values

_ACCOUNT = Trail(
    noun="account",
    label="accounts.account",
    table="accounts_account",
    state="status",
    number="uin",
    verbs={
        "account.opened": moves(">active"),
        "account.status_changed": frozenset(
            (was, now) for was in _STATUSES for now in _STATUSES if was != now
        ),
    },
)

CHECKS: tuple[Check, ...] = (
    *_ACCOUNT.checks(),
    Check(
        "account {0}: it is {1}, but its open restrictions make it {2}",
        """SELECT a.uin, a.status, coalesce(r.status, 'active') FROM accounts_account a
           LEFT JOIN (
               SELECT r.account_id,
                   (array_agg(m.status ORDER BY m.strength DESC))[1] AS status
               FROM accounts_restriction r
               JOIN unnest(%(measures)s::text[], %(statuses)s::text[]) WITH ORDINALITY
                   AS m (measure, status, strength) ON m.measure = r.measure
               WHERE r.ended_at IS NULL GROUP BY r.account_id
           ) r ON r.account_id = a.id
           WHERE a.status <> coalesce(r.status, 'active')""",
        {
            "measures": [str(measure) for measure in STATUS_OF_MEASURE],
            "statuses": [str(status) for status in STATUS_OF_MEASURE.values()],
        },
    ),
    Check(
        "restriction {0} (case {1}): {2} audit events record its start and {3} its end",
        """SELECT r.id, r.case_number,
               count(e.id) FILTER (WHERE e.verb = 'account.restricted' AND e.to_state = r.measure),
               count(e.id) FILTER (WHERE e.verb <> 'account.restricted'
                                   AND e.from_state = r.measure)
           FROM accounts_restriction r LEFT JOIN accounts_auditevent e
               ON e.target_type = 'accounts.restriction' AND e.target_id = r.id
           GROUP BY r.id HAVING
               count(e.id) FILTER (WHERE e.verb = 'account.restricted'
                   AND e.to_state = r.measure AND e.at = r.started_at) <> 1
               OR count(e.id) FILTER (WHERE e.verb IN
                   ('account.restriction_lifted', 'account.restriction_annulled')
                   AND e.from_state = r.measure AND e.at = r.ended_at)
                   <> (r.ended_at IS NOT NULL)::int""",
    ),
    Check(
        "account {0}: {1} has the role '{2}', but the last audit event about it says '{3}'",
        """SELECT a.uin, u.email, m.role, coalesce(e.to_state, 'nothing')
           FROM accounts_membership m JOIN accounts_account a ON a.id = m.account_id
           JOIN accounts_user u ON u.id = m.user_id
           LEFT JOIN LATERAL (
               SELECT to_state FROM accounts_auditevent
               WHERE target_type = 'accounts.membership' AND target_id = m.id
               AND verb IN ('member.added', 'member.role_changed') ORDER BY id DESC LIMIT 1
           ) e ON TRUE
           WHERE m.role IS DISTINCT FROM coalesce(
               -- The first owner came with the account.
               e.to_state, CASE WHEN m.created_at = a.created_at THEN 'owner' END)""",
    ),
    Check(
        "account {0}: it has no owner",
        """SELECT a.uin FROM accounts_account a WHERE NOT EXISTS (
               SELECT FROM accounts_membership m WHERE m.account_id = a.id AND m.role = 'owner')""",
    ),
    Check(
        "company {0}: its registration number '{1}' is also that of company {2}",
        """SELECT e.id, e.registration_number, o.id FROM accounts_entity e
           JOIN accounts_entity o ON upper(o.registration_number) = upper(e.registration_number)
           AND o.id > e.id""",
    ),
)
