"""Queueing mail to addresses, in the transaction of what it tells.

Nothing is sent here, so a mail server that is away costs no request anything: a background job,
or `send_notifications`, sends what waits.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.jobs import SEND_MAIL, defer
from accounts.models import OutgoingMail, User
from accounts.services.audit import Event, record
from accounts.services.outbox import send_at_once

logger = logging.getLogger(__name__)

#: Mail without a secret link is of use for so long.
USEFUL = timedelta(days=7)


def queue_mail(
    *,
    kind: str,
    to: str,
    subject: str,
    text: str,
    html: str = "",
    expires_at: datetime | None = None,
    now: datetime,
) -> OutgoingMail:
    """Put a written message into the outbox; it goes out before any news.

    `expires_at` is when a link in it stops working. With `MAIL_AT_ONCE`, on a developer's own
    machine, it is also tried right away; what fails then waits like any other.
    """
    mail = OutgoingMail.objects.create(
        kind=kind[:64],
        to=to,
        subject=" ".join(subject.split())[:255],
        text=text,
        html=html,
        created_at=now,
        expires_at=expires_at or now + USEFUL,
        next_attempt_at=now,
    )
    defer(SEND_MAIL, {"ids": [mail.pk]})
    if settings.MAIL_AT_ONCE:
        send_at_once(mail, now=now)
    return mail


@transaction.atomic
def repeat_mail(*, mail: OutgoingMail, reason: str, by: User, now: datetime) -> OutgoingMail:
    """Let a message that was given up be tried again, as staff.

    Raises Refused where it was sent, still waits, or has expired.
    """
    current = OutgoingMail.objects.select_for_update().get(pk=mail.pk)
    if current.sent_at or current.next_attempt_at or current.expires_at <= now:
        raise Refused(
            _("Only an email that was given up and has not expired can be sent again."),
            code="not_repeatable",
        )
    current.next_attempt_at, current.attempts = now, 0
    current.save(update_fields=["next_attempt_at", "attempts"])
    defer(SEND_MAIL, {"ids": [current.pk]})
    event = Event(verb="mail.repeated", target=current, reason=reason)
    record([event], account=None, by=by, now=now)
    return current
