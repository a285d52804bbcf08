"""Large exports: asked for, made by a job, canceled, fetched by who asked, and deleted."""

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation
from openpyxl import load_workbook
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import tasks
from accounts.enums import Role
from accounts.errors import Refused
from accounts.models import AuditEvent, Export, Membership, Notification
from accounts.services import exports
from accounts.services.background import note_watched
from accounts.services.exports import begin_export, cancel_export, find_old_exports, make_file
from accounts.spreadsheets import stream_csv
from agents.models import Agent
from agents.services.exports import export_rows
from billing.wallet.exports import statement_table
from billing.wallet.statements import StatementFilter
from tests import factories as make
from tests.factories import DAY, NOW, SECOND, Customer, make_agent, make_member, signed_in

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
COUNT = 4


@pytest.fixture(autouse=True)
def _few_at_once(settings: Any) -> None:
    settings.EXPORTED_AT_ONCE = 3
    settings.EXPORT_RETENTION_DAYS = 7


@pytest.fixture
def customer() -> Customer:
    customer = make.make_customer(trial=False)
    for number in range(COUNT):
        make_agent(customer.application, name=f"Agent {number}")
    return customer


@pytest.fixture
def client(customer: Customer) -> Client:
    return signed_in(customer.owner)


def agents_url(customer: Customer, query: str = "") -> str:
    place = f"/console/{customer.account.uin}/applications/{customer.application.sdkappid}"
    return f"{place}/agents/export/{query}"


def page_of(export: Export, name: str = "") -> str:
    return f"/console/{export.account.uin}/exports/{export.pk}/{name}"


def begin(customer: Customer, **filters: Any) -> Export:
    values = {"search": "", "state": "", "group": None, "role": "", "licensed": "", **filters}
    return begin_export(
        account=customer.account,
        kind="agents",
        options={"application": customer.application.pk, "filter": values},
        file_name="agents.csv",
        total=COUNT,
        by=customer.owner,
        now=NOW,
    )


def finish(export: Export) -> Export:
    make_file(export.pk, clock=lambda: NOW)
    export.refresh_from_db()
    return export


def told() -> list[str]:
    rows = Notification.objects.filter(kind="export_ended").order_by("pk")
    return [row.params["status"] for row in rows]


def verbs() -> list[str]:
    rows = AuditEvent.objects.filter(verb__startswith="export.").order_by("pk")
    return list(rows.values_list("verb", flat=True))


# --- Made ----------------------------------------------------------------------------------


def test_a_job_makes_the_same_file_and_tells_who_asked(customer: Customer) -> None:
    export = begin(customer)
    job = ProcrastinateJob.objects.get(task_name=exports.MAKE)
    assert (job.args, tasks.make_export.name) == ({"key": export.pk}, exports.MAKE)
    assert (export.status, export.content) == ("waiting", None)

    done = finish(export)
    rows = export_rows(customer.application, Agent.objects.all(), NOW)
    assert bytes(done.content or b"") == "".join(stream_csv(rows)).encode()
    assert (done.status, done.done) == ("done", COUNT)
    news = Notification.objects.get(kind="export_ended")
    assert (news.user, news.path) == (customer.owner, page_of(done))
    # A second job finds nothing to do.
    finish(done)
    assert (told(), verbs()) == (["done"], ["export.begun", "export.done"])


def test_the_filter_and_the_reader_s_language_are_kept(customer: Customer) -> None:
    customer.owner.language = "zh-hans"
    customer.owner.save()
    done = finish(begin(customer, search="agent 2"))
    with translation.override("zh-hans"):
        chosen = Agent.objects.filter(name="Agent 2")
        rows = list(export_rows(customer.application, chosen, NOW))
    assert len(rows) == 2
    assert bytes(done.content or b"") == "".join(stream_csv(rows)).encode()


def test_who_looks_on_is_not_told(customer: Customer) -> None:
    export = begin(customer)
    note_watched(export, customer.owner, NOW)
    assert finish(export).status == "done"
    assert told() == []


