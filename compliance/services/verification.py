"""Checks of cases, appeals and connection requests against their history and measures."""

from accounts.services.verification import Check, Trail
from accounts.transitions import first_changes
from compliance.enums import HistoryAct
from compliance.services.cases import AUDIT_VERBS
from compliance.services.measures import RESTRICTION
from compliance.transitions import (
    APPEAL_STARTS,
    APPEAL_TRANSITIONS,
    CASE_STARTS,
    CASE_TRANSITIONS,
    CONNECTION_STARTS,
    CONNECTION_TRANSITIONS,
    AppealAct,
)

_CASES = Trail(
    noun="violation",
    label="compliance.violation",
    table="compliance_violation",
    state="state",
    number="number",
    verbs={
        "violation.reported": first_changes(CASE_STARTS.values()),
        **{
            AUDIT_VERBS[HistoryAct(act.value)]: CASE_TRANSITIONS.changes(act)
            for _state, act in CASE_TRANSITIONS
        },
    },
)
_APPEALS = Trail(
    noun="appeal",
    label="compliance.appeal",
    table="compliance_appeal",
    state="state",
    number="id",
    verbs={
        "appeal.submitted": first_changes(APPEAL_STARTS.values()),
        "appeal.decided": APPEAL_TRANSITIONS.changes(*AppealAct),
    },
)
_CONNECTIONS = Trail(
    noun="connection request",
    label="compliance.connectionrequest",
    table="compliance_connectionrequest",
    state="state",
    number="number",
    verbs={
        "connection.requested": first_changes(CONNECTION_STARTS.values()),
        **{
            f"connection.{after}": CONNECTION_TRANSITIONS.changes(act)
            for (_state, act), after in CONNECTION_TRANSITIONS.items()
        },
    },
)

CHECKS: tuple[Check, ...] = (
    *_CASES.checks(),
    *_APPEALS.checks(),
    *_CONNECTIONS.checks(),
    Check(
        "violation {0}: entry {1} of its history and entry {2} of the audit trail differ",
        """WITH history AS (
               SELECT violation_id, id, at, actor_id, act, from_state, to_state, reason, data,
                   row_number() OVER (PARTITION BY violation_id ORDER BY id) AS place
               FROM compliance_violationevent
           ), trail AS (
               SELECT target_id, id, at, actor_id, verb, from_state, to_state, reason, data,
                   row_number() OVER (PARTITION BY target_id ORDER BY id) AS place
               FROM accounts_auditevent
               WHERE target_type = 'compliance.violation' AND verb = ANY(%(verbs)s)
           ), verbs AS (
               SELECT * FROM unnest(%(acts)s::text[], %(verbs)s::text[]) AS v (act, verb)
           )
           SELECT v.number, history.id, trail.id
           FROM history FULL JOIN trail
               ON trail.target_id = history.violation_id AND trail.place = history.place
           LEFT JOIN verbs ON verbs.act = history.act
           LEFT JOIN compliance_violation v
               ON v.id = coalesce(history.violation_id, trail.target_id)
           WHERE (history.at, history.actor_id, verbs.verb, history.from_state, history.to_state,
                  history.reason, history.data)
               IS DISTINCT FROM (trail.at, trail.actor_id, trail.verb, trail.from_state,
                  trail.to_state, trail.reason, trail.data)""",
        {
            "acts": [act.value for act in AUDIT_VERBS],
            "verbs": list(AUDIT_VERBS.values()),
        },
    ),
    Check(
        "violation {0}: its measure is '{1}' in state '{2}', and {3} open restrictions carry it",
        """SELECT v.number, v.measure, v.state, count(r.id) FILTER (WHERE r.ended_at IS NULL)
           FROM compliance_violation v
           LEFT JOIN unnest(%(measures)s::text[], %(restrictions)s::text[])
               AS m (measure, restriction) ON m.measure = v.measure
           LEFT JOIN accounts_restriction r ON r.account_id = v.account_id
               AND r.case_number = v.number
           GROUP BY v.id, m.restriction
           HAVING count(r.id) FILTER (WHERE r.ended_at IS NULL AND r.measure = m.restriction) <>
                  (m.restriction IS NOT NULL AND v.lifted_at IS NULL
                   AND v.state IN ('actioned', 'appealed', 'upheld'))::int
               OR count(r.id) FILTER (WHERE r.ended_at IS NULL
                   AND r.measure IS DISTINCT FROM m.restriction) > 0""",
        {
            "measures": [measure.value for measure in RESTRICTION],
            "restrictions": [restriction.value for restriction in RESTRICTION.values()],
        },
    ),
    Check(
        "restriction {0}: no case {1} of its account stands behind it",
        """SELECT r.id, r.case_number FROM accounts_restriction r
           WHERE r.case_number LIKE 'V-%' AND NOT EXISTS (
               SELECT FROM compliance_violation v
               WHERE v.number = r.case_number AND v.account_id = r.account_id)""",
    ),
    Check(
        "appeal {0}: it is '{1}', but its violation {2} is '{3}'",
        """SELECT a.id, a.state, v.number, v.state
           FROM compliance_appeal a JOIN compliance_violation v ON v.id = a.violation_id
           WHERE (a.state = 'open') <> (v.state = 'appealed' AND a.round = (
               SELECT max(round) FROM compliance_appeal x WHERE x.violation_id = v.id))
               OR (a.state = 'overturned' AND v.state <> 'overturned')
               OR a.account_id <> v.account_id""",
    ),
)
