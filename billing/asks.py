"""What a customer asks to buy, as a small frozen value that can be signed and stored."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from billing.enums import Edition, OrderKind, TermUnit


@dataclass(frozen=True)
class RenewedPackage:
    """One package of a renewal: how many additional licences go on, and which ones end.

    `ending` holds the ids of the additional licences that are left out.
    """

    package: int
    ending: tuple[int, ...] = ()


@dataclass(frozen=True)
class Ask:
    """One order to be priced.

    A new purchase, additional purchase or upgrade names its `application` (a key); a renewal
    names its packages. `agents` and `sip` are additional licences. `ending` holds licences
    of a trial that do not go over to the package that is bought on it. `payer` is another
    account's UIN, or empty for self-pay. `without` lists kinds of fund that shall not pay.
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

    def to_json(self) -> dict[str, Any]:
        """Return plain data for a signed token, or for the order's row."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the ask that `to_json` gave."""
        values = dict(data)
        values["kind"] = OrderKind(values["kind"])
        values["edition"] = Edition(values["edition"]) if values["edition"] else None
        values["unit"] = TermUnit(values["unit"])
        values["renewed"] = tuple(
            RenewedPackage(package=row["package"], ending=tuple(row["ending"]))
            for row in values["renewed"]
        )
        for name in ("ending", "without"):
            values[name] = tuple(values[name])
        return cls(**values)
