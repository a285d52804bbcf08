"""Tables of agents as files: their columns, and reading them from CSV and XLSX."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.errors import Refused
from accounts.text import fold
from agents.csv_files import read_csv_rows
from agents.workbooks import read_tables

MAX_BYTES = 10 * 1024 * 1024

#: The columns of a table of agents by their key, in order.
COLUMNS: dict[str, str | Promise] = {
    "name": gettext_lazy("Name"),
    "nickname": gettext_lazy("Nickname"),
    "staff_number": gettext_lazy("Staff number"),
    "email": gettext_lazy("Email address"),
    "phone": gettext_lazy("Phone"),
    "role": gettext_lazy("Role"),
    "extension": gettext_lazy("Extension"),
    "groups": gettext_lazy("Skill groups"),
    "license": gettext_lazy("License"),
    "state": gettext_lazy("State"),
}
REQUIRED = ("name", "staff_number", "email")
GROUP_SEPARATOR = ";"

#: Further words for the columns that people's own files use.
_OTHER_HEADINGS = {
    "name": "full name, agent name, agent, 姓名, 名称, 名字, 座席姓名, 坐席姓名, 客服姓名",
    "nickname": "display name, 昵称, 花名, spitzname",
    "staff_number": "staff no, staff id, employee number, employee id, agent id, 工号, 员工号, "
    "员工编号, 座席工号, 坐席工号, personalnummer",
    "email": "email, e-mail, mail, email address, e-mail address, 邮箱, 邮箱地址, 电子邮箱, "
    "电子邮件, 邮件地址, e-mail-adresse, mailadresse",
    "phone": "telephone, phone number, mobile, 电话, 电话号码, 手机, 手机号, 手机号码, telefon, "
    "telefonnummer",
    "role": "角色, rolle",
    "extension": "分机, 分机号, 分机号码, nebenstelle, durchwahl",
    "groups": "skill group, skill groups, group, 技能组, 技能组名称",
    "license": "licence, 许可证, 许可, 座席许可证, lizenz",
    "state": "status, 状态",
}
#: What stands behind a heading to say that its cells must be filled.
_HEADING_TAIL = re.compile(
    r"\s*(?:[*:：]+|[(（](?:required|必填|optional|选填)[)）])\s*$", re.IGNORECASE
)


def _heading_key(text: str) -> str:
    return fold(_HEADING_TAIL.sub("", text))


@cache
def known_headings() -> dict[str, str]:
    """Map each heading in any of the console's languages, folded, to its column."""
    known = {
        fold(word): key for key, words in _OTHER_HEADINGS.items() for word in words.split(", ")
    }
    known |= {key: key for key in COLUMNS}
    for code, _language in settings.LANGUAGES:
        with translation.override(code):
            known |= {fold(str(label)): key for key, label in COLUMNS.items()}
    return known


def is_heading(text: str) -> bool:
    """Whether a cell is the heading of a column."""
    return _heading_key(text) in known_headings()


@dataclass(frozen=True)
class Sheet:
    """A file's columns by their place, and its rows with their numbers as a spreadsheet counts.

    `title` names the worksheet, if it is one. In a workbook a text is a text, so `is_literal`:
    no cell is calculated, and no apostrophe was put in front.
    """

    columns: dict[int, str]
    rows: list[tuple[int, list[str]]]
    title: str = ""
    is_literal: bool = False


#: How files begin that are neither CSV nor XLSX, but are sent as such.
_OTHER_FILES = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"{\\rtf", b"Rar!", b"7z\xbc\xaf")
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARKUP = re.compile(rb"\s*<(?:\?xml|!doctype|html|table|meta|head)", re.IGNORECASE)


def read_sheet(content: bytes, limit: int) -> Sheet:
    """Read a CSV or XLSX file of at most `limit` rows.

    Raises Refused where the file as a whole cannot be used.
    """
    _require_table(content)
    if not content.startswith(b"PK"):
        return _take(read_csv_rows(content, is_heading), limit)
    refusal: Refused | None = None
    for table in read_tables(content):
        try:
            return _take(table.rows, limit, table.title)
        except Refused as error:
            if error.code not in _WRONG_SHEET:
                raise
            # Another sheet may hold the agents; if none does, the first one is spoken of.
            if refusal is None or refusal.code == "empty_file":
                refusal = error
    raise refusal or _no_agents("")


#: Refusals that only say that a worksheet is not the one with the agents.
_WRONG_SHEET = frozenset({"empty_file", "unknown_column", "column_missing", "column_twice"})


def _require_table(content: bytes) -> None:
    if content.startswith(_OLD_WORKBOOK):
        raise Refused(
            _(
                "This is an old workbook (XLS), or one with a password. Save it as XLSX "
                "without a password, and upload it again."
            ),
            code="old_workbook",
        )
    if content.startswith(_OTHER_FILES) or _MARKUP.match(content.lstrip(b"\xef\xbb\xbf")[:200]):
        raise Refused(
            _(
                "This is neither a CSV nor an XLSX file. Open it in your spreadsheet "
                "program, save it as XLSX, and upload it again."
            ),
            code="unreadable_file",
        )


def _no_agents(title: str) -> Refused:
    return Refused(_("The file contains no agents.") + _which_sheet(title), code="empty_file")


def _which_sheet(title: str) -> str:
    """Return a sentence that names the worksheet that was read; nothing for a CSV file."""
    if not title:
        return ""
    return " " + _("The sheet that was read is “%(name)s”.") % {"name": printable(title)}


def _take(lines: Iterator[tuple[int, list[str]]], limit: int, title: str = "") -> Sheet:
    heading = next(lines, (0, None))[1]
    columns = _place_columns(heading, title) if heading else {}
    rows = []
    for number, cells in lines:
        rows.append((number, cells))
        if len(rows) > limit:
            raise Refused(
                _("A file can contain at most %(limit)d agents.") % {"limit": limit},
                code="too_many_rows",
            )
    if not rows:
        raise _no_agents(title)
    return Sheet(columns, rows, title, is_literal=bool(title))


def _place_columns(heading: Sequence[str], title: str) -> dict[int, str]:
    known = known_headings()
    found = {place: known.get(_heading_key(text)) for place, text in enumerate(heading) if text}
    unknown = [printable(heading[place])[:64] for place, key in found.items() if key is None]
    if unknown:
        raise Refused(
            ngettext(
                "Unknown column: %(names)s. Compare it with the template.",
                "Unknown columns: %(names)s. Compare them with the template.",
                len(unknown),
            )
            % {"names": ", ".join(f"“{name}”" for name in unknown)}
            + _which_sheet(title),
            code="unknown_column",
        )
    columns = {place: key for place, key in found.items() if key is not None}
    for place, key in columns.items():
        if list(columns.values()).count(key) > 1:
            raise Refused(
                _("The column “%(name)s” appears twice.") % {"name": printable(heading[place])}
                + _which_sheet(title),
                code="column_twice",
            )
    missing = [str(COLUMNS[key]) for key in REQUIRED if key not in columns.values()]
    if missing:
        raise Refused(
            _("Missing columns: %(names)s.") % {"names": ", ".join(missing)} + _which_sheet(title),
            code="column_missing",
        )
    return columns


def printable(text: str) -> str:
    """Return the text with what cannot be shown or stored replaced."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def heading() -> list[str]:
    """Return the columns' labels in the present language."""
    return [str(label) for label in COLUMNS.values()]
