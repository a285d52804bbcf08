"""What a package may be offered next: pure, the one home of the rule.

Pages show a button only for these acts, so nothing is offered that would be refused for what the
package is. The services decide again, on locked rows; `tests/billing/test_package_acts.py` holds
the two together.
"""

from enum import StrEnum

from billing.enums import OVER_STATES, Edition, PackageState
from billing.transitions import PACKAGE_TRANSITIONS, PackageMove


class PackageAct(StrEnum):
    """Something that a customer can do with an application's package, or without one."""

    BUY = "buy"
    ADD = "add"
    RENEW = "renew"
    UPGRADE = "upgrade"
    REFUND = "refund"
    CHOOSE_RENEWAL = "choose_renewal"


#: The move of the table of states that each act asks for.
_MOVES = {
    PackageAct.BUY: PackageMove.PURCHASE,
    PackageAct.ADD: PackageMove.EXTEND,
    PackageAct.RENEW: PackageMove.RENEW,
    PackageAct.UPGRADE: PackageMove.UPGRADE,
    PackageAct.REFUND: PackageMove.REFUND,
    PackageAct.CHOOSE_RENEWAL: PackageMove.CHOOSE_RENEWAL,
}
_OF_STATE = {
    state: frozenset(
        act for act, move in _MOVES.items() if state in PACKAGE_TRANSITIONS.sources(move)
    )
    for state in PackageState
}
#: Where there is no package, or one that is over, a new one can be bought.
_WITHOUT = frozenset({PackageAct.BUY})


def acts_for(
    *,
    state: PackageState | None,
    edition: str = "",
    is_under_review: bool = False,
    is_restricted: bool = False,
) -> frozenset[PackageAct]:
    """Return what fits a package in its derived state; None is an application without one.

    Nothing fits while the account is restricted, or while a refund of the package is under
    review: then the package is locked.
    """
    if is_restricted or is_under_review:
        return frozenset()
    if state is None or state in OVER_STATES:
        return _WITHOUT
    acts = _OF_STATE[state]
    return acts if edition == Edition.ESSENTIAL else acts - {PackageAct.UPGRADE}
