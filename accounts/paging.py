"""Pages of long lists, by key and by number.

By key, every page costs as much as the first, the last included: it is found by the row it begins
after, not by its number. So there is no "page 4,000"; there are the first, the previous, the next
and the last one. By number, pages lead only so far back.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable
from urllib.parse import urlencode

from django.db.models import BigIntegerField, F, Func, Model, QuerySet, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.lookups import GreaterThan, LessThan

from accounts.generics import AnyPage, AnyPaginator
from accounts.text import is_storable

M = TypeVar("M", bound=Model)

PAGE_SIZE = 25
#: Counts are exact up to here; beyond, "10,000+" is said instead of counting on.
COUNT_LIMIT = 10_000
_LAST = "last"


# --- By key --------------------------------------------------------------------------------


@dataclass(frozen=True)
class SortOrder:
    """An order of rows: by an indexed text expression, then by key; without one by key alone."""

    expression: Combinable | None
    is_descending: bool = False

    def turned(self, is_turned: bool) -> "SortOrder":
        """Return the opposite order where `is_turned`, else this one."""
        return replace(self, is_descending=self.is_descending != is_turned)

    def sort(self, rows: "QuerySet[M]", *, is_backward: bool) -> "QuerySet[M]":
        """Return the rows in this order, or in the opposite one."""
        sign = "-" if is_backward != self.is_descending else ""
        if self.expression is None:
            return rows.order_by(f"{sign}pk")
        keyed: QuerySet[Any] = rows.annotate(sort_key=self.expression)
        return keyed.order_by(f"{sign}sort_key", f"{sign}pk")

    def beyond(self, key: str, pk: int, *, is_backward: bool) -> GreaterThan | LessThan:
        """Return the condition for the rows beyond (`key`, `pk`), as one comparison of rows."""
        comparison = LessThan if is_backward != self.is_descending else GreaterThan
        if self.expression is None:
            return comparison(F("pk"), Value(pk, BigIntegerField()))
        here = _row(self.expression, F("pk"))
        there = _row(Value(key, TextField()), Value(pk, BigIntegerField()))
        return comparison(here, there)


def _row(*parts: Combinable) -> Func:
    return Func(*parts, function="ROW", output_field=TextField())


@dataclass(frozen=True)
class PagePosition:
    """Where a page begins: after or before a row, at the start, or at the end."""

    key: str = ""
    pk: int = 0
    is_backward: bool = False
    is_end: bool = False

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> "PagePosition":
        """Read `after`, `before` or `page=last`; what cannot be read means the first page."""
        for name in ("after", "before"):
            row = _decode(query.get(name, ""))
            if row is not None:
                return cls(*row, is_backward=name == "before")
        return cls(is_backward=True, is_end=True) if query.get("page") == _LAST else cls()


def _encode(row: Any) -> str:
    key = [getattr(row, "sort_key", ""), row.pk]
    text = json.dumps(key, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(token: str) -> tuple[str, int] | None:
    """Return the key and primary key that `_encode` wrote, or None for anything else."""
    try:
        padded = token + "=" * (-len(token) % 4)
        key, pk = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True).decode())
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None
    is_row = isinstance(key, str) and type(pk) is int and 0 < pk < 2**63
    return (key, pk) if is_row and is_storable(key) else None


def _read(
    rows: "QuerySet[M]", order: SortOrder, place: PagePosition, size: int
) -> tuple[list[M], bool, bool]:
    """Return a page's rows, and whether there are rows before them and after them.

    One row more is read to know. Where nothing is beyond the place any more, the first page is
    read instead.
    """
    found = order.sort(rows, is_backward=place.is_backward)
    if place.pk:
        found = found.filter(order.beyond(place.key, place.pk, is_backward=place.is_backward))
    read = list(found[: size + 1])
    if not read and place.pk:
        return _read(rows, order, PagePosition(), size)
    has_more = len(read) > size
    if place.is_backward:
        return read[:size][::-1], has_more, not place.is_end
    return read[:size], bool(place.pk), has_more


@dataclass(frozen=True)
class Page(Generic[M]):
    """The rows of one page, in order, and the query parts that lead to the others."""

    rows: list[M]
    first: str = ""
    previous: str = ""
    next: str = ""
    last: str = ""


def read_page(
    rows: "QuerySet[M]", order: SortOrder, place: PagePosition, query: str, size: int = PAGE_SIZE
) -> Page[M]:
    """Read one page of `rows`; `query` is the query part that all links share."""
    shown, has_previous, has_next = _read(rows, order, place, size)

    def link(**values: str) -> str:
        return "?" + "&".join(part for part in (query, urlencode(values)) if part)

    return Page(
        rows=shown,
        first=link() if has_previous else "",
        previous=link(before=_encode(shown[0])) if has_previous else "",
        next=link(after=_encode(shown[-1])) if has_next and shown else "",
        last=link(page=_LAST) if has_next else "",
    )


@dataclass(frozen=True)
class HistoryPage(Generic[M]):
    """The rows of one page, newest first, and the keys that lead on; 0 where nothing follows.

    `older` goes into the query as `before`, `newer` as `after`.
    """

    rows: list[M]
    newer: int = 0
    older: int = 0


_NEWEST_FIRST = SortOrder(None, is_descending=True)


def read_history_page(
    rows: "QuerySet[M]", query: Mapping[str, Any], *, size: int = PAGE_SIZE
) -> HistoryPage[M]:
    """Read the page that `before` or `after` in the query leads to, else the newest one."""
    newer_than, older_than = _key(query, "after"), _key(query, "before")
    place = PagePosition(pk=newer_than or older_than, is_backward=bool(newer_than))
    shown, has_newer, has_older = _read(rows, _NEWEST_FIRST, place, size)
    if place.is_backward and not has_newer:
        # Nothing newer is left out, so this is the first page.
        shown, has_newer, has_older = _read(rows, _NEWEST_FIRST, PagePosition(), size)
    return HistoryPage(
        shown,
        newer=shown[0].pk if has_newer else 0,
        older=shown[-1].pk if has_older else 0,
    )


def _key(query: Mapping[str, Any], name: str) -> int:
    """A row's key from the query, 0 for anything that is none."""
    text = str(query.get(name, ""))
    is_number = text.isascii() and text.isdigit() and len(text) < 19
    return int(text) if is_number else 0


