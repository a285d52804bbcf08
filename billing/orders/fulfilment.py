"""Handing over what an order bought, in the transaction that pays it.

Packages come first (`change_packages`), since the order's lines name them; then their licenses,
which name the lines (`make_licenses`). Everything here trusts that `billing.orders.quotes` has
just judged the order eligible under the account's lock. Nothing here prices, pays or asks.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import OuterRef, Subquery

from accounts.models import Account, AuditEvent, User
from accounts.services.audit import build_event
from billing.calendar import billing_zone, expiry, months_in
from billing.enums import (
    ItemKind,
    LicenseKind,
    LicenseSource,
    OrderKind,
    PackageKind,
)
from billing.orders.eligibility import PackageSnapshot
from billing.orders.models import Order, OrderLine
from billing.orders.request import OrderRequest
from billing.packages.models import License, Package
from billing.transitions import (
    PACKAGE_STARTS,
    PACKAGE_TRANSITIONS,
    PackageMove,
    PackageStart,
    target,
)


def _expiry_of(package: Package) -> datetime:
    return expiry(package.anchor_at, package.months, billing_zone(), package.extension)


@dataclass(frozen=True)
class FulfilledPackage:
    """A package that an order changed, as it is now, and its state before."""

    package: Package
    was: str


# --- Packages ------------------------------------------------------------------------------


def _start(
    ask: OrderRequest, held: Sequence[PackageSnapshot], account: Account, now: datetime
) -> list[FulfilledPackage]:
    """Start a paid package now: on the application's trial where it runs, else a new one."""
    trial = held[0].package if held else None
    package = trial or Package(account=account, application_id=ask.application, created_at=now)
    was = package.state
    package.kind = PackageKind.PAID
    package.state = (
        target(PACKAGE_TRANSITIONS, PackageMove.PURCHASE)
        if trial
        else PACKAGE_STARTS[PackageStart.PURCHASE]
    )
    package.edition = str(ask.edition)
    package.term_unit = ask.unit
    package.anchor_at = package.purchased_at = now
    package.extension = timedelta(0)
    package.months = months_in(ask.unit, ask.count)
    package.expires_at = _expiry_of(package)
    package.save(force_insert=trial is None, force_update=trial is not None)
    return [FulfilledPackage(package, was)]


def _extend(
    ask: OrderRequest, held: Sequence[PackageSnapshot], account: Account, now: datetime
) -> list[FulfilledPackage]:
    """Leave the package as it is: only licenses are added, which end with it."""
    return [FulfilledPackage(each.package, each.package.state) for each in held]


def _renew(
    ask: OrderRequest, held: Sequence[PackageSnapshot], account: Account, now: datetime
) -> list[FulfilledPackage]:
    """Lengthen each package from its present expiry; what was left out ends there."""
    changes = [FulfilledPackage(each.package, each.package.state) for each in held]
    packages = [each.package for each in held]
    ending = [pk for renewed in ask.renewed for pk in renewed.ending]
    if ending:
        expiries = Package.objects.filter(pk=OuterRef("package")).values("expires_at")
        License.objects.filter(pk__in=ending, package__in=packages).update(
            ends_at=Subquery(expiries)
        )
    for package in packages:
        unit, count = ask.term_of(package.pk)
        package.term_unit = unit
        package.months += months_in(unit, count)
        package.expires_at = _expiry_of(package)
        package.state = target(PACKAGE_TRANSITIONS, PackageMove.RENEW)
    Package.objects.bulk_update(packages, ["term_unit", "months", "expires_at", "state"])
    return changes


def _upgrade(
    ask: OrderRequest, held: Sequence[PackageSnapshot], account: Account, now: datetime
) -> list[FulfilledPackage]:
    """Turn the package, and so all its licenses, into the other edition; the expiry stays."""
    package = held[0].package
    package.edition = str(ask.edition)
    package.save(update_fields=["edition"])
    return [FulfilledPackage(package, package.state)]


_CHANGES: dict[OrderKind, Callable[..., list[FulfilledPackage]]] = {
    OrderKind.NEW: _start,
    OrderKind.ADDITIONAL: _extend,
    OrderKind.RENEWAL: _renew,
    OrderKind.UPGRADE: _upgrade,
}


