"""Going back over migrations: nothing is lost unknowingly, and numbers continue where they were."""

import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django.plugin import DjangoDbBlocker

from accounts.models import Account
from agents.models import Agent
from billing.models import LedgerEntry
from compliance.services.numbers import next_connection_number, next_violation_number
from tests.bench.databases import copy_of, using
from tests.factories import make_account, make_application

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND datname = %s AND backend_type = 'client backend'
"""


@pytest.fixture
def own_database(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A copy of the migrated test database that the test may take apart."""
    usual = str(connection.settings_dict["NAME"])
    with django_db_blocker.unblock():
        # Threads of tests that ran before may still hold a connection, and none may be open.
        with connection.cursor() as cursor:
            cursor.execute(END_OTHERS, [usual])
        with copy_of(usual, f"{usual}_back") as name, using(name):
            yield


@pytest.fixture
def own_demo(own_database: None) -> None:
    call_command("load_demo_data", stdout=StringIO())


def migrate(*arguments: str, **options: Any) -> None:
    call_command("migrate", *arguments, verbosity=0, **options)


def applied() -> set[tuple[str, str]]:
    return set(MigrationRecorder(connection).applied_migrations())


def breaches() -> str:
    out = StringIO()
    call_command("verify_ledger", stdout=out)
    return out.getvalue().split(", ")[-1]


def members_of_staff() -> list[tuple[str, int]]:
    return list(Group.objects.order_by("name").values_list("name", "user"))


def told_of_going_back(*target: str) -> list[str]:
    """What `migrate` refuses to lose, as it tells it."""
    before = applied()
    with pytest.raises(CommandError) as refused:
        migrate(*target)
    assert applied() == before
    return re.findall(r"^  (\w+\.\w+: .+)$", str(refused.value), re.MULTILINE)


#: Those that hold values of the demo's finished act and import.
WORK = ("0002_acts_on_many_agents", "0003_imports_by_jobs", "0004_import_started_at")


def next_numbers() -> list[int]:
    return [int(number[2:]) for number in (next_violation_number(), next_connection_number())]


def test_money_and_people_survive_the_way_back_and_forth(own_demo: None) -> None:
    before, rows, staff = applied(), LedgerEntry.objects.count(), members_of_staff()

    told = "\n".join(told_of_going_back("accounts", "zero"))
    assert re.search(r"(?s)billing_ledgerentry: 49 rows.*accounts_invitation", told)
    with pytest.raises(CommandError, match="agents_agent: 48 rows"):
        migrate("agents", "zero", allow_data_loss=["billing.0001_initial"])
    assert (applied(), LedgerEntry.objects.count()) == (before, rows)

    lost = [f"agents.{name}" for name in ("0001_initial", *WORK)]
    migrate("agents", "zero", allow_data_loss=lost)
    assert before - applied() == {
        ("agents", "0001_initial"),
        ("agents", "0002_acts_on_many_agents"),
        ("agents", "0003_imports_by_jobs"),
        ("agents", "0004_import_started_at"),
        ("agents", "0005_row_security"),
        ("config", "0001_initial"),
        ("config", "0002_rights_on_jobs"),
        ("config", "0003_right_to_export"),
    }
    migrate()

    assert applied() == before
    assert (LedgerEntry.objects.count(), Agent.objects.count()) == (rows, 0)
    assert members_of_staff() == staff
    assert breaches() == "0 breaches.\n"


def test_numbers_go_on_after_all_else_was_lost(own_database: None) -> None:
    old = make_account()
    old_application, numbers = make_application(old), next_numbers()

    named = {told.partition(":")[0] for told in told_of_going_back("accounts", "zero")}
    migrate("accounts", "zero", allow_data_loss=sorted(named))
    migrate()

    new = make_account()
    assert int(new.uin) == int(old.uin) + 1
    assert make_application(new).sdkappid == old_application.sdkappid + 1
    assert next_numbers() == [number + 1 for number in numbers]


def test_later_migrations_lose_nothing_unnamed_either(own_demo: None, settings: Any) -> None:
    settings.MIGRATION_MODULES = {"agents": "tests.config.migrations"}
    migrate("agents")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE agents_agent SET language = '中文'")

    # The column `desk` is empty, `badge_key` is derived, and `language` stays.
    assert told_of_going_back("agents", "0005_row_security") == [
        "agents.0002_later: column badge of agents_agent: 1 values",
        "agents.0002_later: table agents_shift: 1 rows",
        "agents.0002_later: whatever this takes away: DELETE FROM agents_shift",
        "agents.0002_later: whatever its forget_shifts() takes away",
    ]
    migrate("agents", "0005_row_security", allow_data_loss=["agents.0002_later"])
    migrate("agents")

    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT language FROM agents_agent")
        assert cursor.fetchall() == [("中文",)]
    assert ("agents", "0002_later") in applied()


@pytest.mark.nightly
def test_an_empty_database_goes_all_the_way_back_and_forth(own_database: None) -> None:
    before = applied()

    migrate("accounts", "zero")
    assert Account._meta.db_table not in connection.introspection.table_names()
    migrate()

    assert applied() == before
    assert breaches() == "0 breaches.\n"
