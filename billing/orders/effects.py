"""What an order will change: each package before and after, for the customer to confirm."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.calendar import billing_zone, expiry, months_in
from billing.catalog.pricing import PriceList
from billing.enums import Edition, LicenceKind, LicenceSource, OrderKind, PackageKind
from billing.orders.eligibility import Held
from billing.orders.request import Ask


@dataclass(frozen=True)
class Shape:
    """A package's edition, expiry and licences; those that end later count until they end."""

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
class Effect:
    """One package's shape before (None: there is none yet) and after an order."""

    application: int
    package: int | None
    before: Shape | None
    after: Shape
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


def shape_of(held: Held) -> Shape:
    """Return a package's present shape."""
    return Shape(
        kind=held.package.kind,
        edition=held.package.edition,
        expires_at=held.package.expires_at,
        agents=held.count_now(LicenceKind.AGENT),
        sip=held.count_now(LicenceKind.SIP),
    )


def _after_new(ask: Ask, held: list[Held], prices: PriceList, at: datetime) -> Shape:
    edition = Edition(ask.edition or "")
    package = prices.packages[edition]
    standing = held[0].count(LicenceKind.AGENT, LicenceSource.INCLUDED) if held else 0
    return Shape(
        kind=PackageKind.PAID.value,
        edition=edition.value,
        expires_at=expiry(at, months_in(ask.unit, ask.count), billing_zone()),
        agents=max(package.agents, standing) + ask.agents,
        sip=package.sip + ask.sip,
    )


def _after_renewal(ask: Ask, held: Held, ending: tuple[int, ...]) -> Shape:
    package, before = held.package, shape_of(held)
    left_out = set(ending)
    ended = [licence.kind for licence in held.licences if licence.pk in left_out]
    months = package.months + months_in(*ask.term_of(package.pk))
    return Shape(
        kind=before.kind,
        edition=before.edition,
        expires_at=expiry(package.anchor_at, months, billing_zone(), package.extension),
        agents=held.count(LicenceKind.AGENT) - ended.count(LicenceKind.AGENT),
        sip=held.count(LicenceKind.SIP) - ended.count(LicenceKind.SIP),
    )


def _after_change(ask: Ask, held: Held) -> Shape:
    before = shape_of(held)
    is_upgrade = ask.kind == OrderKind.UPGRADE and ask.edition is not None
    return Shape(
        kind=before.kind,
        edition=str(ask.edition) if is_upgrade else before.edition,
        expires_at=before.expires_at,
        agents=before.agents + ask.agents,
        sip=before.sip + ask.sip,
    )


def describe_effects(
    ask: Ask, held: list[Held], prices: PriceList, at: datetime
) -> tuple[Effect, ...]:
    """Return what the ask changes, one effect for each package."""
    if ask.kind == OrderKind.NEW:
        return (
            Effect(
                application=ask.application,
                package=held[0].package.pk if held else None,
                before=shape_of(held[0]) if held else None,
                after=_after_new(ask, held, prices, at),
                ending=ask.ending,
            ),
        )
    ending = {renewed.package: renewed.ending for renewed in ask.renewed}
    return tuple(
        Effect(
            application=each.package.application_id,
            package=each.package.pk,
            before=shape_of(each),
            after=_after_renewal(ask, each, ending[each.package.pk])
            if ask.kind == OrderKind.RENEWAL
            else _after_change(ask, each),
            ending=ending.get(each.package.pk, ()),
        )
        for each in held
    )
