"""The connect guidelines as everyone may read them, before paying and at any time."""

from dataclasses import dataclass
from datetime import datetime

from compliance.enums import EntryKind, EntryRule
from compliance.models import Behaviour, RuleBook, ScreeningEntry
from compliance.wording import in_language

#: The words alone: the table is read whole before every payment.
_WORDS = ("kind", "rule", "name", "name_zh", "industry__name", "industry__name_zh")


@dataclass(frozen=True)
class IndustryLines:
    """The scenarios of an industry that are refused under the same rule."""

    label: str
    rule: EntryRule
    scenarios: tuple[str, ...]

    @property
    def is_always(self) -> bool:
        """Whether they are refused whatever kind of calls they make."""
        return self.rule == EntryRule.ALWAYS


@dataclass(frozen=True)
class Guidelines:
    """The current rule book and the screening table, in the order in which they are shown.

    The services and scenarios are words in the language of the page.
    """

    book: RuleBook | None
    behaviours: tuple[Behaviour, ...]
    prohibited: tuple[str, ...]
    industries: tuple[IndustryLines, ...]


def read_guidelines(now: datetime, *, has_rule_book: bool = True) -> Guidelines:
    """Return what holds at `now`; three queries, whatever the tables hold, or one for the lists."""
    book = RuleBook.objects.in_force(now).first() if has_rule_book else None
    rows = ScreeningEntry.objects.in_use().listed().values_list(*_WORDS)
    prohibited = []
    grouped: dict[tuple[str, str], list[str]] = {}
    for kind, rule, name, name_zh, industry, industry_zh in rows:
        label = in_language(name, name_zh)
        if kind == EntryKind.PROHIBITED:
            prohibited.append(label)
        else:
            key = in_language(industry, industry_zh), rule
            grouped.setdefault(key, []).append(label)
    return Guidelines(
        book=book,
        behaviours=tuple(Behaviour.objects.filter(book=book)) if book else (),
        prohibited=tuple(prohibited),
        industries=tuple(
            IndustryLines(label, EntryRule(rule), tuple(scenarios))
            for (label, rule), scenarios in grouped.items()
        ),
    )


def guidelines_summary(now: datetime) -> dict[str, Guidelines]:
    """Return the context of `compliance/_guidelines_summary.html`, shown before every payment."""
    return {"guidelines": read_guidelines(now, has_rule_book=False)}
