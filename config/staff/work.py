"""Work lists: what waits for staff, the oldest first.

A list costs two queries, however long it is: its first rows, and a count that goes no further
than `COUNTED`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.http import urlencode

from accounts.models import User

#: Rows of a list on the first page.
SHOWN = 5
#: A count goes no further; beyond it, the page says "10,000+".
COUNTED = 10_000


@dataclass(frozen=True)
class WorklistLine:
    """One row of a work list: what it is, where it is, and since when it waits."""

    label: str
    url: str
    text: str
    waits: str
    is_late: bool = False


@dataclass(frozen=True)
class WorkList:
    """One kind of work as the page shows it."""

    name: str
    title: str | Promise
    icon: str
    count: str
    lines: list[WorklistLine]
    url: str
    empty: str | Promise
    is_late: bool


@dataclass(frozen=True)
class Work:
    """One kind of work: who does it, and what waits.

    `permissions` must all be held, or the list does not exist for the person. `find` returns the
    rows for one person at an instant, the oldest first, without those that someone else has to
    decide. `query` filters the table's own list in the same way, as far as an address can; it is a
    function of the instant where the filter is.
    """

    name: str
    title: str | Promise
    icon: str
    permissions: tuple[str, ...]
    find: Callable[[User, datetime], QuerySet[Any]]
    describe: Callable[[Any, datetime], WorklistLine]
    table: str
    query: dict[str, str] | Callable[[datetime], dict[str, str]]
    empty: str | Promise

    def read(self, user: User, now: datetime) -> WorkList:
        """Read the list for a person who may do this work."""
        rows = self.find(user, now)
        lines = [self.describe(row, now) for row in rows[:SHOWN]]
        listing = reverse(f"admin:{self.table}_changelist")
        query = self.query(now) if callable(self.query) else self.query
        return WorkList(
            name=self.name,
            title=self.title,
            icon=self.icon,
            count=bounded_count(rows),
            lines=lines,
            url=f"{listing}?{urlencode(query)}" if query else listing,
            empty=self.empty,
            is_late=any(line.is_late for line in lines),
        )


def bounded_count(rows: QuerySet[Any]) -> str:
    """Count the rows in words: `0`, `17`, `10,000+`."""
    number = rows.order_by()[: COUNTED + 1].count()
    text = number_format(min(number, COUNTED), use_l10n=True, force_grouping=True)
    return f"{text}+" if number > COUNTED else text


def change_url(obj: Any) -> str:
    """Return the address of an object's page."""
    meta = obj._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=(obj.pk,))
