"""From a request and the packages that it builds on to priced lines."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

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
from billing.orders.request import OrderRequest
from billing.orders.snapshots import PackageSnapshot

_ZERO = Decimal("0.00")


@dataclass(frozen=True)
class QuotedLine:
    """One priced line, where it goes, and its share of the deductions.

    `package` is None where there is none yet; `term_unit` is empty where the line is for the time
    that a package has left.
    """

    application: int
    package: int | None
    priced: PricedLine
    term_unit: str = ""
    term_count: int = 0
    is_on_trial: bool = False
    promotion_amount: Decimal = _ZERO
    coupon_amount: Decimal = _ZERO

    @property
    def net(self) -> Decimal:
        """What the line costs after its deductions."""
        return self.priced.amount - self.promotion_amount - self.coupon_amount

    def to_json(self) -> dict[str, Any]:
        """Return plain data, for comparing and signing."""
        priced = self.priced
        return {
            "application": self.application,
            "package": self.package,
            "item": priced.item.value,
            "edition": priced.edition.value,
            "from_edition": priced.from_edition.value if priced.from_edition else "",
            "quantity": priced.quantity,
            "unit_price": str(priced.unit_price),
            "amount": str(priced.amount),
            "formula": priced.formula,
            "promotion_amount": str(self.promotion_amount),
            "coupon_amount": str(self.coupon_amount),
        }


def remaining_of(snapshot: PackageSnapshot, now: datetime) -> Remaining:
    """Return the time that a live package has left at `now`."""
    package = snapshot.package
    if snapshot.state == PackageState.TRIAL:
        return remaining_until(package.expires_at, now)
    return remaining(
        anchor=package.anchor_at,
        months=package.months,
        extension=package.extension,
        now=now,
        tz=billing_zone(),
    )


def _price_new(
    order_request: OrderRequest,
    snapshots: Sequence[PackageSnapshot],
    prices: PriceList,
    now: datetime,
) -> list[QuotedLine]:
    if order_request.edition is None:
        raise Refused(_("Choose an edition."), code="no_edition", field="edition")
    package = snapshots[0].package.pk if snapshots else None
    unit, count = order_request.unit, order_request.count
    lines = price_terms(
        prices, order_request.edition, unit, count, order_request.agents, order_request.sip
    )
    return [QuotedLine(order_request.application, package, line, unit, count) for line in lines]


def _price_additional(
    order_request: OrderRequest,
    snapshots: Sequence[PackageSnapshot],
    prices: PriceList,
    now: datetime,
) -> list[QuotedLine]:
    package = snapshots[0].package
    lines = price_additional(
        prices,
        Edition(package.edition),
        TermUnit(package.term_unit),
        remaining_of(snapshots[0], now),
        order_request.agents,
        order_request.sip,
    )
    is_on_trial = snapshots[0].state == PackageState.TRIAL
    return [
        QuotedLine(package.application_id, package.pk, line, is_on_trial=is_on_trial)
        for line in lines
    ]


def _price_renewal(
    order_request: OrderRequest,
    snapshots: Sequence[PackageSnapshot],
    prices: PriceList,
    now: datetime,
) -> list[QuotedLine]:
    ending = {renewed.package: set(renewed.ending) for renewed in order_request.renewed}
    quoted: list[QuotedLine] = []
    for each in snapshots:
        kept = Counter(
            license.kind for license in each.bought if license.pk not in ending[each.package.pk]
        )
        unit, count = order_request.term_of(each.package.pk)
        lines = price_terms(
            prices,
            Edition(each.package.edition),
            unit,
            count,
            kept[LicenseKind.AGENT],
            kept[LicenseKind.SIP],
        )
        quoted += [
            QuotedLine(each.package.application_id, each.package.pk, line, unit, count)
            for line in lines
        ]
    return quoted


def _upgraded_parts(snapshot: PackageSnapshot, now: datetime) -> list[UpgradedPart]:
    """Return the package and its additional licenses, grouped by the time that each has left.

    A license that a renewal left out has less time than its package.
    """
    left = remaining_of(snapshot, now)
    parts = [UpgradedPart(ItemKind.PACKAGE, 1, left)]
    groups = Counter(
        (license.kind, license.ends_at)
        for license in snapshot.licenses
        if license.source == "bought"
    )
    for (kind, ends_at), quantity in sorted(groups.items(), key=lambda group: str(group[0])):
        part_left = left if ends_at is None else _remaining_to(snapshot, ends_at, now)
        parts.append(UpgradedPart(ItemKind(kind), quantity, part_left, ends_at))
    return parts


def _remaining_to(snapshot: PackageSnapshot, end: datetime, now: datetime) -> Remaining:
    """Return the time to an earlier expiry of the package, which was one of its boundaries."""
    package, tz = snapshot.package, billing_zone()
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
    order_request: OrderRequest,
    snapshots: Sequence[PackageSnapshot],
    prices: PriceList,
    now: datetime,
) -> list[QuotedLine]:
    package = snapshots[0].package
    lines = price_upgrade(
        prices,
        Edition(package.edition),
        Edition.PREMIUM,
        TermUnit(package.term_unit),
        _upgraded_parts(snapshots[0], now),
    )
    return [QuotedLine(package.application_id, package.pk, line) for line in lines]


_PRICES = {
    OrderKind.NEW: _price_new,
    OrderKind.ADDITIONAL: _price_additional,
    OrderKind.RENEWAL: _price_renewal,
    OrderKind.UPGRADE: _price_upgrade,
}


def price_lines(
    order_request: OrderRequest,
    snapshots: Sequence[PackageSnapshot],
    prices: PriceList,
    now: datetime,
) -> list[QuotedLine]:
    """Return the lines of a request that was judged eligible, priced at `now`, without offers."""
    return _PRICES[order_request.kind](order_request, snapshots, prices, now)
