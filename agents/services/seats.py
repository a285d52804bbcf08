"""Free licences: counting and claiming them.

A licence is free when it is live and nobody holds it. Claiming happens under the account's lock;
the rows are locked too, and those that somebody else has locked are passed over. Should all of
that fail, the unique key of the holder's `licence` refuses the second holder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.translation import ngettext

from accounts.models import Application
from agents.errors import LicencesMissing
from billing.enums import LicenceKind
from billing.models import Licence
from billing.packages.models import LicenceQuerySet


@dataclass(frozen=True)
class Seats:
    """Licences of one kind: how many there are, how many are held, and whether they work now."""

    total: int = 0
    used: int = 0
    is_working: bool = True

    @property
    def free(self) -> int:
        """How many can be assigned; none while the package is isolated."""
        return self.total - self.used if self.is_working else 0


def live_licences(application: Application, kind: str, now: datetime) -> LicenceQuerySet:
    """Return the application's licences of a kind that work at `now`."""
    return (
        Licence.objects.filter(
            account_id=application.account_id, package__application_id=application.pk
        )
        .of_kind(kind)
        .live(now)
    )


def free_licences(application: Application, kind: str, now: datetime) -> LicenceQuerySet:
    """Return those of them that nobody holds."""
    holder = "agent" if kind == LicenceKind.AGENT else "telephone"
    return live_licences(application, kind, now).filter(**{f"{holder}__isnull": True})


def claim_licences(application: Application, kind: str, count: int, now: datetime) -> list[int]:
    """Lock `count` free licences and return their keys; the caller assigns them.

    Call it inside a transaction that holds the account's lock. Raises LicencesMissing where
    there are fewer.
    """
    claimed = list(
        free_licences(application, kind, now)
        .select_for_update(no_key=True, skip_locked=True, of=("self",))
        .order_by("pk")
        .values_list("pk", flat=True)[:count]
    )
    if len(claimed) < count:
        raise licences_missing(kind, needed=count, free=len(claimed))
    return claimed


def licences_missing(kind: str, *, needed: int, free: int) -> LicencesMissing:
    """Return the refusal that says how many licences are missing."""
    missing = needed - free
    if kind == LicenceKind.AGENT:
        text = ngettext(
            "%(missing)d agent licence is missing: %(needed)d needed, %(free)d free.",
            "%(missing)d agent licences are missing: %(needed)d needed, %(free)d free.",
            missing,
        )
    else:
        text = ngettext(
            "%(missing)d SIP licence is missing: %(needed)d needed, %(free)d free.",
            "%(missing)d SIP licences are missing: %(needed)d needed, %(free)d free.",
            missing,
        )
    return LicencesMissing(
        text % {"missing": missing, "needed": needed, "free": free}, needed=needed, free=free
    )


def assign_pairs(holders: Sequence[int], licences: Sequence[int], now: datetime) -> int:
    """Give each agent its licence, in one statement; return how many rows took one.

    Raises IntegrityError where a licence is held already: the unique key has the last word.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE agents_agent SET licence_id = pair.licence_id, updated_at = %s"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS pair (agent_id, licence_id)"
            " WHERE agents_agent.id = pair.agent_id",
            [now, list(holders), list(licences)],
        )
        return int(cursor.rowcount)
