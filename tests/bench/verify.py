"""How long each check of `verify_ledger` takes, beside one read of the tables that it reads.

A few customers are made through the services, with orders of every kind, and then copied in SQL
with other keys and numbers until there are as many orders as wanted. What texts and JSON say of
other rows is copied as it is, so some checks report the copies; their time is what counts.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.db.models import CharField, Field, JSONField, Model, UUIDField

from accounts.models import Account, Entity
from billing.enums import Edition
from billing.models import LedgerEntry, Order
from billing.refunds.quotes import quote_refund
from billing.refunds.services import refund_package
from config.verification import CHECKS
from tests import factories as make
from tests.bench import databases
from tests.factories import NOW

#: Counting reads no column; to join, sort and sum the same rows takes up to some fifty times as
#: long. What takes longer compares each row with many others.
GOAL = 60.0
#: Faster than this, nothing has to be compared.
_QUICK = 1.0
_STEP = 1_000_000
_DATABASE = "bench_verify"
_TABLES = re.compile(r"\b(?:accounts|billing|compliance|agents)_[a-z]+\b")


@dataclass(frozen=True)
class VerifyFigure:
    """Seconds of one check, and of counting the rows of each table that it reads."""

    check: str
    tables: str
    seconds: float
    scan: float
    found: int

    @property
    def ratio(self) -> float:
        """How many times as long as reading the tables once."""
        return self.seconds / self.scan


def make_customers(count: int = 5) -> None:
    """Make customers with orders of every kind, paid, unpaid and refunded."""
    for _number in range(count):
        customer = make.make_customer(gift="100", income="100", cash="90000")
        first, second = customer.application, make.make_application(customer.account)
        make.buy(first, Edition.ESSENTIAL, agents=2)
        make.buy(second, Edition.PREMIUM, agents=1, sip=1)
        package = make.current_package(first)
        for day in range(1, 5):
            make.add(first, agents=1, now=NOW + timedelta(days=day))
            make.renew(package, now=NOW + timedelta(days=day, hours=1))
        make.upgrade(first, now=NOW + timedelta(days=5))
        other = make.current_package(second)
        later = NOW + timedelta(days=1)
        token = quote_refund(package=other, now=later).token
        refund_package(package=other, token=token, by=customer.owner, now=later)


def _copied() -> Iterator[type[Model]]:
    """Yield the models whose rows belong to accounts, and the companies."""
    for label in ("accounts", "billing"):
        for model in apps.get_app_config(label).get_models():
            fields = {each.name for each in model._meta.local_concrete_fields}
            is_own = "account" in fields or model in {Account, Entity, LedgerEntry}
            is_read = model._meta.db_table not in {"accounts_notification", "accounts_outgoingmail"}
            if is_own and is_read:
                yield model


def _copy_of(field: "Field[object, object]", copied: set[type[Model]]) -> str:
    """Return the SQL of a column's value in copy `k` of a row."""
    column = f'"{field.column}"'
    related = field.related_model
    if field.primary_key or related in copied or field.column == "target_id":
        return f"{column} + k * {_STEP}"
    if field.column == "uin":
        return f"({column}::bigint + k * 1000)::text"
    if field.column == "sdkappid":
        return f"{column} + k * 1000"
    if isinstance(field, UUIDField):
        return f"CASE WHEN {column} IS NULL THEN NULL ELSE gen_random_uuid() END"
    if isinstance(field, CharField) and field.unique:
        return f"left(md5({column} || ' ' || k), {field.max_length})"
    if isinstance(field, JSONField) and field.column == "data":
        return (
            f"CASE WHEN {column} ? 'payer' THEN jsonb_set({column}, '{{payer}}',"
            f" to_jsonb((({column}->>'payer')::bigint + k * 1000)::text)) ELSE {column} END"
        )
    return column


def _drop_guards(cursor: Any) -> None:
    """Take away foreign keys and triggers, which would look at each copy on its own."""
    cursor.execute(
        "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'f'"
        " AND connamespace = 'public'::regnamespace"
    )
    for table, name in cursor.fetchall():
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for model in _copied():
        cursor.execute(f"ALTER TABLE {model._meta.db_table} DISABLE TRIGGER USER")


def copy_customers(copies: int) -> None:
    """Copy every row so many times, in the order of the copies."""
    copied = set(_copied())
    with connection.cursor() as cursor:
        _drop_guards(cursor)
        for model in copied:
            table = model._meta.db_table
            fields = model._meta.local_concrete_fields
            columns = ", ".join(f'"{each.column}"' for each in fields)
            values = ", ".join(_copy_of(each, copied) for each in fields)
            cursor.execute(
                f"INSERT INTO {table} ({columns}) SELECT {values}"
                f" FROM generate_series(1::bigint, {copies}) k, {table} ORDER BY k, id"
            )
        cursor.execute("VACUUM ANALYZE")


def _time(statement: str, parameters: Any = None) -> tuple[float, int]:
    with connection.cursor() as cursor:
        started = time.perf_counter()
        cursor.execute(statement, parameters)
        (count,) = cursor.fetchone()
        return time.perf_counter() - started, count


def measure(*, orders: int = 1_000_000) -> list[VerifyFigure]:
    """Build the rows, run every check alone, and drop the database."""
    with databases.migrated(_DATABASE), databases.using(_DATABASE):
        make_customers()
        copy_customers(orders // Order.objects.count())
        return list(_figures())


def _scan(table: str) -> float:
    """Read a table from end to end, and not only an index of it; the second time, as the checks."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_indexonlyscan = off")
        return min(_time(f"SELECT count(*) FROM {table}")[0] for _ in range(2))


def _figures() -> Iterator[VerifyFigure]:
    scans: dict[str, float] = {}
    for check in CHECKS:
        tables = sorted(set(_TABLES.findall(check.statement)))
        for table in tables:
            if table not in scans:
                scans[table] = _scan(table)
        seconds, found = _time(
            f"SELECT count(*) FROM ({check.statement}) found",
            check.parameters or None,
        )
        yield VerifyFigure(
            check.message[:60], " ".join(tables), seconds, sum(scans[t] for t in tables), found
        )


def goals_missed(figures: list[VerifyFigure]) -> list[str]:
    """Return the checks that take too long for the rows that they read."""
    return [
        f"verify, {figure.check}: {figure.seconds:.1f} s, {figure.ratio:.1f} times as long as "
        f"reading its tables, the goal is {GOAL}"
        for figure in figures
        if figure.seconds > _QUICK and figure.ratio > GOAL
    ]