def test_progress_is_seen_and_a_cancellation_ends_it(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    export, seen = begin(customer), []
    reported = exports._reported

    def look(export: Export, rows: Any) -> Iterator[Any]:
        for row in reported(export, rows):
            yield row
            seen.append(Export.objects.get().done)
            if len(seen) == 3:
                cancel_export(export=export, by=customer.owner, now=NOW)

    monkeypatch.setattr(exports, "_SECONDS_BETWEEN_REPORTS", 0)
    monkeypatch.setattr(exports, "_reported", look)
    assert finish(export).status == "canceled"
    assert seen == [0, 0, 1]
    assert (export.content, told()) == (None, [])
    with pytest.raises(Refused) as refusal:
        cancel_export(export=export, by=customer.owner, now=NOW)
    assert refusal.value.code == "ended"


def test_a_cancellation_after_the_last_row_keeps_the_file_away(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    export, write = begin(customer), exports._write

    def write_and_cancel(*args: Any) -> bytes:
        content = write(*args)
        cancel_export(export=export, by=customer.owner, now=NOW)
        return content

    monkeypatch.setattr(exports, "_write", write_and_cancel)
    assert finish(export).status == "canceled"
    assert verbs() == ["export.begun", "export.canceled"]


def test_who_may_not_export_any_more_gets_no_file(customer: Customer) -> None:
    export = begin(customer)
    Membership.objects.filter(user=customer.owner).update(role=Role.VIEWER)
    stopped = finish(export)
    reason = "The person who started this no longer has permission to do it."
    assert (stopped.status, stopped.reason, stopped.content) == ("stopped", reason, None)
    assert told() == ["stopped"]


def test_nobody_waits_for_more_than_a_few(customer: Customer) -> None:
    for _number in range(exports.AT_A_TIME):
        begin(customer)
    with pytest.raises(Refused) as refusal:
        begin(customer)
    assert refusal.value.code == "too_many_exports"


def test_files_are_kept_for_days(customer: Customer) -> None:
    old = finish(begin(customer))
    assert not find_old_exports(NOW + 7 * DAY).exists()
    assert list(find_old_exports(NOW + 7 * DAY + SECOND)) == [old]


# --- Pages ---------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_a_large_export_is_offered_and_started(
    client: Client, customer: Customer, headers: dict[str, str]
) -> None:
    address = agents_url(customer, "?search=agent&format=xlsx")
    offer = client.get(address).content.decode()
    assert f"This file will have {COUNT} rows." in offer
    assert Export.objects.count() == 0
    answer = client.post(address, headers=headers)
    export = Export.objects.get()
    where = answer.headers.get("HX-Redirect") or answer.headers.get("Location")
    assert where == page_of(export)
    waiting = client.get(page_of(export)).content.decode()
    assert f"0 of {COUNT} rows" in waiting
    assert client.get(page_of(export, "file/")).status_code == 404

    make_file(export.pk, clock=timezone.now)
    assert page_of(export, "file/") in client.get(page_of(export)).content.decode()
    file = client.get(page_of(export, "file/"))
    assert file["Content-Disposition"].endswith('.xlsx"')
    sheet = load_workbook(io.BytesIO(file.getvalue())).worksheets[0]
    assert sheet.max_row == COUNT + 1


def test_a_small_export_is_streamed(client: Client, customer: Customer) -> None:
    answer = client.get(agents_url(customer, "?search=agent+2"))
    assert answer["Content-Type"].startswith("text/csv")
    assert answer.getvalue().count(b"\n") == 2


def test_a_long_statement_is_made_by_a_job() -> None:
    buyer = make.make_customer(trial=False)
    for _number in range(4):
        make.fund_account(buyer.account, cash="5")
    client = signed_in(buyer.owner)
    url = f"/console/{buyer.account.uin}/funds/statement.csv?since=2020-01-01"
    assert "This file will have" in client.get(url).content.decode()
    client.post(url)
    export = finish(Export.objects.get())
    expected = "".join(stream_csv(statement_table(buyer.account, StatementFilter())))
    assert bytes(export.content or b"").decode() == expected
    assert export.options == {"fund": "", "kind": "", "since": "2020-01-01", "until": None}
    assert client.get(page_of(export, "file/")).status_code == 200


def test_the_page_asks_for_the_bar_until_the_end(client: Client, customer: Customer) -> None:
    export = begin(customer)
    url = f"{page_of(export)}?shown=waiting"
    waiting = client.post(url, headers=HTMX)
    assert waiting.headers["HX-Retarget"] == "#export-bar"
    export.refresh_from_db()
    assert export.watched_at is not None
    finish(export)
    done = client.post(url, headers=HTMX)
    assert "HX-Retarget" not in done.headers
    assert "Your file is ready." in done.content.decode()
    assert client.post(page_of(export, "cancel/")).status_code == 422


def test_the_page_cancels(client: Client, customer: Customer) -> None:
    export = begin(customer)
    answer = client.post(page_of(export, "cancel/"), follow=True)
    assert "Canceled. No file was made." in answer.content.decode()


def test_the_page_says_why_there_is_none(client: Client, customer: Customer) -> None:
    export = begin(customer)
    Export.objects.update(status="stopped", reason="No.", finished_at=NOW + timedelta(minutes=1))
    assert "No." in client.get(page_of(export)).content.decode()


@pytest.mark.parametrize("name", ["", "file/", "cancel/"])
def test_it_belongs_to_the_person_who_asked(customer: Customer, name: str) -> None:
    export = finish(begin(customer))
    other = signed_in(make_member(customer.account, Role.OWNER))
    visit = other.post if name == "cancel/" else other.get
    assert visit(page_of(export, name)).status_code == 404


def test_who_lost_the_right_does_not_fetch_it(client: Client, customer: Customer) -> None:
    export = finish(begin(customer))
    Membership.objects.filter(user=customer.owner).update(role=Role.VIEWER)
    assert client.get(page_of(export, "file/")).status_code == 403
