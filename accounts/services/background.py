"""Work that a person left to a job: worked off in turns, and told of at its end (ADR 0063).

The row says how far the work is, and each turn moves it on in the transaction that does the work.
So a job can be killed at any moment, run again, or run twice at the same time.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.access import PERMISSIONS_OF_ROLE, Permission
from accounts.errors import Busy, Refused
from accounts.models import Account, Membership, User
from accounts.models.work import BackgroundWork
from accounts.services.notifications import News

Clock = Callable[[], datetime]

#: Who began the work and whose page has asked within this time sees its end, and is not told of it.
WATCHED = timedelta(seconds=10)
#: A page that asks each second is noted no more often than this.
NOTED = timedelta(seconds=3)
#: How often a job waits for a locked account before it is left to be tried again later.
PATIENCE = 30


def work_off(turn: Callable[[datetime], bool], clock: Clock) -> None:
    """Take one turn after the other for as long as it returns that the work continues.

    Raises Busy where the account stays locked for long.
    """
    waited, goes_on = 0, True
    while goes_on:
        try:
            goes_on = turn(clock())
            waited = 0
        except Busy:
            waited += 1
            if waited >= PATIENCE:
                raise
            time.sleep(1)


@contextmanager
def in_language_of(person: User | None) -> Iterator[None]:
    """Speak the language of who reads what the job writes."""
    with translation.override((person.language if person else "") or settings.LANGUAGE_CODE):
        yield


def require_permission(account: Account, person: User | None, permission: Permission) -> None:
    """Raise Refused where a person may not do this in the account any more."""
    roles = [role for role, may in PERMISSIONS_OF_ROLE.items() if permission in may]
    membership = Membership.objects.filter(
        account=account, user=person, user__is_active=True, role__in=roles
    )
    if not membership.exists():
        raise Refused(
            _("The person who started this no longer has permission to do it."), code="not_allowed"
        )


def news_for_person(work: BackgroundWork, news: News, now: datetime) -> list[News]:
    """Return what tells `news.to` how the work ended; nothing where their page shows it."""
    is_watched = work.watched_at is not None and work.watched_at > now - WATCHED
    return [] if is_watched or not news.to else [news]


def note_watched(work: BackgroundWork, by: User, now: datetime) -> None:
    """Note that who began the work looks at it, so that they need not be told of its end."""
    is_noted = work.watched_at is not None and work.watched_at > now - NOTED
    if work.is_waiting and work.person == by and not is_noted:
        type(work)._default_manager.filter(pk=work.pk, finished_at=None).update(watched_at=now)
