"""Files as they come from all kinds of programs, and as they must not come: read, or refused."""

import io
import random
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from accounts.errors import Refused
from accounts.spreadsheets import stream_csv, write_xlsx
from agents.enums import ImportMode
from agents.models import Agent
from agents.problems import group_problems
from agents.services.exports import template_rows
from agents.sheets import Sheet, read_sheet
from tests.agents.test_imports import bring_in, check, file_of, found, line, send, upload
from tests.agents.test_pages import url
from tests.factories import Customer, make_agent, make_package, signed_in
from tests.tiers import sample

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEADINGS = ["name", "staff_number", "email"]


def read(content: bytes, limit: int = 10_000) -> Sheet:
    return read_sheet(content, limit)


def refusal_of(content: bytes) -> str:
    with pytest.raises(Refused) as refusal:
        read(content)
    return refusal.value.code


# --- Workbooks made by hand ----------------------------------------------------------------


def saved(book: Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def book_of(*rows: list[Any], title: str = "Agents") -> Workbook:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    return book


def with_parts(content: bytes, **changes: str | bytes | None) -> bytes:
    """The workbook with parts replaced, or left out (None); names without folder and ending."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w") as new:
        for part in old.infolist():
            stem = part.filename.rpartition("/")[2].partition(".")[0]
            data = changes.get(stem, old.read(part))
            if data is not None:
                new.writestr(part.filename, data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def part_of(content: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(name).decode()


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def sheet_xml(*rows: tuple[int, str], before: str = "") -> str:
    body = "".join(f'<row r="{number}">{cells}</row>' for number, cells in rows)
    return f'<worksheet xmlns="{MAIN}">{before}<sheetData>{body}</sheetData></worksheet>'


HEAD_ROW = (1, "".join(cell(f"{c}1", h) for c, h in zip("ABC", HEADINGS, strict=True)))
GOOD_ROW = (2, cell("A2", "Ada") + cell("B2", "S1") + cell("C2", "ada@example.com"))
GOOD = [(2, ["Ada", "S1", "ada@example.com"])]
PLAIN = saved(book_of(HEADINGS, ["Ada", "S1", "ada@example.com"]))
TEMPLATE = write_xlsx(
    [HEADINGS, *([f"Agent {n}", f"S{n}", f"s{n}@example.com"] for n in range(30))], title="Agents"
).getvalue()


def bent(*rows: tuple[int, str], before: str = "") -> bytes:
    return with_parts(PLAIN, sheet1=sheet_xml(*rows, before=before))


READABLE: dict[str, Callable[[], bytes]] = {
    "stated size A1": lambda: bent(HEAD_ROW, GOOD_ROW, before='<dimension ref="A1"/>'),
    "stated size far too large": lambda: bent(
        HEAD_ROW, GOOD_ROW, before='<dimension ref="A1:XFD1048576"/>'
    ),
    "no size": lambda: bent(HEAD_ROW, GOOD_ROW),
    "no places, as streams write": lambda: bent(
        *((n, re.sub(r' r="\w+"', "", cells)) for n, cells in (HEAD_ROW, GOOD_ROW))
    ),
    "empty fill": lambda: with_parts(
        PLAIN,
        styles=re.sub(
            r"<fills.*</fills>", '<fills count="1"><fill/></fills>', part_of(PLAIN, "xl/styles.xml")
        ),
    ),
    "no styles": lambda: with_parts(PLAIN, styles=None),
    "no properties": lambda: with_parts(PLAIN, core=None, app=None),
    "broken properties": lambda: with_parts(PLAIN, core="<broken"),
    "no theme": lambda: with_parts(PLAIN, theme1=None),
    "carriage return": lambda: bent(
        HEAD_ROW, (2, GOOD_ROW[1].replace("Ada", "Ada_x000D_\n").replace("S1", "\u00a0S1 "))
    ),
    "rich text": lambda: bent(
        HEAD_ROW, (2, GOOD_ROW[1].replace("<t>Ada</t>", "<r><t>A</t></r><r><t>da</t></r>"))
    ),
    "stored value of a formula": lambda: bent(
        HEAD_ROW,
        (2, GOOD_ROW[1].replace(cell("C2", "ada@example.com"), "")
         + '<c r="C2" t="str"><f>LOWER("ADA@EXAMPLE.COM")</f><v>ada@example.com</v></c>'),
    ),
}  # fmt: skip


@pytest.mark.parametrize("make", READABLE.values(), ids=READABLE.keys())
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_an_odd_workbook_is_read(make: Callable[[], bytes]) -> None:
    assert read(make()).rows == GOOD


def _encrypted() -> bytes:
    data = bytearray(PLAIN)
    for start, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = 0
        while (place := data.find(start, place)) >= 0:
            data[place + offset] |= 1
            place += 4
    return bytes(data)


def _unknown_compression() -> bytes:
    data = bytearray(PLAIN)
    for start, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = 0
        while (place := data.find(start, place)) >= 0:
            data[place + offset] = 97
            place += 4
    return bytes(data)


def _corrupt_stream() -> bytes:
    with zipfile.ZipFile(io.BytesIO(TEMPLATE)) as archive:
        part = archive.getinfo("xl/worksheets/sheet1.xml")
    data = bytearray(TEMPLATE)
    for place in range(part.header_offset + 100, part.header_offset + 160):
        data[place] ^= 0xFF
    return bytes(data)


def _bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(PLAIN)) as old, zipfile.ZipFile(stream, "w") as new:
        for part in old.infolist():
            if part.filename != "xl/worksheets/sheet1.xml":
                new.writestr(part, old.read(part))
        with new.open(zipfile.ZipInfo("xl/worksheets/sheet1.xml"), "w", force_zip64=True) as target:
            for _piece in range(80):
                target.write(b" " * 1_000_000)
    return stream.getvalue()


ENTITIES = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">{}]>' + sheet_xml(
    HEAD_ROW, (2, GOOD_ROW[1].replace("Ada", "&j;"))
)

UNREADABLE: dict[str, Callable[[], bytes]] = {
    "broken XML": lambda: with_parts(PLAIN, sheet1="<worksheet><sheetData><row>"),
    "empty sheet part": lambda: with_parts(PLAIN, sheet1=""),
    "empty workbook part": lambda: with_parts(PLAIN, workbook=""),
    "no workbook part": lambda: with_parts(PLAIN, workbook=None),
    "no sheet part": lambda: with_parts(PLAIN, sheet1=None),
    "no content types": lambda: with_parts(PLAIN, **{"[Content_Types]": None}),
    "broken styles": lambda: with_parts(PLAIN, styles="<styleSheet><x"),
    "control character": lambda: with_parts(PLAIN, sheet1=sheet_xml((1, cell("A1", "\x01")))),
    "unknown entity": lambda: with_parts(PLAIN, sheet1=sheet_xml((1, cell("A1", "&x;")))),
    "entities": lambda: with_parts(
        PLAIN,
        sheet1=ENTITIES.format(
            "".join(
                f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
            )
        ),
    ),
    "entity from a file": lambda: with_parts(
        PLAIN, sheet1=ENTITIES.format('<!ENTITY j SYSTEM "file:///etc/passwd">')
    ),
    "encrypted entries": _encrypted,
    "unknown compression": _unknown_compression,
    "corrupt stream": _corrupt_stream,
    "truncated": lambda: PLAIN[: len(PLAIN) // 2],
    "only the beginning": lambda: b"PK\x03\x04",
    "another archive": lambda: with_parts(PLAIN, **dict.fromkeys(("workbook", "sheet1", "app"))),
    "a PDF": lambda: b"%PDF-1.7\n1 0 obj",
    "a page that is called a workbook": lambda: b"<html><table><tr><td>name</td></tr></table>",
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("make", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unreadable_workbook_is_refused_in_words(make: Callable[[], bytes]) -> None:
    started = time.monotonic()
    assert refusal_of(make()) == "unreadable_file"
    assert time.monotonic() - started < 5


def test_a_workbook_that_grows_too_large_is_refused() -> None:
    started = time.monotonic()
    assert refusal_of(_bomb()) == "too_large"
    assert time.monotonic() - started < 2


def test_an_old_or_protected_workbook_is_named() -> None:
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
    assert refusal_of(old) == "old_workbook"


def test_a_refused_workbook_is_answered_beside_the_field(customer: Customer) -> None:
    owner = signed_in(customer.owner)
    for content in (_corrupt_stream(), _encrypted(), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        answer = upload(owner, customer, content)
        assert answer.status_code == 422
        assert answer.context["form"].errors.keys() == {"file"}
        assert "without a password" in answer.content.decode()


def test_a_refused_form_says_that_the_file_is_to_be_chosen_again(customer: Customer) -> None:
    owner = signed_in(customer.owner)
    hint = "Choose the file again"
    assert hint in upload(owner, customer, _encrypted()).content.decode()
    assert hint not in owner.get(url(customer, "import")).content.decode()
    without = owner.post(url(customer, "import"), {"mode": "add"})
    assert (without.status_code, hint in without.content.decode()) == (422, False)


def test_names_are_left_alone_by_translators_and_keep_their_direction(customer: Customer) -> None:
    make_agent(customer.application, name="שלום")
    page = signed_in(customer.owner).get(url(customer, "management")).content.decode()
    assert re.search(r'<th scope="row" translate="no">(<a [^>]+>)?<bdi>שלום</bdi>', page)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_workbook_is_read_or_refused() -> None:
    chance = random.Random(12)
    refused = 0
    for _time in range(sample(60, 500)):
        data = bytearray(TEMPLATE)
        for _damage in range(chance.choice([1, 1, 3, 20])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        data = data[: chance.choice([len(data), len(data), chance.randrange(len(data))])]
        try:
            assert len(read(bytes(data)).rows) <= 30
        except Refused:
            refused += 1
    assert refused > sample(20, 150)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_workbook_with_damaged_parts_is_read_or_refused() -> None:
    """The damage is inside of the compressed parts, where no checksum finds it."""
    chance = random.Random(21)
    for _time in range(sample(40, 500)):
        with zipfile.ZipFile(io.BytesIO(PLAIN)) as archive:
            name = chance.choice(archive.namelist())
            part = bytearray(archive.read(name))
        for _damage in range(chance.choice([1, 2, 10])):
            part[chance.randrange(len(part))] = chance.randrange(256)
        stem = name.rpartition("/")[2].partition(".")[0]
        try:
            read(with_parts(PLAIN, **{stem: bytes(part)}))
        except Refused:
            continue


# --- What a workbook holds -----------------------------------------------------------------


def test_the_last_row_is_seen_however_far_down() -> None:
    far = (1_048_576, GOOD_ROW[1].replace("S1", "S2").replace('2"', '1048576"'))
    rows = read(bent(HEAD_ROW, GOOD_ROW, far)).rows
    assert [number for number, _cells in rows] == [2, 1_048_576]


def test_a_cell_far_to_the_right_is_told(customer: Customer) -> None:
    far = bent(HEAD_ROW, (2, GOOD_ROW[1] + cell("XFD2", "stray")))
    imported = check(customer, far)
    assert found(imported) == [(2, "")]
    assert refusal_of(bent((1, HEAD_ROW[1] + cell("XFD1", "stray")), GOOD_ROW)) == "unknown_column"


def test_rows_beyond_the_limit_are_refused(customer: Customer, settings: Any) -> None:
    settings.AGENT_IMPORT_LIMIT = 3
    with pytest.raises(Refused, match="at most 3") as refusal:
        send(customer, saved(book_of(HEADINGS, *([f"A{n}", n, f"{n}@x.org"] for n in range(4)))))
    assert refusal.value.code == "too_many_rows"


def test_hidden_sheets_are_passed_over_and_the_open_one_is_read() -> None:
    book = book_of(["Role"], ["agent"], title="Lists")
    sheet = book.create_sheet("Staff")
    sheet.append(HEADINGS)
    sheet.append(GOOD[0][1])
    book.worksheets[0].sheet_state = "hidden"
    book.active = 1
    read_book = read(saved(book))
    assert (read_book.title, read_book.rows) == ("Staff", GOOD)


def test_the_sheet_with_the_agents_is_found_behind_a_cover(customer: Customer) -> None:
    book = book_of(["Read me first"], ["Fill in the other sheet."], title="Read me")
    sheet = book.create_sheet("Staff <2026>")
    sheet.append(HEADINGS)
    sheet.append(GOOD[0][1])
    assert read(saved(book)).title == "Staff <2026>"
    owner = signed_in(customer.owner)
    upload(owner, customer, saved(book))
    imported = check(customer, saved(book))
    page = owner.get(url(customer, "import_file", pk=imported.pk)).content.decode()
    assert "The sheet that was read is “Staff &lt;2026&gt;”." in page


def test_a_refusal_names_the_sheet_that_it_speaks_of() -> None:
    with pytest.raises(Refused, match="The sheet that was read is “Read me”"):
        read(saved(book_of(["Read me first"], ["Nothing here"], title="Read me")))


CHANGED_BY_EXCEL: dict[str, tuple[Any, str, str]] = {
    "date": (date(2026, 3, 1), "yyyy-mm-dd", "made this a date"),
    "time": (0.5, "h:mm", "made this a date"),
    "thousands": (1001, "#,##0", "custom format"),
    "percent": (0.5, "0%", "custom format"),
    "phone format": (5551234, "[<=9999999]###-####;(###) ###-####", "custom format"),
    "too many digits": (12345678901234567890, "0", "lost digits"),
    "error": ("#N/A", "General", "shows an error"),
    "formula without a result": ("=A1&B1", "General", "result of this formula"),
    "shortened number": ("1.23E+11", "General", ""),
}


@pytest.mark.parametrize(
    ("value", "number_format", "complaint"), CHANGED_BY_EXCEL.values(), ids=CHANGED_BY_EXCEL.keys()
)
def test_a_cell_that_excel_has_changed_is_told_with_a_remedy(
    customer: Customer, value: Any, number_format: str, complaint: str
) -> None:
    book = book_of(HEADINGS, ["Ada", None, "ada@example.com"])
    place = book.worksheets[0]["B2"]
    place.value, place.number_format = value, number_format
    imported = check(customer, saved(book))
    assert found(imported) == ([(2, "staff_number")] if complaint else [])
    if complaint:
        assert complaint in imported.problems[0]["message"]


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (123, "00000", "00123"),
        (123, "0", "123"),
        (123.0, "General", "123"),
        (123, "0_ ", "123"),
        (123, '0_);[Red]\\(0\\)', "123"),
        (1.5, "General", "1.5"),
        (True, "General", "TRUE"),
        ("0123", "@", "0123"),
    ],
)  # fmt: skip
def test_a_number_is_taken_as_it_is_shown(value: Any, number_format: str, text: str) -> None:
    book = book_of(HEADINGS, ["Ada", value, "ada@example.com"])
    book.worksheets[0]["B2"].number_format = number_format
    assert read(saved(book)).rows[0][1][1] == text


def test_a_text_in_a_workbook_is_what_it_is(customer: Customer) -> None:
    book = book_of(HEADINGS, ["x", "S1", "ada@example.com"])
    place = book.worksheets[0]["A2"]
    place.value, place.data_type = "=1+1", "s"
    bring_in(customer, saved(book))
    assert Agent.objects.get().name == "=1+1"


# --- CSV -----------------------------------------------------------------------------------

NAMES = {
    "gb18030": ["李伟", "小李", "王芳", "张婷", "欧阳娜娜"],
    "gbk": ["小伟"],
    "cp950": ["陳怡君", "林志明", "王小明"],
    "cp932": ["田中太郎", "佐藤花子", "ヤマダ", "鈴木さくら"],
    "cp949": ["김철수", "이영희", "박지성"],
    "cp1252": ["Müller", "Jürgen Groß", "José", "François", "Åsa"],
    "utf-8": ["小伟", "Müller", "Иван", "ΟΔΟΣ", "Nguyễn", "علي", "สมชาย", "Łukasz"],
    "utf-8-sig": ["小谢"],
    "utf-16": ["李伟", "Müller"],
    "utf-16-le": ["李伟"],
    "utf-16-be": ["Ada"],
    "utf-32": ["李伟"],
}


def csv_of(names: list[str], delimiter: str = ",", end: str = "\r\n") -> str:
    rows = [HEADINGS, *([name, f"S{n}", f"s{n}@x.org"] for n, name in enumerate(names))]
    return "".join(delimiter.join(row) + end for row in rows)


@pytest.mark.parametrize(("encoding", "names"), NAMES.items())
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_an_encoding_is_recognized(encoding: str, names: list[str], delimiter: str) -> None:
    rows = read(csv_of(names, delimiter).encode(encoding)).rows
    assert [cells[0] for _number, cells in rows] == names


UNCERTAIN: list[tuple[str, list[str]]] = [
    ("gbk", ["小谢"]),  # two letters of Cyrillic in UTF-8
    ("gbk", ["张婷"]),
    ("cp1250", ["Dvořák", "Jiří"]),
    ("cp1250", ["Wałęsa"]),
    ("cp1251", ["Иванов"]),
    ("cp1251", ["ИВАНОВ"]),
    ("cp1253", ["Γιώργος"]),
    ("cp1254", ["Işık"]),
    ("koi8-r", ["Иванов"]),
    ("cp437", ["Müller"]),
    ("mac_roman", ["Müller"]),
    ("cp1255", ["דוד"]),
    ("cp1256", ["محمد"]),
    ("cp874", ["สมชาย"]),
]


@pytest.mark.parametrize(("encoding", "names"), UNCERTAIN)
def test_an_uncertain_encoding_is_refused_once(encoding: str, names: list[str]) -> None:
    with pytest.raises(Refused, match="CSV UTF-8") as refusal:
        read(csv_of(names * 5).encode(encoding))
    assert refusal.value.code == "encoding"


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-16", "gb18030"])
def test_chinese_headings_are_known_and_settle_the_encoding(encoding: str) -> None:
    content = "姓名,工号,邮箱,手机号,技能组\r\n张婷,S1,s1@x.org,,\r\n".encode(encoding)
    sheet = read(content)
    assert list(sheet.columns.values()) == ["name", "staff_number", "email", "phone", "groups"]
    assert sheet.rows[0][1][0] == "张婷"


@pytest.mark.parametrize(
    "heading",
    [
        "Name *,Staff Number：,E-Mail",
        "ＮＡＭＥ,工号（必填）,电子邮箱",
        "Name,Personalnummer,E-Mail-Adresse",
    ],
)
def test_a_heading_is_known_in_the_usual_spellings(heading: str) -> None:
    assert list(read(f"{heading}\nAda,S1,a@x.org\n".encode()).columns.values()) == HEADINGS


def test_all_unknown_headings_are_named() -> None:
    with pytest.raises(Refused) as refusal:
        read(b"name,salary,email,shoe size,staff_number\nx,1,2,3,4\n")
    assert "“salary”, “shoe size”" in str(refusal.value)


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"', "\ufeffsep=;"])
def test_the_line_that_states_the_separator_is_followed(first: str) -> None:
    content = f"{first}\r\n{csv_of(['A, B'], ';')}".encode()
    assert read(content).rows == [(2, ["A, B", "S0", "s0@x.org"])]


def test_a_text_that_was_kept_from_excel_is_unwrapped(customer: Customer) -> None:
    content = file_of(line(1, staff_number='"=""00123"""', phone='"=""+8613800138000"""'))
    bring_in(customer, content)
    agent = Agent.objects.get()
    assert (agent.staff_number, agent.phone) == ("00123", "+8613800138000")


def test_a_shortened_phone_number_is_told_with_its_remedy(customer: Customer) -> None:
    imported = check(customer, file_of(line(1, phone="4.93012E+11")))
    assert found(imported) == [(2, "phone")]
    assert "Format the column as text" in imported.problems[0]["message"]


# --- Equality ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ImportMode.values)
@pytest.mark.parametrize(
    ("held", "typed"),
    [
        ("ΟΔΟΣ", "οδος"),
        ("İ1", "i1"),
        ("ß1", "SS1"),
        ("ＦＯＲＭ１", "form1"),
        ("FORM1", "FORM\u200b1"),
    ],
)
def test_check_and_run_agree_on_who_has_a_number(
    customer: Customer, mode: str, held: str, typed: str
) -> None:
    make_agent(customer.application, staff_number=held)
    content = file_of(line(1, staff_number=typed))
    if mode == ImportMode.ADD:
        assert found(check(customer, content)) == [(2, "staff_number")]
    else:
        assert bring_in(customer, content, mode).preview["changed"] == 1
        agent = Agent.objects.get()
        assert agent.staff_number_key == agent.staff_number_key.casefold()
        assert bring_in(customer, content, mode).preview["same"] == 1


def test_numbers_that_look_the_same_are_one_within_a_file(customer: Customer) -> None:
    twins = ["FORM1", "FORM\u200b1", "form1\u200e", "ＦＯＲＭ１"]
    lines = [line(n, staff_number=twin) for n, twin in enumerate(twins)]
    assert [row for row, _column in found(check(customer, file_of(*lines)))] == [3, 4, 5]


# --- Problems on the page ------------------------------------------------------------------


def test_the_same_problem_in_many_rows_is_one_line(customer: Customer) -> None:
    make_package(customer.application, agents=2)
    owner = signed_in(customer.owner)
    lines = [line(n, license="yes") for n in range(8)]
    upload(owner, customer, file_of(*lines, line(9, role="boss")))
    imported = check(customer, file_of(*lines, line(9, role="boss")))
    page = owner.get(url(customer, "import_file", pk=imported.pk)).content.decode()
    assert page.count("No license is left for this row: only 2 are free.") == 1
    assert "4–9" in page
    assert "The file has 7 problems." in page


def test_rows_are_grouped_by_runs() -> None:
    rows: Iterator[int] = iter([3, 5, 6, 7, 9])
    problems = [{"row": n, "column": "phone", "value": f"v{n}", "message": "m"} for n in rows]
    (group,) = group_problems([*problems, {**problems[0], "row": 5}])
    assert (group.row_text, group.value, group.others) == ("3, 5–7, 9", "v3", 4)


# --- What goes out -------------------------------------------------------------------------


def test_a_phone_number_stands_in_a_workbook_as_it_is() -> None:
    content = write_xlsx([["+8613800138000", "=1+1", "_x000D_"]], title="Agents").getvalue()
    cells = load_workbook(io.BytesIO(content)).worksheets[0][1]
    assert [cell.value for cell in cells][:2] == ["+8613800138000", "=1+1"]
    assert [cell.data_type for cell in cells] == ["s", "s", "s"]
    assert [cell.quotePrefix for cell in cells] == [True, True, False]
    assert "'+8613800138000" in "".join(stream_csv([["+8613800138000"]]))


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_any_name_goes_out_and_comes_in_unchanged(customer: Customer, kind: str) -> None:
    names = [
        "'=1",
        "_x000D_",
        "王\u3000芳",
        "50%;|",
        "#1",
        "-",
        "1E5",
        "0123",
        "sep=x",
        "TRUE",
        "'x",
    ]
    rows = [HEADINGS, *([name, f"S{n}", f"s{n}@x.org"] for n, name in enumerate(names))]
    content = (
        "".join(stream_csv(rows)).encode()
        if kind == "csv"
        else write_xlsx(rows, title="Agents").getvalue()
    )
    bring_in(customer, content)
    assert list(Agent.objects.order_by("pk").values_list("name", flat=True)) == names


def test_the_template_is_imported_as_it_is(customer: Customer) -> None:
    make_package(customer.application, agents=1)
    bring_in(customer, write_xlsx(template_rows(), title="Agents").getvalue())
    assert Agent.objects.get().phone == "+8613800138000"
