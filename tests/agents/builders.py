"""Makes accounts, packages and agents for the tests of this folder."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from accounts.enums import EntityKind, Role
from accounts.models import Account, Application, Membership, User
from accounts.services.tenants import create_application, open_account, register_entity
from agents.models import Agent, SipTelephone
from billing.enums import (
    Edition,
    LicenseKind,
    LicenseSource,
    PackageKind,
    PackageState,
)
from billing.models import License, Package

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
_serial = count(1)


@dataclass(frozen=True)
class Tenant:
    """An account with an owner and one application."""

    owner: User
    account: Account
    application: Application


def make_user(role: str | None = None, account: Account | None = None) -> User:
    user = User.objects.create_user(f"user{next(_serial)}@example.com", "a good password")
    if role and account:
        Membership.objects.create(account=account, user=user, role=role, created_at=NOW)
    return user


def make_tenant(name: str = "Contact Ltd", now: datetime = NOW) -> Tenant:
    serial = next(_serial)
    entity = register_entity(
        name=name,
        kind=EntityKind.ENTERPRISE,
        registration_number=f"R{serial}",
        by=None,
        now=now,
    )
    owner = make_user()
    account = open_account(entity=entity, name=name, owner=owner, by=None, now=now)
    application = create_application(account=account, name="Hotline", by=None, now=now)
    return Tenant(owner, account, application)


def make_package(
    application: Application,
    *,
    agents: int = 3,
    sip: int = 0,
    edition: str = Edition.ESSENTIAL,
    now: datetime = NOW,
    **fields: Any,
) -> Package:
    """A paid package that runs for 30 days from `now`, with its licenses."""
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


def make_agent(application: Application, now: datetime = NOW, **fields: Any) -> Agent:
    """An agent as a row, for tests that are not about adding one."""
    serial = next(_serial)
    values: dict[str, Any] = {
        "name": f"Agent {serial}",
        "nickname": f"Nick {serial}",
        "staff_number": f"S{serial:05}",
        "email": f"agent{serial}@example.com",
        "created_at": now,
        "updated_at": now,
    }
    place = {"account_id": application.account_id, "application": application}
    return Agent.objects.create(**place | values | fields)


def make_telephone(application: Application, now: datetime = NOW, **fields: Any) -> SipTelephone:
    serial = next(_serial)
    values: dict[str, Any] = {
        "label": f"Desk {serial}",
        "extension": str(20000 + serial),
        "password": "hash",
        "password_set_at": now,
        "created_at": now,
        "updated_at": now,
    }
    place = {"account_id": application.account_id, "application": application}
    return SipTelephone.objects.create(**place | values | fields)


def licenses_of(package: Package, kind: str = LicenseKind.AGENT) -> list[License]:
    return list(package.licenses.filter(kind=kind).order_by("pk"))


ROLES = (Role.OWNER, Role.FINANCE, Role.AGENT_MANAGER, Role.VIEWER)
