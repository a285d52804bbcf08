"""What a sweep would do, row by row, without doing it or locking anything."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, Sum

from billing.enums import ItemKind
from billing.packages.models import Package
from billing.renewals.auto_renewal import Renewal, foresee_renewals
from billing.renewals.sweep import RENEWED
from billing.renewals.timed_changes import ORDERS, TIMED_CHANGES, Rows, TimedChange
from billing.transitions import PACKAGE_TRANSITIONS, PackageMove


@dataclass(frozen=True)
class PlannedChange:
    """One change that a sweep would make: to what, from which state to which, and its size.

    `licenses` is how many licenses stop or continue with it, `amount` the money of a renewal or
    of the order, `missing` what a renewal lacks.
    """

    change: str
    kind: str
    id: int
    account: str
    application: str
    from_state: str
    to_state: str
    licenses: int
    amount: str
    missing: str

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def _read_packages(packages: Rows, now: datetime) -> Iterator[tuple[int, str, str, str, int]]:
    """Yield key, account, application, state and number of licenses of each package."""
    goes_on = Q(licenses__ends_at=None) | Q(licenses__ends_at__gt=now)
    rows = packages.annotate(held=Count("licenses", filter=goes_on))
    yield from rows.values_list("pk", "account__uin", "application__name", "state", "held")


def _foresee_packages(
    change: TimedChange, now: datetime, states: Mapping[int, str], renewed: Collection[int]
) -> Iterator[PlannedChange]:
    """Say which packages a change would be made to, after the changes before it.

    `states` holds what earlier changes would have made of rows.
    """
    # The sweep would isolate a package first that it then releases.
    is_release = change.move == PackageMove.RELEASE
    also = PACKAGE_TRANSITIONS.sources(PackageMove.ISOLATE) if is_release else ()
    due = change.find_due(now, *also).order_by("pk")
    for key, uin, application, state, licenses in _read_packages(due, now):
        was = states.get(key, state)
        if key not in renewed and was == change.from_state:
            yield PlannedChange(
                change=change.name,
                kind="package",
                id=key,
                account=uin,
                application=application,
                from_state=was,
                to_state=change.to_state,
                licenses=licenses,
                amount="",
                missing="",
            )


def _foresee_renewals(now: datetime, renewals: list[Renewal]) -> Iterator[PlannedChange]:
    found = {renewal.package: renewal for renewal in renewals}
    renewed = PACKAGE_TRANSITIONS.target(PackageMove.RENEW).value
    packages = Package.objects.filter(pk__any=list(found)).order_by("expires_at", "pk")
    for key, uin, application, state, licenses in _read_packages(packages, now):
        renewal = found[key]
        yield PlannedChange(
            change=RENEWED if renewal.is_done else "short_of_money",
            kind="package",
            id=key,
            account=uin,
            application=application,
            from_state=state,
            to_state=renewed if renewal.is_done else state,
            licenses=licenses,
            amount=f"{renewal.currency} {renewal.amount}",
            missing=f"{renewal.currency} {renewal.missing}" if renewal.missing else "",
        )


def _foresee_orders(change: TimedChange, now: datetime) -> Iterator[PlannedChange]:
    licenses = Sum("lines__quantity", filter=~Q(lines__item=ItemKind.PACKAGE), default=0)
    orders = change.find_due(now).annotate(licenses=licenses).order_by("pk")
    for order in orders.select_related("account"):
        yield PlannedChange(
            change=change.name,
            kind="order",
            id=order.pk,
            account=order.account.uin,
            application=order.number,
            from_state=change.from_state,
            to_state=change.to_state,
            licenses=order.licenses,
            amount=f"{order.currency} {order.total}",
            missing="",
        )


def foresee_sweep(now: datetime) -> list[PlannedChange]:
    """Say row by row what `run_sweep` would change at `now`; reads only."""
    renewals = foresee_renewals(now)
    renewed = {renewal.package for renewal in renewals if renewal.is_done}
    rows = list(_foresee_renewals(now, renewals))
    states: dict[int, str] = {}
    for change in TIMED_CHANGES:
        if change.of is ORDERS:
            rows += _foresee_orders(change, now)
            continue
        found = list(_foresee_packages(change, now, states, renewed))
        states.update({row.id: row.to_state for row in found})
        rows += found
    return rows
