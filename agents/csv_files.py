"""Reading CSV files: their encoding, their delimiter, and their cells."""

import csv
import io
import re
from collections.abc import Iterator

from django.utils.translation import gettext as _

from accounts.errors import Refused
from agents.cells import (
    BLANKS,
    MAX_CELL,
    MAX_COLUMNS,
    DamagedCell,
    LiteralCell,
    digits_complaint,
    error_complaint,
)
from agents.encodings import IsHeading, decode

_DELIMITERS = ",;\t|"
#: Excel's own line in front of the headings, which says what separates the cells.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[,;\t|]*\r?\n', re.IGNORECASE)
#: A text that a spreadsheet program was told to leave alone: ="00123".
_QUOTED_FORMULA = re.compile(r'="([^"]*)"')
_ERRORS = {
    *("#N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NUM!", "#NAME?", "#NULL!", "#SPILL!"),
    *("#NV", "#WERT!", "#BEZUG!", "#ZAHL!"),
}
_SHORTENED = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?E\+[0-9]{2,3}", re.IGNORECASE)


def read_csv_rows(content: bytes, is_heading: IsHeading) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty with their numbers. Raises Refused for broken files."""
    text = decode(content, is_heading)
    stated = _SEPARATOR_LINE.match(text)
    text = text[stated.end() :] if stated else text
    delimiter = stated.group(1) if stated else _find_delimiter(text, is_heading)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for number, cells in enumerate(reader, start=1):
            texts = [_cell(cell[:MAX_CELL].strip(BLANKS)) for cell in cells]
            row = texts[:MAX_COLUMNS] + [text for text in texts[MAX_COLUMNS:] if text][:1]
            if any(row):
                yield number, row
    except csv.Error as error:
        raise Refused(
            _("Row %(number)d cannot be read: is a quotation mark missing?")
            % {"number": reader.line_num},
            code="unreadable_row",
        ) from error


def _find_delimiter(text: str, is_heading: IsHeading) -> str:
    """Return the sign that parts the first line into most known headings, else occurs most."""
    first = next((line for line in text.splitlines() if line.strip(BLANKS)), "")

    def known(sign: str) -> tuple[int, int]:
        cells = next(csv.reader([first], delimiter=sign), [])
        return sum(is_heading(cell.strip(BLANKS)) for cell in cells), first.count(sign)

    try:
        return max(_DELIMITERS, key=known)
    except csv.Error:
        return max(_DELIMITERS, key=first.count)


def _cell(text: str) -> str:
    if text[:1] == "#" and (text.upper() in _ERRORS or not text.strip("#")):
        return DamagedCell.of(text, error_complaint())
    if _SHORTENED.fullmatch(text):
        return DamagedCell.of(text, digits_complaint())
    quoted = _QUOTED_FORMULA.fullmatch(text)
    return LiteralCell(quoted.group(1).strip(BLANKS)) if quoted else text
