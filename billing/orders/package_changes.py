"""What an order makes of packages: computed once, shown to the customer, then applied as it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from billing.calendar import billing_zone, expiry, months_in
from billing.enums import LicenseKind, LicenseSource, OrderKind, PackageKind
from billing.orders.request import OrderRequest
from billing.orders.snapshots import PackageContents, PackageSnapshot
from billing.transitions import PACKAGE_STARTS, PACKAGE_TRANSITIONS, PackageMove, PackageStart

_BOUGHT = PACKAGE_STARTS[PackageStart.PURCHASE]
_BOUGHT_ON_TRIAL = PACKAGE_TRANSITIONS.target(PackageMove.PURCHASE)
_RENEWED = PACKAGE_TRANSITIONS.target(PackageMove.RENEW)


@dataclass(frozen=True)
class PackageChange:
    """One package's contents before (None: there is none yet) and after an order.

    The rest is what fulfillment writes: `columns` are the package's new values by field,
    `included` and `bought` the licenses to add, and `ending` the keys of those that end at
    `ends_at`. Of a trial's additional licenses, `taken_over` continue with the paid package.
    """

    application: int
    package: int | None
    before: PackageContents | None
    after: PackageContents
    ending: tuple[int, ...] = ()
    ends_at: datetime | None = None
    snapshot: PackageSnapshot | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    included: Mapping[LicenseKind, int] = field(default_factory=dict)
    bought: Mapping[LicenseKind, int] = field(default_factory=dict)
    taken_over: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return what is shown, as plain data, for comparing and storing."""
        return {
            "application": self.application,
            "package": self.package,
            "before": self.before.to_json() if self.before else None,
            "after": self.after.to_json(),
            "ending": list(self.ending),
        }


def _start(
    order_request: OrderRequest,
    trial: PackageSnapshot | None,
    included: Mapping[str, int],
    at: datetime,
) -> PackageChange:
    """Start a paid package: on the application's trial where it runs, else a new one."""
    columns = _columns_of_start(order_request, is_on_trial=trial is not None, at=at)
    standing = trial.count(LicenseKind.AGENT, LicenseSource.INCLUDED) if trial else 0
    taken_over = len(trial.bought) - len(order_request.ending) if trial else 0
    agents, sip = included[LicenseKind.AGENT], included[LicenseKind.SIP]
    return PackageChange(
        application=order_request.application,
        package=trial.package.pk if trial else None,
        before=trial.contents if trial else None,
        after=PackageContents(
            kind=PackageKind.PAID.value,
            edition=columns["edition"],
            expires_at=columns["expires_at"],
            agents=max(agents, standing) + order_request.agents,
            sip=sip + order_request.sip,
        ),
        ending=order_request.ending,
        ends_at=at,
        snapshot=trial,
        columns=columns,
        included={LicenseKind.AGENT: max(agents - standing, 0), LicenseKind.SIP: sip},
        bought={
            LicenseKind.AGENT: order_request.agents - taken_over,
            LicenseKind.SIP: order_request.sip,
        },
        taken_over=taken_over,
    )


def _columns_of_start(
    order_request: OrderRequest, *, is_on_trial: bool, at: datetime
) -> dict[str, Any]:
    months = months_in(order_request.unit, order_request.count)
    return {
        "kind": PackageKind.PAID,
        "state": _BOUGHT_ON_TRIAL if is_on_trial else _BOUGHT,
        "edition": str(order_request.edition),
        "term_unit": order_request.unit,
        "anchor_at": at,
        "purchased_at": at,
        "extension": timedelta(0),
        "months": months,
        "expires_at": expiry(at, months, billing_zone()),
    }


def _add(order_request: OrderRequest, snapshot: PackageSnapshot) -> PackageChange:
    """Leave the package as it is: only licenses are added, which end with it."""
    before = snapshot.contents
    agents, sip = order_request.agents, order_request.sip
    return PackageChange(
        application=snapshot.package.application_id,
        package=snapshot.package.pk,
        before=before,
        after=replace(before, agents=before.agents + agents, sip=before.sip + sip),
        snapshot=snapshot,
        bought={LicenseKind.AGENT: agents, LicenseKind.SIP: sip},
    )


def _renew(order_request: OrderRequest, snapshot: PackageSnapshot) -> PackageChange:
    """Lengthen the package from its present expiry; what was left out ends there."""
    package, before = snapshot.package, snapshot.contents
    renewed = next(each for each in order_request.renewed if each.package == package.pk)
    months = package.months + months_in(renewed.unit, renewed.count)
    expires_at = expiry(package.anchor_at, months, billing_zone(), package.extension)
    left_out = set(renewed.ending)
    ended = [license.kind for license in snapshot.licenses if license.pk in left_out]
    return PackageChange(
        application=package.application_id,
        package=package.pk,
        before=before,
        after=replace(
            before,
            expires_at=expires_at,
            agents=snapshot.count(LicenseKind.AGENT) - ended.count(LicenseKind.AGENT),
            sip=snapshot.count(LicenseKind.SIP) - ended.count(LicenseKind.SIP),
        ),
        ending=renewed.ending,
        ends_at=package.expires_at,
        snapshot=snapshot,
        columns={
            "term_unit": renewed.unit,
            "months": months,
            "expires_at": expires_at,
            "state": _RENEWED,
        },
    )


def _upgrade(order_request: OrderRequest, snapshot: PackageSnapshot) -> PackageChange:
    """Turn the package, and so all its licenses, into the other edition; the expiry stays."""
    before, edition = snapshot.contents, str(order_request.edition)
    return PackageChange(
        application=snapshot.package.application_id,
        package=snapshot.package.pk,
        before=before,
        after=replace(before, edition=edition),
        snapshot=snapshot,
        columns={"edition": edition},
    )


_CHANGES: Mapping[OrderKind, Callable[[OrderRequest, PackageSnapshot], PackageChange]] = {
    OrderKind.ADDITIONAL: _add,
    OrderKind.RENEWAL: _renew,
    OrderKind.UPGRADE: _upgrade,
}


def plan_changes(
    order_request: OrderRequest,
    snapshots: Sequence[PackageSnapshot],
    included: Mapping[str, int],
    at: datetime,
) -> tuple[PackageChange, ...]:
    """Return what an eligible request makes of each package where it is paid at `at`.

    `included` are the licenses that a new package brings, by kind.
    """
    if order_request.kind == OrderKind.NEW:
        return (_start(order_request, next(iter(snapshots), None), included, at),)
    change = _CHANGES[order_request.kind]
    return tuple(change(order_request, snapshot) for snapshot in snapshots)
