"""Before migrations run backwards, everything that would be lost is found."""

import re

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from billing.models import FeatureTable
from config.migration_losses import find_losses

pytestmark = pytest.mark.slow

TO_NOTHING = [("accounts", None), ("account", None), ("sessions", None), ("contenttypes", None)]


def losses_of_going_back() -> list[str]:
    plan = MigrationExecutor(connection).migration_plan(TO_NOTHING)
    assert {migration.app_label for migration, _ in plan} >= {"accounts", "billing", "agents"}
    return [loss.what for loss in find_losses(plan, "default")]


@pytest.mark.django_db
def test_a_database_without_people_goes_back_freely() -> None:
    assert FeatureTable.objects.exists()
    assert losses_of_going_back() == []


@pytest.mark.django_db
def test_every_table_with_rows_is_told_of(demo: str) -> None:
    told = "\n".join(losses_of_going_back())

    tables = set(re.findall(r"^table (\w+): [1-9]", told, re.MULTILINE))
    # The models of jobs describe tables that other migrations make.
    models = [model for model in apps.get_models() if model._meta.managed and not model._meta.proxy]
    assert tables == {model._meta.db_table for model in models if model._base_manager.exists()}
    # A column is told of where a later migration has added it to a table.
    assert "column total of billing_order:" not in told
