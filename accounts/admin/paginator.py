"""Pages of long lists in the administration."""

from functools import cached_property
from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.paginator import CappedPaginator


class LeanPaginator(CappedPaginator):
    """Pages of a table of a million rows.

    Rows that a search or filter leaves lie apart, so that each costs a read of its own: fewer are
    counted.
    """

    found_limit = 1_000

    @cached_property
    def _is_found(self) -> bool:
        rows: Any = self.object_list
        return isinstance(rows, QuerySet) and bool(rows.query.where)

    @cached_property
    def _limit(self) -> int:
        return min(self.limit, self.found_limit) if self._is_found else self.limit

    @cached_property
    def _counted(self) -> int:
        return len(self._found_keys) if self._is_found else super()._counted

    @cached_property
    def _found_keys(self) -> list[Any]:
        """The keys of all that was found, in the list's order.

        All at once, since a count would have to find them first. Fifty of a few would be worse
        still: the database may hope to meet them soon on its way back from the newest row, and
        read the whole table when they are old. As many as this it looks for by the condition.
        """
        return list(self._keys()[: self._limit + 1])

    def _keys(self) -> QuerySet[Any]:
        rows: Any = self.object_list
        return rows.select_related(None).values_list("pk", flat=True)

    def page(self, number: Any) -> Page[Any]:
        """Return a page: its keys are found first, and what its rows refer to is read for these.

        In one query, the database may join whole tables before it counts fifty rows off.
        """
        rows: Any = self.object_list
        if not isinstance(rows, QuerySet):
            return super().page(number)
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        end = min(start + self.per_page, self.count)
        keys = self._found_keys[start:end] if self._is_found else list(self._keys()[start:end])
        return Page(rows.filter(pk__in=keys), number, self)


class LeanChangeList(ChangeList):
    """A list that goes through its paginator even where what was found fits on one page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.multi_page and self.queryset.query.where:
            self.result_list = self.paginator.page(1).object_list
