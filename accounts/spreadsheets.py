"""Tables as files: CSV piece by piece, XLSX as a whole, and no cell that calculates."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import IO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

Cell = str | Decimal | datetime

#: What a spreadsheet would take for a formula, or would become one when it is opened again.
_DANGEROUS = re.compile(r"'*[=+\-@\t\r\n]")
#: Lets spreadsheets read the file as UTF-8.
_BYTE_ORDER_MARK = "\ufeff"


def neutralise(text: str) -> str:
    """Put an apostrophe in front of what a spreadsheet would calculate."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def _text_of(cell: Cell) -> str:
    """Return a cell of a CSV file; amounts are numbers, so a minus is no formula there."""
    if isinstance(cell, Decimal):
        return str(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds")
    return neutralise(cell)


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


def stream_csv(rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Yield a CSV file (UTF-8 with a byte order mark) row by row."""
    writer = csv.writer(_Echo())
    yield _BYTE_ORDER_MARK
    for row in rows:
        yield writer.writerow([_text_of(cell) for cell in row])


def write_xlsx(rows: Iterable[Sequence[Cell]], *, title: str) -> IO[bytes]:
    """Return an XLSX file; amounts are numbers, instants are text with their zone."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    for row in rows:
        sheet.append([_cell(sheet, cell) for cell in row])
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return file


def _cell(sheet: object, cell: Cell) -> WriteOnlyCell:
    if isinstance(cell, Decimal):
        written = WriteOnlyCell(sheet, value=cell)
        written.number_format = "#,##0.00"
        return written
    written = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", _text_of(cell)))
    written.data_type = "s"
    return written
