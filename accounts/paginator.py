"""Pages of long lists, in the console and in the administration."""

from functools import cached_property
from typing import Any, Protocol, runtime_checkable

from django.db.models import QuerySet

from accounts.generics import AnyPaginator


@runtime_checkable
class Countable(Protocol):
    """Rows that are no queryset, but can be counted as far as one wants to know."""

    def count_to(self, limit: int) -> int:
        """Return how many rows there are, `limit` at most."""


class CappedPaginator(AnyPaginator):
    """Counts and leads no further than `limit` rows, so that neither cost grows with the table.

    What lies beyond is found by search and filters. `is_capped` says that there is more.
    """

    limit = 10_000

    @cached_property
    def _limit(self) -> int:
        return self.limit

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[: self._limit + 1].count()
        if isinstance(rows, Countable):
            return rows.count_to(self._limit + 1)
        return min(len(rows), self._limit + 1)

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than the pages lead to."""
        return self._counted > self._limit

    @cached_property
    def count(self) -> int:
        return min(self._counted, self._limit)
