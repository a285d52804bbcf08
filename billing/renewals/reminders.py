"""Reminding members that a package is about to expire, or has expired."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.access import Permission
from accounts.services.notifications import News, notify_members
from billing.enums import PackageState, RenewalMode
from billing.packages.lifecycle import find_hold, find_under_review, foresee_releases
from billing.packages.models import Package
from billing.renewals.policy import LATE, find_due_offset
from billing.renewals.queries import ReminderKey, claim_reminders


@dataclass(frozen=True)
class DueReminder:
    """A package whose reminder of `offset_days` from its expiry is due."""

    package: Package
    offset_days: int

    def key(self) -> ReminderKey:
        """Return what a reminder is known by, and its account."""
        return self.package.account_id, self.package.pk, self.package.expires_at, self.offset_days

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "package": self.package.pk,
            "account": self.package.account.uin,
            "application": self.package.application.sdkappid,
            "expires_at": self.package.expires_at.isoformat(),
            "offset_days": self.offset_days,
        }


def find_due_reminders(now: datetime) -> Iterator[DueReminder]:
    """Yield the reminders that are due at `now` and were not sent; reads only."""
    offsets = settings.REMINDER_DAYS
    packages = (
        Package.objects.exclude(state=PackageState.REFUNDED)
        .exclude(renewal_mode=RenewalMode.NEITHER)
        .filter(
            expires_at__gt=now - timedelta(days=max(*offsets, 0)) - LATE,
            expires_at__lte=now - timedelta(days=min(*offsets, 0)),
        )
        .select_related("account", "application")
        .prefetch_related("reminders")
        .order_by("pk")
    )
    for package in packages.iterator(chunk_size=1000):
        offset = find_due_offset(
            expires_at=package.expires_at,
            offsets=offsets,
            is_trial=package.kind == "trial",
            now=now,
        )
        sent = {(each.expires_at, each.offset_days) for each in package.reminders.all()}
        if offset is not None and (package.expires_at, offset) not in sent:
            yield DueReminder(package, offset)


def _news(
    due: DueReminder, released_at: datetime | None, under_review: Collection[int], now: datetime
) -> News:
    package = due.package
    kind = "package_expiring" if due.offset_days < 0 else "package_expired"
    return News(
        account=package.account,
        kind=kind,
        params={
            "application": package.application.name,
            "edition": package.edition,
            "is_trial": package.kind == "trial",
            "days": abs(due.offset_days),
            "is_automatic": package.renewal_mode == RenewalMode.AUTOMATIC,
            "expires_at": package.expires_at,
            "released_at": released_at,
            "is_released": released_at is not None and released_at <= now,
            "hold": find_hold(package, package.account, under_review).value,
        },
        to=Permission.SPEND,
        path=reverse(
            "agents:management",
            kwargs={"uin": package.account.uin, "sdkappid": package.application.sdkappid},
        ),
    )


@transaction.atomic
def send_reminders(*, due: list[DueReminder], now: datetime) -> list[DueReminder]:
    """Put a batch of reminders into the outbox; return those that were not sent before."""
    claimed = claim_reminders([each.key() for each in due], now)
    sent = [each for each in due if (each.package.pk, each.offset_days) in claimed]
    packages = [each.package for each in sent]
    under_review = find_under_review(packages)
    released = foresee_releases(packages, under_review=under_review)
    notify_members(
        [_news(each, released[each.package.pk], under_review, now) for each in sent], now=now
    )
    return sent
