"""Cells of tables: what they show, and what a spreadsheet program has made of them."""

import re
from datetime import date, timedelta
from datetime import time as clock_time
from typing import Any

from django.utils.translation import gettext as _
from openpyxl.utils.escape import unescape

#: Longer cells are cut; every field is shorter, so a cut cell is refused all the same.
MAX_CELL = 2_000
MAX_COLUMNS = 50
#: What is taken off both ends of a cell; a tab or a line break is rather a fault.
BLANKS = " \u00a0\u3000"
#: Excel keeps 15 digits of a number.
_EXACT = 10**15

#: How the library marks cells of text.
_TEXTS = frozenset({"s", "str", "inlineStr"})
#: Number formats that show a number as it is, without what only pads or colors it.
_PLAIN_FORMAT = re.compile(r"(?:general|@|#|0+)?", re.IGNORECASE)
_FORMAT_PADDING = re.compile(r"_.|\\.|\[[^\]]*\]|\*.|\"[^\"]*\"|\s")


class DamagedCell(str):
    """The text of a cell that the spreadsheet program has changed, with what to do about it."""

    complaint: str = ""

    @classmethod
    def of(cls, text: str, complaint: str) -> "DamagedCell":
        """Return the text with its complaint."""
        cell = cls(text[:MAX_CELL])
        cell.complaint = complaint
        return cell


class LiteralCell(str):
    """A text that is meant as it stands, whatever it begins with."""


def without_value() -> str:
    """Return what stands for a formula whose result the file does not hold."""
    return DamagedCell.of(
        "=",
        _(
            "The file does not hold the result of this formula. Replace the formula with its "
            "value: copy the column and paste it as values."
        ),
    )


def text_of(cell: Any) -> str:
    """Return what a cell of a workbook shows, or a `DamagedCell` where that is not certain."""
    value = cell.value
    if value is None:
        return ""
    if cell.data_type in _TEXTS:
        return str(unescape(str(value)[:MAX_CELL])).strip("\r\n" + BLANKS)
    if cell.data_type == "e":
        return DamagedCell.of(str(value), error_complaint())
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, date | clock_time | timedelta):
        return DamagedCell.of(
            str(value),
            _(
                "Your spreadsheet program has made this a date or a time. Format the column as "
                "text, and enter the value again."
            ),
        )
    if isinstance(value, int | float):
        return _number_text(value, str(cell.number_format or ""))
    return str(value)[:MAX_CELL]


def _number_text(value: int | float, number_format: str) -> str:
    if abs(value) >= _EXACT:
        return DamagedCell.of(f"{value:.0f}", digits_complaint())
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    shown = _FORMAT_PADDING.sub("", number_format.partition(";")[0])
    if not _PLAIN_FORMAT.fullmatch(shown):
        return DamagedCell.of(
            str(value),
            _(
                "This cell shows a number in a custom format, so its meaning is not "
                "clear. Format the column as text, and enter the value again."
            ),
        )
    is_padded = isinstance(value, int) and value >= 0 and shown.startswith("0")
    return str(value).zfill(len(shown)) if is_padded else str(value)


def error_complaint() -> str:
    """Return what to do about a cell that shows an error."""
    return _("This cell shows an error of your spreadsheet program. Enter the value itself.")


def digits_complaint() -> str:
    """Return what to do about a number whose digits are lost."""
    return _(
        "Your spreadsheet program has shortened this number and lost digits. Format the column as "
        "text, and enter the number again."
    )
