"""What is scheduled for a package, from its status and the settings."""

from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import Account
from billing.agenda import Coming, foresee
from billing.enums import PackageKind, RenewalMode
from billing.services.lifecycle import foresee_releases
from billing.services.package_status import PackageStatus


def read_agenda(status: PackageStatus, account: Account, now: datetime) -> list[Coming]:
    """Return what is to come for a package in service or in isolation; at most one query."""
    package = status.package
    if package is None:
        return []
    under_review = {package.pk} if status.is_under_review else set()
    return foresee(
        expires_at=package.expires_at,
        released_at=foresee_releases([package], under_review=under_review)[package.pk],
        is_trial=package.kind == PackageKind.TRIAL,
        mode=RenewalMode(package.renewal_mode),
        reminder_days=settings.REMINDER_DAYS,
        renewal_lead=timedelta(hours=settings.AUTO_RENEWAL_LEAD_HOURS),
        is_paused=status.is_under_review or not account.is_in_good_standing,
        now=now,
    )
