"""Sections of a page that puts many tables together: a few rows of each, and the way to all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from accounts.models import Account, User
from accounts.templatetags.console import badge
from config.staff.work import change_url

#: Rows of a section; what is beyond is in the table's own list.
SHOWN = 5
Cell = str | SafeString | Promise


@dataclass(frozen=True)
class Reader:
    """Who looks at which account, and when; `facts` is what several sections need."""

    account: Account
    user: User
    now: datetime
    facts: dict[str, Any] = field(default_factory=dict)

    def may_see(self, *models: str) -> bool:
        """Whether the person may view all of these models (`app.model`)."""
        return self.user.has_perms([model.replace(".", ".view_") for model in models])

    def link(self, obj: Any, label: object = "") -> Cell:
        """Return a link to the object's page, or its name alone where that page is closed."""
        text = str(label or obj)
        if not self.may_see(obj._meta.label_lower):
            return text
        return format_html('<a href="{}">{}</a>', change_url(obj), text)


@dataclass(frozen=True)
class Note:
    """A sentence above a section's rows."""

    tone: str
    text: Cell


@dataclass(frozen=True)
class DeskSection:
    """A part of the page as the template shows it; `rows` hold one cell for each head."""

    name: str
    title: str | Promise
    heads: Sequence[str | Promise]
    rows: list[list[tuple[str | Promise, Cell]]]
    url: str
    is_cut: bool
    empty: str | Promise
    notes: list[Note]


@dataclass(frozen=True)
class DeskTable:
    """One section: whose sight it needs, its rows, and what each column says of a row.

    `find` returns at least the first `SHOWN + 1` rows of the account, if there are so many;
    it is never asked for more.
    """

    name: str
    title: str | Promise
    model: str
    find: Callable[[Reader], Any]
    columns: Mapping[str | Promise, Callable[[Reader, Any], Cell]]
    empty: str | Promise
    notes: Callable[[Reader], Iterable[Note]] = lambda reader: ()

    def read(self, reader: Reader) -> DeskSection:
        """Read the section for a person who may view its model."""
        found = list(self.find(reader)[: SHOWN + 1])
        listing = reverse(f"admin:{self.model.replace('.', '_')}_changelist")
        return DeskSection(
            name=self.name,
            title=self.title,
            heads=list(self.columns),
            rows=[
                [(head, tell(reader, row)) for head, tell in self.columns.items()]
                for row in found[:SHOWN]
            ],
            url=f"{listing}?{urlencode({'q': reader.account.uin})}",
            is_cut=len(found) > SHOWN,
            empty=self.empty,
            notes=list(self.notes(reader)),
        )


def state(name: str) -> Callable[[Reader, Any], Cell]:
    """Return what shows a field with choices as a badge."""

    def tell(reader: Reader, row: Any) -> Cell:
        value = getattr(row, name)
        return badge(value, getattr(row, f"get_{name}_display")()) if value else ""

    return tell


def words(name: str) -> Callable[[Reader, Any], Cell]:
    """Return what shows the words of a field with choices."""
    return lambda reader, row: str(getattr(row, f"get_{name}_display")())
