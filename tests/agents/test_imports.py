"""Files of agents: what is found wrong, what is written, and what goes out comes in unchanged."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone, translation
from openpyxl import Workbook, load_workbook

from accounts.enums import Measure, Role
from accounts.errors import Refused
from accounts.models import AuditEvent
from accounts.services.restrictions import restrict_account
from accounts.spreadsheets import neutralize, restore, stream_csv, write_xlsx
from agents.enums import ImportMode, ImportStatus
from agents.models import Agent, AgentImport, SkillGroup
from agents.services.exports import export_rows
from agents.services.import_turns import run_import
from agents.services.imports import check_import, send_import
from agents.sheets import read_sheet
from billing.models import Package
from tests.agents.test_pages import HTMX, READERS, as_role, url
from tests.factories import (
    NOW,
    Customer,
    licenses_of,
    make_agent,
    make_customer,
    make_package,
    make_telephone,
    signed_in,
)

HEADING = "name,staff_number,email,phone,role,extension,groups,license"


def line(number: int, **cells: str) -> str:
    """A row without fault, unless `cells` brings one."""
    values = {
        "name": f"Agent {number}",
        "staff_number": f"N{number:05}",
        "email": f"n{number}@example.com",
        "phone": "",
        "role": "agent",
        "extension": "",
        "groups": "",
        "license": "no",
    } | cells
    return ",".join(values.values())


def file_of(*lines: str, heading: str = HEADING) -> bytes:
    return "\r\n".join([heading, *lines, ""]).encode("utf-8", "surrogateescape")


def send(customer: Customer, content: bytes, mode: str = ImportMode.ADD) -> AgentImport:
    return send_import(
        application=customer.application,
        file_name="agents.csv",
        content=content,
        mode=mode,
        by=customer.owner,
        now=NOW,
    )


def check(customer: Customer, content: bytes, mode: str = ImportMode.ADD) -> AgentImport:
    imported = send(customer, content, mode)
    check_import(imported=imported, now=NOW)
    return imported


def bring_in(customer: Customer, content: bytes, mode: str = ImportMode.ADD) -> AgentImport:
    imported = check(customer, content, mode)
    assert imported.problems == []
    return run_import(imported=imported, by=customer.owner, now=NOW)


def found(imported: AgentImport) -> list[tuple[int, str]]:
    return [(problem["row"], problem["column"]) for problem in imported.problems]


def group(customer: Customer, name: str) -> SkillGroup:
    return SkillGroup.objects.create(
        account=customer.account, application=customer.application, name=name, created_at=NOW
    )


# --- What comes in -------------------------------------------------------------------------


def test_a_file_becomes_agents(customer: Customer, package: Package) -> None:
    sales, support = group(customer, "Sales"), group(customer, "Support")
    content = file_of(
        line(1, phone="+8613800138000", extension="1001", groups="support; SALES", license="Yes"),
        line(2, role="Quality inspector", license=""),
    )
    imported = bring_in(customer, content)
    assert (imported.status, imported.content) == (ImportStatus.DONE, None)
    assert (imported.written, imported.added) == (2, 2)
    one, two = Agent.objects.order_by("staff_number")
    assert (one.name, one.nickname, one.email) == ("Agent 1", "Agent 1", "n1@example.com")
    assert (one.phone, one.extension, one.role) == ("+8613800138000", "1001", "agent")
    assert set(one.groups.all()) == {sales, support}
    assert one.license in licenses_of(package)
    assert (two.role, two.license) == ("inspector", None)
    events = AuditEvent.objects.filter(verb="agent.added").order_by("pk")
    assert [(event.target_id, event.data) for event in events] == [
        (one.pk, {"license": one.license_id, "import": imported.pk}),
        (two.pk, {"license": None, "import": imported.pk}),
    ]
    assert AuditEvent.objects.get(verb="agents.imported").data == {"rows": 2, "added": 2}


def test_nothing_is_written_before_the_last_word(customer: Customer) -> None:
    imported = check(customer, file_of(line(1)))
    assert (imported.status, imported.done, imported.total) == (ImportStatus.CHECKED, 1, 1)
    assert Agent.objects.count() == 0


def test_a_file_is_written_once(customer: Customer) -> None:
    imported = bring_in(customer, file_of(line(1)))
    again = run_import(imported=imported, by=customer.owner, now=NOW)
    assert (again.status, Agent.objects.count()) == (ImportStatus.DONE, 1)
    assert AuditEvent.objects.filter(verb="agent.added").count() == 1


def test_what_has_changed_since_the_check_keeps_all_rows_out(customer: Customer) -> None:
    imported = check(customer, file_of(line(1), line(2)))
    make_agent(customer.application, staff_number="n00002")
    with pytest.raises(Refused) as refusal:
        run_import(imported=imported, by=customer.owner, now=NOW)
    assert refusal.value.code == "import_faulty"
    imported.refresh_from_db()
    assert (imported.status, found(imported)) == (ImportStatus.FAULTY, [(3, "staff_number")])
    assert Agent.objects.count() == 1


def test_an_unchecked_or_faulty_file_is_not_written(customer: Customer) -> None:
    for imported in [
        send(customer, file_of(line(1))),
        check(customer, file_of(line(1, extension="9"))),
    ]:
        with pytest.raises(Refused) as refusal:
            run_import(imported=imported, by=customer.owner, now=NOW)
        assert refusal.value.code == "not_checked"
    assert Agent.objects.count() == 0


@pytest.mark.parametrize("mode", ImportMode.values)
def test_a_staff_number_in_use_is_a_problem_or_a_change(customer: Customer, mode: str) -> None:
    agent = make_agent(customer.application, staff_number="n00001", email="old@example.com")
    content = file_of(line(1, name="New name"), line(2))
    imported = check(customer, content, mode)
    if mode == ImportMode.ADD:
        assert found(imported) == [(2, "staff_number")]
        return
    assert (imported.preview["added"], imported.preview["changed"]) == (1, 1)
    run_import(imported=imported, by=customer.owner, now=NOW)
    agent.refresh_from_db()
    assert (agent.name, agent.email, agent.staff_number) == (
        "New name",
        "n1@example.com",
        "N00001",
    )
    event = AuditEvent.objects.get(verb="agent.edited")
    assert event.data["fields"] == ["name", "nickname", "staff_number", "email"]


def test_a_change_can_give_a_license_and_takes_none(customer: Customer, package: Package) -> None:
    held, *_others = licenses_of(package)
    make_agent(customer.application, staff_number="A", email="a@example.com", license=held)
    make_agent(customer.application, staff_number="B", email="b@example.com")
    content = file_of(
        line(1, staff_number="A", email="a@example.com", license="no"),
        line(2, staff_number="B", email="b@example.com", license="yes"),
    )
    imported = bring_in(customer, content, ImportMode.UPDATE)
    assert imported.preview["licenses"] == 1
    assert Agent.objects.licensed(NOW).count() == 2
    assert Agent.objects.get(staff_number="A").license == held


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (HEADING.encode(), "empty_file"),
        (file_of("x,y", heading="name,staff_number"), "column_missing"),
        (file_of(line(1), heading=HEADING + ",salary"), "unknown_column"),
        (file_of(line(1), heading=HEADING + ",name"), "column_twice"),
        (b"PK\x03\x04 no archive", "unreadable_file"),
        (file_of(*(line(n) for n in range(4))), "too_many_rows"),
    ],
    ids=["empty", "heading only", "missing", "unknown", "twice", "broken XLSX", "too many"],
)
def test_a_file_that_cannot_be_used_is_refused_as_a_whole(
    customer: Customer, settings: Any, content: bytes, code: str
) -> None:
    settings.AGENT_IMPORT_LIMIT = 3
    with pytest.raises(Refused) as refusal:
        send(customer, content)
    assert refusal.value.code == code
    assert AgentImport.objects.count() == 0


def test_files_left_lying_are_thrown_away(customer: Customer) -> None:
    send(customer, file_of(line(1)))
    bring_in(customer, file_of(line(2)))
    send_import(
        application=customer.application,
        file_name="later.csv",
        content=file_of(line(3)),
        mode=ImportMode.ADD,
        by=customer.owner,
        now=NOW + timedelta(hours=settings.IMPORT_FILE_RETENTION_HOURS, seconds=1),
    )
    kept = AgentImport.objects.order_by("pk").values_list("status", "file_name")
    assert list(kept) == [("done", "agents.csv"), ("sent", "later.csv")]


# --- What is found wrong -------------------------------------------------------------------

FAULTS: dict[str, tuple[dict[str, str], str]] = {
    "no name": ({"name": ""}, "name"),
    "name too long": ({"name": "x" * 65}, "name"),
    "NUL": ({"name": "A\0da"}, "name"),
    "tab": ({"name": "A\tda"}, "name"),
    "error of a spreadsheet": ({"name": "#N/A"}, "name"),
    "number without its digits": ({"staff_number": "4.93012E+11"}, "staff_number"),
    "nothing to be seen": ({"name": "\u200b\u2060"}, "name"),
    "formula": ({"name": "=1+1"}, "name"),
    "formula by at": ({"name": "@SUM(A1)"}, "name"),
    "formula by minus": ({"staff_number": "-1"}, "staff_number"),
    "no staff number": ({"staff_number": " "}, "staff_number"),
    "staff number too long": ({"staff_number": "9" * 33}, "staff_number"),
    "no address": ({"email": ""}, "email"),
    "bad address": ({"email": "ada"}, "email"),
    "address too long": ({"email": "a" * 250 + "@example.com"}, "email"),
    "phone without plus": ({"phone": "13800138000"}, "phone"),
    "phone as formula": ({"phone": "+1+1"}, "phone"),
    "extension too short": ({"extension": "123"}, "extension"),
    "extension beginning with 9": ({"extension": "9123"}, "extension"),
    "extension in Arabic digits": ({"extension": "١٢٣٤"}, "extension"),
    "extension of a telephone": ({"extension": "2001"}, "extension"),
    "extension of an agent": ({"extension": "1999"}, "extension"),
    "role unknown": ({"role": "boss"}, "role"),
    "group unknown": ({"groups": "Sales"}, "groups"),
    "license unknown": ({"license": "maybe"}, "license"),
    "staff number in use": ({"staff_number": "taken"}, "staff_number"),
    "address in use": ({"email": "TAKEN@example.com"}, "email"),
    "first staff number again": ({"staff_number": "n00000"}, "staff_number"),
    "first address again": ({"email": "N0@EXAMPLE.com"}, "email"),
    "first extension again": ({"extension": "1500"}, "extension"),
    "license when none is left": ({"license": "yes"}, "license"),
}


def prepare(customer: Customer) -> None:
    make_package(customer.application, agents=1)
    make_agent(
        customer.application, staff_number="TAKEN", email="taken@example.com", extension="1999"
    )
    make_telephone(customer.application, extension="2001")


FIRST = line(0, extension="1500", license="yes")


@pytest.mark.parametrize(("cells", "column"), FAULTS.values(), ids=FAULTS.keys())
def test_each_fault_is_found_in_its_row_and_column(
    customer: Customer, cells: dict[str, str], column: str
) -> None:
    prepare(customer)
    imported = check(customer, file_of(FIRST, line(1, **cells), line(2)))
    assert found(imported) == [(3, column)]
    assert imported.status == ImportStatus.FAULTY


def test_all_faults_of_a_file_are_listed_and_nothing_else(customer: Customer) -> None:
    prepare(customer)
    bad = [line(10 + number, **cells) for number, (cells, _column) in enumerate(FAULTS.values())]
    good = [line(1000 + number) for number in range(50)]
    lines = [FIRST]
    expected = []
    for number, text in enumerate(bad):
        lines += [good[number], "", text]  # an empty line is passed over
        expected.append((len(lines) + 1, list(FAULTS.values())[number][1]))
    # Cells beyond the headings are told as well.
    lines.append(line(99) + ",surplus")
    expected.append((len(lines) + 1, ""))
    assert found(check(customer, file_of(*lines))) == expected
    mended = file_of(FIRST, *good)
    assert bring_in(customer, mended).total == 51
    assert Agent.objects.count() == 52


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (lambda text: ("\ufeff" + text).encode(), "BOM"),
        (lambda text: text.encode("utf-16"), "UTF-16"),
        (lambda text: text.replace(",", ";").encode(), "semicolons"),
        (lambda text: text.replace("\r\n", "\n").encode(), "line feeds"),
        (lambda text: text.replace("\r\n", ",,\r\n").encode(), "empty columns"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_spreadsheets_write_is_read(
    customer: Customer, write: Callable[[str], bytes], name: str
) -> None:
    text = file_of(line(1), line(2, name="Björn 王")).decode()
    imported = bring_in(customer, write(text))
    assert imported.preview["added"] == 2
    assert Agent.objects.filter(name="Björn 王").count() == 1


def test_headings_and_words_of_either_language_are_understood(
    customer: Customer, package: Package
) -> None:
    with translation.override("zh-hans"):
        rows = export_rows(customer.application, Agent.objects.none(), NOW)
        heading = next(iter(rows))
    content = file_of("Ada,A,S1,ada@example.com,,Agent,,,Yes,In service", heading=",".join(heading))
    assert bring_in(customer, content).preview["licenses"] == 1


# --- What goes out -------------------------------------------------------------------------

NASTY = ["=1+1", "+1", "-1", "@x", "'=1", "''-x", "'plain", '"quoted", with comma', "plain"]


@pytest.mark.parametrize("text", [*NASTY, "\tx", "\nx", "\rx", "'\tx", "'", ""])
def test_going_out_and_in_leaves_a_text_as_it_was(text: str) -> None:
    out = neutralize(text)
    assert restore(out) == text
    assert out[:1] not in {"=", "+", "-", "@", "\t", "\n", "\r"}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_is_imported_unchanged(customer: Customer, kind: str) -> None:
    package = make_package(customer.application, agents=2)
    sales, support = group(customer, "Sales"), group(customer, "Support")
    for number, text in enumerate(NASTY):
        agent = make_agent(
            customer.application,
            name=text,
            nickname=text,
            staff_number=f"{text}{number}"[:32],
            phone="+8613800138000" if number % 2 else "",
            extension=str(1000 + number) if number % 3 else "",
            role=["agent", "inspector", "administrator"][number % 3],
            license=licenses_of(package)[number] if number < 2 else None,
        )
        agent.groups.add(
            *[sales, support][: number % 3], through_defaults={"account_id": agent.account_id}
        )
    rows = list(export_rows(customer.application, Agent.objects.all(), NOW))
    assert len(rows) == 1 + len(NASTY)
    content = (
        "".join(stream_csv(rows)).encode()
        if kind == "csv"
        else write_xlsx(rows, title="Agents").getvalue()
    )
    _no_cell_is_calculated(content, kind)

    here = bring_in(customer, content, ImportMode.UPDATE)
    assert (here.preview["same"], here.preview["changed"], here.preview["added"]) == (9, 0, 0)

    other = make_customer(trial=False)
    make_package(other.application, agents=2)
    for name in ("Sales", "Support"):
        group(other, name)
    assert bring_in(other, content).preview["added"] == len(NASTY)
    there = list(export_rows(other.application, Agent.objects.filter(account=other.account), NOW))
    assert there == rows


def _no_cell_is_calculated(content: bytes, kind: str) -> None:
    if kind == "csv":
        for cells in csv.reader(io.StringIO(content.decode("utf-8-sig"))):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\n")) for cell in cells)
        return
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    for row in sheet.iter_rows():
        for cell in row:
            assert cell.data_type in {"s", "n", "inlineStr"}
            # Nor will it be after someone has clicked into it.
            assert cell.quotePrefix or not str(cell.value or "").startswith(("=", "+", "-", "@"))


def test_a_spreadsheet_s_numbers_and_formulas_are_seen(customer: Customer) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["name", "staff_number", "email", "extension"])
    sheet.append(["Ada", 1001, "ada@example.com", 1001.0])
    sheet.append(["=1+1", 1002, "bob@example.com", None])
    stream = io.BytesIO()
    book.save(stream)
    read = read_sheet(stream.getvalue(), 10)
    assert read.rows[0] == (2, ["Ada", "1001", "ada@example.com", "1001"])
    assert found(check(customer, stream.getvalue())) == [(3, "name")]


# --- Pages ---------------------------------------------------------------------------------


def upload(client: Client, customer: Customer, content: bytes) -> Any:
    file = SimpleUploadedFile("agents.csv", content, content_type="text/csv")
    return client.post(url(customer, "import"), {"file": file, "mode": "add"})


def test_from_sending_to_importing_by_plain_pages(customer: Customer) -> None:
    make_package(customer.application, agents=3, now=timezone.now())
    owner = signed_in(customer.owner)
    answer = upload(owner, customer, file_of(line(1, license="yes"), line(2)))
    imported = AgentImport.objects.get()
    page = url(customer, "import_file", pk=imported.pk)
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert "Checking the file" in owner.get(page).content.decode()
    checked = owner.post(url(customer, "import_check", pk=imported.pk))
    assert "Import 2 rows" in checked.content.decode()
    assert Agent.objects.count() == 0
    done = owner.post(url(customer, "import_run", pk=imported.pk))
    assert "2 rows were imported." in done.content.decode()
    assert Agent.objects.count() == 2


def test_problems_are_listed_and_can_be_taken_along(customer: Customer) -> None:
    owner = signed_in(customer.owner)
    upload(owner, customer, file_of(line(1), line(2, extension="=1"), line(3, email="x")))
    imported = AgentImport.objects.get()
    page = owner.post(url(customer, "import_check", pk=imported.pk)).content.decode()
    assert "The file has 2 problems." in page
    answer = owner.get(url(customer, "import_problems", pk=imported.pk))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(text)))
    assert [row[:3] for row in rows] == [
        ["Row", "Column", "Value"],
        ["3", "Extension", "'=1"],
        ["4", "Email address", "x"],
    ]
    refused = owner.post(url(customer, "import_run", pk=imported.pk))
    assert refused.status_code == 422
    assert Agent.objects.count() == 0


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"PK", b"a,b\n\0", "名,号\n".encode()])
def test_an_odd_file_is_answered_beside_its_field(customer: Customer, content: bytes) -> None:
    answer = upload(signed_in(customer.owner), customer, content)
    assert answer.status_code == 422
    assert AgentImport.objects.count() == 0


def test_progress_is_told_on_the_files_own_page(customer: Customer) -> None:
    imported = send(customer, file_of(line(1)))
    answer = signed_in(customer.owner).get(url(customer, "import_progress", pk=imported.pk))
    assert answer.headers["Location"] == url(customer, "import_file", pk=imported.pk)


def test_each_role_gets_in_where_it_may(customer: Customer) -> None:
    imported = send(customer, file_of(line(1)))
    stranger = signed_in(make_customer().owner)
    pages = ["import_file", "import_progress", "import_problems"]
    addresses = [
        *(("get", url(customer, name, pk=imported.pk)) for name in pages),
        *(("post", url(customer, f"import_{act}", pk=imported.pk)) for act in ("check", "run")),
        ("get", url(customer, "import")),
        ("post", url(customer, "import")),
        ("get", url(customer, "import_template")),
    ]
    for method, address in addresses:
        for headers in ({}, HTMX):
            assert getattr(stranger, method)(address, headers=headers).status_code == 404
            for role in READERS:
                reader = as_role(customer, role)
                assert getattr(reader, method)(address, headers=headers).status_code == 403
    manager = as_role(customer, Role.AGENT_MANAGER)
    for method, address in addresses:
        assert getattr(manager, method)(address, follow=True).status_code in {200, 422}
    other = make_customer(trial=False)
    own = signed_in(other.owner)
    assert own.get(url(other, "import_file", pk=imported.pk)).status_code == 404


EXPORTERS = {
    Role.OWNER: 200,
    Role.FINANCE: 200,
    Role.AGENT_MANAGER: 200,
    Role.VIEWER: 403,
}


@pytest.mark.parametrize(("role", "status"), EXPORTERS.items())
@pytest.mark.parametrize("is_suspended", [False, True], ids=["active", "suspended"])
def test_who_may_export_may_so_in_a_suspended_account(
    customer: Customer, role: str, status: int, is_suspended: bool
) -> None:
    make_agent(customer.application, name="Ada")
    make_agent(customer.application, name="Bob")
    make_agent(make_customer(trial=False).application, name="Adam")
    if is_suspended:
        restrict_account(
            account=customer.account,
            measure=Measure.SUSPEND,
            case_number="V1",
            reason="r",
            by=None,
            now=NOW,
        )
    answer = as_role(customer, role).get(url(customer, "export", "?search=ad"))
    assert answer.status_code == status
    if status == 200:
        text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
        assert [row[0] for row in csv.reader(io.StringIO(text))] == ["Name", "Ada"]
    book = as_role(customer, role).get(url(customer, "export", "?format=xlsx"))
    assert book.status_code == status


def test_a_suspended_account_imports_nothing(customer: Customer) -> None:
    imported = check(customer, file_of(line(1)))
    restrict_account(
        account=customer.account,
        measure=Measure.SUSPEND,
        case_number="V1",
        reason="r",
        by=None,
        now=NOW,
    )
    owner = signed_in(customer.owner)
    assert upload(owner, customer, file_of(line(2))).status_code == 422
    assert owner.post(url(customer, "import_run", pk=imported.pk)).status_code == 422
    assert Agent.objects.count() == 0
