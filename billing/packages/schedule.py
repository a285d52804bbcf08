"""What is scheduled for a package: what time does to it if no one acts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from billing.enums import PackageKind, RenewalMode
from billing.packages.lifecycle import foresee_releases
from billing.packages.status import PackageStatus


class EventKind(TextChoices):
    """Something that time does to a package."""

    REMINDER = "reminder", _("Email reminder")
    RENEWAL = "renewal", _("Automatic renewal")
    EXPIRY = "expiry", _("Expiry: agents stop, everything is kept")
    TRIAL_END = "trial_end", _("End of the trial: agents stop, its licenses are void")
    RELEASE = "release", _("Release: the licenses are void")


@dataclass(frozen=True)
class ScheduledEvent:
    """One thing that is to come, and when.

    `at=None` is not known yet: it waits for someone's decision. What `is_doubtful` happens only
    if the automatic renewal before it does not.
    """

    what: EventKind
    at: datetime | None
    is_doubtful: bool = False


def list_events(
    *,
    expires_at: datetime,
    released_at: datetime | None,
    is_trial: bool,
    mode: RenewalMode,
    reminder_days: Sequence[int],
    renewal_lead: timedelta,
    is_paused: bool,
    now: datetime,
) -> list[ScheduledEvent]:
    """Return what is to come for a package that is not over, in order.

    `reminder_days` are days from the expiry; a trial is reminded of before it alone. `is_paused`
    says that nothing renews on its own: the account is restricted, or a refund is under review.
    """
    if is_trial:
        days = [day for day in reminder_days if day < 0]
        end = [ScheduledEvent(EventKind.TRIAL_END, expires_at)]
    else:
        days = list(reminder_days)
        end = [
            ScheduledEvent(EventKind.EXPIRY, expires_at),
            ScheduledEvent(EventKind.RELEASE, released_at),
        ]
    reminders = [
        ScheduledEvent(EventKind.REMINDER, expires_at + timedelta(days=day))
        for day in days
        if mode != RenewalMode.NEITHER
    ]
    ahead = [each for each in [*reminders, *end] if each.at is None or each.at > now]
    if mode == RenewalMode.AUTOMATIC and not is_trial and not is_paused:
        # Tried from then on with every sweep, so one that is due comes next.
        renewal = ScheduledEvent(EventKind.RENEWAL, max(expires_at - renewal_lead, now))
        ahead = [
            ScheduledEvent(each.what, each.at, is_doubtful=each.at is None or each.at > renewal.at)  # type: ignore[operator]
            for each in ahead
        ]
        ahead.append(renewal)
    return sorted(ahead, key=lambda each: (each.at is None, each.at))


def read_schedule(status: PackageStatus, account: Account, now: datetime) -> list[ScheduledEvent]:
    """Return what is to come for a package in service or in isolation; at most one query."""
    package = status.package
    if package is None:
        return []
    under_review = {package.pk} if status.is_under_review else set()
    return list_events(
        expires_at=package.expires_at,
        released_at=foresee_releases([package], under_review=under_review)[package.pk],
        is_trial=package.kind == PackageKind.TRIAL,
        mode=RenewalMode(package.renewal_mode),
        reminder_days=settings.REMINDER_DAYS,
        renewal_lead=timedelta(hours=settings.AUTO_RENEWAL_LEAD_HOURS),
        is_paused=status.is_under_review or not account.is_in_good_standing,
        now=now,
    )
