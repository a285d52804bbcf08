"""When an expired package is released: the one home of the rule.

`find_release` decides for packages that were read; `RELEASED_AT` is the same rule in SQL, for
sweeps that look for what is due among a million rows. `tests/billing/test_release.py` holds the
two equal with one table of cases and with generated ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: A restriction of an account, from its start to its end; None while it lasts.
Span = tuple[datetime, datetime | None]


class ReleaseHold(StrEnum):
    """What keeps a package from renewal and from release, for as long as it lasts."""

    NONE = ""
    RESTRICTION = "restriction"
    REVIEW = "review"


@dataclass(frozen=True)
class ReleaseFacts:
    """What decides when a package is released.

    `restrictions` are all that its account ever had; `isolation` and `grace` are settings.
    """

    expires_at: datetime
    is_trial: bool
    restrictions: Sequence[Span]
    is_under_review: bool
    isolation: timedelta
    grace: timedelta


def find_release(facts: ReleaseFacts) -> datetime | None:
    """Return when a package is released, or None while somebody's decision is open.

    A trial goes at its expiry. A paid package stays isolated for the days of isolation, never
    goes before the grace days after a restriction of its account have passed, and not while a
    refund of it is under review. A restriction that began after the release brings nothing back.
    """
    if facts.is_trial:
        return facts.expires_at
    if facts.is_under_review:
        return None
    usual = facts.expires_at + facts.isolation
    spans = [(start, end + facts.grace if end else None) for start, end in facts.restrictions]
    candidates = [usual, *(end for _start, end in spans if end and end > usual)]
    free = (
        at
        for at in candidates
        if not any(start <= at and (end is None or at < end) for start, end in spans)
    )
    return min(free, default=None)


#: The rule of `find_release` for a paid package `t`: when it is released, or NULL while its
#: account is restricted. A refund under review is asked for apart (`UNDER_REVIEW`), so that it
#: can be looked up for many rows together. Parameters: the spans `isolation` and `grace`.
RELEASED_AT = """
    (
        SELECT min(free.at) FROM (
            SELECT t.expires_at + %(isolation)s AS at
            UNION ALL
            SELECT x.ended_at + %(grace)s FROM accounts_restriction x
            WHERE x.account_id = t.account_id
            AND x.ended_at + %(grace)s > t.expires_at + %(isolation)s
        ) free
        WHERE NOT EXISTS (
            SELECT FROM accounts_restriction x WHERE x.account_id = t.account_id
            AND x.started_at <= free.at
            AND (x.ended_at IS NULL OR x.ended_at + %(grace)s > free.at)
        )
    )
"""

#: Whether a refund of the package `t` is under review.
UNDER_REVIEW = """
    EXISTS (SELECT FROM billing_refund r WHERE r.package_id = t.id AND r.status = 'pending')
"""

#: The `ReleaseHold` of a package `t` of the account `a`.
HOLD = f"""
    CASE WHEN a.status <> 'active' THEN 'restriction' WHEN {UNDER_REVIEW} THEN 'review'
    ELSE '' END
"""
