"""Makes people, accounts, applications and customers, and gives them money."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from django.db import transaction
from django.test import Client

from accounts.enums import EntityKind, Measure, Role
from accounts.models import Account, Application, Entity, Membership, Restriction, User
from accounts.services.members import add_member
from accounts.services.restrictions import restrict_account
from accounts.services.tenants import (
    create_application,
    lock_account,
    open_account,
    register_entity,
)
from billing.grants.credits import record_credit
from billing.models import Fund
from billing.orders.trials import activate_application

#: 10:00 on 10 March 2026 in the billing zone.
NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PASSWORD = "a good password"
_serial = count(1)


@dataclass(frozen=True)
class Customer:
    """An account with its owner and its first application."""

    owner: User
    account: Account
    application: Application


def make_user(
    email: str = "", *, name: str = "", is_staff: bool = False, is_superuser: bool = False
) -> User:
    """Make a person who can sign in with `PASSWORD`, the address verified."""
    email = email or f"person{next(_serial)}@example.com"
    user = User.objects.create_user(
        email, PASSWORD, name=name, is_staff=is_staff, is_superuser=is_superuser
    )
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def make_staff() -> User:
    """Make a member of staff with every right, created by no one else."""
    return User.objects.create_superuser(f"staff{next(_serial)}@example.com", PASSWORD)


def make_clerk(*permissions: str) -> User:
    """Make a member of staff with exactly these rights, each as `app.codename`."""
    return grant(make_user(is_staff=True), *permissions)


def grant(user: User, *permissions: str) -> User:
    """Give these rights, too; the user is read again, since rights are kept with it."""
    named = [permission.split(".") for permission in permissions]
    rights = Permission.objects
    user.user_permissions.add(
        *(rights.get(content_type__app_label=app, codename=name) for app, name in named)
    )
    return User.objects.get(pk=user.pk)


def signed_in(user: User) -> Client:
    """Return a client that has signed in as the user."""
    client = Client()
    client.force_login(user)
    return client


def make_entity(
    name: str = "", *, kind: str = EntityKind.ENTERPRISE, now: datetime = NOW
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


def make_member(
    account: Account,
    role: str = Role.VIEWER,
    *,
    user: User | None = None,
    name: str = "",
    now: datetime = NOW,
) -> User:
    """Give a role in the account to the user, or to a new person."""
    user = user or make_user(name=name)
    add_member(account=account, user=user, role=role, by=None, now=now)
    return user


def owner_of(account: Account) -> User:
    """Return the account's one owner."""
    return account.memberships.get(role=Role.OWNER).user


def membership_of(account: Account, user: User) -> Membership:
    """Return the user's place in the account."""
    return Membership.objects.get(account=account, user=user)


def make_application(
    account: Account, name: str = "", *, trial: bool = True, now: datetime = NOW
) -> Application:
    """Activate an application; the account's first one gets the trial, unless told otherwise."""
    name = name or f"Application {next(_serial)}"
    if trial:
        return activate_application(account=account, name=name, by=None, now=now)
    with transaction.atomic():
        account = lock_account(account.pk)
        return create_application(account=account, name=name, by=None, now=now)


def make_customer(
    *,
    entity: Entity | None = None,
    name: str = "",
    trial: bool = True,
    gift: str = "0",
    income: str = "0",
    cash: str = "0",
    now: datetime = NOW,
) -> Customer:
    """Make an account with an owner, money, and a first application on its trial."""
    owner = make_user()
    account = make_account(owner=owner, entity=entity, name=name, now=now)
    application = make_application(account, trial=trial, now=now)
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


# --- Money


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