# --- By number -----------------------------------------------------------------------------


@runtime_checkable
class Countable(Protocol):
    """Rows that are no queryset, but can be counted as far as one wants to know."""

    def count_to(self, limit: int) -> int:
        """Return how many rows there are, `limit` at most."""


def count_up_to(rows: Any, limit: int = COUNT_LIMIT) -> int:
    """Count a queryset, a sequence or what is `Countable`, and stop counting at `limit` + 1."""
    if isinstance(rows, QuerySet):
        return rows.order_by()[: limit + 1].count()
    if isinstance(rows, Countable):
        return rows.count_to(limit + 1)
    return min(len(rows), limit + 1)


class CappedPaginator(AnyPaginator):
    """Counts and leads no further than `limit` rows, so that neither cost grows with the table.

    What is beyond is found by search and filters. `is_capped` says that there is more.
    """

    limit = COUNT_LIMIT

    @cached_property
    def _limit(self) -> int:
        return self.limit

    @cached_property
    def _counted(self) -> int:
        return count_up_to(self.object_list, self._limit)

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than the pages lead to."""
        return self._counted > self._limit

    @cached_property
    def count(self) -> int:
        return min(self._counted, self._limit)


def read_numbered_page(
    rows: Any, query: Mapping[str, Any], *, size: int = PAGE_SIZE, limit: int = COUNT_LIMIT
) -> AnyPage:
    """Return the page that `page` in the query names, the first or last one for a wrong number."""
    paginator = CappedPaginator(rows, size)
    paginator.limit = limit
    return paginator.get_page(query.get("page"))
