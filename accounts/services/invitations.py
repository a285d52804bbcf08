"""Inviting people into an account: a link that is signed, secret, expiring and used once.

The secret goes into the link and nowhere else; the row keeps its hash. The signature lets
made-up links be turned away without a look at the rows.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.access import Permission
from accounts.enums import InvitationState
from accounts.errors import Refused
from accounts.models import Account, Invitation, Membership, User
from accounts.row_security import beyond_tenancy
from accounts.services.audit import Event, record
from accounts.services.letters import absolute, render_plain
from accounts.services.mail import queue_mail
from accounts.services.notifications import News
from accounts.services.tenants import lock_account
from accounts.text import email_key

_SIGNER = signing.Signer(salt="accounts.invitation")
#: A message that has just gone out is not sent again (ADR 0049).
RESEND_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True)
class Sendable:
    """An invitation with the token of its link, which cannot be had a second time."""

    invitation: Invitation
    token: str


def _new_token() -> tuple[str, str]:
    secret = secrets.token_urlsafe(32)
    return _SIGNER.sign(secret), _hash(secret)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _lifetime() -> timedelta:
    return timedelta(days=settings.INVITATION_LIFETIME_DAYS)


@transaction.atomic
def invite_member(*, account: Account, email: str, role: str, by: User, now: datetime) -> Sendable:
    """Offer `role` to the owner of an address, and queue the message with the link.

    An invitation that has expired makes room for this one. Raises Refused for a member
    ("already_member"), for an address that is invited already ("already_invited"), and above
    the account's number of messages a day ("too_many_invitations").
    """
    locked = lock_account(account.pk)
    address = email_key(email)
    if Membership.objects.filter(account=locked, user__email=address).exists():
        raise Refused(_("This person is already a member."), code="already_member", field="email")
    _require_quiet(locked, now)
    open_rows = Invitation.objects.filter(
        account=locked, email=address, accepted_at=None, withdrawn_at=None
    )
    if open_rows.filter(expires_at__gt=now).exists():
        raise Refused(
            _("This address has already been invited. You can send the link again below."),
            code="already_invited",
            field="email",
        )
    open_rows.update(withdrawn_at=now)
    token, token_hash = _new_token()
    invitation = Invitation.objects.create(
        account=locked,
        email=address,
        role=role,
        token_hash=token_hash,
        invited_by=by,
        created_at=now,
        sent_at=now,
        expires_at=now + _lifetime(),
    )
    event = Event(verb="invitation.sent", target=invitation, to_state=role)
    record([event], account=locked, by=by, now=now)
    return _queue(Sendable(invitation, token), now=now)


def _queue(sendable: Sendable, *, now: datetime) -> Sendable:
    """Queue the message with the link, in the language that is active."""
    invitation = sendable.invitation
    path = reverse("accounts:invitation", kwargs={"token": sendable.token})
    context: dict[str, Any] = {"invitation": invitation, "url": absolute(path)}
    subject = render_plain("accounts/email/invitation_subject.txt", context)
    context["subject"] = subject
    queue_mail(
        kind="invitation",
        to=invitation.email,
        subject=subject,
        text=render_plain("accounts/email/invitation.txt", context),
        html=render_to_string("accounts/email/invitation.html", context),
        expires_at=invitation.expires_at,
        now=now,
    )
    return sendable


def _require_quiet(account: Account, now: datetime) -> None:
    sent = Invitation.objects.filter(account=account, sent_at__gt=now - timedelta(days=1))
    if sent.count() >= settings.INVITATION_DAILY_LIMIT:
        raise Refused(
            _("The account has reached its daily limit of invitations. Try again tomorrow."),
            code="too_many_invitations",
        )


def _lock_open(invitation: Invitation) -> Invitation:
    """Lock the invitation behind its account, and require that nothing has come of it yet."""
    lock_account(invitation.account_id)
    current = Invitation.objects.select_related("account", "invited_by").get(pk=invitation.pk)
    if current.accepted_at:
        raise Refused(_("This invitation was accepted."), code="invitation_accepted")
    if current.withdrawn_at:
        raise Refused(_("This invitation was withdrawn."), code="invitation_withdrawn")
    return current


@transaction.atomic
def resend_invitation(*, invitation: Invitation, by: User, now: datetime) -> Sendable:
    """Give the invitation a new link and its full time; the old link stops working."""
    current = _lock_open(invitation)
    if now - current.sent_at < RESEND_PAUSE:
        raise Refused(
            _("The email was sent a moment ago. Wait a minute for it to arrive."), code="just_sent"
        )
    _require_quiet(current.account, now)
    token, current.token_hash = _new_token()
    current.sent_at = now
    current.expires_at = now + _lifetime()
    current.save(update_fields=["token_hash", "sent_at", "expires_at"])
    event = Event(verb="invitation.resent", target=current)
    record([event], account=current.account, by=by, now=now)
    return _queue(Sendable(current, token), now=now)


@transaction.atomic
def withdraw_invitation(*, invitation: Invitation, by: User, now: datetime) -> None:
    """Take the offer back; its link stops working."""
    current = _lock_open(invitation)
    current.withdrawn_at = now
    current.save(update_fields=["withdrawn_at"])
    event = Event(verb="invitation.withdrawn", target=current)
    record([event], account=current.account, by=by, now=now)


def find_invitation(token: str) -> Invitation | None:
    """Return the invitation that a link's token belongs to, whatever has become of it."""
    try:
        secret = _SIGNER.unsign(token)
    except signing.BadSignature:
        return None
    rows = Invitation.objects.select_related("account", "invited_by")
    with beyond_tenancy():
        return rows.filter(token_hash=_hash(secret)).first()


