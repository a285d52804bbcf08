"""The connect guidelines as everybody may read them, before paying and at any time."""

from dataclasses import dataclass
from datetime import datetime

from compliance.enums import EntryKind, EntryRule
from compliance.models import Behaviour, RuleBook, ScreeningEntry


@dataclass(frozen=True)
class IndustryLines:
    """An industry with its scenarios; `is_always` where all of them are refused always."""

    label: str
    scenarios: tuple[ScreeningEntry, ...]

    @property
    def is_always(self) -> bool:
        """Whether every scenario is refused, whatever kind of calls it makes."""
        return all(scenario.rule == EntryRule.ALWAYS for scenario in self.scenarios)


@dataclass(frozen=True)
class Guidelines:
    """The rule book in force and the screening table, in the order in which they are shown."""

    book: RuleBook | None
    behaviours: tuple[Behaviour, ...]
    prohibited: tuple[ScreeningEntry, ...]
    industries: tuple[IndustryLines, ...]


def read_guidelines(now: datetime) -> Guidelines:
    """Return what holds at `now`; three queries, whatever the tables hold."""
    book = RuleBook.objects.in_force(now).first()
    entries = list(ScreeningEntry.objects.in_use().listed())
    grouped: dict[str, list[ScreeningEntry]] = {}
    for entry in entries:
        if entry.industry is not None:
            grouped.setdefault(entry.industry.label, []).append(entry)
    return Guidelines(
        book=book,
        behaviours=tuple(Behaviour.objects.filter(book=book)),
        prohibited=tuple(entry for entry in entries if entry.kind == EntryKind.PROHIBITED),
        industries=tuple(IndustryLines(label, tuple(rows)) for label, rows in grouped.items()),
    )


def guidelines_summary(now: datetime) -> dict[str, Guidelines]:
    """Return the context of `compliance/_guidelines_summary.html`, shown before every payment."""
    return {"guidelines": read_guidelines(now)}
