"""Makes customers who can buy, for the tests of this folder."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from accounts.enums import EntityKind
from accounts.models import Account, Application, Entity, User
from accounts.services.tenants import open_account, register_entity
from billing.grants.credits import record_credit
from billing.models import Fund
from billing.orders.trials import activate_application

#: 10:00 on 10 March 2026 in the billing zone.
NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
_serial = count(1)


@dataclass(frozen=True)
class Customer:
    """An account with its owner and its first application, which has the trial."""

    owner: User
    account: Account
    application: Application


def make_user() -> User:
    return User.objects.create_user(f"buyer{next(_serial)}@example.com", "a good password")


def make_entity() -> Entity:
    serial = next(_serial)
    return register_entity(
        name=f"Company {serial}",
        kind=EntityKind.ENTERPRISE,
        registration_number=f"B{serial}",
        by=None,
        now=NOW,
    )


def make_customer(
    *,
    entity: Entity | None = None,
    gift: str = "0",
    income: str = "0",
    cash: str = "0",
    now: datetime = NOW,
) -> Customer:
    owner = make_user()
    account = open_account(
        entity=entity or make_entity(), name="Account", owner=owner, by=None, now=now
    )
    application = activate_application(account=account, name="First", by=owner, now=now)
    fill(account, gift=gift, income=income, cash=cash, now=now)
    return Customer(owner, account, application)


def fill(
    account: Account,
    *,
    gift: str = "0",
    income: str = "0",
    cash: str = "0",
    now: datetime = NOW,
) -> None:
    for kind, amount in (("gift", gift), ("income", income), ("cash", cash)):
        if Decimal(amount):
            record_credit(
                account=account,
                fund_kind=kind,
                amount=Decimal(amount),
                currency="USD",
                reference=f"T{next(_serial)}",
                by=None,
                now=now,
            )


def balances(account: Account) -> dict[str, str]:
    found = Fund.objects.filter(account=account).values_list("kind", "balance")
    return {kind: str(balance) for kind, balance in found}
