"""When an expired package is released: the one home of the rule.

`find_release` decides for packages that were read; `RELEASED_AT` in `billing.packages.queries`
is the same rule as an expression, for sweeps that look for what is due among a million rows.
`tests/billing/test_release.py` holds the two equal with one table of cases and with generated ones.
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
    """Return when a package is released, or None while someone's decision is open.

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
