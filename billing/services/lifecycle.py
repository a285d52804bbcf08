"""What a package is at an instant, and recording it for one package under its account's lock.

A package's state is derived from its expiry, its account's restrictions and `now`; the stored
state only records what has been noticed. Whoever writes to a package settles it first, so that
no rule is ever decided on a state that has passed, whether or not a sweep has run.
"""

from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import Account, Restriction, User
from accounts.services.audit import record_event
from billing.enums import PackageState
from billing.models import Package, Refund


def find_release_time(package: Package, account: Account) -> datetime | None:
    """Return when an expired package is released, or None while its account is restricted.

    A trial goes at its expiry. A paid package stays isolated for the days of isolation, and
    never goes before the grace days after a restriction of its account has ended, nor while a
    refund of it is under review (expiry does not defeat a request made in time). A restriction
    that began after the release brings nothing back.
    """
    if package.state == PackageState.TRIAL:
        return package.expires_at
    if Refund.objects.pending().filter(package=package).exists():
        return None
    usual = package.expires_at + timedelta(days=settings.ISOLATION_DAYS)
    grace = timedelta(days=settings.SUSPENSION_GRACE_DAYS)
    spans = [
        (started_at, ended_at + grace if ended_at else None)
        for started_at, ended_at in Restriction.objects.filter(account=account).values_list(
            "started_at", "ended_at"
        )
    ]
    candidates = [usual, *(end for _start, end in spans if end and end > usual)]
    free = (
        at
        for at in candidates
        if not any(start <= at and (end is None or at < end) for start, end in spans)
    )
    return min(free, default=None)


def derive_state(package: Package, account: Account, now: datetime) -> PackageState:
    """Return the state that holds at `now`, whatever has been recorded."""
    stored = PackageState(package.state)
    if stored in {PackageState.RELEASED, PackageState.REFUNDED} or now < package.expires_at:
        return stored
    release_at = find_release_time(package, account)
    if release_at is not None and release_at <= now:
        return PackageState.RELEASED
    return PackageState.ISOLATED


def settle_package(
    package: Package, *, account: Account, by: User | None, now: datetime
) -> Package:
    """Record the state that holds at `now`; the caller holds the account's lock.

    Two steps that were both missed (isolated, then released) leave two events.
    """
    target = derive_state(package, account, now)
    while package.state != target:
        was = package.state
        is_first_step = was == PackageState.ACTIVE
        package.state = PackageState.ISOLATED if is_first_step else target
        changed = Package.objects.filter(pk=package.pk, state=was).update(state=package.state)
        if not changed:
            package.refresh_from_db()
            continue
        record_event(
            account=account,
            verb=f"package.{package.state}",
            target=package,
            from_state=was,
            to_state=package.state,
            by=by,
            now=now,
        )
    return package
