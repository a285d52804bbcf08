"""Sending what waits in the outbox: mail to addresses first, then news to members.

Each row is claimed on its own (`FOR UPDATE SKIP LOCKED`), sent, and marked in one transaction. So
any number of senders may run together, and none sends what another has: a sender that is killed
gives its row back. Only one that dies between the mail server's answer and the commit sends a
message again; both copies then carry the same Message-ID, by which mail programs know them.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.db.models import Q

from accounts.jobs import SEND_MAIL, SEND_NEWS
from accounts.models import Membership, Notification, OutgoingMail, User
from accounts.services.jobs import drop_jobs, waiting_jobs
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
    for people who are gone, `expired` those whose link no longer works."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0
    dropped: int = 0
    expired: int = 0

    def plus(self, outcome: str) -> "Delivery":
        """Return the count with one more of `outcome`, the name of a field."""
        counts = {**vars(self), outcome: getattr(self, outcome) + 1} if outcome else vars(self)
        return Delivery(**counts)


#: The two kinds of row that wait to be sent.
Queued = Notification | OutgoingMail


def due_pages(model: type[Queued], *, now: datetime, batch_size: int) -> Iterator[list[int]]:
    """Yield the ids of what is due at `now`, the longest waiting first, each once."""
    due = model._default_manager.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
    page = due.values_list("next_attempt_at", "pk")
    while rows := list(page[:batch_size]):
        yield [pk for _at, pk in rows]
        at, last = rows[-1]
        # What was tried meanwhile is due later than now, so the rest is beyond this row.
        beyond = Q(next_attempt_at__gt=at) | Q(next_attempt_at=at, pk__gt=last)
        page = due.filter(beyond).values_list("next_attempt_at", "pk")


def _in_turn(
    now: datetime, clock: Callable[[], datetime], batch_size: int
) -> Iterator[tuple[type[Queued], int]]:
    """Yield what is due; mail that came meanwhile goes before the next batch of news."""
    for page in due_pages(OutgoingMail, now=now, batch_size=batch_size):
        yield from ((OutgoingMail, pk) for pk in page)
    for page in due_pages(Notification, now=now, batch_size=batch_size):
        yield from ((Notification, pk) for pk in page)
        for late in due_pages(OutgoingMail, now=clock(), batch_size=batch_size):
            yield from ((OutgoingMail, pk) for pk in late)


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
    forget_words(now=now)
    return _send(_in_turn(now, clock, batch_size), clock, progress)


def send_rows(
    model: type[Queued], *, keys: Iterable[int], clock: Callable[[], datetime]
) -> Delivery:
    """Send those of the rows that are still due, in the same way."""
    return _send(((model, key) for key in keys), clock, lambda number: None)


def drain_outbox(
    *,
    clock: Callable[[], datetime],
    batch_size: int = 200,
    progress: Callable[[int], Any] = lambda number: None,
) -> Delivery:
    """Send everything that is due, and drop the jobs that waited to do so."""
    # First, so that whatever they were to send is due by then.
    waiting = waiting_jobs(SEND_MAIL, SEND_NEWS)
    result = send_due(now=clock(), clock=clock, batch_size=batch_size, progress=progress)
    drop_jobs(waiting)
    return result


def _send(
    rows: Iterable[tuple[type[Queued], int]],
    clock: Callable[[], datetime],
    progress: Callable[[int], Any],
) -> Delivery:
    connection = get_connection()
    result = Delivery()
    try:
        for model, pk in rows:
            connection.open()
            outcome = send_one(model, pk=pk, connection=connection, clock=clock)
            result = result.plus(outcome)
            progress(1)
    finally:
        connection.close()
    return result


def forget_words(*, now: datetime) -> int:
    """Erase the words of mail that expired unsent; return how many messages there were."""
    late = OutgoingMail.objects.filter(sent_at=None, expires_at__lte=now).exclude(text="")
    return late.update(text="", html="")


@transaction.atomic
def send_one(
    model: type[Queued], *, pk: int, connection: Any, clock: Callable[[], datetime]
) -> str:
    """Send one row, unless another sender has it. Returns the name of the outcome."""
    now = clock()
    queued: Any = model._default_manager.select_for_update(skip_locked=True, of=("self",))
    if model is Notification:
        queued = queued.select_related("user", "account")
    claimed: Queued | None = queued.filter(pk=pk, next_attempt_at__lte=now).first()
    if claimed is None:
        return ""
    obstacle, outcome = _obstacle(claimed, now)
    if obstacle:
        _finish(claimed, last_error=obstacle)
        return outcome
    try:
        _message(claimed, connection).send()
    except Exception as error:
        # Whatever is wrong with one message must not stop those behind it. The error may quote
        # the message, whose links are secret.
        logger.warning("%s %s was not sent: %s", model._meta.model_name, pk, type(error).__name__)
        connection.close()
        return _postpone(claimed, error, now)
    _finish(claimed, sent_at=clock(), last_error="")
    return "sent"


def send_at_once(mail: OutgoingMail, *, now: datetime) -> None:
    """Try to send one message without waiting for the next run; failing costs nothing."""
    connection = get_connection()
    try:
        send_one(OutgoingMail, pk=mail.pk, connection=connection, clock=lambda: now)
    finally:
        connection.close()


def _obstacle(queued: Queued, now: datetime) -> tuple[str, str]:
    """Return why a message is not sent any more, and the name of that outcome."""
    if isinstance(queued, OutgoingMail):
        return ("expired", "expired") if queued.expires_at <= now else ("", "")
    return ("", "") if _is_reader(queued) else ("recipient is gone", "dropped")


#: News of which the reader may be a member no longer: it tells that they are none.
_OF_LEAVING = frozenset({"staff_removed_member"})


def _is_reader(notification: Notification) -> bool:
    user: User = notification.user
    places = Membership.objects.filter(user_id=user.pk, account_id=notification.account_id)
    return user.is_active and (notification.kind in _OF_LEAVING or places.exists())


def _message(queued: Queued, connection: Any) -> EmailMultiAlternatives:
    if isinstance(queued, OutgoingMail):
        subject, body, html, to = queued.subject, queued.text, queued.html, queued.to
    else:
        words, html = write_email(queued)
        subject = " ".join(words.subject.split())
        body, to = f"{words.text}\n\n{absolute(queued.path)}", queued.user.email
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip("> ") or "localhost"
    message = EmailMultiAlternatives(
        subject=subject,
        body=f"{body.strip()}\n",
        to=[to],
        headers={"Message-ID": f"<{queued._meta.model_name}-{queued.pk}@{host}>"},
        connection=connection,
    )
    if html:
        message.attach_alternative(html, "text/html")
    return message


def _update(queued: Queued, **values: Any) -> None:
    type(queued)._default_manager.filter(pk=queued.pk).update(**values)


def _finish(queued: Queued, **values: Any) -> None:
    if isinstance(queued, OutgoingMail):
        # Its links are secret, and no longer needed.
        values |= {"text": "", "html": ""}
    _update(queued, next_attempt_at=None, attempts=queued.attempts + 1, **values)


def _postpone(queued: Queued, error: Exception, now: datetime) -> str:
    attempts = queued.attempts + 1
    is_last = attempts > len(PAUSES)
    _update(
        queued,
        attempts=attempts,
        next_attempt_at=None if is_last else now + PAUSES[attempts - 1],
        last_error=f"{type(error).__name__}: {error}"[:300],
    )
    return "given_up" if is_last else "failed"
