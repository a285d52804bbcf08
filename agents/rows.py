"""Checking the rows of a file of agents: every problem of every row, nothing written.

Progress is reported while rows are read one by one; the comparisons with the table that follow
are a few statements for a thousand rows each. Apart from the licenses, no row's result depends on
what another row of the file would change, so the rows can also be compared a part at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Application
from accounts.spreadsheets import is_formula, restore
from accounts.text import email_key, fold
from agents.cells import DamagedCell, LiteralCell
from agents.enums import AgentRole, ImportMode
from agents.fields import AGENT_FIELDS
from agents.listing import agents_of
from agents.models import Agent, SipTelephone, SkillGroup
from agents.services.agents import AgentDetails
from agents.services.seats import free_licenses
from agents.sheets import GROUP_SEPARATOR, Sheet, printable
from billing.enums import LicenseKind

CHUNK = 1_000
Progress = Callable[[int], None]


@dataclass(frozen=True)
class CellProblem:
    """What is wrong with one cell of one row, numbered as a spreadsheet counts."""

    row: int
    column: str
    value: str
    message: str


@dataclass(frozen=True)
class ImportRow:
    """A row without fault of its own."""

    number: int
    details: AgentDetails
    wants_license: bool

    @cached_property
    def keys(self) -> dict[str, str]:
        """The unique values as they are compared, and as the agents' key columns hold them."""
        return {
            "staff_number": fold(self.details.staff_number),
            "email": email_key(self.details.email),
            "extension": self.details.extension,
        }


@dataclass
class Checked:
    """What a file would do: `existing` maps numbers of rows to the agents that they change."""

    rows: list[ImportRow] = field(default_factory=list)
    problems: list[CellProblem] = field(default_factory=list)
    existing: dict[int, Agent] = field(default_factory=dict)
    needed: int = 0
    free: int = 0
    #: The application's skill groups, by the name that a cell is compared with.
    groups: dict[str, int] = field(default_factory=dict)

    def add(self, row: int, column: str, value: str, message: str) -> None:
        """Note a problem."""
        self.problems.append(CellProblem(row, column, printable(value)[:64], message))


def check_sheet(
    application: Application, sheet: Sheet, mode: str, progress: Progress, now: datetime
) -> Checked:
    """Go through all rows and return what they would do, and every problem, by row."""
    return compare(_read_rows(application, sheet, progress), application, mode, now)


def _read_rows(application: Application, sheet: Sheet, progress: Progress) -> Checked:
    """Read all rows, and note what is wrong with each on its own and with two of them together.

    This takes most of the time, and reads nothing but the application's skill groups.
    """
    reader = _RowReader(application, sheet)
    checked = Checked(groups=reader.groups)
    for done, (number, cells) in enumerate(sheet.rows, start=1):
        _read_row(checked, reader, number, cells)
        progress(done)
    _compare_with_each_other(checked)
    return checked


def compare(checked: Checked, application: Application, mode: str, now: datetime) -> Checked:
    """Add what the rows would change, and the problems that come of the agents as they are now."""
    _compare_with_table(checked, application, mode)
    _count_licenses(checked, application, now)
    checked.problems.sort(key=lambda problem: problem.row)
    return checked


@cache
def _words(kind: str) -> dict[str, str]:
    """Map the words for roles, or for yes and no, in all languages to what they mean."""
    found: dict[str, str] = {}
    for code, _language in settings.LANGUAGES:
        with translation.override(code):
            if kind == "role":
                found |= {fold(str(label)): str(value) for value, label in AgentRole.choices}
            else:
                found |= {fold(_("Yes")): "yes", fold(_("No")): ""}
                found |= {"true": "yes", "false": ""}
    plain = {value: value for value in AgentRole.values} if kind == "role" else {"yes": "yes"}
    return found | plain | ({} if kind == "role" else {"no": "", "": ""})


def read_groups(application: Application) -> dict[str, int]:
    """Map the compared names of the application's skill groups to their keys."""
    own = SkillGroup.objects.filter(
        account_id=application.account_id, application_id=application.pk
    )
    return dict(own.values_list("name_key", "pk"))


class _RowReader:
    """Turns cells into clean values; knows the application's skill groups."""

    def __init__(self, application: Application, sheet: Sheet) -> None:
        self.columns = sheet.columns
        self.is_literal = sheet.is_literal
        self.groups = read_groups(application)

    def read(self, cells: Sequence[str]) -> Iterator[tuple[str, str, object]]:
        """Yield column, cell, and clean value or the ValidationError in its place."""
        texts = {self.columns.get(place, ""): text for place, text in enumerate(cells) if text}
        if "" in texts:
            yield "", texts.pop(""), ValidationError(_("This cell has no column heading."))
        for column in (*AGENT_FIELDS, "groups", "license"):
            text = texts.get(column, "")
            try:
                yield column, text, self._clean(column, text)
            except ValidationError as error:
                yield column, text, error

    def _clean(self, column: str, text: str) -> object:
        if isinstance(text, DamagedCell):
            raise ValidationError(text.complaint)
        if not (self.is_literal or isinstance(text, LiteralCell)):
            if is_formula(text) and column != "phone":
                raise ValidationError(
                    _(
                        "A spreadsheet program would treat this as a formula. Put "
                        "an apostrophe in front of it."
                    )
                )
            text = restore(text)
        if column == "groups":
            return self._find_groups(text)
        if column == "license":
            return self._find_word("license", text, _("Write yes or no."))
        if column == "role":
            return self._find_word("role", text, _("Unknown role.")) if text else "agent"
        form_field = AGENT_FIELDS[column]
        # Most cells that may be empty are.
        return form_field.clean(text) if text or form_field.required else ""

    def _find_word(self, kind: str, text: str, complaint: str) -> str:
        word = _words(kind).get(fold(text))
        if word is None:
            raise ValidationError(complaint)
        return word

    def _find_groups(self, text: str) -> tuple[int, ...]:
        names = [name.strip() for name in text.split(GROUP_SEPARATOR) if name.strip()]
        unknown = [name for name in names if fold(name) not in self.groups]
        if unknown:
            raise ValidationError(
                _("This application has no skill group “%(name)s”.")
                % {"name": printable(unknown[0])[:64]}
            )
        return tuple(sorted({self.groups[fold(name)] for name in names}))


