"""Sending what waits in the outbox.

Each row is claimed by itself (`FOR UPDATE SKIP LOCKED`), sent, and marked in one transaction. So
any number of senders may run at once, and none sends what another has: a sender that is killed
gives its row back. Only one that dies between the mail server's answer and the commit sends a
message again; both copies then carry the same Message-ID, by which mail programs know them.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.db.models import Q

from accounts.models import Membership, Notification, User
from accounts.services.letters import absolute, write_email

logger = logging.getLogger(__name__)

#: How long after each failed attempt the next one is made; after the last one it is given up.
PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
    timedelta(hours=24),
)


@dataclass(frozen=True)
class Delivery:
    """What one run did. `failed` will be tried again, `given_up` will not; `dropped` are those
    for people who are gone."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0
    dropped: int = 0

    def plus(self, outcome: str) -> "Delivery":
        """Return the count with one more of `outcome`, the name of a field."""
        counts = {**vars(self), outcome: getattr(self, outcome) + 1} if outcome else vars(self)
        return Delivery(**counts)


def due_ids(*, now: datetime, batch_size: int) -> Iterator[int]:
    """Yield the ids of what is due at `now`, the longest waiting first, each once."""
    due = Notification.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
    page = due.values_list("next_attempt_at", "pk")
    while rows := list(page[:batch_size]):
        yield from (pk for _at, pk in rows)
        at, last = rows[-1]
        # What was tried meanwhile is due later than now, so the rest lies beyond this row.
        beyond = Q(next_attempt_at__gt=at) | Q(next_attempt_at=at, pk__gt=last)
        page = due.filter(beyond).values_list("next_attempt_at", "pk")


def send_due(
    *,
    now: datetime,
    clock: Callable[[], datetime],
    batch_size: int = 200,
    progress: Callable[[int], Any] = lambda number: None,
) -> Delivery:
    """Send everything that is due at `now`; a row is tried once per run.

    `clock` says what time it is when a message has gone. A mail server that cannot be reached at
    all raises its own error: the run ends, and nothing counts as an attempt.
    """
    connection = get_connection()
    result = Delivery()
    try:
        for pk in due_ids(now=now, batch_size=batch_size):
            connection.open()
            outcome = send_one(pk=pk, connection=connection, now=now, clock=clock)
            result = result.plus(outcome)
            progress(1)
    finally:
        connection.close()
    return result


@transaction.atomic
def send_one(*, pk: int, connection: Any, now: datetime, clock: Callable[[], datetime]) -> str:
    """Send one notification, unless another sender has it. Returns the name of the outcome."""
    claimed = (
        Notification.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("user", "account")
        .filter(pk=pk, next_attempt_at__lte=now)
        .first()
    )
    if claimed is None:
        return ""
    if not _is_reader(claimed):
        _finish(claimed, last_error="recipient is gone")
        return "dropped"
    try:
        _message(claimed, connection).send()
    except Exception as error:
        # Whatever is wrong with one message must not stop those behind it.
        logger.warning("notification %s was not sent: %s", pk, error)
        connection.close()
        return _postpone(claimed, error, now)
    _finish(claimed, sent_at=clock(), last_error="")
    return "sent"


def _is_reader(notification: Notification) -> bool:
    user: User = notification.user
    places = Membership.objects.filter(user_id=user.pk, account_id=notification.account_id)
    return user.is_active and places.exists()


def _message(notification: Notification, connection: Any) -> EmailMultiAlternatives:
    words, html = write_email(notification)
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip("> ") or "localhost"
    body = f"{words.text}\n\n{absolute(notification.path)}".strip()
    message = EmailMultiAlternatives(
        subject=" ".join(words.subject.split()),
        body=f"{body}\n",
        to=[notification.user.email],
        headers={"Message-ID": f"<notification-{notification.pk}@{host}>"},
        connection=connection,
    )
    message.attach_alternative(html, "text/html")
    return message


def _finish(notification: Notification, **values: Any) -> None:
    Notification.objects.filter(pk=notification.pk).update(
        next_attempt_at=None, attempts=notification.attempts + 1, **values
    )


def _postpone(notification: Notification, error: Exception, now: datetime) -> str:
    attempts = notification.attempts + 1
    is_last = attempts > len(PAUSES)
    Notification.objects.filter(pk=notification.pk).update(
        attempts=attempts,
        next_attempt_at=None if is_last else now + PAUSES[attempts - 1],
        last_error=f"{type(error).__name__}: {error}"[:300],
    )
    return "given_up" if is_last else "failed"
