"""Handing over what an order bought: package changes are written as they were planned.

Everything here trusts that the changes have just been planned under the account's lock. Packages
come first, since the order's lines name them; then their licenses, which name the lines.
"""

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Case, DateTimeField, Value, When

from accounts.models import Account
from billing.enums import LicenseKind, LicenseSource
from billing.orders.models import OrderLine
from billing.orders.package_changes import PackageChange
from billing.packages.models import License, Package
from billing.packages.queries import NewLicenses, add_licenses


def change_packages(
    changes: Sequence[PackageChange], *, account: Account, now: datetime
) -> list[Package]:
    """Write what changes make of their packages, and start the one that there is none of yet."""
    _end_licenses([change for change in changes if change.ending])
    packages = [
        change.snapshot.package
        if change.snapshot
        else Package(account=account, application_id=change.application, created_at=now)
        for change in changes
    ]
    for change, package in zip(changes, packages, strict=True):
        for name, value in change.columns.items():
            setattr(package, name, value)
    columns = list(changes[0].columns)
    if changes[0].snapshot is None:
        packages[0].save(force_insert=True)
    elif columns and len(packages) == 1:
        # Compiling the statement for several takes longer than executing it.
        packages[0].save(update_fields=columns)
    elif columns:
        Package.objects.bulk_update(packages, columns)
    return packages


def _end_licenses(changes: Sequence[PackageChange]) -> None:
    if not changes:
        return
    ends = [When(package=change.package, then=Value(change.ends_at)) for change in changes]
    License.objects.filter(
        package__in=[change.package for change in changes],
        pk__in=list(itertools.chain.from_iterable(change.ending for change in changes)),
    ).update(ends_at=Case(*ends, output_field=DateTimeField()))


def hand_over_licenses(
    change: PackageChange, package: Package, bought: Mapping[str, OrderLine], *, now: datetime
) -> None:
    """Add the licenses of a change; `bought` are the order's lines by the kind of license.

    A trial's additional licenses that go on become those of the order.
    """
    if change.taken_over:
        going_on = package.licenses.filter(source=LicenseSource.BOUGHT, ends_at=None)
        going_on.update(order_line=bought[LicenseKind.AGENT])
    added = [NewLicenses(kind, number) for kind, number in change.included.items() if number]
    for kind, number in change.bought.items():
        if number:
            added.append(NewLicenses(kind, number, bought[kind].pk))
    if added:
        add_licenses(package, added, now=now)
