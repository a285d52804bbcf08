"""From an ask and the packages it builds on to priced lines."""

from collections import Counter
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.errors import Refused
from billing.calendar import Remaining, billing_zone, boundary, remaining, remaining_until
from billing.catalog.pricing import (
    PricedLine,
    PriceList,
    UpgradedPart,
    price_additional,
    price_terms,
    price_upgrade,
)
from billing.enums import Edition, ItemKind, LicenseKind, OrderKind, PackageState, TermUnit
from billing.orders.eligibility import PackageSnapshot
from billing.orders.request import OrderRequest

#: Application, package (None: none yet), whether it stays trial money, and the line.
PricedItem = tuple[int, int | None, bool, PricedLine]


def remaining_of(held: PackageSnapshot, now: datetime) -> Remaining:
    """Return the time that a live package has left at `now`."""
    package = held.package
    if held.state == PackageState.TRIAL:
        return remaining_until(package.expires_at, now)
    return remaining(
        anchor=package.anchor_at,
        months=package.months,
        extension=package.extension,
        now=now,
        tz=billing_zone(),
    )


def _price_new(
    ask: OrderRequest, held: list[PackageSnapshot], prices: PriceList, now: datetime
) -> list[PricedItem]:
    if ask.edition is None:
        raise Refused(_("Choose an edition."), code="no_edition", field="edition")
    package = held[0].package.pk if held else None
    lines = price_terms(prices, ask.edition, ask.unit, ask.count, ask.agents, ask.sip)
    return [(ask.application, package, False, line) for line in lines]


def _price_additional(
    ask: OrderRequest, held: list[PackageSnapshot], prices: PriceList, now: datetime
) -> list[PricedItem]:
    package = held[0].package
    lines = price_additional(
        prices,
        Edition(package.edition),
        TermUnit(package.term_unit),
        remaining_of(held[0], now),
        ask.agents,
        ask.sip,
    )
    is_on_trial = held[0].state == PackageState.TRIAL
    return [(package.application_id, package.pk, is_on_trial, line) for line in lines]


def _price_renewal(
    ask: OrderRequest, held: list[PackageSnapshot], prices: PriceList, now: datetime
) -> list[PricedItem]:
    ending = {renewed.package: set(renewed.ending) for renewed in ask.renewed}
    placed: list[PricedItem] = []
    for each in held:
        kept = Counter(
            license.kind for license in each.bought if license.pk not in ending[each.package.pk]
        )
        unit, count = ask.term_of(each.package.pk)
        lines = price_terms(
            prices,
            Edition(each.package.edition),
            unit,
            count,
            kept[LicenseKind.AGENT],
            kept[LicenseKind.SIP],
        )
        placed += [(each.package.application_id, each.package.pk, False, line) for line in lines]
    return placed


def _upgraded_parts(held: PackageSnapshot, now: datetime) -> list[UpgradedPart]:
    """Return the package and its additional licenses, grouped by the time that each has left.

    A license that a renewal left out has less time than its package.
    """
    left = remaining_of(held, now)
    parts = [UpgradedPart(ItemKind.PACKAGE, 1, left)]
    groups = Counter(
        (license.kind, license.ends_at) for license in held.licenses if license.source == "bought"
    )
    for (kind, ends_at), quantity in sorted(groups.items(), key=lambda group: str(group[0])):
        part_left = left if ends_at is None else _remaining_to(held, ends_at, now)
        parts.append(UpgradedPart(ItemKind(kind), quantity, part_left, ends_at))
    return parts


def _remaining_to(held: PackageSnapshot, end: datetime, now: datetime) -> Remaining:
    """Return the time to an earlier expiry of the package, which was one of its boundaries."""
    package, tz = held.package, billing_zone()
    months = next(
        (
            months
            for months in range(package.months, 0, -1)
            if boundary(package.anchor_at, months, tz, package.extension) <= end
        ),
        0,
    )
    return remaining(
        anchor=package.anchor_at, months=months, extension=package.extension, now=now, tz=tz
    )


def _price_upgrade(
    ask: OrderRequest, held: list[PackageSnapshot], prices: PriceList, now: datetime
) -> list[PricedItem]:
    package = held[0].package
    lines = price_upgrade(
        prices,
        Edition(package.edition),
        Edition.PREMIUM,
        TermUnit(package.term_unit),
        _upgraded_parts(held[0], now),
    )
    return [(package.application_id, package.pk, False, line) for line in lines]


_PRICES = {
    OrderKind.NEW: _price_new,
    OrderKind.ADDITIONAL: _price_additional,
    OrderKind.RENEWAL: _price_renewal,
    OrderKind.UPGRADE: _price_upgrade,
}


def price_request(
    ask: OrderRequest, held: list[PackageSnapshot], prices: PriceList, now: datetime
) -> list[PricedItem]:
    """Return the lines of an ask that was judged eligible, priced at `now`."""
    return _PRICES[ask.kind](ask, held, prices, now)
