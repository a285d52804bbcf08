"""Empties the database after a test that commits.

Django's own way, one TRUNCATE of everything, does not fit here for two reasons. Rows that are
never changed are protected against TRUNCATE by triggers, and migrations load rows that every
test counts on: the catalog, the rule book, the groups. So a copy of all rows is kept right
after the migrations ran, and a test's tables are put back to that copy.
"""

from dataclasses import dataclass
from functools import cached_property

from django.db import connection, transaction
from django.test import TransactionTestCase

# A schema of its own, so that the copies are in no one's way.
COPIES = "rows_after_migration"
# From here on the checks of foreign keys, row by row, would take longer than new files.
LARGE_MEGABYTES = 16


@dataclass(frozen=True)
class _Tables:
    """What there is in the test database, read once after the migrations."""

    database: str

    @cached_property
    def all(self) -> list[str]:
        return _column("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")

    @cached_property
    def with_triggers(self) -> set[str]:
        return set(
            _column(
                "SELECT DISTINCT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
                " WHERE NOT tgisinternal"
            )
        )

    @cached_property
    def copied(self) -> set[str]:
        return set(_column(f"SELECT tablename FROM pg_tables WHERE schemaname = '{COPIES}'"))

    @cached_property
    def referring(self) -> dict[str, set[str]]:
        """The tables with a foreign key to the given one: TRUNCATE takes only both."""
        found: dict[str, set[str]] = {}
        for pair in _column(
            "SELECT target.relname || ' ' || source.relname FROM pg_constraint"
            " JOIN pg_class source ON source.oid = conrelid"
            " JOIN pg_class target ON target.oid = confrelid WHERE contype = 'f'"
        ):
            target, source = pair.split()
            found.setdefault(target, set()).add(source)
        return found

    @cached_property
    def question(self) -> str:
        """A statement that names the tables that are not as the migrations left them."""
        return " UNION ALL ".join(
            f"SELECT '{name}' WHERE ({_fingerprint('public', name)})"
            f" IS DISTINCT FROM ({_fingerprint(COPIES, name)})"
            if name in self.copied
            else f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")"
            for name in self.all
        )

    def with_referring(self, names: list[str]) -> list[str]:
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.referring.get(name, ())
        return sorted(found)


def _column(statement: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()]


def _fingerprint(schema: str, name: str) -> str:
    return f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {schema}.\"{name}\" t"


_known: dict[str, _Tables] = {}


def _tables() -> _Tables:
    name = str(connection.settings_dict["NAME"])
    return _known.setdefault(name, _Tables(name))


def keep_rows_of_migrations() -> None:
    """Copy what the migrations have written. A database that is used again has its copy."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [COPIES])
        if cursor.fetchone():
            return
        cursor.execute(f"CREATE SCHEMA {COPIES}")
        for name in _tables().all:
            cursor.execute(f'SELECT EXISTS (SELECT 1 FROM "{name}")')
            if cursor.fetchone() == (True,):
                cursor.execute(f'CREATE TABLE {COPIES}."{name}" AS TABLE public."{name}"')


def restore_rows_of_migrations() -> None:
    """Put every table that differs back to what it was after the migrations."""
    tables = _tables()
    changed = _column(tables.question)
    if not changed:
        return
    # Emptying a few rows by DELETE takes a tenth of the time of TRUNCATE, which makes new files.
    is_large = _megabytes(changed) > LARGE_MEGABYTES
    names = tables.with_referring(changed) if is_large else changed
    guarded = [name for name in names if name in tables.with_triggers]
    with transaction.atomic(), connection.cursor() as cursor:
        for name in guarded:
            cursor.execute(f'ALTER TABLE "{name}" DISABLE TRIGGER USER')
        if is_large:
            cursor.execute("TRUNCATE " + ", ".join(f'"{name}"' for name in names))
        else:
            # Backward, since the one foreign key that is not only checked at the commit
            # leads from procrastinate_periodic_defers to procrastinate_jobs.
            for name in reversed(names):
                cursor.execute(f'DELETE FROM "{name}"')
        for name in names:
            if name in tables.copied:
                _put_back(name)
        # Foreign keys are looked at now: a table with a check waiting cannot be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for name in guarded:
            cursor.execute(f'ALTER TABLE "{name}" ENABLE TRIGGER USER')


def _megabytes(names: list[str]) -> float:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_relation_size(quote_ident(name)::regclass)) / 1048576"
            " FROM unnest(%s::text[]) AS name",
            [names],
        )
        return float(cursor.fetchone()[0])


def _put_back(name: str) -> None:
    """Write a table's copied rows, and let its numbering continue behind them."""
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO public."{name}" OVERRIDING SYSTEM VALUE SELECT * FROM {COPIES}."{name}"'
        )
        for column in _column(
            "SELECT attname FROM pg_attribute"
            f" WHERE attrelid = '\"{name}\"'::regclass AND attidentity <> ''"
        ):
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('\"{name}\"', '{column}'),"
                f' (SELECT max("{column}") FROM "{name}"))'
            )


def install() -> None:
    """Let Django's TransactionTestCase clean up this way; pytest-django builds on it."""

    def teardown(self: TransactionTestCase) -> None:
        restore_rows_of_migrations()

    TransactionTestCase._fixture_teardown = teardown  # type: ignore[attr-defined]
