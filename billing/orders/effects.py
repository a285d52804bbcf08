"""What an order will change: each package before and after, for the customer to confirm."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.calendar import billing_zone, expiry, months_in
from billing.catalog.pricing import PriceList
from billing.enums import Edition, LicenseKind, LicenseSource, OrderKind, PackageKind
from billing.orders.eligibility import PackageSnapshot
from billing.orders.request import OrderRequest


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
class PackageChange:
    """One package's shape before (None: there is none yet) and after an order."""

    application: int
    package: int | None
    before: PackageContents | None
    after: PackageContents
    ending: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain data, for comparing and storing."""
        return {
            "application": self.application,
            "package": self.package,
            "before": self.before.to_json() if self.before else None,
            "after": self.after.to_json(),
            "ending": list(self.ending),
        }


def read_contents(held: PackageSnapshot) -> PackageContents:
    """Return a package's present shape."""
    return PackageContents(
        kind=held.package.kind,
        edition=held.package.edition,
        expires_at=held.package.expires_at,
        agents=held.count_now(LicenseKind.AGENT),
        sip=held.count_now(LicenseKind.SIP),
    )


def _after_new(
    ask: OrderRequest, held: list[PackageSnapshot], prices: PriceList, at: datetime
) -> PackageContents:
    edition = Edition(ask.edition or "")
    package = prices.packages[edition]
    standing = held[0].count(LicenseKind.AGENT, LicenseSource.INCLUDED) if held else 0
    return PackageContents(
        kind=PackageKind.PAID.value,
        edition=edition.value,
        expires_at=expiry(at, months_in(ask.unit, ask.count), billing_zone()),
        agents=max(package.agents, standing) + ask.agents,
        sip=package.sip + ask.sip,
    )


def _after_renewal(
    ask: OrderRequest, held: PackageSnapshot, ending: tuple[int, ...]
) -> PackageContents:
    package, before = held.package, read_contents(held)
    left_out = set(ending)
    ended = [license.kind for license in held.licenses if license.pk in left_out]
    months = package.months + months_in(*ask.term_of(package.pk))
    return PackageContents(
        kind=before.kind,
        edition=before.edition,
        expires_at=expiry(package.anchor_at, months, billing_zone(), package.extension),
        agents=held.count(LicenseKind.AGENT) - ended.count(LicenseKind.AGENT),
        sip=held.count(LicenseKind.SIP) - ended.count(LicenseKind.SIP),
    )


def _after_change(ask: OrderRequest, held: PackageSnapshot) -> PackageContents:
    before = read_contents(held)
    is_upgrade = ask.kind == OrderKind.UPGRADE and ask.edition is not None
    return PackageContents(
        kind=before.kind,
        edition=str(ask.edition) if is_upgrade else before.edition,
        expires_at=before.expires_at,
        agents=before.agents + ask.agents,
        sip=before.sip + ask.sip,
    )


def describe_package_changes(
    ask: OrderRequest, held: list[PackageSnapshot], prices: PriceList, at: datetime
) -> tuple[PackageChange, ...]:
    """Return what the ask changes, one effect for each package."""
    if ask.kind == OrderKind.NEW:
        return (
            PackageChange(
                application=ask.application,
                package=held[0].package.pk if held else None,
                before=read_contents(held[0]) if held else None,
                after=_after_new(ask, held, prices, at),
                ending=ask.ending,
            ),
        )
    ending = {renewed.package: renewed.ending for renewed in ask.renewed}
    return tuple(
        PackageChange(
            application=each.package.application_id,
            package=each.package.pk,
            before=read_contents(each),
            after=_after_renewal(ask, each, ending[each.package.pk])
            if ask.kind == OrderKind.RENEWAL
            else _after_change(ask, each),
            ending=ending.get(each.package.pk, ()),
        )
        for each in held
    )
