"""Pages of long lists in the administration."""

from functools import cached_property
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Page
from django.db import DataError
from django.db.models import F, QuerySet
from django.http import HttpRequest

from accounts.paging import CappedPaginator


class LeanPaginator(CappedPaginator):
    """Pages of a table of a million rows.

    Rows that a search or filter leaves lie apart, so that each costs a read of its own: fewer are
    counted.
    """

    found_limit = 1_000

    @cached_property
    def _limit(self) -> int:
        rows: Any = self.object_list
        is_found = isinstance(rows, QuerySet) and bool(rows.query.where)
        return min(self.limit, self.found_limit) if is_found else self.limit

    def page(self, number: Any) -> Page[Any]:
        """Return a page: its keys are found first, and what its rows refer to is read for these.

        In one query, the database may join whole tables before it counts fifty rows off.
        """
        rows: Any = self.object_list
        if not isinstance(rows, QuerySet):
            return super().page(number)
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        found = rows.select_related(None).order_by(*self._key_order(rows))
        keys = found.values_list("pk", flat=True)[start : min(start + self.per_page, self.count)]
        return Page(rows.filter(pk__in=list(keys)), number, self)

    def _key_order(self, rows: Any) -> tuple[Any, ...]:
        """Return the order in which to look for keys.

        Where a search or a filter leaves few rows, the database may hope to meet them soon on its
        way back from the newest row, and read the whole table when they are old. An order that no
        index has lets it find them by the condition. Many rows are indeed met soon.
        """
        if rows.query.where and not self.is_capped:
            return tuple(map(_unindexed, rows.query.order_by))
        return tuple(rows.query.order_by)


def _unindexed(term: Any) -> Any:
    if term in {"pk", "id", "-pk", "-id"}:
        key = F("pk") + 0
        return key.desc() if term.startswith("-") else key.asc()
    return term


class LeanChangeList(ChangeList):
    """A list that goes through its paginator even where what was found fits on one page."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the rows; a value that turns out to be wrong only now is refused like the others.

        Such are NUL, which PostgreSQL does not hold, and a year of zero.
        """
        try:
            self._read(request)
        except (DataError, OverflowError, ValueError) as error:
            raise IncorrectLookupParameters from error

    def _read(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.multi_page and self.queryset.query.where:
            self.result_list = self.paginator.page(1).object_list
