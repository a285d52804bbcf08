"""Checks of packages and licenses against what orders bought, and the audit trail.

Together they read what the orders say about a package and compare it with the package itself:
months, edition, licenses, state.
"""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.services.verification import Check, Trail
from accounts.transitions import first_changes
from billing.calendar import expiry
from billing.transitions import PACKAGE_STARTS, PACKAGE_TRANSITIONS, PackageMove, PackageStart

#: An order in one of these states was paid.
PAID = "('paid', 'refunding', 'refunded')"
#: What the paid orders say about each package: months, edition, term and the order it began with.
_BOUGHT = f"""
    bought AS (
        SELECT l.package_id,
            sum(l.term_count * CASE l.term_unit WHEN 'year' THEN 12 ELSE 1 END) AS months,
            (array_agg(l.edition ORDER BY o.paid_at DESC, o.id DESC))[1] AS edition,
            (array_agg(l.term_unit ORDER BY o.paid_at DESC, o.id DESC)
                FILTER (WHERE o.kind <> 'upgrade'))[1] AS term_unit,
            min(o.paid_at) FILTER (WHERE o.kind = 'new') AS purchased_at,
            count(*) FILTER (WHERE o.kind = 'new') AS purchases,
            min(o.id) FILTER (WHERE o.kind = 'new') AS first_order
        FROM billing_orderline l JOIN billing_order o ON o.id = l.order_id
        WHERE l.item = 'package' AND o.status IN {PAID} GROUP BY l.package_id
    )
"""


def _expires_otherwise(row: tuple[Any, ...]) -> bool:
    """Return whether a package's expiry is not the boundary after its months."""
    expires_at: datetime = row[1]
    anchor_at, months, extension = row[3], row[4], row[5]
    zone = ZoneInfo(settings.BILLING_TIME_ZONE)
    return expiry(anchor_at, months, zone, extension or timedelta()) != expires_at


