"""Files are written in turns: what stops one midway, what stays, and how it continues."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from accounts.enums import Measure
from accounts.errors import Busy, Refused
from accounts.models import AuditEvent
from accounts.services.restrictions import lift_restriction, restrict_account
from agents.enums import ImportMode, ImportStatus
from agents.models import Agent, AgentImport, SkillGroup
from agents.rows import check_sheet
from agents.services import import_turns, imports
from agents.services.batches import lock_application
from agents.services.import_turns import run_import
from agents.services.imports import check_import
from billing.models import Package
from tests.agents.test_imports import bring_in, check, file_of, found, group, line, send
from tests.agents.test_pages import url
from tests.factories import NOW, Customer, licenses_of, make_agent, make_package, signed_in

MakeTrouble = Callable[[], object]
write_turn = import_turns.write_turn
remaining_sheet = imports._remaining_sheet

FIVE = [line(number, license="yes") for number in range(1, 6)]


@pytest.fixture(autouse=True)
def _two_rows_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_turns, "TURN", 2)


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[MakeTrouble], None]:
    """Return what lets something happen once, between the first turn and the second."""

    def arrange(act: MakeTrouble) -> None:
        acts = iter([lambda: None, act])

        def turn(*args: Any, **options: Any) -> AgentImport:
            next(acts, lambda: None)()
            return write_turn(*args, **options)

        monkeypatch.setattr(import_turns, "write_turn", turn)

    return arrange


def run(customer: Customer, imported: AgentImport) -> AgentImport:
    return run_import(imported=imported, by=customer.owner, now=NOW)


def staff_numbers() -> list[str]:
    return list(Agent.objects.order_by("staff_number").values_list("staff_number", flat=True))


def suspend(customer: Customer) -> None:
    restrict_account(
        account=customer.account,
        measure=Measure.SUSPEND,
        case_number="V1",
        reason="r",
        by=None,
        now=NOW,
    )


def test_every_row_is_written_once_whatever_the_turns(customer: Customer) -> None:
    make_package(customer.application, agents=5)
    imported = bring_in(customer, file_of(*FIVE))
    assert (imported.status, imported.written, imported.added) == (ImportStatus.DONE, 5, 5)
    assert staff_numbers() == ["N00001", "N00002", "N00003", "N00004", "N00005"]
    assert Agent.objects.licensed(NOW).count() == 5
    assert AuditEvent.objects.filter(verb="agent.added").count() == 5
    done = AuditEvent.objects.get(verb="agents.imported")
    assert done.data == {"rows": 5, "added": 5}


def test_added_and_changed_rows_go_in_the_order_of_the_file(
    customer: Customer, package: Package, between: Callable[[MakeTrouble], None]
) -> None:
    make_agent(customer.application, staff_number="N00001", email="n1@example.com")
    make_agent(customer.application, staff_number="N00005", email="n5@example.com")
    rows = [line(1, license="yes"), line(2), line(3, license="yes"), line(4), FIVE[4]]
    imported = check(customer, file_of(*rows), ImportMode.UPDATE)
    between(lambda: suspend(customer))
    with pytest.raises(Refused):
        run(customer, imported)
    assert staff_numbers() == ["N00001", "N00002", "N00005"]
    assert list(Agent.objects.licensed(NOW).values_list("staff_number", flat=True)) == ["N00001"]

    lift_restriction(account=customer.account, case_number="V1", reason="r", by=None, now=NOW)
    run(customer, imported)
    licensed = Agent.objects.licensed(NOW).order_by("staff_number")
    assert list(licensed.values_list("name", flat=True)) == ["Agent 1", "Agent 3", "Agent 5"]
    edited = AuditEvent.objects.filter(verb="agent.edited").values("target_id")
    changed = Agent.objects.filter(pk__in=edited).order_by("staff_number")
    assert list(changed.values_list("name", flat=True)) == ["Agent 1", "Agent 5"]
    done = AuditEvent.objects.get(verb="agents.imported")
    assert done.data == {"rows": 5, "added": 3}


# --- Trouble after the first turn ----------------------------------------------------------


def take_value(customer: Customer) -> Callable[[], object]:
    taker = make_agent(customer.application, staff_number="n00004")
    return taker.delete


def take_licenses(customer: Customer) -> Callable[[], object]:
    for license in licenses_of(Package.objects.get())[2:4]:
        make_agent(customer.application, license=license, staff_number=f"X{license.pk}")
    return Agent.objects.filter(staff_number__startswith="X").delete


def take_account(customer: Customer) -> Callable[[], object]:
    suspend(customer)
    return lambda: lift_restriction(
        account=customer.account, case_number="V1", reason="r", by=None, now=NOW
    )


@pytest.mark.parametrize(
    ("trouble", "code", "problems"),
    [
        pytest.param(take_value, "import_faulty", [(5, "staff_number")], id="value taken"),
        pytest.param(take_licenses, "import_faulty", [(5, "license"), (6, "license")], id="seats"),
        pytest.param(take_account, "account_restricted", [], id="account suspended"),
    ],
)
def test_trouble_after_the_first_turn_stops_it_and_the_rest_follows_later(
    customer: Customer,
    between: Callable[[MakeTrouble], None],
    trouble: Callable[[Customer], Callable[[], object]],
    code: str,
    problems: list[tuple[int, str]],
) -> None:
    make_package(customer.application, agents=5)
    imported = check(customer, file_of(*FIVE))
    repairs: list[Callable[[], object]] = []
    between(lambda: repairs.append(trouble(customer)))

    with pytest.raises(Refused) as refusal:
        run(customer, imported)
    assert refusal.value.code == code
    imported.refresh_from_db()
    assert (imported.written, imported.added, imported.finished_at) == (2, 2, None)
    assert found(imported) == problems
    assert imported.content is not None
    assert {"N00001", "N00002"} <= set(staff_numbers())
    assert not {"N00003", "N00004", "N00005"} & set(staff_numbers())
    assert AuditEvent.objects.filter(verb="agent.added").count() == 2
    assert AuditEvent.objects.filter(verb="agents.imported").count() == 0

    # Again without a repair: the rows that are written are no problem, and none is added.
    with pytest.raises(Refused) as refusal:
        run(customer, imported)
    assert refusal.value.code == code
    imported.refresh_from_db()
    assert (imported.written, found(imported)) == (2, problems)

    for repair in repairs:
        repair()
    run(customer, imported)
    done = AgentImport.objects.get()
    assert (done.status, done.written, done.problems) == (ImportStatus.DONE, 5, [])
    assert done.content is None
    assert staff_numbers() == ["N00001", "N00002", "N00003", "N00004", "N00005"]
    assert Agent.objects.licensed(NOW).count() == 5
    assert AuditEvent.objects.filter(verb="agent.added").count() == 5
    event = AuditEvent.objects.get(verb="agents.imported")
    assert event.data == {"rows": 5, "added": 5}


def test_a_group_that_is_renamed_meanwhile_takes_no_one_in(
    customer: Customer, between: Callable[[MakeTrouble], None]
) -> None:
    sales = group(customer, "Sales")
    group(customer, "Support")
    rows = [line(number, groups="Sales") for number in range(1, 5)]
    imported = check(customer, file_of(*rows))

    def rename() -> None:
        sales.name = "Complaints"
        sales.save()

    between(rename)
    with pytest.raises(Refused) as refusal:
        run(customer, imported)
    assert refusal.value.code == "import_faulty"
    imported.refresh_from_db()
    assert (imported.written, found(imported)) == (2, [(4, "groups"), (5, "groups")])
    assert sales.agents.count() == 2


def test_a_group_that_the_rows_do_not_name_is_no_trouble(
    customer: Customer, between: Callable[[MakeTrouble], None]
) -> None:
    group(customer, "Sales")
    imported = check(customer, file_of(*(line(number, groups="Sales") for number in range(1, 5))))
    between(lambda: group(customer, "Support"))
    assert run(customer, imported).status == ImportStatus.DONE
    assert SkillGroup.objects.get(name="Sales").agents.count() == 4


@pytest.mark.parametrize("written", [0, 2])
def test_an_account_that_is_busy_is_told_in_words_once_rows_are_written(
    customer: Customer, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    imported = check(customer, file_of(*(line(number) for number in range(1, 5))))

    def wait(application: Any) -> Any:
        if Agent.objects.count() == written:
            raise Busy
        return lock_application(application)

    monkeypatch.setattr(import_turns, "lock_application", wait)
    with pytest.raises(Refused if written else Busy) as refusal:
        run(customer, imported)
    if written:
        assert str(refusal.value) == "Someone else is working on this account right now."
    imported.refresh_from_db()
    assert (imported.status, imported.written) == (ImportStatus.CHECKED, written)
    monkeypatch.undo()
    assert run(customer, imported).status == ImportStatus.DONE


# --- Between checks and turns --------------------------------------------------------------


def stopped(customer: Customer, between: Callable[[MakeTrouble], None]) -> AgentImport:
    """An import of four rows of which two are written, since its process was lost."""
    imported = check(customer, file_of(*(line(number) for number in range(1, 5))))

    def die() -> None:
        raise KeyboardInterrupt

    between(die)
    with pytest.raises(KeyboardInterrupt):
        run(customer, imported)
    imported.refresh_from_db()
    assert imported.written == 2
    return imported


def test_a_check_that_was_overtaken_is_not_noted(
    customer: Customer, between: Callable[[MakeTrouble], None]
) -> None:
    stopped(customer, between)
    overtaken = AgentImport.objects.get()
    overtaken.written = 0
    # It reads all rows, of which two are in the table by now.
    checked = check_import(imported=overtaken, now=NOW)
    assert {problem.row for problem in checked.problems} == {2, 3}
    assert (overtaken.status, overtaken.written, overtaken.problems) == ("checked", 2, [])


def test_a_second_check_looks_at_the_remaining_rows(
    customer: Customer, between: Callable[[MakeTrouble], None]
) -> None:
    imported = stopped(customer, between)
    make_agent(customer.application, email="N4@example.com")
    check_import(imported=imported, now=NOW)
    assert (imported.written, found(imported)) == (2, [(5, "email")])


def test_rows_that_are_read_in_another_way_are_not_taken_for_the_same(
    customer: Customer, between: Callable[[MakeTrouble], None]
) -> None:
    imported = stopped(customer, between)
    AgentImport.objects.update(total=5)
    with pytest.raises(Refused) as refusal:
        run(customer, imported)
    assert refusal.value.code == "content_gone"
    assert Agent.objects.count() == 2


def test_the_check_tells_how_far_it_is(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []

    def check_and_look(application: Any, sheet: Any, mode: str, progress: Any, now: Any) -> Any:
        def step(done: int) -> None:
            progress(done)
            imported = AgentImport.objects.get()
            seen.append((imported.done, imported.progress))

        return check_sheet(application, sheet, mode, step, now)

    monkeypatch.setattr(imports, "_SECONDS_BETWEEN_REPORTS", 0)
    monkeypatch.setattr(imports, "check_sheet", check_and_look)
    check(customer, file_of(line(1), line(2), line(3)))
    assert seen == [(1, 1), (2, 2), (3, 3)]


def test_what_is_left_of_an_old_import_tells_the_truth(
    customer: Customer, between: Callable[[MakeTrouble], None]
) -> None:
    imported = stopped(customer, between)
    AgentImport.objects.update(
        created_at=NOW - timedelta(hours=settings.IMPORT_FILE_RETENTION_HOURS, seconds=1)
    )
    send(customer, file_of(line(9)))
    imported.refresh_from_db()
    assert (imported.status, imported.written, imported.content) == ("checked", 2, None)
    owner = signed_in(customer.owner)
    page = owner.get(url(customer, "import_file", pk=imported.pk)).content.decode()
    assert "2 of 4 rows are imported." in page
    assert "The file was deleted" in page
    assert "Check and import" not in page
    answer = owner.post(url(customer, "import_run", pk=imported.pk))
    assert answer.status_code == 422
    assert "This file is no longer available." in answer.content.decode()
    assert Agent.objects.count() == 2


# --- Pages ---------------------------------------------------------------------------------


def test_the_page_of_a_stopped_import_tells_the_number_and_goes_on(
    customer: Customer, between: Callable[[MakeTrouble], None]
) -> None:
    imported = stopped(customer, between)
    owner = signed_in(customer.owner)
    page = owner.get(url(customer, "import_file", pk=imported.pk)).content.decode()
    assert "2 of 4 rows are imported." in page
    assert "The remaining rows are not imported yet." in page
    assert "Check and import the remaining 2 rows" in page
    bar = owner.get(
        url(customer, "import_progress", pk=imported.pk), headers={"HX-Request": "true"}
    )
    assert "2 of 4 rows" in bar.content.decode()

    taker = make_agent(customer.application, staff_number="N00004")
    answer = owner.post(url(customer, "import_run", pk=imported.pk))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "The remaining rows now have problems. None of them was imported." in page
    assert "2 of 4 rows are imported." in page
    assert "The remaining rows have 1 problem." in page
    assert f"{taker} of this application already has this value." in page
    assert "Check and import the remaining 2 rows" in page

    taker.delete()
    page = owner.post(url(customer, "import_run", pk=imported.pk)).content.decode()
    assert "4 rows were imported." in page
    assert staff_numbers() == ["N00001", "N00002", "N00003", "N00004"]


@pytest.mark.parametrize("is_read", [True, False], ids=["while it is checked", "before it is read"])
def test_a_file_thrown_away_during_its_check_is_told_of(
    customer: Customer, is_read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = send(customer, file_of(line(1)))
    AgentImport.objects.update(
        created_at=NOW - timedelta(hours=settings.IMPORT_FILE_RETENTION_HOURS, seconds=1)
    )
    place, act = ("check_sheet", check_sheet) if is_read else ("_remaining_sheet", remaining_sheet)

    def throw_away_first(*args: Any) -> Any:
        send(customer, file_of(line(9)))
        assert not AgentImport.objects.filter(pk=imported.pk).exists()
        return act(*args)

    monkeypatch.setattr(imports, place, throw_away_first)
    answer = signed_in(customer.owner).post(url(customer, "import_check", pk=imported.pk))
    assert answer.status_code == 422
    assert "This file is no longer available." in answer.content.decode()
