"""The tests' own ground: a test that commits leaves nothing behind, and takes nothing away."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tests import cleaning

GUARDED = "accounts_auditevent"


def write_event() -> None:
    """A row that neither DELETE nor TRUNCATE can remove while its triggers are on."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {GUARDED} (at, verb, target_type, target_id, target_label,"
            " from_state, to_state, reason, data)"
            " VALUES (now(), 'tried', 'x', 1, '', '', '', '', '{}')"
        )


def count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{table}"')
        found: tuple[int] = cursor.fetchone()
        return found[0]


@pytest.mark.parametrize("large", [pytest.param(0, id="truncate"), pytest.param(16, id="delete")])
@pytest.mark.django_db(transaction=True)
def test_protected_rows_go_and_the_triggers_are_on_again(
    large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "LARGE_MEGABYTES", large)
    write_event()

    cleaning.restore_rows_of_migrations()

    assert count(GUARDED) == 0
    write_event()
    for statement in (f"DELETE FROM {GUARDED}", f"TRUNCATE {GUARDED}"):
        with (
            pytest.raises(DatabaseError, match="is not allowed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_rows_of_migrations_come_back_as_they_were() -> None:
    before = list(Permission.objects.order_by("pk").values())
    content_type = ContentType.objects.create(app_label="made", model="up")
    Permission.objects.filter(codename__startswith="add_").delete()
    Permission.objects.update(name="changed")
    Group.objects.create(name="made up")

    cleaning.restore_rows_of_migrations()

    assert list(Permission.objects.order_by("pk").values()) == before
    assert not ContentType.objects.filter(pk=content_type.pk).exists()
    assert not Group.objects.filter(name="made up").exists()
    # The numbering continues behind the rows that came back.
    fresh = Permission.objects.create(
        content_type=ContentType.objects.earliest("pk"), codename="fresh", name="fresh"
    )
    assert fresh.pk == before[-1]["id"] + 1


@pytest.mark.django_db(transaction=True)
def test_a_clean_database_is_only_looked_at() -> None:
    with CaptureQueriesContext(connection) as queries:
        cleaning.restore_rows_of_migrations()

    assert {query["sql"].split()[0] for query in queries} == {"SELECT"}
