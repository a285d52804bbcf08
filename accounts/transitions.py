"""Reading the tables of states, which map a state and a move to the state that follows.

A move that a table does not list for a state is refused. Some moves need a state and leave it as
it is. The tables themselves stand with the rows they are about, in `billing.transitions` and
`compliance.transitions`.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from django.db.models import TextChoices

State = TypeVar("State", bound=TextChoices)
Move = TypeVar("Move", bound=StrEnum)


def state_after(table: Mapping[tuple[State, Move], State], state: str, move: Move) -> State | None:
    """Return the state that a move leads to from `state`; None where it is not allowed."""
    return next(
        (after for (was, each), after in table.items() if (was, each) == (state, move)), None
    )


def sources(table: Mapping[tuple[State, Move], State], move: Move) -> tuple[State, ...]:
    """Return the states in which a move is allowed."""
    return tuple(state for state, listed in table if listed == move)


def source(table: Mapping[tuple[State, Move], State], move: Move) -> State:
    """Return the one state in which a move is allowed."""
    (only,) = sources(table, move)
    return only


def target(table: Mapping[tuple[State, Move], State], move: Move) -> State:
    """Return the one state that a move leads to, wherever it comes from."""
    (only,) = {after for (_state, listed), after in table.items() if listed == move}
    return only


def first_steps(states: Iterable[TextChoices]) -> frozenset[tuple[str, str]]:
    """Return the changes, from and to, that the audit trail tells of rows that begin so."""
    return frozenset(("", state.value) for state in states)


def steps(
    table: Mapping[tuple[Any, Any], TextChoices], *moves: StrEnum
) -> frozenset[tuple[str, str]]:
    """Return the changes of state, from and to, that any of the moves makes."""
    return frozenset(
        (was.value, after.value) for (was, move), after in table.items() if move in moves
    )
