"""What row-level security costs: purchases, refunds and the Agent Management page with and without.

Both ways take turns in one process, on the same rows. Without it, the transaction names no
accounts and has the role of the owner, which no policy concerns.
"""

import logging
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from unittest import mock

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.urls import clear_url_caches

from accounts.models import Account, User
from accounts.row_security import DatabaseRole, Scope, acting_for
from tests.bench import agents_page, trade
from tests.bench.databases import migrated, using
from tests.factories import make_customer

GOAL = 1.10


@dataclass(frozen=True)
class WallFigure:
    """One act: medians in milliseconds without row-level security and with it."""

    act: str
    without: float
    with_wall: float

    @property
    def ratio(self) -> float:
        """How many times as long it takes."""
        return self.with_wall / self.without


def _within(account: Account, person: User) -> Scope:
    return Scope(DatabaseRole.WEB, person.pk, account.uin)


def _time(job: Callable[[], object]) -> float:
    started = time.perf_counter()
    job()
    return (time.perf_counter() - started) * 1000


def _trade(count: int) -> Iterator[WallFigure]:
    """Time each act once per account, every other one behind the wall."""
    # Prepares Django when it is imported, for processes of its own.
    from tests.bench import trader  # noqa: PLC0415

    person = User.objects.get()
    accounts = list(Account.objects.order_by("pk"))
    for act, make in (("purchase", trader.purchases), ("refund", trader.refunds)):
        times: tuple[list[float], list[float]] = ([], [])
        for place, (account, job) in enumerate(zip(accounts, make(accounts, person), strict=True)):
            is_walled = place % 2 == 1
            scope = acting_for(_within(account, person)) if is_walled else nullcontext()

            def run(scope: object = scope, job: Callable[[], object] = job) -> None:
                with scope:  # type: ignore[attr-defined]
                    job()

            times[is_walled].append(_time(run))
        warm = count // 10
        yield WallFigure(act, *(statistics.median(each[warm:]) for each in times))


def _page() -> WallFigure:
    """Time the Agent Management page with 100,000 agents."""
    customer = make_customer(name="Large", trial=False)
    agents_page.fill(customer, agents_page.LARGE)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    ask = agents_page.ask(customer, "")

    def ask_without() -> HttpResponse:
        with mock.patch("accounts.row_security.acting_for", return_value=nullcontext()):
            return ask()

    return WallFigure("Agent Management", *agents_page.medians(ask_without, ask))


def measure(*, transactions: int) -> list[WallFigure]:
    """Build both databases, time both ways, and drop them again."""
    settings.DEBUG = False
    clear_url_caches()
    settings.ALLOWED_HOSTS = ["testserver"]
    logging.disable(logging.WARNING)
    connection.settings_dict["OPTIONS"]["server_side_binding"] = True
    figures: list[WallFigure] = []
    with migrated("bench_walls") as name:
        trade.fill(name, transactions)
        with using(name):
            figures += _trade(transactions)
    with migrated("bench_walls") as name, using(name):
        figures.append(_page())
    return figures


def goals_missed(figures: list[WallFigure]) -> list[str]:
    """Return in words which goals these figures miss."""
    return [
        f"{figure.act} with row-level security: {figure.ratio:.2f} ×, wanted {GOAL} ×"
        for figure in figures
        if figure.ratio > GOAL
    ]
