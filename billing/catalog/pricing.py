"""What things cost: pure formulas on a price list (guide, Billing Overview).

Every amount is a Decimal with 2 decimals in the list's currency. Each line keeps its formula as
plain data, and `billing.catalog.labels` says it in words.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from billing.calendar import Remaining
from billing.enums import Edition, ItemKind, LicenseKind, TermUnit

_CENT = Decimal("0.01")
#: By how many days a month's price is divided for the price of one.
DAYS_IN_PRICE_MONTH = 30

#: How many terms one order may buy.
TERM_LIMITS = {TermUnit.MONTH: (1, 12), TermUnit.YEAR: (1, 3)}


class PricingError(ValueError):
    """A request that cannot be priced; `field` is the form field at fault."""

    def __init__(self, message: str | Promise, field: str) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


@dataclass(frozen=True)
class PackagePrice:
    """A package's price and the licenses that it includes."""

    monthly: Decimal
    annual: Decimal
    agents: int
    sip: int


@dataclass(frozen=True)
class ItemPrice:
    """An additional license's price."""

    monthly: Decimal
    annual: Decimal


@dataclass(frozen=True)
class PriceList:
    """One price book, ready to compute with."""

    version: int
    currency: str
    packages: Mapping[Edition, PackagePrice]
    additional: Mapping[tuple[Edition, LicenseKind], ItemPrice]

    def price_of(self, edition: Edition, item: ItemKind) -> PackagePrice | ItemPrice:
        """Return the price of a package, or of an additional license."""
        if item == ItemKind.PACKAGE:
            return self.packages[edition]
        return self.additional[edition, LicenseKind(item.value)]


@dataclass(frozen=True)
class PricedLine:
    """One thing with its price; `formula` is how it came about: a kind, and the numbers in it."""

    item: ItemKind
    edition: Edition
    from_edition: Edition | None
    quantity: int
    unit_price: Decimal
    amount: Decimal
    formula: Mapping[str, Any]


def monthly_of(price: PackagePrice | ItemPrice, unit: TermUnit | str) -> Fraction:
    """Return what a month costs by the term: an annual price is spread over 12 months.

    A fraction, since a twelfth of a price need not be a whole number of cents.
    """
    return Fraction(price.annual) / 12 if unit == TermUnit.YEAR else Fraction(price.monthly)


def _round_half_up(amount: Fraction) -> Decimal:
    """Return the amount to the cent; a half cent goes up (amounts here are never below zero)."""
    return Decimal(math.floor(amount * 100 + Fraction(1, 2))) * _CENT


def midterm_unit_price(monthly: Fraction | Decimal, left: Remaining) -> Decimal:
    """Return the price of one license for the time left.

    Whole months at the monthly price, then days at a `DAYS_IN_PRICE_MONTH`th of it each, the days
    never above one month; rounded half up to the cent, at least one cent (ADR 0022).
    """
    price = Fraction(monthly)
    days = price * min(left.days, DAYS_IN_PRICE_MONTH) / DAYS_IN_PRICE_MONTH
    return max(_round_half_up(price * left.months + days), _CENT)


def check_term(unit: TermUnit, count: int) -> None:
    """Raise PricingError for a term that no one can buy."""
    low, high = TERM_LIMITS[unit]
    if not low <= count <= high:
        raise PricingError(
            _("Choose from %(low)d to %(high)d terms.") % {"low": low, "high": high}, "count"
        )


def check_quantities(agents: int, sip: int, limit: int) -> None:
    """Raise PricingError for numbers of licenses that no order carries."""
    for name, number in (("agents", agents), ("sip", sip)):
        if number < 0:
            raise PricingError(_("The number cannot be below zero."), name)
        if number > limit:
            raise PricingError(
                _("An order can have at most %(limit)d licenses.") % {"limit": limit}, name
            )
    if agents + sip > limit:
        raise PricingError(
            _("An order can have at most %(limit)d licenses.") % {"limit": limit}, "agents"
        )


