"""What has been kept long enough is deleted, and nothing else."""

import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.signals import post_delete

from accounts.enums import Role
from accounts.models import (
    CommandRun,
    Invitation,
    Notification,
    OutgoingMail,
    PendingAccount,
    User,
)
from agents.enums import ImportMode, ImportStatus
from agents.models import AgentAct, AgentImport
from agents.services.imports import send_import
from config import tasks
from config.retention import purge
from tests.factories import (
    DAY,
    NOW,
    SECOND,
    Customer,
    make_account,
    make_customer,
    make_user,
)

pytestmark = pytest.mark.django_db

NOTHING = {
    "notifications": 0,
    "mail": 0,
    "invitations": 0,
    "sessions": 0,
    "listed_sessions": 0,
    "sign_ups": 0,
    "exports": 0,
    "acts": 0,
    "imports": 0,
    "import_files": 0,
}
FILE = b"name,staff_number,email\nAnna,1,anna@example.com\n"


@pytest.fixture(autouse=True)
def _periods(settings: Any) -> None:
    settings.NOTIFICATION_RETENTION_DAYS = 100
    settings.MAIL_RETENTION_DAYS = 30
    settings.INVITATION_RETENTION_DAYS = 50
    settings.FINISHED_WORK_RETENTION_DAYS = 40
    settings.SIGN_UP_RETENTION_DAYS = 20


def news(at: datetime, **fields: Any) -> Notification:
    return Notification.objects.create(
        user=make_user(), account=make_account(), kind="role_changed", created_at=at, **fields
    )


def mail(at: datetime, **fields: Any) -> OutgoingMail:
    fields = {"expires_at": at + 7 * DAY, "sent_at": at, **fields}
    return OutgoingMail.objects.create(
        kind="x", to="a@example.com", subject="S", created_at=at, **fields
    )


def invite(expires_at: datetime, **fields: Any) -> Invitation:
    account = make_account()
    return Invitation.objects.create(
        account=account,
        email="a@example.com",
        role=Role.VIEWER,
        token_hash=f"hash {account.pk}",
        invited_by=make_user(),
        created_at=expires_at - DAY,
        sent_at=expires_at - DAY,
        expires_at=expires_at,
        **fields,
    )


def session(key: str, expires_at: datetime, *, seen_at: datetime = NOW - DAY) -> UserSession:
    """A session and its entry in the person's list."""
    Session.objects.create(session_key=key, session_data="", expire_date=expires_at)
    listed: UserSession = UserSession.objects.create(
        user=make_user(), ip="10.0.0.1", session_key=key, last_seen_at=seen_at
    )
    return listed


def send_file(customer: Customer, at: datetime, name: str) -> AgentImport:
    return send_import(
        application=customer.application,
        file_name=name,
        content=FILE,
        mode=ImportMode.ADD,
        by=customer.owner,
        now=at,
    )


def act(finished_at: datetime | None, **fields: Any) -> AgentAct:
    customer = make_customer()
    is_done = finished_at is not None
    return AgentAct.objects.create(
        account=customer.account,
        application=customer.application,
        name="enable",
        agents=[1],
        total=1,
        done=int(is_done),
        status="done" if is_done else "waiting",
        created_at=NOW - 60 * DAY,
        finished_at=finished_at,
        **fields,
    )


def sign_up(at: datetime, *, is_verified: bool = False, **fields: Any) -> User:
    user = User.objects.create_user(f"{uuid4()}@example.com", **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=is_verified)
    PendingAccount.objects.create(
        user=user, entity_name="E", kind="enterprise", registration_number="1", created_at=at
    )
    return user


def run(*arguments: str) -> Any:
    out = io.StringIO()
    call_command("purge_old_data", "--json", "--as-of", NOW.isoformat(), *arguments, stdout=out)
    return json.loads(out.getvalue())["counts"]


def old_and_young(kind: str) -> tuple[list[Any], list[Any]]:
    """Make rows of a kind that are to go, and rows that are to stay."""
    made: dict[str, Callable[[], tuple[list[Any], list[Any]]]] = {
        "notifications": lambda: (
            [news(NOW - 100 * DAY - SECOND), news(NOW - 101 * DAY, read_at=NOW)],
            [news(NOW - 100 * DAY), news(NOW - 101 * DAY, next_attempt_at=NOW)],
        ),
        "mail": lambda: (
            [
                mail(NOW - 31 * DAY),
                mail(NOW - 31 * DAY, sent_at=None),
                mail(NOW - 31 * DAY, sent_at=None, next_attempt_at=NOW),
            ],
            [
                mail(NOW - 30 * DAY),
                mail(NOW - 31 * DAY, sent_at=None, next_attempt_at=NOW, expires_at=NOW + DAY),
            ],
        ),
        "invitations": lambda: (
            [
                invite(NOW - 51 * DAY),
                invite(NOW - 45 * DAY, withdrawn_at=NOW - 51 * DAY),
            ],
            [
                invite(NOW - 50 * DAY),
                invite(NOW - 60 * DAY, withdrawn_at=NOW - 49 * DAY),
                invite(NOW - 51 * DAY, accepted_at=NOW - 52 * DAY, accepted_by=make_user()),
            ],
        ),
        "acts": lambda: (
            [act(NOW - 41 * DAY)],
            [act(NOW - 40 * DAY), act(None)],
        ),
        "imports": lambda: (
            [send_file(make_customer(), NOW - 41 * DAY, "old.csv")],
            [send_file(make_customer(), NOW - SECOND, "young.csv")],
        ),
        "sign_ups": lambda: (
            [sign_up(NOW - 21 * DAY)],
            [
                sign_up(NOW - 20 * DAY),
                sign_up(NOW - 21 * DAY, is_verified=True),
                sign_up(NOW - 21 * DAY, last_login=NOW),
                sign_up(NOW - 21 * DAY, is_staff=True),
                make_user(),
            ],
        ),
        "listed_sessions": lambda: (
            [session("over", NOW - SECOND)],
            [session("on", NOW), session("just over", NOW - SECOND, seen_at=NOW - SECOND)],
        ),
    }
    return made[kind]()


