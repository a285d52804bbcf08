"""The connect guidelines as everybody may read them, before paying and at any time."""

from dataclasses import dataclass
from datetime import datetime

from compliance.enums import EntryKind, EntryRule
from compliance.models import Behaviour, RuleBook, ScreeningEntry


@dataclass(frozen=True)
class IndustryLines:
    """The scenarios of an industry that are refused under the same rule."""

    label: str
    rule: EntryRule
    scenarios: tuple[ScreeningEntry, ...]

    @property
    def is_always(self) -> bool:
        """Whether they are refused whatever kind of calls they make."""
        return self.rule == EntryRule.ALWAYS


@dataclass(frozen=True)
class Guidelines:
    """The rule book in force and the screening table, in the order in which they are shown."""

    book: RuleBook | None
    behaviours: tuple[Behaviour, ...]
    prohibited: tuple[ScreeningEntry, ...]
    industries: tuple[IndustryLines, ...]


def read_guidelines(now: datetime, *, has_rule_book: bool = True) -> Guidelines:
    """Return what holds at `now`; three queries, whatever the tables hold, or one for the lists."""
    book = RuleBook.objects.in_force(now).first() if has_rule_book else None
    entries = list(ScreeningEntry.objects.in_use().listed())
    grouped: dict[tuple[str, str], list[ScreeningEntry]] = {}
    for entry in entries:
        if entry.industry is not None:
            grouped.setdefault((entry.industry.label, entry.rule), []).append(entry)
    return Guidelines(
        book=book,
        behaviours=tuple(Behaviour.objects.filter(book=book)) if book else (),
        prohibited=tuple(entry for entry in entries if entry.kind == EntryKind.PROHIBITED),
        industries=tuple(
            IndustryLines(label, EntryRule(rule), tuple(rows))
            for (label, rule), rows in grouped.items()
        ),
    )


def guidelines_summary(now: datetime) -> dict[str, Guidelines]:
    """Return the context of `compliance/_guidelines_summary.html`, shown before every payment."""
    return {"guidelines": read_guidelines(now, has_rule_book=False)}
