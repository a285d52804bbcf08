"""Which edition suffices for what someone needs: pure, from the rows of the feature table.

A row that both editions have with different scopes is two needs: the feature at all, and the
wider scope. The suggestion is the cheapest edition that covers every need.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.catalog.models import Feature
from billing.enums import Edition

#: Ends the key of a need for the scope that one edition alone has.
_SCOPE = ":{edition}"


@dataclass(frozen=True)
class Need:
    """Something that one may want, and the editions that have it."""

    key: str
    group: str
    label: str
    editions: frozenset[Edition]

    @property
    def only(self) -> Edition | None:
        """The one edition that has it, if it is but one."""
        return next(iter(self.editions)) if len(self.editions) == 1 else None


@dataclass(frozen=True)
class EditionAdvice:
    """The edition that suffices for the needs, and why.

    `deciding` are the needs that rule the cheaper edition out, `lacking` those that no single
    edition covers together with the rest. `saved` is what the suggested edition's package costs
    less a month than the dearest one.
    """

    edition: Edition
    deciding: tuple[str, ...]
    lacking: tuple[str, ...]
    saved: Decimal
    is_of_needs: bool


def _scopes(feature: Feature) -> dict[Edition, tuple[bool, str, str]]:
    """Return for each edition whether it has the row, its scope, and the scope's words."""
    return {
        Edition.ESSENTIAL: (
            feature.in_essential,
            feature.essential_scope,
            feature.essential_label,
        ),
        Edition.PREMIUM: (feature.in_premium, feature.premium_scope, feature.premium_label),
    }


def _needs_of(feature: Feature) -> list[Need]:
    scopes = {edition: row for edition, row in _scopes(feature).items() if row[0]}
    if not scopes:
        return []
    group, label = feature.group_label, feature.label
    needs = [Need(feature.key, group, label, frozenset(scopes))]
    if len({scope for _has, scope, _words in scopes.values()}) > 1:
        needs += [
            Need(
                feature.key + _SCOPE.format(edition=edition.value),
                group,
                f"{label}: {words}",
                frozenset({edition}),
            )
            for edition, (_has, scope, words) in scopes.items()
            if scope
        ]
    return needs


def list_needs(features: Sequence[Feature]) -> list[Need]:
    """Return what one may want, in the order of the table."""
    return [need for feature in features for need in _needs_of(feature)]


def advise(
    needs: Sequence[Need], wanted: Collection[str], monthly: Mapping[Edition, Decimal]
) -> EditionAdvice:
    """Return the cheapest edition that covers all that is wanted, or else the most of it.

    `wanted` are keys of `needs`; unknown ones count for nothing, since the table may have been
    replaced since the page was shown. `monthly` prices every edition's package.
    """
    chosen = [need for need in needs if need.key in wanted]
    by_price = sorted(monthly, key=lambda edition: monthly[edition])
    best = max(by_price, key=lambda edition: sum(edition in need.editions for need in chosen))
    cheaper = set(by_price[: by_price.index(best)])
    return EditionAdvice(
        edition=best,
        deciding=tuple(need.label for need in chosen if cheaper - need.editions),
        lacking=tuple(need.label for need in chosen if best not in need.editions),
        saved=max(monthly.values()) - monthly[best],
        is_of_needs=bool(chosen),
    )
