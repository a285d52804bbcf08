"""The status page of the administration: what is well, what is not, and who sees it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone, translation

from accounts.jobs import defer
from accounts.models import OutgoingMail, User
from accounts.services.runs import record_run
from billing.models import SweepRun
from config import figures
from config.staff import status
from config.staff.status import MAY_SEE_STATUS, StatusLine, read_status_lines
from tests import factories as make
from tests.factories import NOW, make_clerk, make_staff, signed_in

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def lines(user: User | None = None, now: datetime = NOW) -> dict[str, StatusLine]:
    """The last line of each title, as of an instant."""
    return {line.title: line for line in read_status_lines(user or make_staff(), now)}


def queue_mail(*, due: datetime, **fields: Any) -> None:
    fields = {"next_attempt_at": due, "expires_at": NOW + timedelta(days=1), **fields}
    OutgoingMail.objects.create(
        kind="x", to="a@example.com", subject="x", created_at=NOW - MINUTE, **fields
    )


def test_before_anything_ran_each_command_of_the_timetable_needs_attention() -> None:
    found = lines()

    assert {title for title, line in found.items() if not line.is_well} == {
        "Sending email",
        "Expiry sweep",
        "Expiry reminders",
        "Deletion of old data",
        "Verification of the ledger",
    }
    assert found["Expiry reminders"].text == "It has not run yet."
    assert found["Expiry reminders"].advice == (
        "Check that a worker or the timer of send_expiry_reminders runs."
    )
    assert found["Email about signing in"].text == "Nothing is waiting to be sent."


def test_all_is_well_after_each_has_run() -> None:
    for command in (
        *("send_notifications", "send_expiry_reminders"),
        *("purge_old_data", "verify_ledger"),
    ):
        record_run(command=command, now=NOW - 5 * MINUTE)
    SweepRun.objects.create(as_of=NOW, finished_at=NOW - 5 * MINUTE)

    found = lines()

    assert [title for title, line in found.items() if not line.is_well] == []
    ago = "The last run ended 5\xa0minutes ago."
    assert found["Verification of the ledger"].text == f"{ago} It found no breach."
    assert found["Expiry sweep"].text == f"{ago} All that has ended is recorded."


@pytest.mark.parametrize(
    ("command", "title", "patience"),
    [
        ("send_notifications", "Sending email", timedelta(minutes=10)),
        ("send_expiry_reminders", "Expiry reminders", timedelta(hours=3)),
        ("purge_old_data", "Deletion of old data", timedelta(hours=36)),
        ("verify_ledger", "Verification of the ledger", timedelta(hours=36)),
    ],
)
def test_a_run_may_be_so_old(command: str, title: str, patience: timedelta) -> None:
    record_run(command=command, now=NOW)

    assert lines(now=NOW + patience)[title].is_well
    assert not lines(now=NOW + patience + MINUTE)[title].is_well


def test_breaches_are_told_with_what_to_do() -> None:
    record_run(command="verify_ledger", failures=1200, now=NOW)

    line = lines()["Verification of the ledger"]

    assert line.text == "The last run ended now. It found 1,200 breaches."
    assert line.advice.startswith("Run verify_ledger on a host")


@pytest.mark.parametrize(
    ("minutes", "text", "is_well"),
    [
        (0, "1 message is waiting to be sent.", True),
        (
            10,
            "1 message is waiting to be sent. The longest overdue has been due for 10\xa0minutes.",
            True,
        ),
        (
            11,
            "1 message is waiting to be sent. The longest overdue has been due for 11\xa0minutes.",
            False,
        ),
    ],
)
def test_mail_that_is_overdue_needs_attention(minutes: int, text: str, is_well: bool) -> None:
    queue_mail(due=NOW - minutes * MINUTE)

    line = lines()["Email about signing in"]

    assert (line.text, line.is_well) == (text, is_well)
    assert line.url == reverse("admin:accounts_outgoingmail_changelist") + "?sent_at__isnull=1"


@pytest.mark.parametrize(
    ("minutes", "workers", "text", "advice"),
    [
        (0, 1, "1 job is waiting.", ""),
        (60, 1, "1 job is waiting. The oldest has waited for 1\xa0hour.", ""),
        (61, 1, "1 job is waiting. The oldest has waited for 1\xa0hour.", "Check that a worker"),
    ],
)
def test_jobs_that_wait_for_long_need_attention(
    monkeypatch: pytest.MonkeyPatch, minutes: int, workers: int, text: str, advice: str
) -> None:
    seen = {
        "jobs_waiting": {"quick": 0, "long": 1},
        "jobs_oldest_seconds": {"quick": 0, "long": minutes * 60},
        "jobs_failed": {"": 2},
        "workers": {"": workers},
    }
    user = make_staff()
    first, second, third = status._jobs(seen, user, NOW)
    assert (first.text, first.advice[: len(advice) or 1]) == (text, advice)
    assert (second.text, second.is_well) == ("1 running", True)
    assert third.text == "2 jobs failed."
    assert third.url == reverse("admin:accounts_job_changelist") + "?status=failed"


def test_jobs_without_a_worker_need_attention() -> None:
    defer("agents.tasks.carry_on", {"key": 1})
    line = lines(now=timezone.now())["Workers"]
    assert (line.text, line.advice) == ("0 running", "Start a worker: until then, these jobs wait.")


def test_mail_that_was_given_up_is_a_line_of_its_own() -> None:
    queue_mail(due=NOW, next_attempt_at=None, attempts=7, last_error="refused")

    line = lines()["Email about signing in: given up"]

    assert line.text == "1 message of the last 30 days was given up."
    assert not line.is_well


def test_an_end_that_no_sweep_recorded_is_told() -> None:
    application = make.make_application(make.make_account(), trial=False)
    make.make_package(application, now=NOW - timedelta(days=32))

    assert "The oldest end that is not recorded was 2\xa0days ago." in lines()["Expiry sweep"].text


def test_the_database_tells_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    line = lines()["Connections of the database"]
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_connections")
        (limit,) = cursor.fetchone()
    assert line.text.endswith(f" of {limit} are in use.")
    assert line.is_well

    monkeypatch.setattr(status, "_CROWDED", 0)
    assert not lines()["Connections of the database"].is_well


@pytest.mark.parametrize(
    ("lag", "text", "is_well"),
    [
        (1.4, "It is 1 s behind the primary.", True),
        (5.1, "It is 5 s behind the primary.", False),
        (None, "It does not answer. Lists are read from the primary.", False),
    ],
)
def test_the_replica_tells_how_far_it_is_behind(
    settings: Any, monkeypatch: pytest.MonkeyPatch, lag: float | None, text: str, is_well: bool
) -> None:
    assert "Replica of the database" not in lines()
    settings.REPLICA_MAX_LAG_SECONDS = 5
    monkeypatch.setitem(settings.DATABASES, "replica", {})
    monkeypatch.setattr(figures, "measure_lag", lambda: lag)

    line = lines()["Replica of the database"]

    assert (line.text, line.is_well) == (text, is_well)


def test_rows_that_somebody_may_not_see_are_not_linked() -> None:
    found = lines(make_clerk(MAY_SEE_STATUS))

    assert found["Email about signing in"].url == ""
    assert found["Expiry sweep"].url == reverse("admin:billing_sweeprun_changelist")


@pytest.mark.parametrize(
    ("rights", "code"), [((), 403), (("accounts.view_account",), 403), ((MAY_SEE_STATUS,), 200)]
)
def test_it_opens_to_those_who_may_read_the_sweeps(
    settings: Any, rights: tuple[str, ...], code: int
) -> None:
    settings.STAFF_SECOND_FACTOR = False
    client = signed_in(make_clerk(*rights))

    assert client.get(reverse("admin:status")).status_code == code
    linked = reverse("admin:status") in client.get(reverse("admin:index")).text
    assert linked == (code == 200)


def test_customers_do_not_find_it() -> None:
    answer = signed_in(make.make_user()).get(reverse("admin:status"))

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login/")


def test_it_speaks_chinese(settings: Any) -> None:
    settings.STAFF_SECOND_FACTOR = False
    client = signed_in(make_clerk(MAY_SEE_STATUS))
    with translation.override("zh-hans"):
        text = client.get(reverse("admin:status"), headers={"Accept-Language": "zh-hans"}).text

    assert "核对账本" in text
    assert "尚未运行" in text
