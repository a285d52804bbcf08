"""Pages by key: every page, the last included, costs as much as the first.

A page is found by the row it begins after, not by its number. So there is no "page 4,000";
there are the first, the previous, the next and the last one. The last one reads the index
backwards.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import BigIntegerField, F, Func, Model, QuerySet, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.lookups import GreaterThan, LessThan

from accounts.text import is_storable

M = TypeVar("M", bound=Model)

PAGE_SIZE = 25
#: Counts are exact up to here; beyond, "10,000+" is said instead of counting on.
COUNT_LIMIT = 10_000
_LAST = "last"


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
        keyed: QuerySet[Any] = rows.annotate(sort_key=self.expression or Value("", TextField()))
        fields = ["pk"] if self.expression is None else ["sort_key", "pk"]
        return keyed.order_by(
            *(f"-{name}" if is_backward != self.is_descending else name for name in fields)
        )

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


def _encode(key: str, pk: int) -> str:
    text = json.dumps([key, pk], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(token: str) -> tuple[str, int] | None:
    """Return what `_encode` was given, or None for anything else."""
    try:
        padded = token + "=" * (-len(token) % 4)
        key, pk = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True).decode())
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None
    is_row = isinstance(key, str) and type(pk) is int and 0 < pk < 2**63
    return (key, pk) if is_row and is_storable(key) else None


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
    """Read one page of `rows` and one row more, to know whether there is another page.

    `query` is the query part that all links share. Where nothing lies beyond the place any
    more, the first page is read instead.
    """
    found = order.sort(rows, is_backward=place.is_backward)
    if place.pk:
        found = found.filter(order.beyond(place.key, place.pk, is_backward=place.is_backward))
    read = list(found[: size + 1])
    if not read and place.pk:
        return read_page(rows, order, PagePosition(), query, size)
    has_more = len(read) > size
    shown = read[:size][:: -1 if place.is_backward else 1]
    has_previous = has_more if place.is_backward else bool(place.pk)
    has_next = not place.is_end if place.is_backward else has_more
    return _with_links(shown, query, has_previous=has_previous, has_next=has_next)


def _with_links(rows: list[M], query: str, *, has_previous: bool, has_next: bool) -> Page[M]:
    def link(**values: str) -> str:
        return "?" + "&".join(part for part in (query, urlencode(values)) if part)

    def token(row: Any) -> str:
        return _encode(row.sort_key, row.pk)

    return Page(
        rows=rows,
        first=link() if has_previous else "",
        previous=link(before=token(rows[0])) if has_previous else "",
        next=link(after=token(rows[-1])) if has_next and rows else "",
        last=link(page=_LAST) if has_next else "",
    )


def count_up_to(rows: "QuerySet[Any]", limit: int = COUNT_LIMIT) -> int:
    """Count the rows, and stop counting at `limit` + 1."""
    return rows.order_by()[: limit + 1].count()
