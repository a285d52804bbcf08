"""What a package is at an instant, and recording it for one package under its account's lock.

A package's state is derived from its expiry, its account's restrictions and `now`; the stored
state only records what has been noticed. Whoever writes to a package settles it first, so that
no rule is ever decided on a state that has passed, whether or not a sweep has run.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import Account, Restriction, User
from accounts.services.audit import record_event
from billing.enums import PackageState
from billing.models import Package, Refund

Span = tuple[datetime, datetime | None]


def _grace_spans(account: Account) -> list[Span]:
    """Return when the account's restrictions kept packages from release, their grace included."""
    grace = timedelta(days=settings.SUSPENSION_GRACE_DAYS)
    rows = Restriction.objects.filter(account=account).values_list("started_at", "ended_at")
    return [(start, end + grace if end else None) for start, end in rows]


def _release_time(package: Package, spans: Sequence[Span]) -> datetime | None:
    """Return when an expired package is released, or None while its account is restricted.

    A trial goes at its expiry. A paid package stays isolated for the days of isolation, and
    never goes before the grace days after a restriction of its account has ended. A restriction
    that began after the release brings nothing back.
    """
    if package.state == PackageState.TRIAL:
        return package.expires_at
    usual = package.expires_at + timedelta(days=settings.ISOLATION_DAYS)
    candidates = [usual, *(end for _start, end in spans if end and end > usual)]
    free = (
        at
        for at in candidates
        if not any(start <= at and (end is None or at < end) for start, end in spans)
    )
    return min(free, default=None)


def foresee_release(package: Package, account: Account) -> datetime | None:
    """Return when a package will be released as things are, or None while that is open."""
    return _release_time(package, _grace_spans(account))


def find_under_review(packages: Iterable[Package]) -> set[int]:
    """Return the keys of the packages whose refund is under review."""
    pending = Refund.objects.pending().filter(package__in=list(packages))
    return set(pending.values_list("package_id", flat=True))


def derive_states(
    packages: Iterable[Package],
    account: Account,
    now: datetime,
    *,
    under_review: Collection[int] | None = None,
) -> dict[int, PackageState]:
    """Return the state of each of the account's packages at `now`, by key.

    A package whose refund is under review is not released: expiry does not defeat a request
    made in time. `under_review` are such packages, where the caller knows them. At most two
    queries, and none where nothing has expired.
    """
    listed = list(packages)
    over = {PackageState.RELEASED, PackageState.REFUNDED}
    states = {package.pk: PackageState(package.state) for package in listed}
    expired = [each for each in listed if each.expires_at <= now and states[each.pk] not in over]
    paid = [each for each in expired if each.state != PackageState.TRIAL]
    if under_review is None:
        under_review = find_under_review(paid) if paid else ()
    spans = _grace_spans(account) if paid else []
    for package in expired:
        at = _release_time(package, spans)
        is_released = package.pk not in under_review and at is not None and at <= now
        states[package.pk] = PackageState.RELEASED if is_released else PackageState.ISOLATED
    return states


def derive_state(package: Package, account: Account, now: datetime) -> PackageState:
    """Return the state that holds at `now`, whatever has been recorded."""
    return derive_states([package], account, now)[package.pk]


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
