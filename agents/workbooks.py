"""Reading XLSX workbooks from anywhere: odd ones are read, broken or hostile ones refused in words.

The library raises whatever its parts raise (zipfile, zlib, expat, its own descriptors, plain
TypeErrors), and new versions raise others. So everything is caught in one place, logged with its
traceback, and answered with one sentence.
"""

import io
import logging
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from django.utils.translation import gettext as _
from openpyxl import Workbook, load_workbook

from accounts.errors import Refused
from agents.cells import MAX_COLUMNS, text_of, without_value

logger = logging.getLogger("console.files")

#: What is read of a workbook must not be larger when unpacked; pictures do not count.
MAX_UNPACKED_BYTES = 40 * 1024 * 1024
MAX_PARTS = 5_000
#: A workbook that takes more of the processor's time is refused; 10,000 rows take two seconds.
MAX_SECONDS = 10.0
#: How many of a thing the library reads in a few seconds, and more than any list of agents needs.
_MOST = {
    "xl/styles.xml": (re.compile(rb"[<:]xf[\s/>]"), 65_490),
    "xl/sharedstrings.xml": (re.compile(rb"[<:]si[\s/>]"), 200_000),
}
#: Larger style sheets are read for their number formats only.
_LARGE_STYLES = 1024 * 1024
MAX_SHEETS = 50
_READ_PARTS = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|xl/(?:workbook\.xml|_rels/workbook\.xml\.rels"
    r"|sharedStrings\.xml|styles\.xml|worksheets/[^/]+\.xml)",
    re.IGNORECASE,
)
_FORMULA_IN_XML = re.compile(rb"<(?:\w+:)?f[\s>/]")


@dataclass(frozen=True)
class WorkbookTable:
    """A worksheet's rows that are not empty, numbered as the spreadsheet program counts."""

    title: str
    rows: Iterator[tuple[int, list[str]]]


def read_tables(content: bytes) -> Iterator[WorkbookTable]:
    """Yield the worksheets that are not hidden, the one that was open last first.

    Raises Refused for whatever cannot be read, also while the rows are drawn.
    """
    try:
        _require_modest(content)
        deadline = time.thread_time() + MAX_SECONDS
        book = _open(content, keeps_formulas=False)
        formulas = _open(content, keeps_formulas=True) if _has_formulas(content) else None
        sheets = _visible_sheets(book)
        if not sheets:
            raise _unreadable()
        for sheet in sheets[:MAX_SHEETS]:
            twin = formulas[sheet.title] if formulas else None
            yield WorkbookTable(sheet.title, _rows_of(sheet, twin, deadline))
    except Refused:
        raise
    except Exception as error:
        logger.info("a workbook cannot be read: %r", error, exc_info=True)
        raise _unreadable() from error


def _unreadable() -> Refused:
    return Refused(
        _(
            "This workbook cannot be read. It may be damaged, or protected by a "
            "password. Open it in your spreadsheet program, save it as XLSX without a "
            "password, and upload it again."
        ),
        code="unreadable_file",
    )


def _too_large() -> Refused:
    return Refused(
        _(
            "This workbook is too large. Copy the rows of the agents to a new workbook, "
            "and upload that one."
        ),
        code="too_large",
    )