_PACKAGES: tuple[Check, ...] = (
    Check(
        "package {0}: it has {1} months, its orders bought {2}",
        f"""WITH {_BOUGHT} SELECT p.id, p.months, coalesce(b.months, 0) FROM billing_package p
            LEFT JOIN bought b ON b.package_id = p.id
            WHERE p.months <> coalesce(b.months, 0)""",
    ),
    Check(
        "package {0}: its edition is '{1}', its orders bought '{2}'",
        f"""WITH {_BOUGHT} SELECT p.id, p.edition, b.edition FROM billing_package p
            JOIN bought b ON b.package_id = p.id WHERE p.edition <> b.edition""",
    ),
    Check(
        "package {0}: its term is '{1}', its orders bought '{2}'",
        f"""WITH {_BOUGHT} SELECT p.id, p.term_unit, b.term_unit FROM billing_package p
            JOIN bought b ON b.package_id = p.id
            WHERE p.term_unit <> b.term_unit""",
    ),
    Check(
        "package {0}: it is '{1}', purchased {2} and counted from {3}; its {4} purchases say {5}",
        f"""WITH {_BOUGHT}
            SELECT p.id, p.kind, p.purchased_at, p.anchor_at, coalesce(b.purchases, 0),
                b.purchased_at
            FROM billing_package p LEFT JOIN bought b ON b.package_id = p.id
            WHERE CASE p.kind WHEN 'paid'
                THEN coalesce(b.purchases, 0) <> 1 OR p.purchased_at <> b.purchased_at
                    OR p.anchor_at <> b.purchased_at
                ELSE b.package_id IS NOT NULL END""",
    ),
    Check(
        "package {0}: it expires {1}; {4} months from {3} end {2}",
        # The boundary in SQL differs from ours only where clocks change: Python confirms it.
        """SELECT id, expires_at, boundary, anchor_at, months, extension FROM (
               SELECT id, expires_at, anchor_at, months, extension,
                   (anchor_at AT TIME ZONE %(zone)s + make_interval(months => months))
                       AT TIME ZONE %(zone)s + extension AS boundary
               FROM billing_package WHERE kind = 'paid') p
           WHERE boundary <> expires_at""",
        {"zone": settings.BILLING_TIME_ZONE},
        _expires_otherwise,
    ),
    Check(
        "package {0}: {1} were given back, its audit events say {2}",
        """SELECT p.id, p.extension, coalesce(e.given, interval '0') FROM billing_package p
           LEFT JOIN (
               SELECT target_id, sum((data->>'seconds')::bigint) * interval '1 second' AS given
               FROM accounts_auditevent WHERE target_type = 'billing.package'
               AND verb = 'package.time_returned' GROUP BY target_id
           ) e ON e.target_id = p.id
           WHERE p.extension <> coalesce(e.given, interval '0')""",
    ),
    Check(
        "package {0}: it expires {1}, its last audit event about that says {2}",
        """SELECT p.id, p.expires_at, e.expires_at FROM billing_package p
           JOIN LATERAL (
               SELECT CASE verb
                   WHEN 'package.time_returned' THEN (data->>'to')::timestamptz
                   WHEN 'package.trial_granted'
                       THEN at + (data->>'days')::int * interval '24 hours'
                   ELSE (data->>'expires_at')::timestamptz END AS expires_at
               FROM accounts_auditevent
               WHERE target_type = 'billing.package' AND target_id = p.id
               AND verb IN ('package.time_returned', 'package.trial_granted', 'package.purchased',
                   'package.extended', 'package.renewed', 'package.upgraded')
               ORDER BY id DESC LIMIT 1
           ) e ON TRUE
           WHERE e.expires_at IS DISTINCT FROM p.expires_at""",
    ),
    Check(
        "package {0}: it is '{1}' since {2}, before it expired ({3})",
        """SELECT p.id, p.state, e.at, p.expires_at - p.extension FROM billing_package p
           JOIN LATERAL (
               SELECT at FROM accounts_auditevent
               WHERE target_type = 'billing.package' AND target_id = p.id
               AND verb IN ('package.isolated', 'package.released') ORDER BY id DESC LIMIT 1
           ) e ON TRUE
           WHERE p.state IN ('isolated', 'released') AND e.at < p.expires_at - p.extension""",
    ),
    Check(
        "package {0}: it is '{1}', and {2} completed refunds stand behind that",
        """SELECT p.id, p.state, count(r.id) FROM billing_package p
           LEFT JOIN billing_refund r ON r.package_id = p.id AND r.status = 'done'
           GROUP BY p.id HAVING (p.state = 'refunded')::int <> count(r.id)""",
    ),
    Check(
        "package {0}: it and its application are of different accounts",
        """SELECT p.id FROM billing_package p JOIN accounts_application a
           ON a.id = p.application_id WHERE a.account_id <> p.account_id""",
    ),
    Check(
        "account {0}: it was granted {1} trials, and {2} grants are recorded",
        """SELECT a.uin, e.times, coalesce(g.times, 0) FROM accounts_account a
           JOIN (SELECT account_id, count(*) AS times FROM accounts_auditevent
                 WHERE verb = 'package.trial_granted' GROUP BY account_id) e
               ON e.account_id = a.id
           LEFT JOIN (SELECT account_id, count(*) AS times FROM billing_trialgrant
                      GROUP BY account_id) g ON g.account_id = a.id
           WHERE e.times <> 1 OR coalesce(g.times, 0) <> 1""",
    ),
    Check(
        "package {0}: it is a trial that account {1} was not granted",
        """SELECT p.id, a.uin FROM billing_package p JOIN accounts_account a ON a.id = p.account_id
           WHERE p.kind = 'trial' AND NOT EXISTS (SELECT FROM billing_trialgrant g
               WHERE g.package_id = p.id AND g.account_id = p.account_id)""",
    ),
    Check(
        "trial grant of account {0}: its package {1} was not granted as a trial then",
        """SELECT a.uin, g.package_id FROM billing_trialgrant g
           JOIN accounts_account a ON a.id = g.account_id
           WHERE NOT EXISTS (SELECT FROM accounts_auditevent e
               WHERE e.target_type = 'billing.package' AND e.target_id = g.package_id
               AND e.verb = 'package.trial_granted' AND e.at = g.granted_at)""",
    ),
)

