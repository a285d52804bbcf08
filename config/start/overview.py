"""How an account's applications stand: packages, licenses and expiries.

A few queries, the same however many packages there are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse

from accounts.models import Account, Application
from billing.catalog.pricing import PriceList, people_to_extra_agents, price_terms
from billing.enums import Edition, LicenseKind, PackageState, TermUnit
from billing.models import License, Package
from billing.packages.status import PackageStatus, read_status, read_statuses


@dataclass(frozen=True)
class PackageRow:
    """One application with its newest package, as it is now.

    Licenses count while the package keeps them, until they end; one that is over has none.
    """

    application: Application
    status: PackageStatus
    agents: int
    agents_used: int
    sip: int
    sip_used: int

    @property
    def package(self) -> Package | None:
        """The newest package; None where there never was one, or it is over."""
        return None if self.status.is_over else self.status.package

    @property
    def state(self) -> PackageState | None:
        """The state of `package`."""
        return None if self.status.is_over else self.status.state

    @property
    def agents_free(self) -> int:
        """Licenses that can be assigned."""
        return self.agents - self.agents_used if self.is_live else 0

    @property
    def is_live(self) -> bool:
        """Whether licenses work, as far as the package is concerned."""
        return self.status.is_live

    @property
    def manage_url(self) -> str:
        """Where the application's agents are managed."""
        return address_of("agents:management", self.application)


@dataclass(frozen=True)
class NextExpiry:
    """The package in service that expires next, and what one more term costs.

    The cost is that of all its licenses at the prices that apply now, before promotions and
    coupons; a trial is not renewed, so it has none.
    """

    row: PackageRow
    cost: Decimal | None


def find_next_expiry(rows: Iterable[PackageRow], prices: PriceList) -> NextExpiry | None:
    """Return what expires next among rows in order of expiry; None where nothing is in service."""
    row = next((row for row in rows if row.package and row.is_live), None)
    if row is None or row.package is None:
        return None
    is_trial = row.state == PackageState.TRIAL
    return NextExpiry(row, None if is_trial else _renewal_cost(row, row.package, prices))


def _renewal_cost(row: PackageRow, package: Package, prices: PriceList) -> Decimal:
    edition, unit = Edition(package.edition), TermUnit(package.term_unit)
    included = prices.packages[edition]
    lines = price_terms(
        prices,
        edition,
        unit,
        1,
        people_to_extra_agents(row.agents, included.agents),
        people_to_extra_agents(row.sip, included.sip),
    )
    return sum((line.amount for line in lines), Decimal(0))


def address_of(name: str, application: Application) -> str:
    """Return the address of an application's page."""
    return reverse(name, kwargs={"uin": application.account.uin, "sdkappid": application.sdkappid})


_NO_LICENSES = {"agents": 0, "agents_used": 0, "sip": 0, "sip_used": 0}


def _newest_packages(account: Account, now: datetime) -> dict[int, PackageStatus]:
    """Return what the newest package of each application is, by the application's key."""
    newest = Package.objects.filter(account=account).order_by("application", "-pk")
    statuses = read_statuses(newest.distinct("application"), account, now)
    return {status.package.application_id: status for status in statuses.values() if status.package}


def _license_counts(account: Account, now: datetime) -> dict[int, dict[str, int]]:
    """Return for each package its licenses and how many are held, by kind."""
    agent, sip = Q(kind=LicenseKind.AGENT), Q(kind=LicenseKind.SIP)
    rows: Iterable[Mapping[str, Any]] = (
        License.objects.filter(account=account)
        .not_ended(now)
        .values("package")
        .annotate(
            agents=Count("pk", filter=agent),
            agents_used=Count("agent", filter=agent),
            sip=Count("pk", filter=sip),
            sip_used=Count("telephone", filter=sip),
        )
    )
    return {row["package"]: {name: row[name] for name in _NO_LICENSES} for row in rows}


def read_packages(account: Account, now: datetime) -> list[PackageRow]:
    """Return the account's applications with their packages, what expires first on top."""
    newest, counts = _newest_packages(account, now), _license_counts(account, now)
    none = read_status(None, account, now)
    rows = []
    for application in Application.objects.filter(account=account).select_related("account"):
        status = newest.get(application.pk, none)
        is_kept = status.package is not None and not status.is_over
        numbers = counts.get(status.package.pk, _NO_LICENSES) if is_kept else _NO_LICENSES  # type: ignore[union-attr]
        rows.append(PackageRow(application=application, status=status, **numbers))
    far = now + timedelta(days=36_500)
    return sorted(rows, key=lambda row: row.package.expires_at if row.package else far)
