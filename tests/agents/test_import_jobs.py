"""Large files of agents: checked and written by jobs, canceled, and told of at the end."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.enums import Role
from accounts.errors import Refused
from accounts.models import AuditEvent, Membership, Notification
from accounts.services.background import note_watched
from agents import tasks
from agents.enums import ImportStatus
from agents.models import Agent, AgentImport
from agents.services import import_jobs, import_turns, imports
from agents.services.import_jobs import begin_import, cancel_import, carry_on_import
from agents.services.import_turns import run_import
from tests.agents.test_imports import file_of, line, send
from tests.agents.test_pages import HTMX, url
from tests.factories import (
    NOW,
    Customer,
    make_agent,
    make_customer,
    make_package,
    restrict,
    signed_in,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("small_turns")]

ROWS = 7
GOOD = file_of(*(line(number) for number in range(ROWS)))
FAULTY = file_of(*(line(number) for number in range(ROWS - 1)), line(99, email="none"))
write_turn = import_turns.write_turn


@pytest.fixture(autouse=True)
def _three_rows_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_turns, "TURN", 3)


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what lets something happen once, before the turn with this number."""

    def arrange(act: Callable[[], object], number: int = 1) -> None:
        acts = iter([*[lambda: None] * number, act])

        def turn(*args: Any, **options: Any) -> AgentImport:
            next(acts, lambda: None)()
            return write_turn(*args, **options)

        monkeypatch.setattr(import_jobs, "write_turn", turn)

    return arrange


def carry_on(imported: AgentImport) -> AgentImport:
    carry_on_import(imported.pk, clock=lambda: NOW)
    imported.refresh_from_db()
    return imported


def begin(customer: Customer, content: bytes = GOOD) -> AgentImport:
    """A large file that is checked, and whose import was just started."""
    imported = carry_on(send(customer, content))
    begin_import(imported=imported, by=customer.owner, now=NOW)
    imported.refresh_from_db()
    return imported


def cancel(imported: AgentImport, customer: Customer) -> bool:
    return cancel_import(imported=imported, by=customer.owner, now=NOW)


def jobs() -> list[dict[str, Any]]:
    rows = ProcrastinateJob.objects.filter(task_name=imports.CARRY_ON).order_by("pk")
    return list(rows.values_list("args", flat=True))


def told() -> list[tuple[str, str]]:
    rows = Notification.objects.filter(kind="agents_imported").order_by("pk")
    return [(row.params["outcome"], row.params["reason"]) for row in rows]


def verbs() -> list[str]:
    rows = AuditEvent.objects.filter(verb__startswith="agent_import.").order_by("pk")
    return list(rows.values_list("verb", flat=True))


# --- Checking ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "outcome"), [(GOOD, ImportStatus.CHECKED), (FAULTY, ImportStatus.FAULTY)]
)
def test_a_large_file_is_checked_by_a_job_and_its_sender_is_told(
    customer: Customer, content: bytes, outcome: str
) -> None:
    imported = send(customer, content)
    assert jobs() == [{"key": imported.pk}]
    assert tasks.carry_on_import_of.name == imports.CARRY_ON
    assert carry_on(imported).status == outcome
    assert told() == [(outcome, "")]
    news = Notification.objects.get(kind="agents_imported")
    assert (news.user, news.path) == (
        customer.owner,
        url(customer, "import_file", pk=imported.pk),
    )
    # A second job finds nothing to do.
    carry_on(imported)
    assert len(told()) == 1
    assert Agent.objects.count() == 0


def test_a_small_file_is_left_to_the_request(customer: Customer) -> None:
    send(customer, file_of(*(line(number) for number in range(5))))
    assert jobs() == []


def test_a_file_that_cannot_be_read_any_more_is_told_of(customer: Customer) -> None:
    imported = send(customer, GOOD)
    AgentImport.objects.update(total=ROWS + 1)
    assert carry_on(imported).status == ImportStatus.FAULTY
    assert told() == [("faulty", "Upload this file again.")]
    page = signed_in(customer.owner).get(url(customer, "import_file", pk=imported.pk))
    assert "Upload this file again." in page.content.decode()


def test_to_cancel_a_check_is_to_throw_the_file_away(customer: Customer) -> None:
    imported = send(customer, GOOD)
    assert not cancel(imported, customer)
    carry_on_import(imported.pk, clock=lambda: NOW)
    assert AgentImport.objects.count() == 0
    assert told() == []


