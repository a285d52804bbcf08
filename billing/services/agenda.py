"""What is scheduled for a package, from its row and the settings."""

from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import Account
from billing.agenda import Coming, foresee
from billing.enums import PackageKind, RenewalMode
from billing.models import Package
from billing.services.lifecycle import find_under_review, foresee_releases


def read_agenda(package: Package, account: Account, now: datetime) -> list[Coming]:
    """Return what is to come for a package in service or in isolation; at most two queries."""
    is_trial = package.kind == PackageKind.TRIAL
    under_review = find_under_review([package])
    return foresee(
        expires_at=package.expires_at,
        released_at=foresee_releases([package], under_review=under_review)[package.pk],
        is_trial=is_trial,
        mode=RenewalMode(package.renewal_mode),
        reminder_days=settings.REMINDER_DAYS,
        renewal_lead=timedelta(hours=settings.AUTO_RENEWAL_LEAD_HOURS),
        is_paused=bool(under_review) or not account.is_in_good_standing,
        now=now,
    )
