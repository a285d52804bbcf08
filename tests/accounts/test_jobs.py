"""Background jobs: deferred with their cause, safe to run twice, and found when a worker dies."""

import logging
import socket
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import tasks
from accounts.enums import JobEvent, JobState
from accounts.errors import Refused
from accounts.jobs import LANES, MAIL, RETRY, defer
from accounts.models import AuditEvent, Job, Notification, OutgoingMail, User
from accounts.services.jobs import cancel_job, forget_jobs, repeat_job, rescue_jobs
from accounts.services.mail import queue_mail, repeat_mail
from accounts.services.notifications import News, notify_members
from accounts.services.outbox import PAUSES
from tests.factories import make_account, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _as_in_production(settings: Any) -> None:
    settings.MAIL_AT_ONCE = False


def jobs() -> list[tuple[str, Any]]:
    """What waits: the tasks' names and their arguments, in the order of their deferring."""
    waiting = ProcrastinateJob.objects.filter(status="todo").order_by("pk")
    return [(job.task_name.rpartition(".")[2], job.args) for job in waiting]


def queue(to: str = "a@example.com") -> OutgoingMail:
    return queue_mail(kind="test", to=to, subject="S", text="T", now=timezone.now())


def tell(count: int = 1, **kwargs: Any) -> None:
    account = make_account()
    news = [News(account, "role_changed", {"role": "viewer"}, **kwargs) for _ in range(count)]
    notify_members(news, now=timezone.now())


def set_state(**columns: Any) -> None:
    """Put every job into a state that only workers bring."""
    names = ", ".join(f"{name} = %s" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE procrastinate_jobs SET {names}", list(columns.values()))


def states() -> list[tuple[str, int]]:
    return list(ProcrastinateJob.objects.order_by("pk").values_list("status", "attempts"))


# --- Deferring -----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_job_is_there_with_its_cause_or_not_at_all() -> None:
    with transaction.atomic():
        queue()
        transaction.set_rollback(True)
    assert jobs() == []

    row = queue()
    assert jobs() == [("send_mail", {"ids": [row.pk]})]


def test_news_is_sent_by_jobs_of_a_hundred_each() -> None:
    tell(250)
    keys = list(Notification.objects.order_by("pk").values_list("pk", flat=True))
    assert jobs() == [
        ("send_news", {"ids": keys[:100]}),
        ("send_news", {"ids": keys[100:200]}),
        ("send_news", {"ids": keys[200:]}),
    ]


@pytest.mark.parametrize("news", [{"is_emailed": False}, {"dedupe_key": "once"}], ids=str)
def test_news_that_is_not_emailed_or_may_be_known_has_no_job(news: dict[str, Any]) -> None:
    tell(**news)
    assert (Notification.objects.count(), jobs()) == (1, [])


def test_a_message_that_staff_send_again_has_a_job() -> None:
    row = queue()
    OutgoingMail.objects.update(next_attempt_at=None, attempts=len(PAUSES) + 1)
    repeat_mail(mail=row, reason="Right now", by=make_user(is_staff=True), now=timezone.now())
    assert jobs() == [("send_mail", {"ids": [row.pk]})] * 2


def test_mail_goes_before_news_and_every_queue_has_a_lane() -> None:
    tell()
    queue()
    order = ProcrastinateJob.objects.order_by("-priority").values_list("task_name", flat=True)
    assert list(order) == ["accounts.tasks.send_mail", "accounts.tasks.send_news"]
    own = {task.queue for name, task in app.tasks.items() if "builtin" not in name}
    assert own == {queue for lane in LANES.values() for queue in lane}
    assert MAIL not in LANES["long"]


def test_a_task_that_nobody_knows_cannot_be_deferred() -> None:
    with pytest.raises(KeyError):
        defer("accounts.tasks.send_nothing", {"ids": [1]})


# --- Sending -------------------------------------------------------------------------------


def test_a_job_that_runs_twice_sends_once() -> None:
    tell()
    row = queue()
    for _ in range(2):
        tasks.send_mail(ids=[row.pk])
        tasks.send_news(ids=list(Notification.objects.values_list("pk", flat=True)))
    assert len(mail.outbox) == 2
    assert OutgoingMail.objects.get().attempts == Notification.objects.get().attempts == 1


def test_without_a_mail_server_everything_stays_due(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = probe.getsockname()[1]
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    row = queue()
    with caplog.at_level(logging.WARNING):
        tasks.send_mail(ids=[row.pk])
        tasks.send_outbox(timestamp=0)
    row.refresh_from_db()
    assert (row.attempts, row.next_attempt_at) == (0, row.created_at)
    assert caplog.text.count("The mail server could not be reached") == 2


def test_what_failed_is_sent_when_its_pause_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    row = queue()
    with monkeypatch.context() as patch:
        patch.setattr("accounts.services.outbox._message", lambda *_: 1 / 0)
        tasks.send_mail(ids=[row.pk])
    row.refresh_from_db()
    assert (row.attempts, "ZeroDivisionError" in row.last_error) == (1, True)

    tasks.send_outbox(timestamp=0)
    assert mail.outbox == []
    OutgoingMail.objects.update(next_attempt_at=timezone.now())
    tasks.send_outbox(timestamp=0)
    assert [message.to for message in mail.outbox] == [["a@example.com"]]


def test_the_command_sends_without_a_worker_and_leaves_no_job_behind() -> None:
    tell(3)
    queue()
    call_command("send_notifications", verbosity=0)
    assert (len(mail.outbox), jobs()) == (4, [])


def test_the_command_leaves_a_job_that_a_worker_has_begun() -> None:
    queue()
    set_state(status="doing")
    call_command("send_notifications", verbosity=0)
    assert states() == [("doing", 0)]


# --- Dead workers --------------------------------------------------------------------------


def worker(silent_for: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - make_interval(secs => %s)) RETURNING id",
            [silent_for],
        )
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("silence", "attempts", "after"),
    [
        pytest.param(29, 0, ("doing", 0), id="alive"),
        pytest.param(31, 0, ("todo", 1), id="dead"),
        pytest.param(None, 0, ("todo", 1), id="forgotten"),
        pytest.param(31, RETRY.max_attempts, ("failed", 6), id="it kills"),
    ],
)
def test_jobs_of_dead_workers_run_again(
    silence: int | None, attempts: int, after: tuple[str, int]
) -> None:
    queue()
    set_state(
        status="doing",
        attempts=attempts,
        worker_id=None if silence is None else worker(silence),
    )
    assert rescue_jobs(now=timezone.now()) == (after != ("doing", 0))
    assert states() == [after]


