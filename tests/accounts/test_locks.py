"""A locked row is waited for briefly, and by few requests at a time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError, connection, transaction

from accounts.errors import Busy
from accounts.models import Account
from accounts.services import locks
from accounts.services.locks import GRACE, Places, waiting_briefly
from accounts.services.tenants import lock_account, lock_accounts
from accounts.services.turns import take_turn
from tests.factories import make_account
from tests.races import errors, race, values

SHORT = 0.6


@pytest.fixture(autouse=True)
def limits(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "places", Places())
    settings.LOCK_WAITERS_PER_ROW = 2
    settings.LOCK_WAITERS_PER_PROCESS = 4
    settings.LOCK_WAIT_SECONDS = SHORT


class Crowd:
    """Threads that take a place and keep it until they are let go."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.go = threading.Event()
        self.threads: list[threading.Thread] = []

    def wait_for(self, *keys: str) -> None:
        """Let one thread wait for each key."""
        for key in keys:
            entered = threading.Event()
            thread = threading.Thread(target=self._take, args=(key, entered), daemon=True)
            thread.start()
            self.threads.append(thread)
            assert entered.wait(5), key

    def _take(self, key: str, entered: threading.Event) -> None:
        with self.places.take(key):
            entered.set()
            self.go.wait(20)

    def leave(self) -> None:
        self.go.set()
        for thread in self.threads:
            thread.join(5)


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    crowd = Crowd(Places())
    yield crowd
    crowd.leave()


def refusal_seconds(places: Places, key: str) -> float:
    """How long it takes to be refused."""
    started = time.monotonic()
    with pytest.raises(Busy), places.take(key):
        pass
    return time.monotonic() - started


def test_few_wait_for_the_same_and_more_are_refused_at_once_when_nobody_gets_through(
    crowd: Crowd,
) -> None:
    crowd.wait_for("a", "a")

    first = refusal_seconds(crowd.places, "a")
    second = refusal_seconds(crowd.places, "a")

    assert first > GRACE * 0.9
    assert second < GRACE / 2
    with crowd.places.take("b"):
        pass


def test_places_in_all_are_limited_too(crowd: Crowd) -> None:
    crowd.wait_for("a", "b", "c", "d")

    assert refusal_seconds(crowd.places, "e") > GRACE * 0.9


def test_a_place_that_becomes_free_within_the_grace_is_taken(crowd: Crowd) -> None:
    crowd.wait_for("a", "a")
    threading.Timer(GRACE / 4, crowd.go.set).start()

    with crowd.places.take("a"):
        pass


def test_a_burst_of_short_acts_comes_through() -> None:
    places = Places()
    row = threading.Lock()
    done: list[int] = []

    def act() -> None:
        with places.take("a"):
            row.acquire()
        time.sleep(GRACE / 4)
        done.append(1)
        row.release()

    # Together they take twice as long as anyone waits while no one gets through.
    threads = [threading.Thread(target=act) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)

    assert len(done) == 8


def test_after_a_vain_wait_newcomers_are_not_given_time_for_a_while(crowd: Crowd) -> None:
    def wait_in_vain() -> None:
        with crowd.places.take("a"):
            time.sleep(GRACE * 1.2)
            raise OperationalError

    with pytest.raises(OperationalError):
        wait_in_vain()
    crowd.wait_for("a", "a")

    assert refusal_seconds(crowd.places, "a") < GRACE / 2


def test_nothing_is_kept_of_rows_that_nobody_waits_for() -> None:
    places = Places()
    for key in range(50):
        with places.take(key):
            pass
    with pytest.raises(OperationalError), places.take("vain"):
        raise OperationalError
    with patch.object(locks, "_REMEMBERED", -1.0), places.take("last"):
        pass

    assert (places._waiting, places._stuck_since, places._left_in_vain) == ({}, {}, {})


@contextmanager
def as_page() -> Iterator[None]:
    with waiting_briefly(), transaction.atomic():
        yield


def timed(act: Callable[[], object]) -> Callable[[], float]:
    """The seconds that an act takes to be carried out or refused."""

    def run() -> float:
        started = time.monotonic()
        try:
            with as_page():
                act()
        except Busy:
            pass
        return time.monotonic() - started

    return run


@pytest.mark.django_db(transaction=True)
@pytest.mark.race
class TestRows:
    def test_a_page_waits_briefly_and_a_few_at_a_time(self) -> None:
        account = make_account()

        def act() -> None:
            with as_page():
                lock_account(account.pk)

        with transaction.atomic():
            lock_account(account.pk)
            refused = errors(race(*[act] * 6))

        assert {type(error) for error in refused} == {Busy}
        assert sum(str(error) == "waited for too long" for error in refused) == 2
        assert len(refused) == 6

    def test_a_command_waits_as_long_as_its_connection_does(self) -> None:
        account = make_account()
        names: list[str] = []

        def act() -> None:
            with transaction.atomic():
                names.append(lock_account(account.pk).name)

        def hold() -> None:
            with transaction.atomic():
                lock_account(account.pk)
                held.set()
                time.sleep(SHORT * 2)
                Account.objects.filter(pk=account.pk).update(name="Changed")

        held = threading.Event()

        def after() -> None:
            held.wait(5)
            act()

        assert errors(race(hold, *[after] * 5)) == []
        assert names == ["Changed"] * 5

    def test_several_accounts_are_waited_for_alike(self) -> None:
        first, second = make_account(), make_account()

        def act() -> None:
            lock_accounts([second.pk, first.pk])

        with transaction.atomic():
            lock_account(second.pk)
            seconds = values(race(*[timed(act)] * 6))

        # One holds the first and waits for the second; two wait for the first.
        assert max(seconds) < SHORT * 3
        assert sum(each > SHORT * 0.9 for each in seconds) == 3

    def test_turns_of_staff_are_waited_for_alike(self) -> None:
        def act() -> None:
            take_turn(model=Account, key="1")

        with transaction.atomic():
            act()
            seconds = values(race(*[timed(act)] * 6))

        assert sum(each > SHORT * 0.9 for each in seconds) == 2

    def test_who_holds_a_row_is_never_refused_for_those_who_wait_for_it(self) -> None:
        account = make_account()
        again: list[str] = []

        def wait() -> None:
            with as_page():
                lock_account(account.pk)

        def hold() -> None:
            with as_page():
                lock_account(account.pk)
                time.sleep(GRACE)
                again.append(lock_account(account.pk).name)

        refused = errors(race(hold, wait, wait))

        assert again == [account.name]
        assert refused == []

    def test_a_page_waits_briefly_for_what_it_locks_next(self) -> None:
        account = make_account()
        found: list[str] = []

        def act() -> None:
            with as_page():
                lock_account(account.pk)
                found.append(setting())

        with transaction.atomic():
            lock_account(account.pk)
            waiting = threading.Thread(target=lambda: race(act))
            waiting.start()
            time.sleep(0.3)
        waiting.join(10)

        assert found == [f"{round(SHORT * 1000)}ms"]
        assert setting() != found[0]


def setting() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return str(cursor.fetchone()[0])
