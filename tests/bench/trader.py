"""One process that buys and refunds: by the services, or by the bare driver; see `trade`.

Each slice of its work is held back until the parent says go.
"""

import json
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

import psycopg  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.models import Account, User  # noqa: E402
from billing.enums import Edition, OrderKind  # noqa: E402
from billing.models import Package  # noqa: E402
from billing.orders.quoting import confirmable_quote  # noqa: E402
from billing.orders.request import OrderRequest  # noqa: E402
from billing.orders.services import place_order  # noqa: E402
from billing.refunds.quotes import quote_refund  # noqa: E402
from billing.refunds.services import refund_package  # noqa: E402
from tests.bench import databases  # noqa: E402
from tests.bench.trade import BOUGHT_AT, FIRST_ID, SLICES  # noqa: E402

REFUNDED_AT = BOUGHT_AT + timedelta(hours=1)


@dataclass
class Statement:
    """A recorded statement: what was sent, and the rows that came back (None: no rows)."""

    sql: str
    params: list[Any]
    rows: list[tuple[Any, ...]] | None
    #: Where new ids go: (parameter, place in its array or None, recorded id).
    binds: list[tuple[int, int | None, int]] = field(default_factory=list)
    #: Where they come from: (row, column, recorded id).
    gives: list[tuple[int, int, int]] = field(default_factory=list)


Job = Callable[[], object]


def purchases(accounts: list[Account], by: User) -> list[Job]:
    """A confirmed quote for each account, paid on its own, on its running trial."""
    jobs: list[Job] = []
    for account in accounts:
        application = account.applications.get()
        order_request = OrderRequest(
            kind=OrderKind.NEW,
            application=application.pk,
            edition=Edition.ESSENTIAL,
            agents=2,
            sip=1,
        )
        token = confirmable_quote(account=account, order_request=order_request, now=BOUGHT_AT).token
        jobs.append(
            lambda account=account, token=token: place_order(  # type: ignore[misc]
                account=account, token=token, by=by, now=BOUGHT_AT
            )
        )
    return jobs


def refunds(accounts: list[Account], by: User) -> list[Job]:
    """A confirmed refund of what each account has just bought."""
    jobs: list[Job] = []
    for account in accounts:
        package = Package.objects.select_related("account", "application").get(account=account)
        token = quote_refund(package=package, now=REFUNDED_AT).token
        jobs.append(
            lambda package=package, token=token: refund_package(  # type: ignore[misc]
                package=package, token=token, by=by, now=REFUNDED_AT
            )
        )
    return jobs


def _record(job: Job) -> list[Statement]:
    """Run a job and write down each statement with its parameters and rows."""
    recorded: list[Statement] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        cursor = context["cursor"].cursor
        rows = None
        if cursor.description is not None:
            rows = cursor.fetchall()
            if rows:
                cursor.scroll(0, mode="absolute")
        recorded.append(Statement(sql, list(params or []), rows))
        return result

    with connection.execute_wrapper(note):
        job()
    return recorded


def _is_new(value: object) -> bool:
    return isinstance(value, int) and value >= FIRST_ID


def _prepare(statements: list[Statement]) -> None:
    """Find once, before the clock runs, where a replay has to put the ids that it is given."""
    used = set()
    for statement in statements:
        for at, value in enumerate(statement.params):
            if isinstance(value, list):
                statement.binds += [(at, n, each) for n, each in enumerate(value) if _is_new(each)]
            elif _is_new(value):
                statement.binds.append((at, None, value))
        used |= {recorded for _at, _place, recorded in statement.binds}
    known: set[int] = set()
    for statement in statements:
        for row, values in enumerate(statement.rows or []):
            for column, value in enumerate(values):
                if _is_new(value) and value in used and value not in known:
                    known.add(value)
                    statement.gives.append((row, column, value))
    assert used == known, used - known


def _replay(plain: psycopg.Connection, statements: list[Statement]) -> None:
    """Send one transaction again, with the ids that this database gives to its rows."""
    ids: dict[int, int] = {}
    with plain.transaction():
        for statement in statements:
            for at, place, recorded in statement.binds:
                if place is None:
                    statement.params[at] = ids[recorded]
                else:
                    statement.params[at][place] = ids[recorded]
            cursor = plain.execute(statement.sql, statement.params)
            if statement.rows is not None:
                rows = cursor.fetchall()
                for row, column, recorded in statement.gives:
                    ids[recorded] = rows[row][column]


def _hold(rounds: list[Callable[[], list[Job]]]) -> None:
    """Prepare each round and say so; then run a slice of it whenever the parent says go."""
    for prepare in rounds:
        jobs = prepare()
        print("ready", flush=True)  # noqa: T201
        for slice_number in range(SLICES):
            sys.stdin.readline()
            mine = jobs[slice_number::SLICES]
            for job in mine:
                job()
            print(len(mine), flush=True)  # noqa: T201


def main() -> None:
    """Arguments: how (`services`, `record`, `bare`), the file of recordings, share, shares."""
    how, file, share, shares = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    if how == "bare":
        books = pickle.loads(file.read_bytes())  # noqa: S301
        plain = databases.connect(connection.settings_dict["NAME"])

        def replays(statements: list[list[Statement]]) -> list[Job]:
            mine = statements[share::shares]
            for each in mine:
                _prepare(each)
            return [lambda each=each: _replay(plain, each) for each in mine]  # type: ignore[misc]

        _hold([lambda book=book: replays(book) for book in books])  # type: ignore[misc]
        return
    accounts = list(Account.objects.order_by("pk"))[share::shares]
    by = User.objects.get()
    if how == "record":
        books = [[_record(job) for job in make(accounts, by)] for make in (purchases, refunds)]
        file.write_bytes(pickle.dumps(books))
        print(json.dumps([max(map(len, book)) for book in books]))  # noqa: T201
        return
    _hold([lambda: purchases(accounts, by), lambda: refunds(accounts, by)])


if __name__ == "__main__":
    main()
