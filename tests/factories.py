"""Makes customers and what they own, through the services, at a time of the test's choosing.

Every function takes `now`; what it leaves out gets a name or number of its own. Reading the
result tells what a customer would find.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from allauth.account.models import EmailAddress

from accounts.enums import EntityKind, Measure, Role
from accounts.models import Account, Application, Entity, Restriction, User
from accounts.services.members import add_member
from accounts.services.restrictions import restrict_account
from accounts.services.tenants import open_account, register_entity
from billing.enums import CouponKind, Edition, LicenseKind, OrderKind, TermUnit
from billing.grants.coupons import define_promotion, give_coupon
from billing.grants.credits import record_credit
from billing.models import Coupon, Fund, License, Order, Package, Promotion
from billing.orders.quoting import confirmable_quote
from billing.orders.request import OrderRequest, RenewedPackage
from billing.orders.services import place_order
from billing.orders.trials import activate_application

#: 10:00 on 10 March 2026 in the billing zone.
NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
PASSWORD = "a good password"
_serial = count(1)


@dataclass(frozen=True)
class Customer:
    """An account with its owner and its first application, which has the trial."""

    owner: User
    account: Account
    application: Application


# --- People and tenants ----------------------------------------------------------------------


def make_user(email: str = "", *, name: str = "", is_staff: bool = False) -> User:
    """Make somebody who can sign in with `PASSWORD`, the address verified."""
    email = email or f"person{next(_serial)}@example.com"
    user = User.objects.create_user(email, PASSWORD, name=name, is_staff=is_staff)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def make_entity(
    name: str = "", *, kind: EntityKind = EntityKind.ENTERPRISE, now: datetime = NOW
) -> Entity:
    """Register a legal person."""
    serial = next(_serial)
    return register_entity(
        name=name or f"Company {serial}",
        kind=kind,
        registration_number=f"F{serial}",
        by=None,
        now=now,
    )


def make_account(
    *,
    owner: User | None = None,
    entity: Entity | None = None,
    name: str = "",
    now: datetime = NOW,
) -> Account:
    """Open an account; without an owner or an entity, with fresh ones."""
    return open_account(
        entity=entity or make_entity(now=now),
        name=name or f"Account {next(_serial)}",
        owner=owner or make_user(),
        by=None,
        now=now,
    )


def make_member(account: Account, role: Role, *, name: str = "", now: datetime = NOW) -> User:
    """Make somebody with a role in the account."""
    user = make_user(name=name)
    add_member(account=account, user=user, role=role, by=None, now=now)
    return user


def make_application(account: Account, name: str = "", *, now: datetime = NOW) -> Application:
    """Activate an application; the account's first one gets the trial."""
    return activate_application(
        account=account, name=name or f"Application {next(_serial)}", by=None, now=now
    )


def make_customer(
    *,
    entity: Entity | None = None,
    gift: str = "0",
    income: str = "0",
    cash: str = "0",
    now: datetime = NOW,
) -> Customer:
    """Make an account with an owner, money, and a first application on its trial."""
    owner = make_user()
    account = make_account(owner=owner, entity=entity, now=now)
    application = make_application(account, now=now)
    fund_account(account, gift=gift, income=income, cash=cash, now=now)
    return Customer(owner, account, application)


def restrict(
    account: Account, measure: Measure = Measure.SUSPEND, *, now: datetime = NOW
) -> Restriction:
    """Put a measure on the account; the account object is read again."""
    restriction = restrict_account(
        account=account,
        measure=measure,
        case_number=f"CASE-{next(_serial)}",
        reason="A case of the test",
        by=None,
        now=now,
    )
    account.refresh_from_db()
    return restriction


# --- Money and offers ------------------------------------------------------------------------


def fund_account(
    account: Account,
    *,
    gift: str = "0",
    income: str = "0",
    cash: str = "0",
    now: datetime = NOW,
) -> None:
    """Credit amounts of USD to the account's funds."""
    for kind, amount in (("gift", gift), ("income", income), ("cash", cash)):
        if Decimal(amount):
            record_credit(
                account=account,
                fund_kind=kind,
                amount=Decimal(amount),
                currency="USD",
                reference=f"TOP-{next(_serial)}",
                by=None,
                now=now,
            )


def balances(account: Account) -> dict[str, str]:
    """Return the balance of each fund that was ever used, as text."""
    found = Fund.objects.filter(account=account).values_list("kind", "balance")
    return {kind: str(balance) for kind, balance in found}


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


# --- Orders ----------------------------------------------------------------------------------


def place(
    account: Account, ask: OrderRequest, *, by: User | None = None, now: datetime = NOW
) -> Order:
    """Quote an ask and confirm it in one go; a short balance leaves the order unpaid."""
    quote = confirmable_quote(account=account, order_request=ask, now=now)
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
    **ask: Any,
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
            **ask,
        ),
        by=by,
        now=now,
    )


def add(
    application: Application,
    *,
    agents: int = 0,
    sip: int = 0,
    by: User | None = None,
    now: datetime = NOW,
    **ask: Any,
) -> Order:
    """Buy additional licenses for the application's package."""
    return place(
        application.account,
        OrderRequest(
            kind=OrderKind.ADDITIONAL, application=application.pk, agents=agents, sip=sip, **ask
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
    **ask: Any,
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
        OrderRequest(kind=OrderKind.RENEWAL, renewed=renewed, **ask),
        by=by,
        now=now,
    )


def upgrade(
    application: Application, *, by: User | None = None, now: datetime = NOW, **ask: Any
) -> Order:
    """Upgrade the application's package to Premium."""
    return place(
        application.account,
        OrderRequest(
            kind=OrderKind.UPGRADE, application=application.pk, edition=Edition.PREMIUM, **ask
        ),
        by=by,
        now=now,
    )


def current_package(application: Application) -> Package:
    """Return the package that occupies the application."""
    return Package.objects.current().get(application=application)


def licenses_of(package: Package, kind: str = LicenseKind.AGENT) -> list[License]:
    """Return the package's licenses of a kind, in the order in which they were made."""
    return list(package.licenses.filter(kind=kind).order_by("pk"))
