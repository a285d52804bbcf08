"""Tables as files: CSV piece by piece, XLSX as a whole, and no cell that calculates.

In a CSV file a cell that begins with = + - @, a tab or a line break would be calculated by a
spreadsheet. On the way out such a cell gets an apostrophe in front (`neutralize`); on the way in
one apostrophe is taken off again (`restore`), so that a round trip changes nothing. In a workbook a
text is a text, whatever it begins with.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

Cell = str | Decimal | datetime

#: What a spreadsheet would take for a formula, or would become one when it is opened again.
_DANGEROUS = re.compile(r"'*[=+\-@\t\r\n]")
_GUARDED = re.compile(r"'+[=+\-@\t\r\n]")
#: What a reader of XLSX would take for an escaped character.
_LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
#: Lets spreadsheets read the file as UTF-8.
_BYTE_ORDER_MARK = "\ufeff"


def neutralize(text: str) -> str:
    """Put an apostrophe in front of what a spreadsheet would calculate."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would calculate the cell."""
    return bool(_DANGEROUS.match(text)) and not text.startswith("'")


def restore(text: str) -> str:
    """Take the apostrophe off that `neutralize` has put in front."""
    return text[1:] if _GUARDED.match(text) else text


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


def stream_csv(rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Yield a CSV file (UTF-8 with a byte order mark) row by row.

    Amounts are numbers, so a minus makes no formula of them.
    """
    writer = csv.writer(_Echo())
    yield _BYTE_ORDER_MARK
    for row in rows:
        yield writer.writerow(
            [str(cell) if isinstance(cell, Decimal) else neutralize(_text_of(cell)) for cell in row]
        )


def write_xlsx(rows: Iterable[Sequence[Cell]], *, title: str) -> io.BytesIO:
    """Return an XLSX file: amounts are numbers, instants are text with their zone.

    No text is a formula, and none becomes one by editing.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    for row in rows:
        sheet.append([_cell(sheet, cell) for cell in row])
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return file


def _text_of(cell: str | datetime) -> str:
    return cell.isoformat(timespec="seconds") if isinstance(cell, datetime) else cell


def _cell(sheet: object, cell: Cell) -> WriteOnlyCell:
    if isinstance(cell, Decimal):
        written = WriteOnlyCell(sheet, value=cell)
        written.number_format = "#,##0.00"
        return written
    text = _text_of(cell)
    plain = ILLEGAL_CHARACTERS_RE.sub("\ufffd", _LOOKS_ESCAPED.sub("_x005F_", text))
    written = WriteOnlyCell(sheet, value=plain)
    written.data_type = "s"
    if _DANGEROUS.match(text):
        written.quotePrefix = True
    return written