def _require_modest(content: bytes) -> None:
    """Refuse what is another kind of file, or would grow too large when unpacked."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        read = [part for part in parts if _READ_PARTS.fullmatch(part.filename)]
        size = sum(part.file_size for part in read)
        if size > MAX_UNPACKED_BYTES or len(parts) > MAX_PARTS:
            raise _too_large()
        for part in read:
            # No spreadsheet program declares entities, and they can grow without end.
            if b"<!DOCTYPE" in archive.open(part).read(4096).replace(b"\0", b""):
                raise _unreadable()
            if part.filename.lower() in _MOST:
                thing, most = _MOST[part.filename.lower()]
                if len(thing.findall(archive.read(part))) > most:
                    raise _too_large()


def _open(content: bytes, *, keeps_formulas: bool) -> Workbook:
    options = {"read_only": True, "data_only": not keeps_formulas, "keep_links": False}
    if _styles_size(content) > _LARGE_STYLES:
        return load_workbook(_undecorated(content), **options)
    try:
        return load_workbook(io.BytesIO(content), **options)
    except Exception as error:
        # Other programs write styles and properties that the library refuses; Excel does not.
        logger.info("a workbook is read without its decoration: %r", error)
        return load_workbook(_undecorated(content), **options)


def _styles_size(content: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return max(
            (part.file_size for part in archive.infolist() if _is_styles(part.filename)), default=0
        )


def _is_styles(name: str) -> bool:
    return name.lower() == "xl/styles.xml"


def _undecorated(content: bytes) -> io.BytesIO:
    """Return the workbook with nothing but its sheets, its texts, and its number formats."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as archive,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as plain,
    ):
        for part in archive.infolist():
            if _READ_PARTS.fullmatch(part.filename):
                data = archive.read(part)
                if _is_styles(part.filename):
                    data = _number_formats(data)
                plain.writestr(part.filename, data)
    stream.seek(0)
    return stream


def _number_formats(sheet: bytes) -> bytes:
    """Return a style sheet that knows only how numbers are shown."""
    root = ElementTree.fromstring(sheet)  # noqa: S314 (no DTD: see _require_modest)
    space = root.tag.partition("}")[0] + "}"
    made = ElementTree.Element(f"{space}styleSheet")
    formats = root.find(f"{space}numFmts")
    if formats is not None:
        made.append(formats)
    cells = ElementTree.SubElement(made, f"{space}cellXfs")
    for style in root.iterfind(f"{space}cellXfs/{space}xf"):
        number = style.get("numFmtId", "0")
        ElementTree.SubElement(cells, f"{space}xf", {"numFmtId": number, "fontId": "0"})
    return ElementTree.tostring(made)


def _has_formulas(content: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return any(
            _FORMULA_IN_XML.search(archive.read(part))
            for part in archive.infolist()
            if "/worksheets/" in part.filename and _READ_PARTS.fullmatch(part.filename)
        )


def _visible_sheets(book: Workbook) -> list[Any]:
    sheets: list[Any] = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    active = book.active
    return sorted(sheets or book.worksheets, key=lambda sheet: sheet is not active)


def _rows_of(sheet: Any, twin: Any, deadline: float) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from _draw_rows(sheet, twin, deadline)
    except Refused:
        raise
    except Exception as error:
        logger.info("a worksheet cannot be read: %r", error, exc_info=True)
        raise _unreadable() from error


def _draw_rows(sheet: Any, twin: Any, deadline: float) -> Iterator[tuple[int, list[str]]]:
    # The size that a sheet states is often wrong, and the library believes it.
    sheet.reset_dimensions()
    rows = sheet.iter_rows()
    formulas: Iterator[Any] = iter(())
    if twin is not None:
        twin.reset_dimensions()
        formulas = twin.iter_rows()
    for number, row in enumerate(rows, start=1):
        written = next(formulas, ()) if twin is not None else ()
        if number % 100 == 0 and time.thread_time() > deadline:
            raise Refused(
                _(
                    "This workbook takes too long to read. Copy the rows of the agents "
                    "to a new workbook, and upload that one."
                ),
                code="too_slow",
            )
        if not row:
            continue
        cells = [text_of(cell) for cell in row[:MAX_COLUMNS]]
        for place, cell in enumerate(written[:MAX_COLUMNS]):
            if cell.data_type == "f" and row[place].value is None:
                cells[place] = without_value()
        # One of the cells farther out is enough to say that they stand under no heading.
        far = (text_of(cell) for cell in row[MAX_COLUMNS:] if cell.value is not None)
        cells += [text for text in far if text][:1]
        if any(cells):
            yield number, cells
