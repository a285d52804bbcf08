"""Problems of a file as people read them: the same one in many rows is one line. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ProblemGroup:
    """One problem of one column, with the rows that have it and the first row's value."""

    column: str
    message: str
    value: str
    rows: tuple[int, ...]

    @property
    def row_text(self) -> str:
        """The rows as "3, 5–24": each run of rows by its ends."""
        runs: list[list[int]] = []
        for row in self.rows:
            if runs and row == runs[-1][1] + 1:
                runs[-1][1] = row
            else:
                runs.append([row, row])
        return ", ".join(f"{first}" if first == last else f"{first}–{last}" for first, last in runs)

    @property
    def others(self) -> int:
        """How many rows beside the first have the problem."""
        return len(self.rows) - 1


def group_problems(problems: Iterable[Mapping[str, Any]]) -> list[ProblemGroup]:
    """Put problems of the same column and sentence together, in the order of their first row."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for problem in problems:
        found.setdefault((problem["column"], problem["message"]), []).append(problem)
    return [
        ProblemGroup(
            column=column,
            message=message,
            value=same[0]["value"],
            rows=tuple(sorted({problem["row"] for problem in same})),
        )
        for (column, message), same in found.items()
    ]
