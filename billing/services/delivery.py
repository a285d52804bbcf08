"""Handing over what an order bought, in the transaction that pays it.

Each kind of order has one function, which trusts that `billing.services.quotes` has just judged
the order eligible under the account's lock. Nothing here prices, pays or asks.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from accounts.models import User
from accounts.services.audit import record_event
from billing.asks import Ask
from billing.enums import (
    ItemKind,
    LicenceKind,
    LicenceSource,
    OrderKind,
    PackageKind,
    PackageState,
)
from billing.models import Licence, Order, OrderLine, Package
from billing.periods import expiry, months_in


def billing_zone() -> ZoneInfo:
    """Return the zone whose days and months count."""
    return ZoneInfo(settings.BILLING_TIME_ZONE)


def _expiry_of(package: Package) -> datetime:
    return expiry(package.anchor_at, package.months, billing_zone(), package.extension)


def _make_licences(
    package: Package,
    kind: LicenceKind,
    quantity: int,
    *,
    now: datetime,
    line: OrderLine | None = None,
) -> None:
    """Add licences to a package: included ones, or those that an order line bought."""
    Licence.objects.bulk_create(
        (
            Licence(
                account_id=package.account_id,
                package=package,
                kind=kind,
                source=LicenceSource.BOUGHT if line else LicenceSource.INCLUDED,
                order_line=line,
                created_at=now,
            )
            for _ in range(quantity)
        ),
        batch_size=1000,
    )


def _bought_lines(lines: Iterable[OrderLine]) -> list[tuple[LicenceKind, OrderLine]]:
    return [(LicenceKind(line.item), line) for line in lines if line.item != ItemKind.PACKAGE]


def _audit(
    package: Package, verb: str, was: str, order: Order, *, by: User | None, now: datetime
) -> None:
    record_event(
        account=order.account,
        verb=verb,
        target=package,
        from_state=was,
        to_state=package.state,
        data={"order": order.number, "expires_at": package.expires_at.isoformat()},
        by=by,
        now=now,
    )


def _hand_over_trial_licences(
    package: Package, ask: Ask, line: OrderLine | None, now: datetime
) -> int:
    """Let the trial's bought licences become the order's additional ones; say how many did.

    The ones that the customer left out end now.
    """
    bought = package.licences.filter(source=LicenceSource.BOUGHT, ends_at=None)
    bought.filter(pk__in=ask.ending).update(ends_at=now)
    return bought.update(order_line=line) if line else 0


def _top_up_included(package: Package, kind: LicenceKind, wanted: int, now: datetime) -> None:
    held = package.licences.filter(kind=kind, source=LicenceSource.INCLUDED, ends_at=None).count()
    _make_licences(package, kind, max(0, wanted - held), now=now)


def _deliver_new(
    order: Order, lines: list[OrderLine], ask: Ask, *, by: User | None, now: datetime
) -> list[Package]:
    """Start a paid package now: on the application's trial where it runs, else a new one."""
    trial = Package.objects.filter(application_id=ask.application, state=PackageState.TRIAL).first()
    package = trial or Package(
        account_id=order.account_id, application_id=ask.application, created_at=now
    )
    was = package.state
    package.kind = PackageKind.PAID
    package.state = PackageState.ACTIVE
    package.edition = str(ask.edition)
    package.term_unit = ask.unit
    package.anchor_at = package.purchased_at = now
    package.extension = timedelta(0)
    package.months = months_in(ask.unit, ask.count)
    package.expires_at = _expiry_of(package)
    package.save()
    agents = next((line for line in lines if line.item == ItemKind.AGENT), None)
    standing = _hand_over_trial_licences(package, ask, agents, now) if trial else 0
    for kind, included in order.request["included"].items():
        _top_up_included(package, LicenceKind(kind), included, now)
    for kind, line in _bought_lines(lines):
        already = standing if kind == LicenceKind.AGENT else 0
        _make_licences(package, kind, line.quantity - already, now=now, line=line)
    _audit(package, "package.purchased", was, order, by=by, now=now)
    return [package]


def _deliver_additional(
    order: Order, lines: list[OrderLine], ask: Ask, *, by: User | None, now: datetime
) -> list[Package]:
    """Add licences to the application's package; they end with it."""
    package = Package.objects.current().get(application_id=ask.application)
    for kind, line in _bought_lines(lines):
        _make_licences(package, kind, line.quantity, now=now, line=line)
    _audit(package, "package.extended", package.state, order, by=by, now=now)
    return [package]


def _deliver_renewal(
    order: Order, lines: list[OrderLine], ask: Ask, *, by: User | None, now: datetime
) -> list[Package]:
    """Lengthen each package from its present expiry; what was left out ends there."""
    packages = Package.objects.in_bulk([renewed.package for renewed in ask.renewed])
    for renewed in ask.renewed:
        package = packages[renewed.package]
        was = package.state
        package.licences.filter(pk__in=renewed.ending).update(ends_at=package.expires_at)
        package.term_unit = ask.unit
        package.months += months_in(ask.unit, ask.count)
        package.expires_at = _expiry_of(package)
        package.state = PackageState.ACTIVE
        package.save(update_fields=["term_unit", "months", "expires_at", "state"])
        _audit(package, "package.renewed", was, order, by=by, now=now)
    return list(packages.values())


def _deliver_upgrade(
    order: Order, lines: list[OrderLine], ask: Ask, *, by: User | None, now: datetime
) -> list[Package]:
    """Turn the package, and so all its licences, into the other edition; the expiry stays."""
    package = Package.objects.current().get(application_id=ask.application)
    package.edition = str(ask.edition)
    package.save(update_fields=["edition"])
    _audit(package, "package.upgraded", package.state, order, by=by, now=now)
    return [package]


_DELIVERIES: dict[OrderKind, Callable[..., list[Package]]] = {
    OrderKind.NEW: _deliver_new,
    OrderKind.ADDITIONAL: _deliver_additional,
    OrderKind.RENEWAL: _deliver_renewal,
    OrderKind.UPGRADE: _deliver_upgrade,
}


def deliver_order(
    order: Order, lines: list[OrderLine], *, by: User | None, now: datetime
) -> list[Package]:
    """Hand over what the order's `lines` bought; return the packages concerned.

    The caller holds the account's lock, has settled the packages, and has just paid.
    """
    ask = Ask.from_json(order.request["ask"])
    packages = _DELIVERIES[ask.kind](order, lines, ask, by=by, now=now)
    if ask.kind == OrderKind.NEW:
        OrderLine.objects.filter(order=order).update(package=packages[0])
    return packages
