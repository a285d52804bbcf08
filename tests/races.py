"""Several connections doing something at the same instant."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import connections

T = TypeVar("T")

# Far above what any race takes; a test that hangs must end.
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """How one runner came in: with a value, or with the error that stopped it."""

    value: T | None = None
    error: BaseException | None = None


def race(*actions: Callable[[], T]) -> list[Outcome[T]]:
    """Run every action in a thread with a database connection of its own, all started together.

    Needs a test with `django_db(transaction=True)`, since other connections see only what is
    committed. Returns the outcomes in the order of the actions; none is raised here.
    """
    gate = threading.Barrier(len(actions))
    outcomes: list[Outcome[T]] = [Outcome(error=TimeoutError()) for _ in actions]

    def run(place: int, action: Callable[[], T]) -> None:
        try:
            for connection in connections.all():
                connection.ensure_connection()
            gate.wait(PATIENCE_SECONDS)
            outcomes[place] = Outcome(value=action())
        except BaseException as error:
            outcomes[place] = Outcome(error=error)
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=run, args=(place, action), daemon=True)
        for place, action in enumerate(actions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    return outcomes


def values(outcomes: list[Outcome[T]]) -> list[T]:
    """What the runners that came through brought back."""
    return [outcome.value for outcome in outcomes if outcome.error is None]  # type: ignore[misc]


def errors(outcomes: list[Outcome[T]]) -> list[BaseException]:
    """What stopped the others."""
    return [outcome.error for outcome in outcomes if outcome.error is not None]
