"""The table of guards stays true: each guard is where it says, and so are the tests of it."""

import re

import pytest
from django.db import connection

from tests.guards import GUARDS
from tests.guards.guard import ROOT, Guard

every_guard = pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)


@every_guard
def test_a_guard_is_found_and_its_tests_are(guard: Guard) -> None:
    assert guard.edits or guard.sql
    for edit in guard.edits:
        assert (edit.file, edit.count()) == (edit.file, 1)
        assert edit.new != edit.old
    assert guard.tests
    for test in guard.tests:
        file, _separator, name = test.partition("::")
        text = (ROOT / "tests" / file).read_text()
        assert not name or re.search(rf"^def {name}\(", text, re.MULTILINE), test


@pytest.mark.django_db
@pytest.mark.parametrize(
    "guard", [guard for guard in GUARDS if guard.sql], ids=lambda guard: guard.name
)
def test_a_guard_of_the_database_is_there_to_be_dropped(guard: Guard) -> None:
    with connection.cursor() as cursor:
        cursor.execute(guard.sql)


def test_no_two_guards_share_a_name() -> None:
    names = [guard.name for guard in GUARDS]
    assert len(set(names)) == len(names) >= 28