def test_jobs_that_failed_are_kept_for_a_while(settings: Any) -> None:
    queue()
    set_state(status="doing")
    set_state(status="failed")
    forget_jobs()
    assert states() == [("failed", 0)]

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_events SET at = at - make_interval(days => %s, mins => 1)",
            [settings.JOB_KEEP_DAYS],
        )
    forget_jobs()
    assert states() == []


# --- In the administration -----------------------------------------------------------------


@pytest.fixture
def staff(client: Client, settings: Any) -> User:
    settings.STAFF_SECOND_FACTOR = False
    user = make_user(is_staff=True)
    user.groups.add(Group.objects.get(name="Administrators"))
    client.force_login(user)
    return user


def failed_job() -> Job:
    queue()
    set_state(status="doing")
    set_state(status="failed")
    job: Job = Job.objects.get()
    return job


def test_staff_see_what_failed_and_let_it_run_again(client: Client, staff: User) -> None:
    job = failed_job()
    page = reverse("admin:accounts_job_change", args=[job.pk])
    listing = reverse("admin:accounts_job_changelist")
    desk = client.get(reverse("admin:index")).text
    assert (page in desk, f"{listing}?status=failed" in desk) == (True, True)
    assert page in client.get(f"{listing}?status=failed").text
    assert page not in client.get(f"{listing}?status=todo").text

    act = reverse("admin:accounts_job_act", args=[job.pk, "run-again"])
    assert act in client.get(page).text
    seen = client.get(act).context["seen"]
    client.post(act, {"reason": "The disk was full", "seen": seen})

    assert jobs() == [("send_mail", job.args)]
    event = AuditEvent.objects.get(verb="job.repeated")
    assert (event.actor, event.target_id, event.reason) == (staff, job.pk, "The disk was full")
    assert (event.from_state, event.to_state) == ("failed", "todo")


def test_staff_cancel_what_no_worker_has_begun(staff: User) -> None:
    queue()
    job = Job.objects.get()
    cancel_job(job=job, reason="Not needed", by=staff, now=timezone.now())
    assert states() == [("cancelled", 0)]
    assert AuditEvent.objects.get(verb="job.canceled").to_state == "cancelled"


@pytest.mark.parametrize("act", [repeat_job, cancel_job])
def test_a_job_that_runs_is_neither_repeated_nor_canceled(act: Any, staff: User) -> None:
    queue()
    set_state(status="doing")
    with pytest.raises(Refused):
        act(job=Job.objects.get(), reason="In a hurry", by=staff, now=timezone.now())
    assert states() == [("doing", 0)]
    assert not AuditEvent.objects.filter(verb__startswith="job.").exists()


def test_the_words_are_those_that_the_library_stores() -> None:
    for words, name in ((JobState, "job_status"), (JobEvent, "job_event_type")):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT unnest(enum_range(NULL::procrastinate_{name}))::text")
            stored = {row[0] for row in cursor.fetchall()}
        # Not used since its third release.
        assert set(words.values) == stored - {"aborting"}
