"""Opening accounts and applications, and the account lock that every write begins with."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Subquery
from django.utils.translation import gettext as _

from accounts import text
from accounts.enums import AccountStatus, Role
from accounts.errors import Refused
from accounts.models import Account, Application, Entity, Membership, Proposal, User
from accounts.prepared import PreparedQuery
from accounts.queries import next_number
from accounts.row_security import beyond_tenancy, touch
from accounts.services.audit import Event, record
from accounts.services.locks import lock_row
from accounts.services.second_person import require_approval


def lock_account(account_id: int) -> Account:
    """Lock and re-read an account until the end of the transaction.

    Every service that changes something of an account takes this lock first. `lock_row` says how
    long it waits.
    """
    touch(account_id)
    return lock_row(Account, account_id)


def lock_accounts(account_ids: Iterable[int]) -> dict[int, Account]:
    """Lock several accounts in the order of their keys, so that two services cannot deadlock."""
    return {account_id: lock_account(account_id) for account_id in sorted(set(account_ids))}


def keep_accounts(account_ids: Iterable[int]) -> set[int]:
    """Keep accounts from being deleted until the transaction ends, so that rows may refer to them.

    Return their keys without those that another session has locked against that: anyone who writes
    for many accounts leaves these for later, so that the others do not wait.
    """
    return set(_kept(list(account_ids)))


@partial(PreparedQuery, keep=True)
def _kept(account_ids: list[int]) -> "QuerySet[Account, int]":
    return Account.objects.filter(pk__any=account_ids).values_list("pk", flat=True)


def lowest_unlocked(keys: "QuerySet[Any, int]") -> "QuerySet[Account]":
    """Return the first account of ordered `keys` that no other transaction has locked.

    Its attribute `keys` is the list of them all.
    """
    unlocked = Account.objects.select_for_update(no_key=True, skip_locked=True)
    return unlocked.filter(pk=Subquery(keys[:1])).annotate(keys=ArraySubquery(keys))


def lock_accounts_of(
    keys: "Callable[[int], QuerySet[Any, int]]",
    lock_lowest: "Callable[[int], Sequence[Account]]",
    of: int,
) -> dict[int, Account]:
    """Lock the accounts whose keys `keys(of)` returns in their order, as `lock_accounts` does.

    `lock_lowest` executes `lowest_unlocked` of these keys, so that the accounts are found and
    locked by one statement where it is only one.
    """
    for account in lock_lowest(of):
        others = set(account.keys) - {account.pk}  # type: ignore[attr-defined]
        return {account.pk: account} | lock_accounts(others)
    return lock_accounts(keys(of))


def require_good_standing(account: Account) -> None:
    """Raise Refused where the account may neither pay, buy, renew, refund nor activate."""
    if not account.is_in_good_standing:
        raise Refused(
            _(
                "The account is %(status)s, so it cannot do this. "
                "Your violations page says why and how to appeal."
            )
            % {"status": account.get_status_display().lower()},
            code="account_restricted",
        )


def entity_exists() -> Refused:
    """Return the refusal for a registration number that is taken, with what to do now."""
    return Refused(
        _(
            "A company with this registration number is already registered. Ask an "
            "owner of its account to invite you. Owners can open more accounts from the "
            "list of accounts."
        ),
        code="entity_exists",
        field="registration_number",
    )


def clean_registration_number(number: str) -> str:
    """Return a registration number as it is stored: capital letters, single blanks.

    So one company cannot be registered twice by writing its number in another way (ADR 0050).
    """
    return " ".join(text.compatible(number).upper().split())


@transaction.atomic
def register_entity(
    *, name: str, kind: str, registration_number: str, by: User | None, now: datetime
) -> Entity:
    """Record a legal person. Raises Refused where the registration number is known already."""
    number = clean_registration_number(registration_number)
    try:
        with transaction.atomic():
            entity = Entity.objects.create(
                name=name, kind=kind, registration_number=number, created_at=now
            )
    except IntegrityError as error:
        raise entity_exists() from error
    event = Event(verb="entity.registered", target=entity)
    record([event], account=None, by=by, now=now)
    return entity


def _opens_own(entity: Entity, owner: User, by: User | None) -> bool:
    """Whether a customer opens an account of a new company, or of one that they own already."""
    if by is None or by.pk != owner.pk:
        return by is None
    accounts = Account.objects.filter(entity=entity)
    owned = accounts.filter(memberships__user=by, memberships__role=Role.OWNER)
    return owned.exists() or not accounts.exists()


@transaction.atomic
def open_account(
    *,
    entity: Entity,
    name: str,
    owner: User,
    reason: str = "",
    approval: Proposal | None = None,
    by: User | None,
    now: datetime,
) -> Account:
    """Open an account of `entity` with a fresh UIN and `owner` as its first member.

    Staff need an approved proposal: anyone who owns an account shares what its company may do once.
    """
    data = {}
    if not _opens_own(entity, owner, by):
        data = require_approval(approval, "account.open", by=by, now=now)
    account = Account.objects.create(
        uin=str(next_number("accounts_uin_seq")), entity=entity, name=name, created_at=now
    )
    Membership.objects.create(account=account, user=owner, role=Role.OWNER, created_at=now)
    event = Event(
        verb="account.opened",
        target=account,
        to_state=AccountStatus.ACTIVE,
        reason=reason,
        data=data,
    )
    record([event], account=account, by=by, now=now)
    return account


@transaction.atomic
def rename_account(
    *, account: Account, name: str, reason: str, by: User | None, now: datetime
) -> Account:
    """Give an account another name."""
    locked = lock_account(account.pk)
    if name == locked.name:
        return locked
    was, locked.name = locked.name, name
    locked.save(update_fields=["name"])
    event = Event(
        verb="account.renamed", target=locked, reason=reason, data={"from": was, "to": name}
    )
    record([event], account=locked, by=by, now=now)
    return locked


@transaction.atomic
def correct_entity(
    *,
    entity: Entity,
    name: str,
    kind: str,
    registration_number: str,
    reason: str,
    approval: Proposal | None = None,
    by: User,
    now: datetime,
) -> Entity:
    """Fix what is recorded of a legal person, after its papers were looked at again.

    It takes two people, since a company's number decides what its accounts may do once.
    Raises Refused (code "entity_exists") where another entity has the number.
    """
    data = require_approval(approval, "entity.correct", by=by, now=now)
    current = lock_row(Entity, entity.pk)
    number = clean_registration_number(registration_number)
    if Entity.objects.filter(registration_number=number).exclude(pk=current.pk).exists():
        raise entity_exists()
    new = {"name": name, "kind": kind, "registration_number": number}
    changed = {key: value for key, value in new.items() if getattr(current, key) != value}
    was = {key: getattr(current, key) for key in changed}
    if not changed:
        return current
    for key, value in changed.items():
        setattr(current, key, value)
    current.save(update_fields=list(changed))
    event = Event(
        verb="entity.corrected",
        target=current,
        reason=reason,
        data={"from": was, "to": changed, **data},
    )
    record([event], account=None, by=by, now=now)
    return current


def create_application(
    *, account: Account, name: str, by: User | None, now: datetime
) -> Application:
    """Create an application of a locked account, with a fresh SDKAppID.

    The caller holds the account's lock. Raises Refused where the account is restricted or its
    entity is barred, where the name is taken, or where the account has its full number.
    """
    require_good_standing(account)
    blocked = Account.objects.filter(entity_id=account.entity_id, status=AccountStatus.BLOCKED)
    with beyond_tenancy():
        is_blocked = blocked.exists()
    if is_blocked:
        raise Refused(
            _(
                "This company cannot activate any more applications because one of "
                "its accounts is blocked."
            ),
            code="entity_blocked",
        )
    held = Application.objects.filter(account=account)
    if held.count() >= settings.APPLICATION_LIMIT:
        raise Refused(
            _("An account can have at most %(count)d applications.")
            % {"count": settings.APPLICATION_LIMIT},
            code="too_many_applications",
        )
    if held.filter(name_key=text.fold(name)).exists():
        raise Refused(
            _("This account already has an application with this name."),
            code="name_taken",
            field="name",
        )
    application = Application.objects.create(
        account=account,
        sdkappid=next_number("accounts_sdkappid_seq"),
        name=name,
        activated_at=now,
    )
    event = Event(verb="application.activated", target=application)
    record([event], account=account, by=by, now=now)
    return application
