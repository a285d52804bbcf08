"""The screening table and the flag words: reading them, and how staff change them."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import User
from accounts.services.audit import Event, record
from compliance.enums import EntryKind, EntryRule
from compliance.models import FlagWord, Industry, ScreeningEntry
from compliance.screening import ScreenedEntry, normalize

Row = TypeVar("Row", Industry, ScreeningEntry, FlagWord)


def read_entry(row: ScreeningEntry) -> ScreenedEntry:
    """Return a row of the table as the screening sees it."""
    return ScreenedEntry(
        kind=EntryKind(row.kind),
        rule=EntryRule(row.rule),
        name=row.name,
        name_zh=row.name_zh,
        industry=row.industry.name if row.industry else "",
    )


def read_flag_words() -> Sequence[str]:
    """Return the words that send a description to review, in alphabetical order."""
    return list(FlagWord.objects.filter(is_active=True).values_list("word", flat=True))


@transaction.atomic
def save_industry(*, industry: Industry, by: User, now: datetime) -> Industry:
    """Add an industry, or change its name or place. Raises Refused for a name that is taken."""
    return _save(industry, _("An industry with this name already exists."), by=by, now=now)


@transaction.atomic
def save_entry(*, entry: ScreeningEntry, by: User, now: datetime) -> ScreeningEntry:
    """Add an entry to the screening table, or change one.

    It holds for requests from now on, and for those that still wait when staff approve them.
    Entries are never deleted, since requests refer to them: take one out of use instead.
    Raises Refused for a name that the industry has already, and for a prohibited service that
    names an industry or has conditions.
    """
    is_prohibited = entry.kind == EntryKind.PROHIBITED
    if is_prohibited and (entry.industry_id or entry.rule != EntryRule.ALWAYS):
        raise Refused(
            _("A prohibited service is always refused and belongs to no industry."),
            code="prohibited_has_no_conditions",
            field="rule" if entry.rule != EntryRule.ALWAYS else "industry",
        )
    if not is_prohibited and not entry.industry_id:
        raise Refused(
            _("A scenario belongs to an industry."), code="industry_missing", field="industry"
        )
    return _save(entry, _("This entry is already in the table."), by=by, now=now)


@transaction.atomic
def save_flag_word(*, word: FlagWord, by: User, now: datetime) -> FlagWord:
    """Add a flag word, or change one; it is kept as it is compared."""
    word.word = normalize(word.word)
    if not word.word:
        raise Refused(_("Enter a word."), code="word_missing", field="word")
    return _save(word, _("This word is already in the table."), by=by, now=now)


_VERBS: dict[type[Model], str] = {
    Industry: "industry",
    ScreeningEntry: "screening_entry",
    FlagWord: "flag_word",
}


def _save(row: Row, taken: str, *, by: User, now: datetime) -> Row:
    is_new = row.pk is None
    changes = {} if is_new else _changes(row)
    if not is_new and not changes:
        return row
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Refused(
            taken, code="taken", field="word" if isinstance(row, FlagWord) else "name"
        ) from error
    event = Event(
        verb=f"{_VERBS[type(row)]}.{'added' if is_new else 'changed'}", target=row, data=changes
    )
    record([event], account=None, by=by, now=now)
    return row


def _changes(row: Row) -> dict[str, dict[str, str]]:
    """Return what differs from the stored row, each column with both values as text."""
    stored = type(row).objects.select_for_update().get(pk=row.pk)
    columns = [field.attname for field in row._meta.concrete_fields]
    return {
        name: {"from": str(getattr(stored, name)), "to": str(getattr(row, name))}
        for name in columns
        if getattr(stored, name) != getattr(row, name)
    }
