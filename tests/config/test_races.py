"""Races are real: at the same time, and each on a connection of its own."""

import threading
import time

import pytest
from django.db import connection

from tests.races import errors, race, values

RUNNERS = 8


def own_connection() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        found: tuple[int] = cursor.fetchone()
        return found[0]


def still_there(backends: list[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)", [backends])
        found: tuple[int] = cursor.fetchone()
        return found[0]


@pytest.mark.django_db(transaction=True)
def test_all_run_at_the_same_time_each_on_its_own_connection() -> None:
    meeting = threading.Barrier(RUNNERS)

    def meet() -> int:
        # Passes only if all the others are under way too.
        meeting.wait(10)
        return own_connection()

    outcomes = race(*[meet] * RUNNERS)

    assert errors(outcomes) == []
    assert len({own_connection(), *values(outcomes)}) == RUNNERS + 1


@pytest.mark.django_db(transaction=True)
def test_outcomes_are_in_the_order_of_the_actions() -> None:
    mishap = ValueError("no")

    def fail() -> str:
        raise mishap

    outcomes = race(lambda: "first", fail, lambda: "third")

    assert [(outcome.value, outcome.error) for outcome in outcomes] == [
        ("first", None),
        (None, mishap),
        ("third", None),
    ]


@pytest.mark.django_db(transaction=True)
def test_no_connection_is_left_open() -> None:
    backends = values(race(*[own_connection] * RUNNERS))

    deadline = time.monotonic() + 10
    while still_there(backends) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert still_there(backends) == 0
