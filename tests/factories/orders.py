"""Makes offers, orders and packages."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from accounts.models import Account, Application, User
from billing.enums import (
    CouponKind,
    Edition,
    LicenseKind,
    LicenseSource,
    OrderKind,
    PackageKind,
    PackageState,
    TermUnit,
)
from billing.grants.coupons import define_promotion, give_coupon
from billing.models import Coupon, License, Order, Package, Promotion
from billing.orders.quoting import confirmable_quote
from billing.orders.request import OrderRequest, RenewedPackage
from billing.orders.services import place_order
from tests.factories.tenants import NOW, Customer, make_customer

_serial = count(1)


# --- Offers


def make_coupon(
    account: Account,
    kind: CouponKind = CouponKind.VOUCHER,
    *,
    now: datetime = NOW,
    **terms: Any,
) -> Coupon:
    """Give the account a coupon: by default a voucher over USD 50, valid for 30 days."""
    value: dict[str, Any] = (
        {"percent_off": Decimal(10)} if kind == CouponKind.DISCOUNT else {"amount": Decimal(50)}
    )
    values = {
        "code": f"C-{next(_serial)}",
        "kind": kind,
        "currency": "USD",
        "starts_at": now - timedelta(days=1),
        "ends_at": now + timedelta(days=30),
        **value,
        **terms,
    }
    return give_coupon(account=account, terms=values, by=None, now=now)


def make_promotion(*, now: datetime = NOW, **terms: Any) -> Promotion:
    """Define a promotion: by default 10 percent off everything for 30 days."""
    serial = next(_serial)
    values = {
        "code": f"promotion-{serial}",
        "name": f"Promotion {serial}",
        "percent_off": Decimal(10),
        "starts_at": now - timedelta(days=1),
        "ends_at": now + timedelta(days=30),
        **terms,
    }
    return define_promotion(terms=values, by=None, now=now)


# --- Orders


def place(
    account: Account, order_request: OrderRequest, *, by: User | None = None, now: datetime = NOW
) -> Order:
    """Quote an order request and confirm it in one go; a short balance leaves the order unpaid."""
    quote = confirmable_quote(account=account, order_request=order_request, now=now)
    return place_order(account=account, token=quote.token, by=by, now=now)


def buy(
    application: Application,
    edition: Edition = Edition.ESSENTIAL,
    *,
    unit: TermUnit = TermUnit.MONTH,
    count: int = 1,
    agents: int = 0,
    sip: int = 0,
    by: User | None = None,
    now: datetime = NOW,
    **options: Any,
) -> Order:
    """Buy a package; on the application's trial, where one runs."""
    return place(
        application.account,
        OrderRequest(
            kind=OrderKind.NEW,
            application=application.pk,
            edition=edition,
            unit=unit,
            count=count,
            agents=agents,
            sip=sip,
            **options,
        ),
        by=by,
        now=now,
    )


def make_buyer(
    edition: str = Edition.ESSENTIAL, *, cash: str = "100000", now: datetime = NOW, **options: Any
) -> tuple[Customer, Package]:
    """Make a customer who buys a package now, with money for more."""
    customer = make_customer(cash=cash, now=now)
    buy(customer.application, Edition(edition), now=now, **options)
    return customer, current_package(customer.application)


def add(
    application: Application,
    *,
    agents: int = 0,
    sip: int = 0,
    by: User | None = None,
    now: datetime = NOW,
    **options: Any,
) -> Order:
    """Buy additional licenses for the application's package."""
    return place(
        application.account,
        OrderRequest(
            kind=OrderKind.ADDITIONAL, application=application.pk, agents=agents, sip=sip, **options
        ),
        by=by,
        now=now,
    )


def renew(
    *packages: Package,
    ending: tuple[int, ...] = (),
    unit: TermUnit = TermUnit.MONTH,
    count: int = 1,
    by: User | None = None,
    now: datetime = NOW,
    **options: Any,
) -> Order:
    """Renew packages of one account in one order; licenses of `ending` are left out."""
    left_out = set(License.objects.filter(pk__in=ending).values_list("package_id", "pk"))
    renewed = tuple(
        RenewedPackage(
            package.pk,
            tuple(sorted(pk for of, pk in left_out if of == package.pk)),
            unit,
            count,
        )
        for package in packages
    )
    return place(
        packages[0].account,
        OrderRequest(kind=OrderKind.RENEWAL, renewed=renewed, **options),
        by=by,
        now=now,
    )


def upgrade(
    application: Application, *, by: User | None = None, now: datetime = NOW, **options: Any
) -> Order:
    """Upgrade the application's package to Premium."""
    return place(
        application.account,
        OrderRequest(
            kind=OrderKind.UPGRADE, application=application.pk, edition=Edition.PREMIUM, **options
        ),
        by=by,
        now=now,
    )


# --- Packages --------------------------------------------------------------------------------


def make_package(
    application: Application,
    *,
    agents: int = 3,
    sip: int = 0,
    edition: str = Edition.ESSENTIAL,
    now: datetime = NOW,
    **fields: Any,
) -> Package:
    """Write a paid package that runs for 30 days from `now`, with exactly these licenses.

    As rows, for tests that are not about buying: an order always brings the licenses that the
    price book includes. The application must have no trial.
    """
    values: dict[str, Any] = {
        "kind": PackageKind.PAID,
        "state": PackageState.ACTIVE,
        "anchor_at": now,
        "months": 1,
        "expires_at": now + timedelta(days=30),
        "purchased_at": now,
        "created_at": now,
    }
    package = Package.objects.create(
        account=application.account, application=application, edition=edition, **values | fields
    )
    kinds = [LicenseKind.AGENT] * agents + [LicenseKind.SIP] * sip
    License.objects.bulk_create(
        License(
            account=application.account,
            package=package,
            kind=kind,
            source=LicenseSource.INCLUDED,
            created_at=now,
        )
        for kind in kinds
    )
    return package


def current_package(application: Application) -> Package:
    """Return the package that occupies the application."""
    return Package.objects.current().get(application=application)


def licenses_of(package: Package, kind: str = LicenseKind.AGENT) -> list[License]:
    """Return the package's licenses of a kind, in the order in which they were made."""
    return list(package.licenses.filter(kind=kind).order_by("pk"))
