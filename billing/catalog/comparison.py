"""The comparison of the editions, and the price list: in the console and in public."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from billing.catalog.models import Feature
from billing.catalog.pricing import ItemPrice, PackagePrice, PriceList
from billing.enums import Edition, ItemKind, LicenseKind


@dataclass(frozen=True)
class EditionColumn:
    """What one edition costs: its package, and each kind of additional license."""

    edition: Edition
    package: PackagePrice
    additional: tuple[tuple[ItemKind, ItemPrice], ...]


def edition_columns(prices: PriceList) -> list[EditionColumn]:
    """Return the editions with all their prices, in order."""
    return [
        EditionColumn(
            edition=edition,
            package=prices.packages[edition],
            additional=tuple(
                (ItemKind(kind.value), prices.additional[edition, kind]) for kind in LicenseKind
            ),
        )
        for edition in Edition
    ]


def differing_rows(features: Iterable[Feature]) -> list[Feature]:
    """Return the rows in which the editions differ."""
    return [
        feature
        for feature in features
        if (feature.in_essential, feature.essential_scope)
        != (feature.in_premium, feature.premium_scope)
    ]


def grouped(features: Sequence[Feature]) -> list[tuple[str, list[Feature]]]:
    """Return the rows under the headings of the table, in its order."""
    groups: dict[str, list[Feature]] = {}
    for feature in features:
        groups.setdefault(feature.group_label, []).append(feature)
    return list(groups.items())