@pytest.mark.parametrize(
    "kind",
    [
        *("notifications", "mail", "invitations", "listed_sessions"),
        *("acts", "imports", "sign_ups"),
    ],
)
def test_what_is_old_goes_and_what_is_young_or_of_use_stays(kind: str) -> None:
    old, young = old_and_young(kind)
    # Those of sessions are counted on their own as well.
    expected = NOTHING | {kind: len(old)} | ({"sessions": 2} if kind == "listed_sessions" else {})
    dry = run("--dry-run")
    # A dry run also counts the file of such an import.
    counted = expected | ({"import_files": 1} if kind == "imports" else {})
    assert {name: dry[name] for name in counted} == counted
    rows = type(old[0])._default_manager
    assert rows.count() == len(old) + len(young)

    assert run("--batch-size", "1") == expected

    assert set(rows.values_list("pk", flat=True)) == {row.pk for row in young}
    assert run() == NOTHING
    if kind == "listed_sessions":
        assert list(Session.objects.values_list("session_key", flat=True)) == ["on"]


def test_an_act_that_was_undone_stays_as_long_as_its_undoing() -> None:
    undone = act(NOW - 41 * DAY)
    undoing = act(NOW - 39 * DAY, undoes=undone)
    assert run() == NOTHING
    AgentAct.objects.filter(pk=undoing.pk).update(finished_at=NOW - 41 * DAY)
    assert run("--batch-size", "1") == NOTHING | {"acts": 2}


def test_files_left_lying_go_in_all_accounts_and_what_is_written_stays_known() -> None:
    late = NOW - timedelta(hours=settings.IMPORT_FILE_RETENTION_HOURS)
    send_file(make_customer(), late - SECOND, "left.csv")
    send_file(make_customer(), late, "young.csv")
    half = send_file(make_customer(), late - SECOND, "half.csv")
    AgentImport.objects.filter(pk=half.pk).update(written=1, total=2)
    done = send_file(make_customer(), late - SECOND, "done.csv")
    AgentImport.objects.filter(pk=done.pk).update(
        status=ImportStatus.DONE, finished_at=NOW, content=None
    )

    assert run("--dry-run") == NOTHING | {"import_files": 2}
    assert run("--batch-size", "1") == NOTHING | {"import_files": 2}

    kept = AgentImport.objects.order_by("file_name").values_list("file_name", "content")
    assert [(name, content is not None) for name, content in kept] == [
        ("done.csv", False),
        ("half.csv", False),
        ("young.csv", True),
    ]
    assert run() == NOTHING


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_holds_is_left_to_the_next_run() -> None:
    held, free = news(NOW - 101 * DAY), news(NOW - 101 * DAY)
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM accounts_notification WHERE id = %s FOR UPDATE", [held.pk]
            )
        assert purge(now=NOW)["notifications"] == 1
        assert not Notification.objects.filter(pk=free.pk).exists()
        # Closing alone lets go of the row a moment later.
        other.rollback()
    finally:
        other.close()
    assert purge(now=NOW)["notifications"] == 1


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_killed_has_deleted_whole_batches() -> None:
    for _number in range(5):
        news(NOW - 101 * DAY)
    deleted = 0

    def stop_at_the_fourth(**_signal: Any) -> None:
        nonlocal deleted
        deleted += 1
        if deleted == 4:
            raise KeyboardInterrupt

    post_delete.connect(stop_at_the_fourth, sender=Notification)
    try:
        with pytest.raises(KeyboardInterrupt):
            purge(now=NOW, batch_size=2)
    finally:
        post_delete.disconnect(stop_at_the_fourth, sender=Notification)
    assert Notification.objects.count() == 3
    assert purge(now=NOW, batch_size=2)["notifications"] == 3


def test_a_run_is_recorded_and_a_dry_one_is_not() -> None:
    run("--dry-run")
    assert not CommandRun.objects.filter(command="purge_old_data").exists()
    run()
    assert CommandRun.objects.get(command="purge_old_data").failures == 0


def test_the_job_does_what_the_command_does() -> None:
    # The job asks the clock, which is later than these instants.
    news(NOW - 1000 * DAY)
    tasks.purge_old_data(timestamp=0)
    assert Notification.objects.count() == 0
    assert CommandRun.objects.filter(command="purge_old_data").exists()


def test_a_wrong_size_of_batches_is_refused() -> None:
    with pytest.raises(CommandError, match="--batch-size"):
        call_command("purge_old_data", "--batch-size", "0")
