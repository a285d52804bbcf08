"""Erasing a person: the sign-in and everything personal goes, what they did stays.

Money, audit events and whatever else is history name the person by key, so they show the neutral
name from then on. Texts in append-only rows cannot be changed: ADR 0062 lists them.
"""

from collections.abc import Iterator
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.enums import ProposalState, Theme
from accounts.errors import Refused
from accounts.models import (
    AuditEvent,
    Invitation,
    Membership,
    Notification,
    OutgoingMail,
    PendingAccount,
    Proposal,
    User,
)
from accounts.services.audit import Event, record
from accounts.services.locks import lock_row
from accounts.services.members import require_another_owner
from accounts.services.people import end_sessions
from accounts.services.second_person import require_approval
from accounts.services.tenants import lock_accounts

#: News for others that names a person, by the key of its details that does.
_NAMED_IN = {
    "member_joined": "person",
    "staff_added_member": "email",
    "staff_changed_role": "email",
    "staff_removed_member": "email",
}


def neutral_address(user: User) -> str:
    """Return what stands in place of the address: unique, and no mail can ever reach it."""
    return f"erased-{user.pk}@erased.invalid"


def find_erasure_obstacles(user: User, now: datetime) -> list[str | Promise]:
    """Return every reason why the person cannot be erased at `now`."""
    if user.erased_at:
        return [_("This person has already been erased.")]
    return [*_owned_alone(user), *_rights(user), *_open_proposals(user, now)]


def _owned_alone(user: User) -> Iterator[str]:
    for place in user.memberships.select_related("account").order_by("account_id"):
        try:
            require_another_owner(place)
        except Refused:
            yield _("The person is the only owner of %(account)s. Add another owner first.") % {
                "account": place.account
            }


def _rights(user: User) -> Iterator[str]:
    has_rights = user.groups.exists() or user.user_permissions.exists()
    if user.is_staff or user.is_superuser or has_rights:
        yield _("The person is staff. Remove the rights first.")


def _open_proposals(user: User, now: datetime) -> Iterator[str]:
    waiting = Proposal.objects.filter(state=ProposalState.WAITING, expires_at__gt=now)
    if waiting.filter(Q(made_by=user) | Q(payload__user=user.pk)).exists():
        yield _("A proposal by or about this person is awaiting a decision.")


def require_erasable(user: User, now: datetime) -> None:
    """Raise Refused with all reasons where the person cannot be erased at `now`."""
    obstacles = find_erasure_obstacles(user, now)
    if obstacles:
        raise Refused(" ".join(map(str, obstacles)), code="not_erasable")


@transaction.atomic
def erase_person(
    *, user: User, reason: str, approval: Proposal | None = None, by: User | None, now: datetime
) -> None:
    """Take away everything personal of a person permanently, which takes two people.

    Raises Refused (code "not_erasable") with all reasons while the person is the only owner of an
    account, has rights of staff, or is part of an open proposal.
    """
    data = require_approval(approval, "user.erase", by=by, now=now)
    accounts = lock_accounts(user.memberships.values_list("account_id", flat=True))
    current = lock_row(User, user.pk)
    require_erasable(current, now)
    addresses = [current.email]
    addresses += EmailAddress.objects.filter(user_id=current.pk).values_list("email", flat=True)
    _forget_news(current, addresses)
    _forget_mail(current, addresses)
    _forget_invitations(current, addresses)
    _forget_sign_in(current)
    _neutralize(current, now)
    places = list(current.memberships.select_related("account"))
    if {place.account_id for place in places} - accounts.keys():
        raise Refused(_("The person has just joined another account."), code="changed_meanwhile")
    for place in places:
        _leave(place, reason=reason, data=data, by=by, now=now)
    event = Event(verb="user.erased", target=current, reason=reason, data=data)
    record([event], account=None, by=by, now=now)


def _forget_news(user: User, addresses: list[str]) -> None:
    """Delete the person's news, and their name in that of others in the same accounts."""
    user.notifications.all().delete()
    named = {user.name, *addresses} - {""}
    rows = Notification.objects.filter(account__in=_accounts_ever(user), kind__in=_NAMED_IN)
    for news in rows.only("kind", "params").iterator():
        key = _NAMED_IN[news.kind]
        if news.params.get(key) in named:
            news.params[key] = neutral_address(user)
            news.save(update_fields=["params"])


def _accounts_ever(user: User) -> set[int]:
    """Return the accounts that the person is, or as far as the trail tells was, a member of."""
    acts = AuditEvent.objects.filter(actor=user, account__isnull=False)
    removals = AuditEvent.objects.filter(
        target_type=Membership._meta.label_lower, verb="member.removed", data__user=user.pk
    )
    return {
        *user.memberships.values_list("account_id", flat=True),
        *acts.order_by().values_list("account_id", flat=True).distinct(),
        *removals.values_list("account_id", flat=True),
    }


def _forget_mail(user: User, addresses: list[str]) -> None:
    """Delete mail to the person, sent or waiting, and invitations that went out in their name."""
    OutgoingMail.objects.filter(to__in=addresses).delete()
    invited = Invitation.objects.filter(invited_by=user).values("email")
    in_their_name = OutgoingMail.objects.filter(
        kind="invitation", to__in=invited, subject__contains=user.get_full_name()
    )
    in_their_name.filter(next_attempt_at=None).delete()


def _forget_invitations(user: User, addresses: list[str]) -> None:
    """Delete invitations to the addresses; of those that the person accepted, the place stays."""
    to_them = Invitation.objects.filter(email__in=addresses)
    to_them.filter(accepted_at=None).delete()
    accepted = to_them | Invitation.objects.filter(accepted_by=user)
    accepted.update(email=neutral_address(user))


def _forget_sign_in(user: User) -> None:
    end_sessions(user)
    UserSession.objects.filter(user_id=user.pk).delete()
    Authenticator.objects.filter(user_id=user.pk).delete()
    EmailAddress.objects.filter(user_id=user.pk).delete()
    PendingAccount.objects.filter(user=user).delete()


def _neutralize(user: User, now: datetime) -> None:
    user.email, user.name = neutral_address(user), ""
    user.language, user.theme = "", Theme.AUTO
    user.password = make_password(None)
    user.is_active, user.last_login, user.erased_at = False, None, now
    user.save()


def _leave(
    place: Membership, *, reason: str, data: dict[str, int], by: User | None, now: datetime
) -> None:
    event = Event(
        verb="member.removed",
        target=place,
        from_state=place.role,
        reason=reason,
        data={"user": place.user_id, **data},
    )
    record([event], account=place.account, by=by, now=now)
    place.delete()
