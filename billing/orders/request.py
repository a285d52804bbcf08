"""What a customer asks to buy, as a small frozen value that can be signed and stored."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from billing.enums import Edition, OrderKind, TermUnit
from billing.offers.services import OfferScope
from billing.packages.models import Package


@dataclass(frozen=True)
class RenewedPackage:
    """One package of a renewal: for how many terms of which kind, and what ends.

    `ending` holds the ids of the additional licenses that are left out.
    """

    package: int
    ending: tuple[int, ...] = ()
    unit: TermUnit = TermUnit.MONTH
    count: int = 1


@dataclass(frozen=True)
class OrderRequest:
    """One order to be priced.

    A new purchase, additional purchase or upgrade names its `application` (a key); a renewal
    names its packages, each with its own term; `unit` and `count` are the term of a new purchase.
    `agents` and `sip` are additional licenses. `ending` holds licenses
    of a trial that do not go over to the package that is bought on it. `payer` is another
    account's UIN, or empty for self-pay. `without` lists kinds of fund that should not pay.
    """

    kind: OrderKind
    application: int = 0
    edition: Edition | None = None
    unit: TermUnit = TermUnit.MONTH
    count: int = 1
    agents: int = 0
    sip: int = 0
    renewed: tuple[RenewedPackage, ...] = ()
    ending: tuple[int, ...] = ()
    promotion: int | None = None
    coupon: int | None = None
    payer: str = ""
    without: tuple[str, ...] = field(default=())

    def term_of(self, package: int | None) -> tuple[TermUnit, int]:
        """Return the kind and number of terms that are asked for a package.

        None stands for a package that does not exist yet.
        """
        for renewed in self.renewed:
            if renewed.package == package:
                return renewed.unit, renewed.count
        return self.unit, self.count

    def to_json(self) -> dict[str, Any]:
        """Return plain data for a signed token, or for the order's row."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the request that `to_json` gave."""
        values = dict(data)
        values["kind"] = OrderKind(values["kind"])
        values["edition"] = Edition(values["edition"]) if values["edition"] else None
        values["unit"] = TermUnit(values["unit"])
        values["renewed"] = tuple(
            RenewedPackage(
                package=row["package"],
                ending=tuple(row["ending"]),
                unit=TermUnit(row["unit"]),
                count=row["count"],
            )
            for row in values["renewed"]
        )
        for name in ("ending", "without"):
            values[name] = tuple(values[name])
        return cls(**values)


def in_scope(order_request: OrderRequest, packages: Iterable[Package]) -> OfferScope:
    """Return what limits the offers for a request and the packages that it is for.

    What is bought for packages that exist is of their edition. Where editions or kinds of term
    differ, it is of none, so that an offer for one of them is not used for another (ADR 0015).
    Additional licenses and upgrades are of the package's own term.
    """
    found = list(packages)
    if order_request.kind == OrderKind.NEW or not found:
        return OfferScope(
            order_request.kind, order_request.edition, order_request.unit, order_request.count
        )
    editions = {Edition(package.edition) for package in found}
    edition = editions.pop() if len(editions) == 1 else None
    if order_request.kind == OrderKind.RENEWAL:
        terms = [order_request.term_of(package.pk) for package in found]
        units = {unit for unit, _count in terms}
        unit = units.pop() if len(units) == 1 else None
        return OfferScope(order_request.kind, edition, unit, min(count for _unit, count in terms))
    own = TermUnit(found[0].term_unit)
    return OfferScope(
        order_request.kind, order_request.edition or edition, own, order_request.count
    )
