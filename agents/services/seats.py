"""Free licenses: counting and claiming them.

A license is free when it is live and not held. Claiming happens under the account's lock;
the rows are locked too, and those that someone else has locked are passed over. Should all of
that fail, the unique key of the holder's `license` refuses the second holder.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import ngettext

from accounts.models import Application
from agents.errors import LicensesMissing
from billing.enums import LicenseKind
from billing.models import License
from billing.packages.models import LicenseQuerySet


@dataclass(frozen=True)
class Seats:
    """Licenses of one kind: how many there are, how many are held, and whether they work now."""

    total: int = 0
    used: int = 0
    is_working: bool = True

    @property
    def free(self) -> int:
        """How many can be assigned; none while the package is isolated."""
        return self.total - self.used if self.is_working else 0


def live_licenses(application: Application, kind: str, now: datetime) -> LicenseQuerySet:
    """Return the application's licenses of a kind that work at `now`."""
    return (
        License.objects.filter(
            account_id=application.account_id, package__application_id=application.pk
        )
        .of_kind(kind)
        .live(now)
    )


def free_licenses(application: Application, kind: str, now: datetime) -> LicenseQuerySet:
    """Return those of them that no one holds."""
    holder = "agent" if kind == LicenseKind.AGENT else "telephone"
    return live_licenses(application, kind, now).filter(**{f"{holder}__isnull": True})


def claim_licenses(application: Application, kind: str, count: int, now: datetime) -> list[int]:
    """Lock `count` free licenses and return their keys; the caller assigns them.

    Call it inside a transaction that holds the account's lock. Raises LicensesMissing where
    there are fewer.
    """
    claimed = list(
        free_licenses(application, kind, now)
        .select_for_update(no_key=True, skip_locked=True, of=("self",))
        .order_by("pk")
        .values_list("pk", flat=True)[:count]
    )
    if len(claimed) < count:
        raise licenses_missing(kind, needed=count, free=len(claimed))
    return claimed


def licenses_missing(kind: str, *, needed: int, free: int) -> LicensesMissing:
    """Return the refusal that says how many licenses are missing."""
    missing = needed - free
    if kind == LicenseKind.AGENT:
        text = ngettext(
            "%(missing)d agent license is missing: %(needed)d needed, %(free)d free.",
            "%(missing)d agent licenses are missing: %(needed)d needed, %(free)d free.",
            missing,
        )
    else:
        text = ngettext(
            "%(missing)d SIP license is missing: %(needed)d needed, %(free)d free.",
            "%(missing)d SIP licenses are missing: %(needed)d needed, %(free)d free.",
            missing,
        )
    return LicensesMissing(
        text % {"missing": missing, "needed": needed, "free": free}, needed=needed, free=free
    )
