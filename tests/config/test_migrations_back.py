"""Going back over migrations: nothing is lost unknowingly, and numbers go on where they were."""

import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from accounts.models import Account, Application, User
from accounts.services.tenants import create_application, lock_account, open_account
from agents.models import Agent
from billing.models import Feature, FeatureTable, LedgerEntry
from compliance.services.numbers import next_connection_number, next_violation_number
from tests.bench.databases import copy_of, using

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


def publish_table_with_words() -> None:
    now = timezone.now()
    table = FeatureTable.objects.create(version=2, effective_at=now, published_at=now)
    first = FeatureTable.objects.get(version=1).features.first()
    assert first is not None
    first.pk, first.table, first.words_zh = None, table, {"name": "自己的词"}
    first.save(force_insert=True)


def test_money_and_people_survive_the_way_back_and_forth(own_demo: None) -> None:
    publish_table_with_words()
    before, rows, staff = applied(), LedgerEntry.objects.count(), members_of_staff()
    numbers = [next_violation_number(), next_connection_number()]
    words = list(Feature.objects.order_by("pk").values_list("words_zh", flat=True))

    with pytest.raises(CommandError, match=r"(?s)billing_ledgerentry: 49 rows.*accounts_invit"):
        migrate("accounts", "0001")
    with pytest.raises(CommandError, match="agents_agent: 42 rows"):
        migrate("agents", "zero", allow_data_loss=["billing.0001_initial"])
    assert (applied(), LedgerEntry.objects.count()) == (before, rows)

    migrate("compliance", "0001")
    with pytest.raises(CommandError, match="approved_by_id of billing_coupon: 3 values"):
        migrate("billing", "0006")
    migrate("billing", "0006", allow_data_loss=["billing.0014_four_eyes"])
    migrate("agents", "zero", allow_data_loss=["agents.0001_initial"])
    assert {
        ("compliance", "0002_first_rule_book"),
        ("agents", "0001_initial"),
    } <= before - applied()
    migrate()

    assert applied() == before
    assert (LedgerEntry.objects.count(), Agent.objects.count()) == (rows, 0)
    assert members_of_staff() == staff
    assert list(Feature.objects.order_by("pk").values_list("words_zh", flat=True)) == words
    assert [next_violation_number(), next_connection_number()] == [
        f"{number[:2]}{int(number[2:]) + 1}" for number in numbers
    ]
    assert breaches() == "0 breaches.\n"


@pytest.mark.nightly
def test_new_accounts_get_new_numbers_after_all_else_was_lost(own_demo: None) -> None:
    with pytest.raises(CommandError) as refused:
        migrate("accounts", "0001")
    named = set(re.findall(r"^  (\w+\.\w+):", str(refused.value), re.MULTILINE))
    uins = set(Account.objects.values_list("uin", flat=True))
    ids = set(Application.objects.values_list("sdkappid", flat=True))

    migrate("accounts", "0001", allow_data_loss=sorted(named))
    migrate()

    now, owner, old = timezone.now(), User.objects.earliest("pk"), Account.objects.earliest("pk")
    with transaction.atomic():
        new = open_account(entity=old.entity, name="New", owner=owner, by=None, now=now)
        application = create_application(account=lock_account(new.pk), name="New", by=None, now=now)
    assert new.uin not in uins
    assert application.sdkappid not in ids
    assert LedgerEntry.objects.count() == 0


@pytest.mark.nightly
def test_an_empty_database_goes_all_the_way_back_and_forth(own_database: None) -> None:
    before = applied()

    migrate("accounts", "zero")
    assert Account._meta.db_table not in connection.introspection.table_names()
    migrate()

    assert applied() == before
    assert breaches() == "0 breaches.\n"