def _read_row(checked: Checked, reader: _RowReader, number: int, cells: Sequence[str]) -> None:
    values: dict[str, object] = {}
    has_problem = False
    for column, text, value in reader.read(cells):
        if isinstance(value, ValidationError):
            has_problem = True
            checked.add(number, column, text, str(value.messages[0]))
        else:
            values[column] = value
    wants_license = values.pop("license", "") == "yes"
    if wants_license and has_problem:
        # Once corrected, it needs its license.
        checked.needed += 1
    if not has_problem:
        details = AgentDetails(**values)  # type: ignore[arg-type]
        checked.rows.append(ImportRow(number, details, wants_license))


#: The columns whose values are unique, and those that hold them as they are compared.
_UNIQUE = {"staff_number": "staff_number_key", "email": "email_key", "extension": "extension"}


def _compare_with_each_other(checked: Checked) -> None:
    for column in _UNIQUE:
        first: dict[str, int] = {}
        for row in checked.rows:
            key = row.keys[column]
            if key and first.setdefault(key, row.number) != row.number:
                checked.add(
                    row.number,
                    column,
                    getattr(row.details, column),
                    _("Row %(number)d has the same value.") % {"number": first[key]},
                )


def _compare_with_table(checked: Checked, application: Application, mode: str) -> None:
    for start in range(0, len(checked.rows), CHUNK):
        rows = checked.rows[start : start + CHUNK]
        holders = _find_holders(application, rows)
        telephones = _find_telephones(application, rows)
        for row in rows:
            agent = holders["staff_number"].get(row.keys["staff_number"])
            if agent is not None and mode == ImportMode.UPDATE:
                checked.existing[row.number] = agent
            own = agent.pk if agent is not None and mode == ImportMode.UPDATE else None
            for column in _UNIQUE:
                holder = holders[column].get(row.keys[column])
                if holder is not None and holder.pk != own:
                    checked.add(
                        row.number,
                        column,
                        getattr(row.details, column),
                        _("%(agent)s of this application already has this value.")
                        % {"agent": holder},
                    )
            if row.details.extension in telephones:
                checked.add(
                    row.number,
                    "extension",
                    row.details.extension,
                    _("A SIP telephone of this application has this extension."),
                )


def _find_holders(
    application: Application, rows: Sequence[ImportRow]
) -> dict[str, dict[str, Agent]]:
    """Map, for each unique column, the values that agents of the application hold to them."""
    taken = Q()
    for column, key in _UNIQUE.items():
        taken |= Q(**{f"{key}__in": {row.keys[column] for row in rows} - {""}})
    agents = list(agents_of(application.account_id, application.pk).filter(taken))
    return {
        column: {value: agent for agent in agents if (value := getattr(agent, key))}
        for column, key in _UNIQUE.items()
    }


def _find_telephones(application: Application, rows: Sequence[ImportRow]) -> set[str]:
    wanted = {row.details.extension for row in rows if row.details.extension}
    own = SipTelephone.objects.filter(
        account_id=application.account_id, application_id=application.pk
    )
    return set(own.filter(extension__in=wanted).values_list("extension", flat=True))


def _count_licenses(checked: Checked, application: Application, now: datetime) -> None:
    """Note each row for which no license would be left, in the order of the file."""
    checked.free = free_licenses(application, LicenseKind.AGENT, now).count()
    served = {agent.pk for agent in checked.existing.values()}
    own = agents_of(application.account_id, application.pk).filter(pk__in=served)
    licensed = set(own.licensed(now).values_list("pk", flat=True)) if served else set()
    for row in checked.rows:
        agent = checked.existing.get(row.number)
        if not row.wants_license or (agent is not None and agent.pk in licensed):
            continue
        checked.needed += 1
        if checked.needed > checked.free:
            checked.add(
                row.number,
                "license",
                "",
                ngettext(
                    "No license is left for this row: only %(free)d is free. Buy more licenses, "
                    "or write “no” in this column.",
                    "No license is left for this row: only %(free)d are free. Buy more licenses, "
                    "or write “no” in this column.",
                    checked.free,
                )
                % {"free": checked.free},
            )
