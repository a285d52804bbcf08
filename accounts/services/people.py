"""What staff do for, or to, a person who signs in."""

from collections.abc import Iterable
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Proposal, User
from accounts.services.audit import Event, record
from accounts.services.locks import lock_row
from accounts.services.second_person import require_approval
from accounts.text import email_key


def require_not_erased(user: User) -> None:
    """Raise Refused where the person was erased: no one signs in with that row again."""
    if User.objects.filter(pk=user.pk, erased_at__isnull=False).exists():
        raise Refused(_("This person was erased."), code="erased")


def _lock(user: User) -> User:
    return lock_row(User, user.pk)


@transaction.atomic
def register_person(*, email: str, name: str, by: User | None, now: datetime) -> User:
    """Make a sign-in without a password; its owner chooses one by the reset page.

    Raises Refused (code "email_taken") where the address has a sign-in.
    """
    email = email_key(email)
    if User.objects.filter(email=email).exists() or EmailAddress.objects.filter(email=email):
        raise Refused(
            _("A user with this address already exists."), code="email_taken", field="email"
        )
    user = User.objects.create_user(email, name=name, date_joined=now)
    # No one gets in but by a link that was sent there, and that proves the address.
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    event = Event(verb="user.registered", target=user)
    record([event], account=None, by=by, now=now)
    return user


@transaction.atomic
def deactivate_user(*, user: User, reason: str, by: User, now: datetime) -> None:
    """Keep a person out and end all sessions. Raises Refused for oneself."""
    if user.pk == by.pk:
        raise Refused(_("You cannot deactivate yourself."), code="own_account")
    if _set_active(user, is_active=False):
        end_sessions(user)
        event = Event(verb="user.deactivated", target=user, reason=reason)
        record([event], account=None, by=by, now=now)


@transaction.atomic
def reactivate_user(
    *, user: User, reason: str, approval: Proposal | None = None, by: User, now: datetime
) -> None:
    """Let a person in again, which takes two people."""
    data = require_approval(approval, "user.reactivate", by=by, now=now)
    require_not_erased(user)
    if _set_active(user, is_active=True):
        event = Event(verb="user.reactivated", target=user, reason=reason, data=data)
        record([event], account=None, by=by, now=now)


def _set_active(user: User, *, is_active: bool) -> bool:
    rows = User.objects.filter(pk=user.pk, is_active=not is_active)
    return bool(rows.update(is_active=is_active))


@transaction.atomic
def reset_second_factor(*, user: User, reason: str, by: User, now: datetime) -> None:
    """Take away all second factors of someone who has lost them, and end all sessions.

    Raises Refused for oneself: anyone who holds a session must not weaken its own sign-in.
    """
    if user.pk == by.pk:
        raise Refused(_("Another person must do this for you."), code="own_account")
    deleted, _each = Authenticator.objects.filter(user_id=user.pk).delete()
    end_sessions(user)
    event = Event(
        verb="user.second_factor_reset", target=user, reason=reason, data={"factors": deleted}
    )
    record([event], account=None, by=by, now=now)


@transaction.atomic
def sign_out_everywhere(*, user: User, reason: str, by: User, now: datetime) -> None:
    """End all sessions of a person."""
    count = end_sessions(user)
    event = Event(verb="user.signed_out", target=user, reason=reason, data={"sessions": count})
    record([event], account=None, by=by, now=now)


def end_sessions(user: User) -> int:
    """End every session of `user`; return how many there were."""
    sessions = list(UserSession.objects.filter(user_id=user.pk))
    for session in sessions:
        session.end()
    return len(sessions)


def gives_rights(user: User, *, is_staff: bool, groups: Iterable[Group]) -> bool:
    """Whether the person would have a right that they do not have now."""
    if not is_staff:
        return False
    held = set(user.groups.values_list("pk", flat=True))
    return not user.is_staff or bool({group.pk for group in groups} - held)


@transaction.atomic
def change_staff_rights(
    *,
    user: User,
    is_staff: bool,
    groups: Iterable[Group],
    reason: str,
    approval: Proposal | None = None,
    by: User,
    now: datetime,
) -> None:
    """Let a person into the administration, with the rights of `groups`, or out of it.

    Taking rights away is done by one person immediately; giving any takes an approved proposal.
    Raises Refused for oneself: no one widens or saves their own rights.
    """
    if user.pk == by.pk:
        raise Refused(_("Only another person can change your rights."), code="own_account")
    chosen = list(groups) if is_staff else []
    current = _lock(user)
    require_not_erased(current)
    is_gift = gives_rights(current, is_staff=is_staff, groups=chosen)
    data = require_approval(approval, "staff.rights", by=by, now=now) if is_gift else {}
    was = sorted(group.name for group in current.groups.all())
    User.objects.filter(pk=current.pk).update(is_staff=is_staff)
    current.groups.set(chosen)
    event = Event(
        verb="user.rights_changed",
        target=current,
        from_state="staff" if current.is_staff else "customer",
        to_state="staff" if is_staff else "customer",
        reason=reason,
        data={"from": was, "to": sorted(group.name for group in chosen), **data},
    )
    record([event], account=None, by=by, now=now)
