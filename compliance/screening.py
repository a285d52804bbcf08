"""Whether a declared business may be connected: refused immediately, or for staff to decide. Pure.

Nothing is approved on its own. Every rule is looked at; the findings name all that was found.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.enums import EntityKind
from compliance.enums import Direction, EntryKind, EntryRule, NumberSource
from compliance.policy import PolicyProblem
from compliance.wording import in_language


@dataclass(frozen=True)
class ScreenedEntry:
    """An entry of the screening table; `industry` is empty for a prohibited service."""

    kind: EntryKind
    rule: EntryRule
    name: str
    name_zh: str = ""
    industry: str = ""


@dataclass(frozen=True)
class Declaration:
    """What a customer declares; `entry` is None for a business that the list does not name."""

    entity_kind: EntityKind
    entry: ScreenedEntry | None
    direction: Direction
    is_cold_calling: bool
    number_source: NumberSource
    has_consent_proof: bool
    free_texts: tuple[str, ...]


def judge_declaration(declaration: Declaration) -> tuple[PolicyProblem, ...]:
    """Say where a declaration contradicts itself, so that no one could judge it."""
    problems = []
    is_inbound = declaration.direction == Direction.INBOUND
    if is_inbound and declaration.is_cold_calling:
        problems.append(
            PolicyProblem(
                "inbound_cold",
                _("Calls that only come in cannot be cold calls: correct one of the two answers."),
                "is_cold_calling",
            )
        )
    if not is_inbound and declaration.number_source == NumberSource.NONE:
        problems.append(
            PolicyProblem(
                "source_missing",
                _("Say where the numbers that you call come from."),
                "number_source",
            )
        )
    return tuple(problems)


class ScreeningEffect(StrEnum):
    """What a finding leads to."""

    REFUSE = "refuse"
    REVIEW = "review"


class Code(StrEnum):
    """What a screening may find."""

    NOT_ENTERPRISE = "not_enterprise"
    PROHIBITED = "prohibited"
    COLD_CALLING = "cold_calling"
    LISTED_INBOUND = "listed_inbound"
    LISTED_OUTBOUND = "listed_outbound"
    NOT_LISTED = "not_listed"
    COLD_NOT_LISTED = "cold_not_listed"
    CONSENT_MISSING = "consent_missing"
    NUMBERS_DOUBTFUL = "numbers_doubtful"
    FLAGGED_WORDS = "flagged_words"


_REFUSING = {Code.NOT_ENTERPRISE, Code.PROHIBITED, Code.COLD_CALLING}

#: What each finding says to the customer; `%(name)s` is what it was found in. Flag words are
#: not named to customers, who would only learn to avoid them.
_TEXTS: dict[Code, str | Promise] = {
    Code.NOT_ENTERPRISE: _(
        "Only enterprises can connect numbers. The company is registered as: %(name)s."
    ),
    Code.PROHIBITED: _("This service cannot be connected: %(name)s."),
    Code.COLD_CALLING: _("This business cannot be connected with cold or blind calling: %(name)s."),
    Code.LISTED_INBOUND: _(
        "This business is on the list, so inbound calls need our review: %(name)s."
    ),
    Code.LISTED_OUTBOUND: _(
        "This business is on the list, so calls to people who agreed need our review: %(name)s."
    ),
    Code.NOT_LISTED: _("This business is not on the list, so our staff will review it."),
    Code.COLD_NOT_LISTED: _("Cold or blind calling is declared, so our staff will review it."),
    Code.CONSENT_MISSING: _("There is no proof that the people called agree to it."),
    Code.NUMBERS_DOUBTFUL: _("Where the numbers come from needs our review: %(name)s."),
    Code.FLAGGED_WORDS: _("The description needs our review."),
}


@dataclass(frozen=True)
class Finding:
    """One thing found; `name` in English and Chinese is what it was found in."""

    code: Code
    name: str = ""
    name_zh: str = ""

    @property
    def effect(self) -> ScreeningEffect:
        """Whether it refuses the request, or asks staff to look."""
        return ScreeningEffect.REFUSE if self.code in _REFUSING else ScreeningEffect.REVIEW

    def to_json(self) -> dict[str, str]:
        """Return plain data for the request's row."""
        return {"code": self.code, "name": self.name, "name_zh": self.name_zh}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Finding":
        """Return the finding that `to_json` gave."""
        return cls(Code(data["code"]), data["name"], data["name_zh"])

    @property
    def text(self) -> str:
        """The sentence about it, in the language of the page."""
        return str(_TEXTS[self.code]) % {"name": self._label}

    @property
    def staff_text(self) -> str:
        """The same for staff, who read the flag words as well."""
        if self.code == Code.FLAGGED_WORDS:
            return str(_("Flag words in the description: %(name)s.")) % {"name": self.name}
        return self.text

    @property
    def _label(self) -> str | Promise:
        if self.code == Code.NOT_ENTERPRISE:
            return EntityKind(self.name).label
        if self.code == Code.NUMBERS_DOUBTFUL:
            return NumberSource(self.name).label
        return in_language(self.name, self.name_zh)


