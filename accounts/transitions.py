"""Tables of states, which map a state and a move to the state that follows.

A move that a table does not list for a state is refused. Some moves need a state and leave it as
it is. The tables themselves stand with the rows they are about, in `billing.transitions` and
`compliance.transitions`.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from django.db.models import TextChoices

State = TypeVar("State", bound=TextChoices)
Move = TypeVar("Move", bound=StrEnum)
#: Changes of state, from and to, as the audit trail has them; "" where a row begins.
Changes = frozenset[tuple[str, str]]


class Transitions(dict[tuple[State, Move], State], Generic[State, Move]):
    """One machine's table, by state and move; it answers what services and checks ask of it."""

    def __init__(self, table: Mapping[tuple[State, Move], State]) -> None:
        super().__init__(table)
        self._sources: dict[Move, tuple[State, ...]] = {}
        self._targets: dict[Move, set[State]] = {}
        for (state, move), after in table.items():
            self._sources[move] = (*self._sources.get(move, ()), state)
            self._targets.setdefault(move, set()).add(after)

    def after(self, state: str, move: Move) -> State | None:
        """Return the state that a move leads to from `state`; None where it is not allowed."""
        # States are texts, so that a stored one finds the listed one.
        return self.get((state, move))  # type: ignore[arg-type]

    def sources(self, move: Move) -> tuple[State, ...]:
        """Return the states in which a move is allowed."""
        return self._sources[move]

    def source(self, move: Move) -> State:
        """Return the one state in which a move is allowed."""
        (only,) = self._sources[move]
        return only

    def target(self, move: Move) -> State:
        """Return the one state that a move leads to, wherever it comes from."""
        (only,) = self._targets[move]
        return only

    def changes(self, *moves: Move) -> Changes:
        """Return the changes of state that any of the moves makes."""
        return frozenset(
            (was.value, after.value) for (was, move), after in self.items() if move in moves
        )


def first_changes(states: Iterable[TextChoices]) -> Changes:
    """Return the changes of state of rows that begin in one of `states`."""
    return frozenset(("", state.value) for state in states)