_LICENSES: tuple[Check, ...] = (
    Check(
        "package {0}: it includes {1} licenses of kind '{2}', it should include {3}",
        f"""WITH {_BOUGHT}, granted AS (
                SELECT target_id AS package_id, (data->>'licenses')::int AS agents
                FROM accounts_auditevent WHERE verb = 'package.trial_granted'
            ), stand AS (
                SELECT package_id, kind, count(*) AS number FROM billing_license
                WHERE source = 'included' GROUP BY package_id, kind
            )
            SELECT p.id, coalesce(stand.number, 0), k.kind, due.number
            FROM billing_package p CROSS JOIN (VALUES ('agent'), ('sip')) AS k (kind)
            LEFT JOIN bought b ON b.package_id = p.id
            LEFT JOIN billing_order o ON o.id = b.first_order
            LEFT JOIN granted g ON g.package_id = p.id
            LEFT JOIN stand ON stand.package_id = p.id AND stand.kind = k.kind
            CROSS JOIN LATERAL (SELECT greatest(
                coalesce((o.request->'included'->>k.kind)::int, 0),
                CASE k.kind WHEN 'agent' THEN coalesce(g.agents, 0) ELSE 0 END) AS number) due
            WHERE coalesce(stand.number, 0) <> due.number""",
    ),
    Check(
        "license {0}: it is of kind '{1}', and the order line {2} that bought it is for '{3}'",
        """SELECT s.id, s.kind, l.id, l.item FROM billing_license s
           JOIN billing_orderline l ON l.id = s.order_line_id WHERE l.item <> s.kind""",
    ),
    Check(
        "license {0}: it belongs to package {1}, and order line {2} bought it for package {3}",
        """SELECT s.id, s.package_id, l.id, l.package_id FROM billing_license s
           JOIN billing_orderline l ON l.id = s.order_line_id
           WHERE l.package_id IS DISTINCT FROM s.package_id""",
    ),
    Check(
        "license {0}: it is account {1}'s, and its package {2} is not",
        """SELECT s.id, a.uin, p.id FROM billing_license s
           JOIN billing_package p ON p.id = s.package_id
           JOIN accounts_account a ON a.id = s.account_id WHERE p.account_id <> s.account_id""",
    ),
    Check(
        "license {0}: order {1} that bought it was never paid",
        f"""SELECT s.id, o.number FROM billing_license s
            JOIN billing_orderline l ON l.id = s.order_line_id
            JOIN billing_order o ON o.id = l.order_id
            WHERE o.status NOT IN {PAID}""",
    ),
    Check(
        "order line {0}: it bought {1} licenses on a trial, and {2} stand",
        """SELECT l.id, l.quantity, count(s.id) FROM billing_orderline l
           JOIN billing_order o ON o.id = l.order_id
           JOIN billing_package p ON p.id = l.package_id
           LEFT JOIN billing_license s ON s.order_line_id = l.id
           WHERE l.is_on_trial AND o.status = 'paid' AND p.kind = 'trial'
           GROUP BY l.id HAVING count(s.id) <> l.quantity""",
    ),
    Check(
        "license {0}: it continues although the trial that it was bought on became a paid package",
        """SELECT s.id FROM billing_license s JOIN billing_orderline l ON l.id = s.order_line_id
           JOIN billing_package p ON p.id = s.package_id
           WHERE l.is_on_trial AND p.kind = 'paid' AND s.ends_at IS NULL""",
    ),
    Check(
        "license {0}: it ends {1}; that a paid order left it out: {2}",
        f"""WITH left_out AS (
                SELECT DISTINCT license::bigint AS id
                FROM billing_order o, jsonb_array_elements(o.request->'changes') change,
                    jsonb_array_elements_text(change->'ending') license
                WHERE o.status IN {PAID}
            )
            SELECT s.id, s.ends_at, left_out.id IS NOT NULL
            FROM billing_license s LEFT JOIN left_out ON left_out.id = s.id
            WHERE (s.ends_at IS NULL) = (left_out.id IS NOT NULL)""",
    ),
    Check(
        "license {0}: it ends {1}, after its package ({2})",
        """SELECT s.id, s.ends_at, p.expires_at FROM billing_license s
           JOIN billing_package p ON p.id = s.package_id WHERE s.ends_at > p.expires_at""",
    ),
)

_TRAIL = Trail(
    noun="package",
    label="billing.package",
    table="billing_package",
    state="state",
    number="id",
    verbs={
        "package.trial_granted": first_changes([PACKAGE_STARTS[PackageStart.GRANT_TRIAL]]),
        "package.purchased": first_changes([PACKAGE_STARTS[PackageStart.PURCHASE]])
        | PACKAGE_TRANSITIONS.changes(PackageMove.PURCHASE),
        "package.extended": PACKAGE_TRANSITIONS.changes(PackageMove.EXTEND),
        "package.upgraded": PACKAGE_TRANSITIONS.changes(PackageMove.UPGRADE),
        "package.renewed": PACKAGE_TRANSITIONS.changes(PackageMove.RENEW),
        "package.time_returned": PACKAGE_TRANSITIONS.changes(
            PackageMove.RETURN_TIME, PackageMove.RETURN_TOO_LITTLE
        ),
        "package.isolated": PACKAGE_TRANSITIONS.changes(PackageMove.ISOLATE),
        "package.released": PACKAGE_TRANSITIONS.changes(PackageMove.END_TRIAL, PackageMove.RELEASE),
        "package.refunded": PACKAGE_TRANSITIONS.changes(PackageMove.REFUND),
    },
)

CHECKS: tuple[Check, ...] = (*_PACKAGES, *_LICENSES, *_TRAIL.checks())