def change_packages(
    ask: OrderRequest, held: Sequence[PackageSnapshot], *, account: Account, now: datetime
) -> list[FulfilledPackage]:
    """Write what an ask makes of the packages that it was judged on, or starts a new one.

    The caller holds the account's lock and theirs, and has settled them.
    """
    return _CHANGES[ask.kind](ask, held, account, now)


_VERBS = {
    OrderKind.NEW: "package.purchased",
    OrderKind.ADDITIONAL: "package.extended",
    OrderKind.RENEWAL: "package.renewed",
    OrderKind.UPGRADE: "package.upgraded",
}


def describe_changes(
    order: Order, changes: Iterable[FulfilledPackage], *, by: User | None, now: datetime
) -> list[AuditEvent]:
    """Return the events, not saved yet, of what an order did to packages."""
    return [
        build_event(
            account=order.account,
            verb=_VERBS[OrderKind(order.kind)],
            target=change.package,
            from_state=change.was,
            to_state=change.package.state,
            data={"order": order.number, "expires_at": change.package.expires_at.isoformat()},
            by=by,
            now=now,
        )
        for change in changes
    ]


# --- Licenses ------------------------------------------------------------------------------


class NewLicenses(NamedTuple):
    """So many licenses of a kind: included ones, or those that an order line bought."""

    kind: LicenseKind
    quantity: int
    line: OrderLine | None = None


#: One statement however many there are: ten thousand as objects take a second and a half.
_ADD = """
    INSERT INTO billing_license (account_id, package_id, kind, source, order_line_id, created_at)
    SELECT %s, %s, n.kind, CASE WHEN n.line IS NULL THEN 'included' ELSE 'bought' END, n.line, %s
    FROM unnest(%s::text[], %s::int[], %s::bigint[]) AS n (kind, quantity, line),
        generate_series(1, n.quantity)
"""


def add_licenses(package: Package, added: Sequence[NewLicenses], *, now: datetime) -> None:
    """Add licenses to a package."""
    values = (
        package.account_id,
        package.pk,
        now,
        [each.kind.value for each in added],
        [each.quantity for each in added],
        [each.line and each.line.pk for each in added],
    )
    with connection.cursor() as cursor:
        cursor.execute(_ADD, values)


def _hand_over_trial_licenses(
    ask: OrderRequest, trial: PackageSnapshot, line: OrderLine | None, now: datetime
) -> int:
    """Let the trial's bought licenses become the order's additional ones; say how many did.

    The ones that the customer left out end now.
    """
    if not trial.bought:
        return 0
    bought = trial.package.licenses.filter(source=LicenseSource.BOUGHT, ends_at=None)
    if ask.ending:
        bought.filter(pk__in=ask.ending).update(ends_at=now)
    return bought.update(order_line=line) if line else 0


def make_licenses(
    order: Order,
    lines: Sequence[OrderLine],
    ask: OrderRequest,
    held: Sequence[PackageSnapshot],
    *,
    package: Package,
    now: datetime,
) -> None:
    """Add what the order's `lines` bought to `package`, and what a new package includes.

    Renewals and upgrades make none: what they pay for is there. `held` is what the ask was
    judged on: a trial's licenses go over to the package.
    """
    if ask.kind not in {OrderKind.NEW, OrderKind.ADDITIONAL}:
        return
    bought = {LicenseKind(line.item): line for line in lines if line.item != ItemKind.PACKAGE}
    added: list[NewLicenses] = []
    standing = 0
    if ask.kind == OrderKind.NEW:
        trial = held[0] if held else None
        for name, included in order.request["included"].items():
            kind = LicenseKind(name)
            there = trial.count(kind, LicenseSource.INCLUDED) if trial else 0
            added.append(NewLicenses(kind, included - there))
        if trial:
            agents = bought.get(LicenseKind.AGENT)
            standing = _hand_over_trial_licenses(ask, trial, agents, now)
    for kind, line in bought.items():
        already = standing if kind == LicenseKind.AGENT else 0
        added.append(NewLicenses(kind, line.quantity - already, line))
    add_licenses(package, added, now=now)
