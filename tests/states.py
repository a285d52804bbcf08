"""Write docs/states.md from the tables of states; `make states`.

One diagram for each machine. `tests/test_states.py` fails while the page is not what they give.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents import transitions as agents
from billing import transitions as billing
from compliance import transitions as compliance

PAGE = Path(__file__).resolve().parents[1] / "docs" / "states.md"
_HEAD = """\
# States

`make states` writes this page from the tables in the `transitions.py` of `billing`, `compliance` \
and `agents`. Each machine has one table there, which the services follow, and in `billing` and \
`compliance` the checks of `verify_ledger` too. The `test_transitions.py` of each of these apps \
tries every move in every state. What is not drawn is refused, or leaves the row as it is. The \
names are those that are stored; the [glossary](glossary.md) has the words of the pages.
"""


@dataclass(frozen=True)
class Machine:
    """One kind of row that has a state: its tables, and a sentence about it."""

    title: str
    sentence: str
    starts: Mapping[Any, Any]
    transitions: Mapping[tuple[Any, Any], Any]


MACHINES = (
    Machine(
        "Package",
        "Orders, refunds and staff change a package's state, and so does its expiry, which a sweep "
        "records, or the next service that writes to the package.",
        billing.PACKAGE_STARTS,
        billing.PACKAGE_TRANSITIONS,
    ),
    Machine(
        "Order",
        "An order that the funds cover is paid as it is placed, and any other waits to be paid; "
        "after that, it follows the refund of its package if it bought for no other.",
        billing.ORDER_STARTS,
        billing.ORDER_TRANSITIONS,
    ),
    Machine(
        "Refund",
        "A refund is carried out by the rules alone, or waits for staff to decide.",
        billing.REFUND_STARTS,
        billing.REFUND_TRANSITIONS,
    ),
    Machine(
        "Credit",
        "A credit above the daily limit waits for a second person, and so does every reversal, "
        "which is a credit of its own.",
        billing.CREDIT_STARTS,
        billing.CREDIT_TRANSITIONS,
    ),
    Machine(
        "Violation case",
        "Staff investigate a reported violation and act on a verified one, and the customer may "
        "appeal what was done.",
        compliance.CASE_STARTS,
        compliance.CASE_TRANSITIONS,
    ),
    Machine(
        "Appeal",
        "An appeal is decided once, by a person who did not work on the case.",
        compliance.APPEAL_STARTS,
        compliance.APPEAL_TRANSITIONS,
    ),
    Machine(
        "Connection request",
        "The screening refuses a request as it is sent, or leaves it to staff.",
        compliance.CONNECTION_STARTS,
        compliance.CONNECTION_TRANSITIONS,
    ),
    Machine(
        "Act on many agents",
        "A job changes a few hundred agents at a time. An act can be canceled only before the "
        "first of them, and stops where it is no longer allowed or possible.",
        agents.ACT_STARTS,
        agents.ACT_TRANSITIONS,
    ),
)


def draw(starts: Mapping[Any, Any], transitions: Mapping[tuple[Any, Any], Any]) -> str:
    """Return the diagram of a machine: an arrow for each pair of states, with all its moves."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for start, state in starts.items():
        arrows.setdefault(("[*]", state.value), []).append(start.value)
    for (was, move), after in transitions.items():
        arrows.setdefault((was.value, after.value), []).append(move.value)
    lines = [
        f"    {was} --> {after} : {', '.join(moves).replace('_', ' ')}"
        for (was, after), moves in arrows.items()
    ]
    left = {was for was, after in arrows if was != after}
    ends = dict.fromkeys(after for _was, after in arrows if after not in left)
    lines += [f"    {state} --> [*]" for state in ends]
    return "\n".join(["stateDiagram-v2", *lines])


def write_page() -> str:
    """Return the text of docs/states.md."""
    parts = [_HEAD]
    for machine in MACHINES:
        diagram = draw(machine.starts, machine.transitions)
        parts.append(f"## {machine.title}\n\n{machine.sentence}\n\n```mermaid\n{diagram}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
