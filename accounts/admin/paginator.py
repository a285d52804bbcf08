"""Pages of long lists in the administration."""

from functools import cached_property
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet


class CappedPaginator(Paginator):
    """Counts and leads no further than `limit` rows, so that neither cost grows with the table.

    What lies beyond is found by search and filters. `is_capped` says that there is more.
    """

    limit = 10_000

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[: self.limit + 1].count()
        return min(len(rows), self.limit + 1)

    @property
    def is_capped(self) -> bool:
        """Whether there are more rows than the pages lead to."""
        return self._counted > self.limit

    @cached_property
    def count(self) -> int:
        return min(self._counted, self.limit)
