"""From signing up to an account of one's own."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.enums import Role
from accounts.errors import Refused
from accounts.models import Account, Entity, PendingAccount, User
from accounts.row_security import beyond_tenancy
from accounts.services.locks import lock_row
from accounts.services.tenants import open_account, register_entity


@dataclass(frozen=True)
class Company:
    """A legal person as its papers say."""

    name: str
    kind: str
    registration_number: str


def keep_for_later(
    *, company: Company, account_name: str, by: User, now: datetime
) -> PendingAccount:
    """Keep what someone wants opened until the address is confirmed.

    No history is written: nothing has happened yet, and no one knows who is asking.
    """
    pending, _is_new = PendingAccount.objects.update_or_create(
        user=by,
        defaults={
            "entity_name": company.name,
            "kind": company.kind,
            "registration_number": company.registration_number,
            "account_name": account_name,
            "created_at": now,
        },
    )
    return pending


@transaction.atomic
def open_pending_account(*, by: User, now: datetime) -> Account | None:
    """Open what `by` asked for when signing up; None where there is nothing to open.

    Call it when the address is confirmed. Raises Refused (code "entity_exists") where the
    company is here already; the wish is kept, to be fixed.
    """
    pending = PendingAccount.objects.select_for_update().filter(user=by).first()
    if pending is None:
        return None
    company = Company(pending.entity_name, pending.kind, pending.registration_number)
    return open_for_new_company(company=company, account_name=pending.account_name, by=by, now=now)


@transaction.atomic
@beyond_tenancy()
def open_for_new_company(
    *, company: Company, account_name: str, by: User, now: datetime
) -> Account:
    """Register a company and open its first account, owned by `by`."""
    entity = register_entity(
        name=company.name,
        kind=company.kind,
        registration_number=company.registration_number,
        by=by,
        now=now,
    )
    PendingAccount.objects.filter(user=by).delete()
    return open_account(entity=entity, name=account_name, owner=by, by=by, now=now)


@transaction.atomic
@beyond_tenancy()
def open_further_account(*, entity: Entity, account_name: str, by: User, now: datetime) -> Account:
    """Open another account of a company, by an owner of one that it has.

    Raises Refused for anyone else ("not_owner"), and where the company has its full number
    ("too_many_accounts").
    """
    held = lock_row(Entity, entity.pk)
    if not entities_of(by).filter(pk=held.pk).exists():
        raise Refused(_("Only an owner can open more accounts."), code="not_owner")
    if Account.objects.filter(entity=held).count() >= settings.ACCOUNT_LIMIT:
        raise Refused(
            _("A company has at most %(count)d accounts.") % {"count": settings.ACCOUNT_LIMIT},
            code="too_many_accounts",
        )
    PendingAccount.objects.filter(user=by).delete()
    return open_account(entity=held, name=account_name, owner=by, by=by, now=now)


def entities_of(user: User):  # type: ignore[no-untyped-def]
    """Return the companies that `user` owns an account of."""
    owned = Account.objects.filter(memberships__user_id=user.pk, memberships__role=Role.OWNER)
    return Entity.objects.filter(pk__in=owned.values("entity_id")).order_by("name", "pk")
