"""Choosing which additional licenses end where an order continues with fewer of them.

The number to continue with comes first; it says how many end. Which ones is proposed, and the
customer may tick others. Reads only; `eligibility` judges what was ticked.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from billing.enums import LicenseKind
from billing.orders.snapshots import LicenseSnapshot, PackageSnapshot
from billing.packages.holders import Holder, find_holders, order_for_ending

#: A longer list of licenses is no help in choosing; then the proposal is taken (ADR 0038).
CHOOSER_LIMIT = 300


@dataclass(frozen=True)
class Candidate:
    """An additional license that may end, and who holds it."""

    license: LicenseSnapshot
    holder: Holder | None
    is_ending: bool


@dataclass(frozen=True)
class LicenseReduction:
    """What ends of one package: how many of each kind, which ones, and among which to choose.

    `mark` tells for which numbers the candidates were shown: where the numbers have changed
    since, what was ticked no longer counts. `shortage` is how many more must be ticked (below
    zero: fewer), by kind.
    """

    needed: Mapping[LicenseKind, int] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()
    chosen: tuple[int, ...] = ()
    shortage: Mapping[LicenseKind, int] = field(default_factory=dict)
    is_automatic: bool = False

    @property
    def total(self) -> int:
        """How many licenses end."""
        return sum(self.needed.values())

    @property
    def mark(self) -> str:
        """The numbers for which the candidates are shown."""
        return ".".join(str(self.needed.get(kind, 0)) for kind in LicenseKind)


def choose_reduction(
    snapshot: PackageSnapshot,
    *,
    keep: Mapping[LicenseKind, int],
    ticked: Collection[int],
    mark: str,
) -> LicenseReduction:
    """Return what ends where `keep` additional licenses of each kind continue.

    `ticked` are the licenses that were ticked in a form, `mark` what that form was shown for.
    A kind that `keep` does not name continues whole, and so does one that has no more than asked.
    """
    bought = {kind: [each for each in snapshot.bought if each.kind == kind] for kind in LicenseKind}
    fewer = {kind: len(rows) - keep.get(kind, len(rows)) for kind, rows in bought.items()}
    needed = {kind: number for kind, number in fewer.items() if number > 0}
    if not needed:
        return LicenseReduction()
    rows = [each for kind in needed for each in bought[kind]]
    holders = find_holders([each.pk for each in rows])
    ordered = {
        kind: order_for_ending([each.pk for each in bought[kind]], holders) for kind in needed
    }
    proposed = {pk for kind, number in needed.items() for pk in ordered[kind][:number]}
    is_automatic = len(rows) > CHOOSER_LIMIT
    known = {each.pk for each in rows}
    is_same = mark == LicenseReduction(needed).mark and not is_automatic
    chosen = known & set(ticked) if is_same else proposed
    by_key = {each.pk: each for each in rows}
    candidates = tuple(
        Candidate(by_key[pk], holders.get(pk), pk in chosen)
        for kind in needed
        for pk in ordered[kind]
    )
    return LicenseReduction(
        needed=needed,
        candidates=() if is_automatic else candidates,
        chosen=tuple(sorted(chosen)),
        shortage={
            kind: number - sum(1 for each in bought[kind] if each.pk in chosen)
            for kind, number in needed.items()
        },
        is_automatic=is_automatic,
    )
