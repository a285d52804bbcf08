"""What a package may be offered next: pure, the one home of the rule.

Pages show a button only for these acts, so nothing is offered that would be refused for what the
package is. The services decide again, on locked rows; `tests/billing/test_package_acts.py` holds
the two together.
"""

from enum import StrEnum

from billing.enums import Edition, PackageState


class PackageAct(StrEnum):
    """Something that a customer can do with an application's package, or without one."""

    BUY = "buy"
    ADD = "add"
    RENEW = "renew"
    UPGRADE = "upgrade"
    REFUND = "refund"
    CHOOSE_RENEWAL = "choose_renewal"


_OF_STATE: dict[PackageState | None, frozenset[PackageAct]] = {
    None: frozenset({PackageAct.BUY}),
    PackageState.TRIAL: frozenset({PackageAct.BUY, PackageAct.ADD}),
    PackageState.ACTIVE: frozenset(
        {PackageAct.ADD, PackageAct.RENEW, PackageAct.REFUND, PackageAct.CHOOSE_RENEWAL}
    ),
    PackageState.ISOLATED: frozenset(
        {PackageAct.RENEW, PackageAct.REFUND, PackageAct.CHOOSE_RENEWAL}
    ),
    PackageState.RELEASED: frozenset({PackageAct.BUY}),
    PackageState.REFUNDED: frozenset({PackageAct.BUY}),
}


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
    acts = _OF_STATE[state]
    if state == PackageState.ACTIVE and edition == Edition.ESSENTIAL:
        acts |= {PackageAct.UPGRADE}
    return acts
