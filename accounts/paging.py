"""Pages of a history, newest first, found by key: the last costs as much as the first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)

PAGE_SIZE = 25


@dataclass(frozen=True)
class HistoryPage(Generic[M]):
    """The rows of one page, newest first, and the keys that lead on; 0 where nothing follows.

    `older` goes into the query as `before`, `newer` as `after`.
    """

    rows: list[M]
    newer: int = 0
    older: int = 0


def read_events_page(
    rows: "QuerySet[M]", query: Mapping[str, Any], *, size: int = PAGE_SIZE
) -> HistoryPage[M]:
    """Read the page that `before` or `after` in the query leads to, else the first one."""
    before, after = _key(query, "before"), _key(query, "after")
    if after:
        found = list(rows.filter(pk__gt=after).order_by("pk")[: size + 1])
        if len(found) > size:
            shown = found[size - 1 :: -1]
            return HistoryPage(shown, newer=shown[0].pk, older=shown[-1].pk)
        # Nothing newer is left out, so this is the first page.
        before = 0
    found = list((rows.filter(pk__lt=before) if before else rows).order_by("-pk")[: size + 1])
    if not found and before:
        return read_events_page(rows, {}, size=size)
    shown = found[:size]
    return HistoryPage(
        shown,
        newer=shown[0].pk if before else 0,
        older=shown[-1].pk if len(found) > size else 0,
    )


def _key(query: Mapping[str, Any], name: str) -> int:
    """A row's key from the query, 0 for anything that is none."""
    text = str(query.get(name, ""))
    is_number = text.isascii() and text.isdigit() and len(text) < 19
    return int(text) if is_number else 0
