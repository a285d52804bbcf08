"""Members of an account and their roles."""

from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.enums import Role
from accounts.errors import Refused
from accounts.models import Account, Membership, User
from accounts.services.audit import record_event
from accounts.services.notifications import notify
from accounts.services.tenants import lock_account


@transaction.atomic
def add_member(
    *, account: Account, user: User, role: str, by: User | None, now: datetime
) -> Membership:
    """Give `user` a role in the account. Raises Refused where the user is a member already."""
    lock_account(account.pk)
    if Membership.objects.filter(account=account, user=user).exists():
        raise Refused(_("This person is a member already."), code="already_member", field="email")
    membership = Membership.objects.create(account=account, user=user, role=role, created_at=now)
    record_event(
        account=account, verb="member.added", target=membership, to_state=role, by=by, now=now
    )
    return membership


def _require_another_owner(membership: Membership) -> None:
    others = Membership.objects.filter(
        account_id=membership.account_id, role=Role.OWNER, user__is_active=True
    ).exclude(pk=membership.pk)
    if membership.role == Role.OWNER and not others.exists():
        raise Refused(
            _("The last owner stays: make somebody else an owner first."), code="last_owner"
        )


@transaction.atomic
def change_role(*, membership: Membership, role: str, by: User | None, now: datetime) -> Membership:
    """Give a member another role. Raises Refused for the last owner."""
    lock_account(membership.account_id)
    current = Membership.objects.select_related("account", "user").get(pk=membership.pk)
    if role == current.role:
        return current
    _require_another_owner(current)
    was, current.role = current.role, role
    current.save(update_fields=["role"])
    record_event(
        account=current.account,
        verb="member.role_changed",
        target=current,
        from_state=was,
        to_state=role,
        by=by,
        now=now,
    )
    if by is None or by.pk != current.user_id:
        notify(
            account=current.account,
            kind="role_changed",
            params={"role": role},
            to=[current.user],
            path=reverse("accounts:members", kwargs={"uin": current.account.uin}),
            now=now,
        )
    return current


@transaction.atomic
def remove_member(
    *, membership: Membership, reason: str = "", by: User | None, now: datetime
) -> None:
    """Take a member out of the account; somebody who removes themselves leaves.

    Raises Refused for the last owner.
    """
    lock_account(membership.account_id)
    current = Membership.objects.select_related("account").get(pk=membership.pk)
    _require_another_owner(current)
    record_event(
        account=current.account,
        verb="member.left" if by is not None and by.pk == current.user_id else "member.removed",
        target=current,
        from_state=current.role,
        reason=reason,
        data={"user": current.user_id},
        by=by,
        now=now,
    )
    current.delete()
