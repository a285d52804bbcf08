"""Members of an account and their roles.

Owners change their own account's members. Staff do it by a proposal (`accounts.proposals`), which
takes two of them, and then all owners are told.
"""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.access import Permission
from accounts.enums import Role
from accounts.errors import Refused
from accounts.models import Account, Membership, Proposal, User
from accounts.services.audit import Event, record
from accounts.services.notifications import News
from accounts.services.people import require_not_erased
from accounts.services.second_person import require_approval
from accounts.services.tenants import lock_account


def _require_right(
    account: Account, kind: str, *, approval: Proposal | None, by: User | None, now: datetime
) -> dict[str, Any]:
    """Return what the event says of the act's first person, where staff act.

    Raises Refused for anyone who neither is an owner nor carries out an approved proposal.
    """
    owners = Membership.objects.filter(account=account, role=Role.OWNER)
    if by is None or owners.filter(user=by).exists():
        return {}
    return require_approval(approval, kind, by=by, now=now)


def _news_for_owners(
    kind: str, membership: Membership, *, reason: str, approval: Proposal | None
) -> list[News]:
    """Return what all owners read where staff changed the members of their account."""
    if approval is None:
        return []
    params = {"email": membership.user.email, "role": membership.role, "reason": reason}
    return [_news(kind, membership, params, to=Permission.MANAGE_MEMBERS)]


def _news(
    kind: str, membership: Membership, params: dict[str, Any], *, to: Permission | list[User]
) -> News:
    path = reverse("accounts:members", kwargs={"uin": membership.account.uin})
    return News(membership.account, kind, params, to=to, path=path)


def require_no_member(account: Account, user: User) -> None:
    """Raise Refused where the user is a member of the account already."""
    if Membership.objects.filter(account=account, user=user).exists():
        raise Refused(_("This person is already a member."), code="already_member", field="email")


@transaction.atomic
def add_member(
    *,
    account: Account,
    user: User,
    role: str,
    reason: str = "",
    approval: Proposal | None = None,
    by: User | None,
    now: datetime,
) -> Membership:
    """Give `user` a role in the account. Raises Refused where the user is a member already."""
    locked = lock_account(account.pk)
    data = _require_right(locked, "member.add", approval=approval, by=by, now=now)
    require_no_member(locked, user)
    require_not_erased(user)
    membership = Membership.objects.create(account=locked, user=user, role=role, created_at=now)
    event = Event(
        verb="member.added",
        target=membership,
        to_state=role,
        reason=reason,
        data=data,
        news=_news_for_owners("staff_added_member", membership, reason=reason, approval=approval),
    )
    record([event], account=locked, by=by, now=now)
    return membership


def require_another_owner(membership: Membership) -> None:
    """Raise Refused where the membership is the account's last owner's."""
    others = Membership.objects.filter(
        account_id=membership.account_id, role=Role.OWNER, user__is_active=True
    ).exclude(pk=membership.pk)
    if membership.role == Role.OWNER and not others.exists():
        raise Refused(
            _("The account needs an owner. Make another member an owner first."), code="last_owner"
        )


@transaction.atomic
def change_role(
    *,
    membership: Membership,
    role: str,
    reason: str = "",
    approval: Proposal | None = None,
    by: User | None,
    now: datetime,
) -> Membership:
    """Give a member another role. Raises Refused for the last owner."""
    account = lock_account(membership.account_id)
    current = Membership.objects.select_related("account", "user").get(pk=membership.pk)
    data = _require_right(account, "member.role", approval=approval, by=by, now=now)
    if role == current.role:
        return current
    require_another_owner(current)
    was, current.role = current.role, role
    current.save(update_fields=["role"])
    news = _news_for_owners("staff_changed_role", current, reason=reason, approval=approval)
    if by is None or by.pk != current.user_id:
        news.append(_news("role_changed", current, {"role": role}, to=[current.user]))
    event = Event(
        verb="member.role_changed",
        target=current,
        from_state=was,
        to_state=role,
        reason=reason,
        data=data,
        news=news,
    )
    record([event], account=current.account, by=by, now=now)
    return current


@transaction.atomic
def remove_member(
    *,
    membership: Membership,
    reason: str = "",
    approval: Proposal | None = None,
    by: User | None,
    now: datetime,
) -> None:
    """Take a member out of the account; someone who removes themselves leaves.

    Raises Refused for the last owner.
    """
    account = lock_account(membership.account_id)
    current = Membership.objects.select_related("account", "user").get(pk=membership.pk)
    is_leaving = by is not None and by.pk == current.user_id
    data = (
        {}
        if is_leaving
        else _require_right(account, "member.remove", approval=approval, by=by, now=now)
    )
    require_another_owner(current)
    event = Event(
        verb="member.left" if is_leaving else "member.removed",
        target=current,
        from_state=current.role,
        reason=reason,
        data={"user": current.user_id, **data},
        news=_news_for_owners("staff_removed_member", current, reason=reason, approval=approval),
    )
    record([event], account=current.account, by=by, now=now)
    current.delete()
