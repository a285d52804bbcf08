"""Packages as an order finds them, with their licenses; reads, and locks where it is asked to."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account, Application
from accounts.prepared import PreparedQuery
from billing.enums import LicenseKind, LicenseSource, PackageState, RefundStatus
from billing.packages.lifecycle import derive_states, find_under_review
from billing.packages.models import License, Package, PackageQuerySet


class LicenseSnapshot(NamedTuple):
    """What an order needs of a license; a package may have ten thousand, so it is no model."""

    package_id: int
    pk: int
    kind: str
    source: str
    ends_at: datetime | None

    @property
    def label(self) -> str:
        """The license's kind and number, as pages show it."""
        return f"{LicenseKind(self.kind).label} #{self.pk}"


@dataclass(frozen=True)
class PackageContents:
    """A package's edition, expiry and licenses; those that end later count until they end."""

    kind: str
    edition: str
    expires_at: datetime
    agents: int
    sip: int

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "kind": self.kind,
            "edition": self.edition,
            "expires_at": self.expires_at.isoformat(),
            "agents": self.agents,
            "sip": self.sip,
        }


@dataclass(frozen=True)
class PackageSnapshot:
    """A package as an order finds it, with its licenses that have not ended.

    While a refund of it is under review, it cannot change.
    """

    package: Package
    state: PackageState
    licenses: tuple[LicenseSnapshot, ...]
    is_under_review: bool = False

    def count(self, kind: LicenseKind, source: LicenseSource | None = None) -> int:
        """Count licenses of a kind that continue as long as the package."""
        return sum(
            1
            for license in self.licenses
            if license.kind == kind
            and license.ends_at is None
            and (source is None or license.source == source)
        )

    @cached_property
    def contents(self) -> PackageContents:
        """What pages show of the package before and after an order."""
        numbers = Counter(license.kind for license in self.licenses)
        return PackageContents(
            kind=self.package.kind,
            edition=self.package.edition,
            expires_at=self.package.expires_at,
            agents=numbers[LicenseKind.AGENT],
            sip=numbers[LicenseKind.SIP],
        )

    @cached_property
    def bought(self) -> list[LicenseSnapshot]:
        """The additional licenses that continue as long as the package."""
        return [
            license
            for license in self.licenses
            if license.source == LicenseSource.BOUGHT and license.ends_at is None
        ]


def _packages(account_id: int) -> PackageQuerySet:
    """Return packages with application, and whether a refund is under review."""
    under_review = Package.objects.filter(pk=OuterRef("pk"), refunds__status=RefundStatus.PENDING)
    return (
        Package.objects.filter(account_id=account_id)
        .select_related("application")
        .annotate(is_under_review=Exists(under_review))
    )


def _current(account_id: int, application_id: int) -> PackageQuerySet:
    return _packages(account_id).current().filter(application_id=application_id)


def _by_key(account_id: int, keys: Sequence[int]) -> PackageQuerySet:
    return _packages(account_id).filter(pk__any=keys).order_by("pk")


#: Locking (True) or not: a sweep that notices an expiry writes without the account's lock.
_READ_CURRENT = {lock: PreparedQuery(_current, lock=lock) for lock in (False, True)}
_READ_BY_KEY = {lock: PreparedQuery(_by_key, lock=lock) for lock in (False, True)}


@PreparedQuery
def _licenses(
    account_id: int, packages: Sequence[int], now: datetime
) -> "QuerySet[License, tuple[int, int, str, str, datetime | None]]":
    found = License.objects.filter(account_id=account_id, package__any=packages).not_ended(now)
    return found.order_by("pk").values_list("package_id", "pk", "kind", "source", "ends_at")


def find_application(account: Account, application_id: int) -> Application:
    """Return the account's application; Refused where it has none of that key."""
    found = Application.objects.filter(account=account, pk=application_id).first()
    if found is None:
        raise Refused(
            _("Choose one of this account's applications."),
            code="no_application",
            field="application",
        )
    return found


def read_snapshots(
    account: Account,
    packages: Iterable[Package],
    now: datetime,
    *,
    under_review: Collection[int] | None = None,
) -> list[PackageSnapshot]:
    """Return packages with derived state and licenses, in the order given; at most four queries.

    `under_review` are those whose refund is, where the caller has read it with the packages.
    """
    listed = list(packages)
    licenses: dict[int, list[LicenseSnapshot]] = {package.pk: [] for package in listed}
    for row in _licenses(account.pk, list(licenses), now):
        licenses[row[0]].append(LicenseSnapshot(*row))
    if under_review is None:
        under_review = find_under_review(listed)
    states = derive_states(listed, now, under_review=under_review)
    return [
        PackageSnapshot(each, states[each.pk], tuple(licenses[each.pk]), each.pk in under_review)
        for each in listed
    ]


@dataclass(frozen=True)
class PackageReader:
    """Where a judgment reads packages: from the database, with or without locking them.

    `known` are packages of the account that were read for the same page at the same instant.
    """

    lock: bool = False
    known: tuple[PackageSnapshot, ...] = ()

    def find(self, account: Account, application_id: int, now: datetime) -> PackageSnapshot | None:
        """Return the package that occupies the application, or did until its release passed.

        Raises Refused where the account has no such application.
        """
        for snapshot in self.known:
            if snapshot.package.application_id == application_id:
                return snapshot
        found = self._hold(account, _READ_CURRENT[self.lock](account.pk, application_id), now)
        if not found:
            find_application(account, application_id)
            return None
        return found[0]

    def find_all(
        self, account: Account, ids: Sequence[int], now: datetime
    ) -> list[PackageSnapshot]:
        """Return packages by key, in the order given; fewer where some are not the account's."""
        known = {snapshot.package.pk: snapshot for snapshot in self.known}
        if known.keys() >= set(ids):
            return [known[pk] for pk in ids]
        found = self._hold(account, _READ_BY_KEY[self.lock](account.pk, list(ids)), now)
        by_key = {snapshot.package.pk: snapshot for snapshot in found}
        return [by_key[pk] for pk in ids if pk in by_key]

    def _hold(
        self, account: Account, packages: list[Package], now: datetime
    ) -> list[PackageSnapshot]:
        if not packages:
            return []
        under_review = {
            package.pk
            for package in packages
            if package.is_under_review  # type: ignore[attr-defined]
        }
        return read_snapshots(account, packages, now, under_review=under_review)


def find_current(
    account: Account, application: Application, now: datetime
) -> PackageSnapshot | None:
    """Return the application's package where it still occupies it at `now`."""
    snapshot = PackageReader().find(account, application.pk, now)
    return None if snapshot is None or snapshot.state == PackageState.RELEASED else snapshot
