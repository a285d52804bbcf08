"""Tables of agents as files: their columns, CSV and XLSX in both directions, and formulas.

A cell that begins with = + - @, a tab or a line break would be calculated by a spreadsheet. On
the way out such a cell gets an apostrophe in front; on the way in one apostrophe is taken off
again, so that nothing is lost by going round.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.utils.exceptions import InvalidFileException

from accounts.errors import Refused

MAX_BYTES = 10 * 1024 * 1024
#: A spreadsheet is a compressed file; unpacked it must not be larger than this.
MAX_UNPACKED_BYTES = 100 * 1024 * 1024
MAX_COLUMNS = 50
#: Longer cells are cut; every field is shorter, so a cut cell is refused all the same.
MAX_CELL = 2_000

#: The columns of a table of agents by their key, in order.
COLUMNS: dict[str, str | Promise] = {
    "name": gettext_lazy("Name"),
    "nickname": gettext_lazy("Nickname"),
    "staff_number": gettext_lazy("Staff number"),
    "email": gettext_lazy("E-mail address"),
    "phone": gettext_lazy("Phone"),
    "role": gettext_lazy("Role"),
    "extension": gettext_lazy("Extension"),
    "groups": gettext_lazy("Skill groups"),
    "licence": gettext_lazy("Licence"),
    "state": gettext_lazy("State"),
}
REQUIRED = ("name", "staff_number", "email")
#: Told by an export for people to read; an import passes over it.
INFORMATIVE = frozenset({"state"})
GROUP_SEPARATOR = ";"

#: What is taken off both ends of a cell; a tab or a line break is rather a fault.
_BLANKS = " \u00a0\u3000"
_DANGEROUS = re.compile(r"'*[=+\-@\t\r\n]")
_GUARDED = re.compile(r"'+[=+\-@\t\r\n]")


def neutralise(text: str) -> str:
    """Put an apostrophe in front of what a spreadsheet would calculate."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would calculate the cell."""
    return bool(_DANGEROUS.match(text)) and not text.startswith("'")


def restore(text: str) -> str:
    """Take the apostrophe off that `neutralise` has put in front."""
    return text[1:] if _GUARDED.match(text) else text


@cache
def known_headings() -> dict[str, str]:
    """Map each heading in any of the console's languages, in small letters, to its column."""
    known = {key: key for key in COLUMNS}
    for code, _language in settings.LANGUAGES:
        with translation.override(code):
            known |= {str(label).casefold(): key for key, label in COLUMNS.items()}
    return known


@dataclass(frozen=True)
class Sheet:
    """A file's columns by their place, and its rows with their numbers as a spreadsheet counts."""

    columns: dict[int, str]
    rows: list[tuple[int, list[str]]]


def read_sheet(content: bytes, limit: int) -> Sheet:
    """Read a CSV (UTF-8, with or without BOM) or XLSX file of at most `limit` rows.

    Bytes that are no UTF-8 become lone surrogates, for the check of the rows to find. Raises
    Refused where the file as a whole cannot be used.
    """
    is_xlsx = content.startswith(b"PK")
    lines = _xlsx_lines(content, limit) if is_xlsx else _csv_lines(content)
    heading: list[str] | None = None
    rows: list[tuple[int, list[str]]] = []
    for number, cells in lines:
        if not any(cells):
            continue
        if heading is None:
            heading = cells
            continue
        rows.append((number, cells))
        if len(rows) > limit:
            raise Refused(
                _("A file holds at most %(limit)d agents.") % {"limit": limit}, code="too_many_rows"
            )
    if not rows or heading is None:
        raise Refused(_("The file holds no agents."), code="empty_file")
    return Sheet(_place_columns(heading), rows)


def _place_columns(heading: Sequence[str]) -> dict[int, str]:
    known = known_headings()
    columns: dict[int, str] = {}
    for place, text in enumerate(heading):
        if not text:
            continue
        key = known.get(text.casefold())
        if key is None:
            raise Refused(
                _("The column “%(name)s” is not known. Compare it with the template.")
                % {"name": printable(text)[:64]},
                code="unknown_column",
            )
        if key in columns.values():
            raise Refused(
                _("The column “%(name)s” is there twice.") % {"name": text}, code="column_twice"
            )
        columns[place] = key
    missing = [str(COLUMNS[key]) for key in REQUIRED if key not in columns.values()]
    if missing:
        raise Refused(
            _("These columns are missing: %(names)s.") % {"names": ", ".join(missing)},
            code="column_missing",
        )
    return columns


def printable(text: str) -> str:
    """Return the text with what cannot be shown or stored replaced."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _csv_lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    encoding = "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    text = content.decode(encoding, "surrogateescape" if encoding == "utf-8-sig" else "replace")
    first = text.partition("\n")[0]
    # Spreadsheets write semicolons where the comma is the decimal sign.
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, [cell[:MAX_CELL].strip(_BLANKS) for cell in cells[:MAX_COLUMNS]]
    except csv.Error as error:
        raise Refused(
            _("Row %(number)d cannot be read: is a quotation mark missing?")
            % {"number": reader.line_num},
            code="unreadable_row",
        ) from error


def _xlsx_lines(content: bytes, limit: int) -> Iterator[tuple[int, list[str]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise Refused(_("The file is too large."), code="too_large")
        book = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        sheet = book.worksheets[0]
        # Two rows more than allowed are enough to know that there are too many.
        cells = sheet.iter_rows(max_row=limit + 1_000, values_only=True)
        for number, row in enumerate(cells, start=1):
            yield number, [_cell_text(value) for value in row[:MAX_COLUMNS]]
        book.close()
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, IndexError) as error:
        raise Refused(
            _("The file cannot be read: it is neither CSV nor XLSX."), code="unreadable_file"
        ) from error


def _cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)[:MAX_CELL].strip(_BLANKS)


def heading() -> list[str]:
    """Return the columns' labels in the present language."""
    return [str(label) for label in COLUMNS.values()]


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def write_csv(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a CSV file piece by piece: a BOM, so that spreadsheets see the UTF-8, then rows."""
    writer = csv.writer(_Echo())
    yield "\ufeff"
    for row in rows:
        yield writer.writerow([neutralise(cell) for cell in row])


def write_xlsx(rows: Iterable[Sequence[str]]) -> io.BytesIO:
    """Return an XLSX file; every cell is text, none a formula."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_("Agents")[:31])
    for row in rows:
        cells = []
        for text in row:
            plain = ILLEGAL_CHARACTERS_RE.sub("\ufffd", neutralise(text))
            cell = WriteOnlyCell(sheet, value=plain)
            cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    stream = io.BytesIO()
    book.save(stream)
    stream.seek(0)
    return stream