def owns_address(user: User, email: str) -> bool:
    """Say whether `user` has confirmed this address."""
    return EmailAddress.objects.filter(user_id=user.pk, email=email, verified=True).exists()


@transaction.atomic
def accept_invitation(*, token: str, by: User, now: datetime) -> Membership:
    """Make `by` a member in the role that was offered; anyone who is one already keeps their role.

    Raises Refused where the link is invalid ("invitation_unknown", "invitation_accepted",
    "invitation_withdrawn", "invitation_expired") or was sent to someone else ("other_address").
    """
    found = find_invitation(token)
    if found is None:
        raise Refused(_("This link is invalid."), code="invitation_unknown")
    current = _lock_open(found)
    if current.state_at(now) != InvitationState.OPEN:
        raise Refused(
            _("This invitation has expired. Ask for a new one."), code="invitation_expired"
        )
    if not owns_address(by, current.email):
        raise Refused(_("This invitation was sent to a different address."), code="other_address")
    # The account's lock is held, but an older link may have been replaced before it was.
    if current.token_hash != found.token_hash:
        raise Refused(_("This link is invalid."), code="invitation_unknown")
    current.accepted_at, current.accepted_by = now, by
    current.save(update_fields=["accepted_at", "accepted_by"])
    membership, joined = _join(current, by, now)
    accepted = Event(verb="invitation.accepted", target=current)
    record([accepted, *joined], account=current.account, by=by, now=now)
    return membership


def _join(invitation: Invitation, user: User, now: datetime) -> tuple[Membership, list[Event]]:
    """Give the user their place; return the event as well, where they had none."""
    membership, is_new = Membership.objects.get_or_create(
        account=invitation.account,
        user=user,
        defaults={"role": invitation.role, "created_at": now},
    )
    if not is_new:
        return membership, []
    news = News(
        invitation.account,
        "member_joined",
        {"person": user.get_full_name(), "role": invitation.role},
        to=Permission.MANAGE_MEMBERS,
        path=reverse("accounts:members", kwargs={"uin": invitation.account.uin}),
    )
    event = Event(verb="member.added", target=membership, to_state=invitation.role, news=[news])
    return membership, [event]
