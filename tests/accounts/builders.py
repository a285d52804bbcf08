"""Makes people, accounts and applications for the tests of this folder, through the services."""

from datetime import UTC, datetime
from itertools import count

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.enums import EntityKind, Role
from accounts.models import Account, Application, Membership, User
from accounts.services.members import add_member
from accounts.services.tenants import (
    create_application,
    lock_account,
    open_account,
    register_entity,
)

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
_serial = count(1)


def make_user(email: str = "", *, name: str = "", is_staff: bool = False) -> User:
    """A person with a confirmed address and the password `PASSWORD`."""
    email = email or f"person{next(_serial)}@example.com"
    user = User.objects.create_user(email, PASSWORD, name=name, is_staff=is_staff)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    return user


def make_account(name: str = "", *, owner: User | None = None) -> Account:
    """An account of an entity of its own."""
    serial = next(_serial)
    name = name or f"Account {serial}"
    entity = register_entity(
        name=f"{name} Ltd",
        kind=EntityKind.ENTERPRISE,
        registration_number=f"ACC{serial:06}",
        by=None,
        now=NOW,
    )
    return open_account(entity=entity, name=name, owner=owner or make_user(), by=None, now=NOW)


def make_member(account: Account, role: str = Role.VIEWER, *, user: User | None = None) -> User:
    """A member of the account."""
    user = user or make_user()
    add_member(account=account, user=user, role=role, by=None, now=NOW)
    return user


def make_application(account: Account, name: str = "") -> Application:
    """An application of the account, without a trial."""
    with transaction.atomic():
        return create_application(
            account=lock_account(account.pk),
            name=name or f"Application {next(_serial)}",
            by=None,
            now=NOW,
        )


def membership_of(account: Account, user: User) -> Membership:
    """The place of `user` in the account."""
    return Membership.objects.get(account=account, user=user)
