"""What a package is at an instant, and recording it for one package under its account's lock.

A package's state is derived from its expiry, its account's restrictions and `now`; the stored
state only records what has been noticed. Anyone who writes to a package settles it first, so that
no rule is ever decided on a state that has passed, whether or not a sweep has run.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import Account, Restriction, User
from accounts.services.audit import Event, record
from billing.enums import PackageKind, PackageState, RefundStatus
from billing.packages.models import Package
from billing.packages.release import ReleaseFacts, ReleaseHold, Span, find_release
from billing.transitions import package_state_after_time


def foresee_releases(
    packages: Iterable[Package], *, under_review: Collection[int] | None = None
) -> dict[int, datetime | None]:
    """Return when each package will be released as things are, by key; None while that is open.

    The packages may be of several accounts; at most two queries. `under_review` are the keys of
    those whose refund is, where the caller knows them.
    """
    listed = list(packages)
    if under_review is None:
        under_review = find_under_review(listed)
    spans: dict[int, list[Span]] = defaultdict(list)
    found = Restriction.objects.filter(account__in={each.account_id for each in listed})
    for account, start, end in found.values_list("account_id", "started_at", "ended_at"):
        spans[account].append((start, end))
    return {
        package.pk: find_release(
            ReleaseFacts(
                expires_at=package.expires_at,
                is_trial=package.kind == PackageKind.TRIAL,
                restrictions=spans[package.account_id],
                is_under_review=package.pk in under_review,
                isolation=timedelta(days=settings.ISOLATION_DAYS),
                grace=timedelta(days=settings.SUSPENSION_GRACE_DAYS),
            )
        )
        for package in listed
    }


def find_hold(package: Package, account: Account, under_review: Collection[int]) -> ReleaseHold:
    """Return what keeps a package from renewal and from release now."""
    if not account.is_in_good_standing:
        return ReleaseHold.RESTRICTION
    return ReleaseHold.REVIEW if package.pk in under_review else ReleaseHold.NONE


def find_under_review(packages: Iterable[Package]) -> set[int]:
    """Return the keys of the packages whose refund is under review."""
    keys = [package.pk for package in packages]
    under_review = Package.objects.filter(pk__in=keys, refunds__status=RefundStatus.PENDING)
    return set(under_review.values_list("pk", flat=True))


def derive_states(
    packages: Iterable[Package],
    now: datetime,
    *,
    under_review: Collection[int] | None = None,
) -> dict[int, PackageState]:
    """Return the state of each package at `now`, by key.

    A package whose refund is under review is not released: expiry does not defeat a request
    made in time. `under_review` are such packages, where the caller knows them. At most two
    queries, and none where nothing has expired.
    """
    listed = list(packages)
    over = {PackageState.RELEASED, PackageState.REFUNDED}
    states = {package.pk: PackageState(package.state) for package in listed}
    expired = [each for each in listed if each.expires_at <= now and states[each.pk] not in over]
    paid = [each for each in expired if each.kind == PackageKind.PAID]
    released = foresee_releases(paid, under_review=under_review) if paid else {}
    for package in expired:
        at = released.get(package.pk) if package.kind == PackageKind.PAID else package.expires_at
        is_released = at is not None and at <= now
        states[package.pk] = PackageState.RELEASED if is_released else PackageState.ISOLATED
    return states


def derive_package_state(package: Package, now: datetime) -> PackageState:
    """Return the state that holds at `now`, whatever has been recorded."""
    return derive_states([package], now)[package.pk]


def settle_package(
    package: Package, *, account: Account, by: User | None, now: datetime
) -> Package:
    """Record the state that holds at `now`; the caller holds the account's lock.

    Two steps that were both missed (isolated, then released) leave two events.
    """
    target = derive_package_state(package, now)
    while package.state != target:
        was, after = package.state, package_state_after_time(package.state)
        if after is None:
            break
        package.state = after
        changed = Package.objects.filter(pk=package.pk, state=was).update(state=package.state)
        if not changed:
            package.refresh_from_db()
            continue
        event = Event(
            verb=f"package.{package.state}", target=package, from_state=was, to_state=package.state
        )
        record([event], account=account, by=by, now=now)
    return package
