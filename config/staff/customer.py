"""A whole customer on one page: what the account's page in the administration shows.

`settings.ACCOUNT_SECTIONS` names `read_customer`, since the app of accounts knows none of the
layers above it. Each section is read only for staff who may view its table, costs one or two
queries, and shows a handful of rows.
"""

from dataclasses import dataclass
from datetime import datetime

from accounts.enums import AccountStatus
from accounts.models import Account, Entity, User
from config.staff.customer_money import MONEY, find_claim
from config.staff.customer_people import HISTORY, PEOPLE
from config.staff.customer_rules import RULES
from config.staff.customer_service import SERVICE
from config.staff.sections import SHOWN, Cell, DeskSection, Reader

TABLES = [*PEOPLE, *SERVICE, *MONEY, *RULES, *HISTORY]


@dataclass(frozen=True)
class Customer:
    """The head of the page (entity, status) and its sections."""

    account: Account
    entity: Entity
    entity_link: Cell
    siblings: list[Cell]
    has_more_siblings: bool
    is_active: bool
    sections: list[DeskSection]


def read_customer(*, account: Account, user: User, now: datetime) -> Customer:
    """Read everything of one customer that this member of staff may see."""
    reader = Reader(account=account, user=user, now=now)
    reader.facts["claim"] = find_claim(account)
    siblings = list(
        Account.objects.filter(entity=account.entity_id)
        .exclude(pk=account.pk)
        .order_by("pk")[: SHOWN + 1]
    )
    return Customer(
        account=account,
        entity=account.entity,
        entity_link=reader.link(account.entity),
        siblings=[reader.link(sibling) for sibling in siblings[:SHOWN]],
        has_more_siblings=len(siblings) > SHOWN,
        is_active=account.status == AccountStatus.ACTIVE,
        sections=[table.read(reader) for table in TABLES if reader.may_see(table.model)],
    )
