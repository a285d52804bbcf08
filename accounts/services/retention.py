"""Deleting what has been kept long enough: old news and mail, ended sessions, stale invitations.

`config.retention` adds what other apps keep.

What is due is found by its age alone, so a run can be killed at any moment and repeated: the next
one finds the rest. Several simultaneous runs share the rows, since each leaves alone what another
one has locked.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Invitation, Membership, Notification, OutgoingMail, User

#: Rows deleted in one transaction.
BATCH_SIZE = 1000
#: A session that is just beginning is listed a moment before it is stored.
_BEGINNING = timedelta(hours=1)


def _notifications(now: datetime) -> "QuerySet[Any]":
    """Return old news; what still waits to be sent stays."""
    limit = now - timedelta(days=settings.NOTIFICATION_RETENTION_DAYS)
    return Notification.objects.filter(created_at__lt=limit, next_attempt_at=None)


def _mail(now: datetime) -> "QuerySet[Any]":
    """Return old mail that was sent, was given up, or has expired."""
    limit = now - timedelta(days=settings.MAIL_RETENTION_DAYS)
    is_done = Q(next_attempt_at=None) | Q(expires_at__lte=now)
    return OutgoingMail.objects.filter(is_done, created_at__lt=limit)


def _invitations(now: datetime) -> "QuerySet[Any]":
    """Return invitations that were never accepted and ended long ago."""
    limit = now - timedelta(days=settings.INVITATION_RETENTION_DAYS)
    has_ended = Q(withdrawn_at__lt=limit) | Q(withdrawn_at=None, expires_at__lt=limit)
    return Invitation.objects.filter(has_ended, accepted_at=None)


def _sessions(now: datetime) -> "QuerySet[Any]":
    return Session.objects.filter(expire_date__lt=now)


def _listed_sessions(now: datetime) -> "QuerySet[Any]":
    """Return the entries in people's lists of sessions whose session is over."""
    going_on = Session.objects.filter(session_key=OuterRef("session_key"), expire_date__gte=now)
    return UserSession.objects.filter(~Exists(going_on), last_seen_at__lt=now - _BEGINNING)


def _sign_ups(now: datetime) -> "QuerySet[Any]":
    """Return people who signed up long ago and never confirmed their address."""
    limit = now - timedelta(days=settings.SIGN_UP_RETENTION_DAYS)
    confirmed = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
    memberships = Membership.objects.filter(user=OuterRef("pk"))
    waiting = User.objects.filter(pending_account__created_at__lt=limit)
    return waiting.filter(
        ~Exists(confirmed), ~Exists(memberships), last_login=None, is_staff=False, erased_at=None
    )


#: What is deleted, by the names under which it is counted.
OLD_ROWS: Mapping[str, Callable[[datetime], "QuerySet[Any]"]] = {
    "notifications": _notifications,
    "mail": _mail,
    "invitations": _invitations,
    "sessions": _sessions,
    "listed_sessions": _listed_sessions,
    "sign_ups": _sign_ups,
}


def delete_in_batches(rows: "QuerySet[Any]", *, batch_size: int) -> int:
    """Delete these rows, so many in each transaction, and return their number.

    Rows that others have locked are left to the next run.
    """
    total = 0
    while True:
        with transaction.atomic():
            found = rows.order_by("pk").select_for_update(skip_locked=True, of=("self",))
            keys = list(found.values_list("pk", flat=True)[:batch_size])
            rows.model._default_manager.filter(pk__in=keys).delete()
        total += len(keys)
        if len(keys) < batch_size:
            return total