def test_a_file_thrown_away_during_its_check_is_not_told_of(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = send(customer, GOOD)

    def check_and_cancel(*args: Any) -> Any:
        found = find_problems(*args)
        cancel(imported, customer)
        return found

    find_problems = imports.find_problems
    monkeypatch.setattr(import_jobs, "find_problems", check_and_cancel)
    carry_on_import(imported.pk, clock=lambda: NOW)
    assert told() == []


# --- Writing -------------------------------------------------------------------------------


def test_a_job_writes_every_row_once_and_tells_who_started_it(customer: Customer) -> None:
    imported = begin(customer)
    assert (imported.status, imported.written, imported.phase) == ("waiting", 0, "waiting")
    assert Agent.objects.count() == 0
    assert jobs() == [{"key": imported.pk}] * 2
    # To start it again changes nothing, and nor does the way of small files.
    begin_import(imported=imported, by=customer.owner, now=NOW)
    assert run_import(imported=imported, by=customer.owner, now=NOW).written == 0
    assert len(jobs()) == 2

    done = carry_on(imported)
    assert (done.status, done.written, done.added, done.content) == ("done", ROWS, ROWS, None)
    assert Agent.objects.count() == ROWS
    assert told()[1:] == [("done", "")]
    carry_on(imported)
    assert Agent.objects.count() == ROWS
    assert AuditEvent.objects.filter(verb="agent.added").count() == ROWS
    assert AuditEvent.objects.get(verb="agents.imported").actor == customer.owner
    assert verbs() == ["agent_import.begun"]


def test_who_looks_on_is_not_told(customer: Customer) -> None:
    imported = begin(customer)
    note_watched(imported, customer.owner, NOW)
    carry_on(imported)
    assert told() == [("checked", "")]


def test_a_job_that_is_lost_is_gone_on_with(
    customer: Customer, between: Callable[..., None]
) -> None:
    imported = begin(customer)

    def die() -> None:
        raise KeyboardInterrupt

    between(die)
    with pytest.raises(KeyboardInterrupt):
        carry_on(imported)
    imported.refresh_from_db()
    assert (imported.status, imported.written, imported.phase) == ("waiting", 3, "running")
    done = carry_on(imported)
    assert (done.status, done.written, done.added) == ("done", ROWS, ROWS)
    assert AuditEvent.objects.filter(verb="agent.added").count() == ROWS


def test_only_a_checked_file_is_started(customer: Customer) -> None:
    imported = send(customer, GOOD)
    with pytest.raises(Refused) as refusal:
        begin_import(imported=imported, by=customer.owner, now=NOW)
    assert refusal.value.code == "not_checked"
    assert len(jobs()) == 1


# --- Canceled ------------------------------------------------------------------------------


def test_it_is_canceled_before_the_first_row(customer: Customer) -> None:
    imported = begin(customer)
    assert cancel(imported, customer)
    carry_on(imported)
    assert (imported.status, imported.written, Agent.objects.count()) == ("checked", 0, 0)
    assert verbs() == ["agent_import.begun", "agent_import.canceled"]
    # It can be started again, and the job of the first start does no harm.
    begin_import(imported=imported, by=customer.owner, now=NOW)
    carry_on(imported)
    carry_on(imported)
    assert Agent.objects.count() == ROWS


def test_it_is_canceled_while_its_rows_are_checked_once_more(
    customer: Customer, between: Callable[..., None]
) -> None:
    imported = begin(customer)
    between(lambda: cancel(imported, customer), 0)
    carry_on(imported)
    assert (imported.status, imported.written, Agent.objects.count()) == ("checked", 0, 0)
    assert told() == [("checked", "")]


def test_it_is_too_late_once_rows_are_written(
    customer: Customer, between: Callable[..., None]
) -> None:
    imported = begin(customer)
    refusals = []

    def try_it() -> None:
        with pytest.raises(Refused) as refusal:
            cancel(imported, customer)
        refusals.append(refusal.value.code)

    between(try_it)
    assert carry_on(imported).status == ImportStatus.DONE
    assert refusals == ["begun"]


# --- Stopped -------------------------------------------------------------------------------


def _suspend(customer: Customer) -> str:
    restrict(customer.account)
    return (
        "The account is suspended, so it cannot do this. "
        "Your violations page says why and how to appeal."
    )


def _demote(customer: Customer) -> str:
    Membership.objects.filter(user=customer.owner).update(role=Role.VIEWER)
    return "The person who started this no longer has permission to do it."


@pytest.mark.parametrize("written", [0, 3])
@pytest.mark.parametrize("hinder", [_suspend, _demote])
def test_what_comes_in_between_stops_it(
    customer: Customer,
    between: Callable[..., None],
    hinder: Callable[[Customer], str],
    written: int,
) -> None:
    imported = begin(customer)
    reasons: list[str] = []
    between(lambda: reasons.append(hinder(customer)), written // 3)
    carry_on(imported)
    assert (imported.status, imported.written, imported.reason) == ("checked", written, reasons[0])
    assert Agent.objects.count() == written
    assert told()[1:] == [("checked", reasons[0])]
    assert verbs() == ["agent_import.begun", "agent_import.stopped"]
    # Only a person continues it.
    carry_on(imported)
    assert imported.written == written


def test_a_value_that_is_taken_stops_it_and_it_is_continued(
    customer: Customer, between: Callable[..., None]
) -> None:
    imported = begin(customer)
    taken: list[Agent] = []
    between(lambda: taken.append(make_agent(customer.application, staff_number="N00005")))
    carry_on(imported)
    assert (imported.status, imported.written, len(imported.problems)) == ("faulty", 3, 1)
    assert told()[1:] == [("faulty", "")]
    news = Notification.objects.filter(kind="agents_imported").latest("pk")
    assert (news.params["written"], news.params["problems"]) == (3, 1)

    taken[0].delete()
    begin_import(imported=imported, by=customer.owner, now=NOW)
    assert carry_on(imported).status == ImportStatus.DONE
    assert Agent.objects.count() == ROWS
    assert AuditEvent.objects.get(verb="agents.imported").data == {"rows": ROWS, "added": ROWS}


# --- Pages ---------------------------------------------------------------------------------


@pytest.fixture
def client(customer: Customer) -> Client:
    return signed_in(customer.owner)


def test_from_sending_to_the_end_on_its_page(client: Client, customer: Customer) -> None:
    make_package(customer.application, agents=ROWS)
    imported = send(customer, GOOD)
    file_url = url(customer, "import_file", pk=imported.pk)
    page = client.get(file_url).content.decode()
    assert "Checking the file" in page
    assert f"0 of {ROWS} rows" in page
    assert url(customer, "import_cancel", pk=imported.pk) in page
    # The request checks nothing.
    client.post(url(customer, "import_check", pk=imported.pk))
    assert carry_on(imported).status == ImportStatus.CHECKED
    for headers in ({}, HTMX):
        answer = client.post(url(customer, "import_run", pk=imported.pk), headers=headers)
        where = answer.headers.get("HX-Redirect") or answer.headers.get("Location")
        assert where == file_url
    page = client.get(file_url).content.decode()
    assert "Importing the agents" in page
    assert "Until the first row is imported, you can cancel it." in page
    assert file_url in client.get(url(customer, "management")).content.decode()
    carry_on(imported)
    assert f"{ROWS} rows were imported." in client.get(file_url).content.decode()
    assert file_url not in client.get(url(customer, "management")).content.decode()


def test_the_page_asks_for_the_bar_until_the_phase_changes(
    client: Client, customer: Customer, between: Callable[..., None]
) -> None:
    imported = begin(customer)
    ask = url(customer, "import_progress", pk=imported.pk)
    seen: list[str] = []

    def look() -> None:
        waiting = client.post(f"{ask}?shown=waiting", headers=HTMX)
        seen.append(waiting.headers.get("HX-Retarget", ""))
        seen.append(waiting.content.decode())

    look()
    assert seen[0] == "#import-bar"
    assert f"Checking all rows once more: 0 of {ROWS} rows" in seen[1]
    assert "<form" not in seen[1]
    imported.refresh_from_db()
    assert imported.watched_at is not None
    between(look)
    carry_on(imported)
    assert seen[2] == ""
    assert f"3 of {ROWS} rows" in seen[3]
    assert "cancel/" not in seen[3]
    done = client.post(f"{ask}?shown=running", headers=HTMX).content.decode()
    assert f"{ROWS} rows were imported." in done
    assert "every 1s" not in done


@pytest.mark.parametrize("is_checked", [False, True])
def test_the_page_cancels(client: Client, customer: Customer, is_checked: bool) -> None:
    imported = begin(customer) if is_checked else send(customer, GOOD)
    answer = client.post(url(customer, "import_cancel", pk=imported.pk), follow=True)
    assert "Canceled. Nothing was imported." in answer.content.decode()
    assert (f"Import {ROWS} rows" in answer.content.decode()) == is_checked


def test_the_page_that_comes_too_late_to_cancel_says_so(client: Client, customer: Customer) -> None:
    imported = carry_on(begin(customer))
    answer = client.post(url(customer, "import_cancel", pk=imported.pk))
    assert answer.status_code == 422
    assert "Rows have been imported already" in answer.content.decode()


def test_the_import_of_another_application_is_not_canceled(client: Client) -> None:
    imported = begin(other := make_customer(trial=False))
    answer = client.post(url(other, "import_cancel", pk=imported.pk))
    assert answer.status_code == 404
    imported.refresh_from_db()
    assert imported.status == ImportStatus.WAITING