def people_to_extra_agents(people: int, included: int) -> int:
    """Return the additional licenses that `people` need beyond the included ones."""
    return max(0, people - included)


def _list_line(
    prices: PriceList,
    item: ItemKind,
    edition: Edition,
    unit: TermUnit,
    count: int,
    quantity: int,
) -> PricedLine:
    price = prices.price_of(edition, item)
    term = price.annual if unit == TermUnit.YEAR else price.monthly
    unit_price = term * count
    return PricedLine(
        item=item,
        edition=edition,
        from_edition=None,
        quantity=quantity,
        unit_price=unit_price,
        amount=unit_price * quantity,
        formula={
            "kind": "list",
            "quantity": quantity,
            "count": count,
            "unit": unit.value,
            "price": str(term),
        },
    )


def price_terms(
    prices: PriceList, edition: Edition, unit: TermUnit, count: int, agents: int, sip: int
) -> list[PricedLine]:
    """Price a package with additional licenses for whole terms: a new purchase or a renewal."""
    check_term(unit, count)
    wanted = ((ItemKind.PACKAGE, 1), (ItemKind.AGENT, agents), (ItemKind.SIP, sip))
    return [
        _list_line(prices, item, edition, unit, count, quantity)
        for item, quantity in wanted
        if quantity
    ]


def _show_monthly(monthly: Fraction) -> str:
    """Return a monthly price for the formula: to the cent, or with 4 decimals where it needs."""
    in_cents = _round_half_up(monthly)
    if in_cents == monthly:
        return str(in_cents)
    return str((Decimal(monthly.numerator) / monthly.denominator).quantize(Decimal("0.0001")))


def _midterm_line(
    item: ItemKind,
    edition: Edition,
    quantity: int,
    monthly: Fraction,
    left: Remaining,
    from_edition: Edition | None = None,
    ends_at: datetime | None = None,
) -> PricedLine:
    unit_price = midterm_unit_price(monthly, left)
    return PricedLine(
        item=item,
        edition=edition,
        from_edition=from_edition,
        quantity=quantity,
        unit_price=unit_price,
        amount=unit_price * quantity,
        formula={
            "kind": "upgrade" if from_edition else "midterm",
            "quantity": quantity,
            "months": left.months,
            "days": left.days,
            "monthly": _show_monthly(monthly),
            "unit_price": str(unit_price),
            **({"ends_at": ends_at.isoformat()} if ends_at else {}),
        },
    )


def price_additional(
    prices: PriceList, edition: Edition, unit: TermUnit, left: Remaining, agents: int, sip: int
) -> list[PricedLine]:
    """Price additional licenses for the time that a package has left."""
    wanted = ((LicenseKind.AGENT, agents), (LicenseKind.SIP, sip))
    return [
        _midterm_line(
            ItemKind(kind.value),
            edition,
            quantity,
            monthly_of(prices.additional[edition, kind], unit),
            left,
        )
        for kind, quantity in wanted
        if quantity
    ]


@dataclass(frozen=True)
class UpgradedPart:
    """Some things of one kind that an upgrade lifts, with the time that each has left.

    `ends_at` is set where they end before the package does.
    """

    item: ItemKind
    quantity: int
    left: Remaining
    ends_at: datetime | None = None


def price_upgrade(
    prices: PriceList,
    from_edition: Edition,
    to_edition: Edition,
    unit: TermUnit,
    parts: list[UpgradedPart],
) -> list[PricedLine]:
    """Price the difference of two editions, part by part, for the time that each has left."""
    return [
        _midterm_line(
            part.item,
            to_edition,
            part.quantity,
            monthly_of(prices.price_of(to_edition, part.item), unit)
            - monthly_of(prices.price_of(from_edition, part.item), unit),
            part.left,
            from_edition,
            part.ends_at,
        )
        for part in parts
        if part.quantity
    ]
