"""Locking a row while a page waits for the answer: how long, and how many at a time.

A request that waits for a row holds a thread of its process and a connection. One tenant's locked
row must not hold all of them, so a page's request waits briefly and only few wait for the same
thing; the others are refused immediately. Both end with `Busy`. A row that is free is taken by a
first statement that never waits, and costs nothing of this. Commands wait as long as their
connection allows.
"""

import threading
import time
from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from django.conf import settings
from django.db import OperationalError
from django.db.models import Model
from psycopg.errors import LockNotAvailable

from accounts.errors import Busy
from accounts.queries import call_function

M = TypeVar("M", bound=Model)

#: Seconds that a request waits for a place while no other one gets the lock. A burst of
#: short acts, one after the other, comes through.
GRACE = 0.2
#: Seconds after a failed wait during which new requests are not given that time.
_REMEMBERED = 5.0

_for_page: ContextVar[bool] = ContextVar("locks_for_page", default=False)


@contextmanager
def waiting_briefly() -> Iterator[None]:
    """Let everything inside wait as a page's request does; the middleware opens this."""
    token = _for_page.set(True)
    try:
        yield
    finally:
        _for_page.reset(token)


class Places:
    """Where this process's requests wait for locked rows: a few for each row, and in all."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: Counter[Hashable] = Counter()
        # When the lock was last obtained. Kept for a while after the last request gave up.
        self._stuck_since: dict[Hashable, float] = {}
        self._left_in_vain: dict[Hashable, float] = {}

    @contextmanager
    def take(self, key: Hashable) -> Iterator[None]:
        """Hold a place for the block, which ends without an error once the row is locked.

        Raises Busy where all places are taken and no request has got the lock for `GRACE`
        seconds, which may be immediately.
        """
        self._enter(key)
        came_through = False
        try:
            yield
            came_through = True
        finally:
            self._leave(key, came_through)

    def _enter(self, key: Hashable) -> None:
        with self._changed:
            began = time.monotonic()
            self._forget(began)
            while self._is_full(key):
                until = min(
                    self._stuck_since.get(key, began) + GRACE, began + settings.LOCK_WAIT_SECONDS
                )
                left = until - time.monotonic()
                if left <= 0:
                    raise Busy
                self._changed.wait(left)
            self._waiting[key] += 1
            self._stuck_since.setdefault(key, time.monotonic())

    def _leave(self, key: Hashable, came_through: bool) -> None:
        now = time.monotonic()
        with self._changed:
            self._waiting[key] -= 1
            if came_through:
                self._stuck_since[key] = now
                self._left_in_vain.pop(key, None)
            else:
                self._left_in_vain[key] = now
            if not self._waiting[key]:
                del self._waiting[key]
            self._forget(now)
            self._changed.notify_all()

    def _is_full(self, key: Hashable) -> bool:
        return (
            self._waiting[key] >= settings.LOCK_WAITERS_PER_ROW
            or self._waiting.total() >= settings.LOCK_WAITERS_PER_PROCESS
        )

    def _forget(self, now: float) -> None:
        for key in [key for key, at in self._left_in_vain.items() if now - at > _REMEMBERED]:
            del self._left_in_vain[key]
        for key in list(self._stuck_since):
            if not self._waiting[key] and key not in self._left_in_vain:
                del self._stuck_since[key]


places = Places()


@contextmanager
def waiting_for(key: Hashable) -> Iterator[None]:
    """Surround a statement that may wait for a lock, after one that does not wait failed.

    Must be called in a transaction. In a page's request it raises Busy where enough others wait
    for the same `key`, or after `LOCK_WAIT_SECONDS`; the rest of the transaction waits for no
    lock longer than that.
    """
    if not _for_page.get():
        yield
        return
    with places.take(key):
        # For this transaction only, so that it can be sent through PgBouncer too.
        limit = f"{round(settings.LOCK_WAIT_SECONDS * 1000)}ms"
        call_function("set_config", "lock_timeout", limit, True)
        try:
            yield
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise Busy from error
            raise


def lock_row(model: type[M], pk: int) -> M:
    """Lock a row until the end of the transaction, and return it as it is now.

    It is a NO KEY lock, so rows that merely refer to it can still be inserted meanwhile. Raises
    DoesNotExist where there is no such row, and in a page's request Busy where another session
    holds it for too long.
    """
    rows = model._default_manager.filter(pk=pk)
    # Also finds a row that this transaction holds already: it never waits for itself.
    for row in rows.select_for_update(no_key=True, skip_locked=True):
        return row
    with waiting_for((model._meta.label_lower, pk)):
        return rows.select_for_update(no_key=True).get()
