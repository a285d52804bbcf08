"""How long the administration's lists take at 10,000 rows and at 1,000,000, side by side.

For a program that has set Django up: `measure()` makes two databases of its own, asks each list
for its first page, its last one, searches and filters, both databases in turn, and returns
medians; `goals_missed()` says in words where the many rows take too much longer than the few, or
more queries. (A search that is cut short over many rows may take fewer.)
"""

import logging
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

from django.apps import apps
from django.conf import settings
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.admin.paginator import LeanPaginator
from accounts.models import User
from tests.bench.admin_rows import TABLES, Table, fill
from tests.bench.databases import migrated

SMALL, LARGE = 10_000, 1_000_000
ROUNDS = 7
GOAL = 2.0
EMAIL = "reader@staff.example"


@dataclass(frozen=True)
class ListFigure:
    """One request of one list: medians in milliseconds with few rows and with many."""

    request: str
    reference: float
    page: float
    queries: tuple[int, int]

    @property
    def ratio(self) -> float:
        """How many times as long many rows take."""
        return self.page / self.reference


class Side:
    """One of the two databases, with a member of staff who is signed in there."""

    def __init__(self, name: str) -> None:
        usual = connections.settings["default"]
        self._wrapper: BaseDatabaseWrapper = connections.create_connection("default")
        self._wrapper.settings_dict = {**usual, "NAME": name}
        self.client = Client()

    @contextmanager
    def using(self) -> Iterator[None]:
        """Let Django's own connection be this side's meanwhile."""
        usual = connections["default"]
        connections["default"] = self._wrapper
        try:
            yield
        finally:
            connections["default"] = usual

    def prepare(self, rows: int, labels: tuple[str, ...] = ()) -> None:
        self.rows = rows
        with self.using():
            fill(rows, labels)
            staff = User.objects.create_superuser(EMAIL, "a good password")
            self.client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")

    def get(self, url: str) -> HttpResponse:
        with self.using():
            return self.client.get(url)  # type: ignore[return-value]

    def count_queries(self, url: str) -> int:
        with self.using(), CaptureQueriesContext(connection) as queries:
            self.client.get(url)
            return len([query for query in queries if "usersession" not in query["sql"]])

    def close(self) -> None:
        self._wrapper.close()


def requests(table: Table, few: int) -> Iterator[tuple[str, str]]:
    """What is asked of a list: in words, and as an address that is there with `few` rows too."""
    model = apps.get_model(table.label)._meta
    address = reverse(f"admin:{model.app_label}_{model.model_name}_changelist")
    yield "first page", address
    yield "last page", f"{address}?p={min(few, LeanPaginator.limit) // 50}"
    for term in table.terms:
        yield f"search {term}", f"{address}?{urlencode({'q': term})}"
    for name, value in table.rare.items():
        yield f"{name} is {value}", f"{address}?{urlencode({f'{name}__exact': value})}"


def time_lists(few: Side, many: Side, labels: tuple[str, ...]) -> list[ListFigure]:
    """Time every request of these lists, or of all."""
    figures = []
    for table in TABLES:
        if labels and table.label not in labels:
            continue
        for name, url in requests(table, few.rows):
            figure = _figure(f"{table.label}: {name}", url, few, many, ROUNDS)
            if figure.ratio > GOAL:
                # Whether it was the machine that was busy shows once more, and longer.
                figure = _figure(figure.request, url, few, many, 4 * ROUNDS)
            figures.append(figure)
    return figures


def _figure(name: str, url: str, few: Side, many: Side, rounds: int) -> ListFigure:
    reference, page = _medians(rounds, lambda: few.get(url), lambda: many.get(url))
    return ListFigure(name, reference, page, (few.count_queries(url), many.count_queries(url)))


def _medians(rounds: int, *calls: Callable[[], HttpResponse]) -> list[float]:
    """Milliseconds of each call; they take turns, so that a busy moment meets all of them."""
    times: list[list[float]] = [[] for _call in calls]
    for turn in range(rounds + 1):
        for place, call in enumerate(calls):
            started = time.perf_counter()
            status = call().status_code
            elapsed = (time.perf_counter() - started) * 1000
            assert status == 200, status
            if turn:
                times[place].append(elapsed)
    return [statistics.median(each) for each in times]


def measure(
    *, rows: int = LARGE, few: int = SMALL, labels: tuple[str, ...] = ()
) -> list[ListFigure]:
    """Build both databases, time these lists or all, and drop them again; takes some minutes."""
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["testserver"]
    logging.disable(logging.WARNING)
    with ExitStack() as stack:
        sides = []
        for name, count in (("bench_few", few), ("bench_many", rows)):
            stack.enter_context(migrated(name))
            side = Side(name)
            stack.callback(side.close)
            side.prepare(count, labels)
            sides.append(side)
        return time_lists(sides[0], sides[1], labels)


def goals_missed(figures: list[ListFigure]) -> list[str]:
    """Return in words which goals these figures miss."""
    missed = []
    for figure in figures:
        if figure.ratio > GOAL:
            missed.append(f"{figure.request}: {figure.ratio:.2f} ×, wanted {GOAL} ×")
        if figure.queries[0] < figure.queries[1]:
            missed.append(f"{figure.request}: {figure.queries} queries, wanted no more")
    return missed