@dataclass(frozen=True)
class Screening:
    """All that was found of one declaration."""

    findings: tuple[Finding, ...]

    @property
    def refusing(self) -> tuple[Finding, ...]:
        """The findings that refuse the request, each on its own."""
        return tuple(
            finding for finding in self.findings if finding.effect == ScreeningEffect.REFUSE
        )

    @property
    def is_refused(self) -> bool:
        """Whether any finding refuses the request."""
        return bool(self.refusing)


def screen(declaration: Declaration, flag_words: Iterable[str]) -> Screening:
    """Look at a declaration by every rule.

    Refused are entities that are no enterprise, prohibited services always, and listed scenarios
    with cold or blind calling (connect guidelines). Everything else is for staff.
    """
    findings = [
        *_of_entity(declaration),
        *_of_entry(declaration),
        *_of_consent(declaration),
        *_of_numbers(declaration),
        *_of_words(declaration, flag_words),
    ]
    return Screening(tuple(findings))


def _of_entity(declaration: Declaration) -> list[Finding]:
    if declaration.entity_kind == EntityKind.ENTERPRISE:
        return []
    kind = EntityKind(declaration.entity_kind)
    return [Finding(Code.NOT_ENTERPRISE, kind.value)]


def _of_entry(declaration: Declaration) -> list[Finding]:
    entry = declaration.entry
    if entry is None:
        cold = [Finding(Code.COLD_NOT_LISTED)] if declaration.is_cold_calling else []
        return [Finding(Code.NOT_LISTED), *cold]
    if entry.kind == EntryKind.PROHIBITED or entry.rule == EntryRule.ALWAYS:
        code = Code.PROHIBITED
    elif declaration.is_cold_calling:
        code = Code.COLD_CALLING
    elif declaration.direction == Direction.INBOUND:
        code = Code.LISTED_INBOUND
    else:
        code = Code.LISTED_OUTBOUND
    return [Finding(code, entry.name, entry.name_zh)]


def _of_consent(declaration: Declaration) -> list[Finding]:
    calls_out = declaration.direction != Direction.INBOUND
    missing = calls_out and not declaration.has_consent_proof
    return [Finding(Code.CONSENT_MISSING)] if missing else []


#: Numbers from there were seldom given for being called (rule book, behavior 7).
_DOUBTFUL_SOURCES = {NumberSource.PUBLIC, NumberSource.THIRD_PARTY, NumberSource.OTHER}


def _of_numbers(declaration: Declaration) -> list[Finding]:
    if declaration.number_source not in _DOUBTFUL_SOURCES:
        return []
    return [Finding(Code.NUMBERS_DOUBTFUL, NumberSource(declaration.number_source).value)]


def _of_words(declaration: Declaration, flag_words: Iterable[str]) -> list[Finding]:
    found = find_words("\n".join(declaration.free_texts), flag_words)
    return [Finding(Code.FLAGGED_WORDS, ", ".join(found))] if found else []


def normalize(text: str) -> str:
    """Return the text as words are compared: any case, any width, blanks as one."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def find_words(text: str, words: Iterable[str]) -> tuple[str, ...]:
    """Return the words that occur in `text`, in their own order.

    A word of Latin letters must stand on its own ("loan" is not in "reloaned"); Chinese knows no
    blanks between words, so there it is enough that the word occurs.
    """
    normal = normalize(text)
    return tuple(word for word in words if _pattern(normalize(word)).search(normal))


def _pattern(word: str) -> re.Pattern[str]:
    start = r"(?<![a-z0-9])" if word[:1].isascii() else ""
    end = r"(?![a-z0-9])" if word[-1:].isascii() else ""
    return re.compile(start + re.escape(word) + end)
