"""Every kind of background job: how one comes about, what stops it halfway, and what it leaves.

Another connection holds what the job needs next, so that its worker can be killed in the middle.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.jobs import SEND_MAIL, SEND_NEWS, defer
from accounts.models import AuditEvent, CommandRun, Export, Notification, OutgoingMail
from accounts.services.exports import MAKE, begin_export
from accounts.services.mail import queue_mail
from accounts.services.notifications import News, notify_members
from agents.models import Agent, AgentAct, AgentImport
from agents.services.acts import CARRY_ON, begin_act
from agents.services.batches import TURN
from agents.services.import_jobs import begin_import
from agents.services.import_turns import TURN as ROWS_AT_ONCE
from agents.services.imports import CARRY_ON as IMPORT
from agents.services.imports import check_import, send_import
from billing.models import SweepRun
from tests import factories as make

OUTBOX = "accounts.tasks.send_outbox"
DAY = timedelta(days=1)
MAILS = 12
#: The agent that the last row of an import changes.
HELD = "held"


@dataclass(frozen=True)
class Kind:
    """A task: `prepare` brings what there is to do, and the job where its cause does not.

    `hold` is a statement that keeps the job from continuing, and `is_halfway` whether it has done
    some of its work. `check` asserts that all of it is done, and once.
    """

    task: str
    prepare: Callable[[], Any]
    check: Callable[[], None]
    hold: str = ""
    is_halfway: Callable[[], bool] = lambda: True


def _defer(task: str) -> None:
    defer(task, {"timestamp": 0})


def _ran(command: str) -> None:
    assert [run.failures for run in CommandRun.objects.filter(command=command)] == [0]


def _events(verb: str) -> list[int]:
    """The rows to which this happened, once for each time."""
    return sorted(AuditEvent.objects.filter(verb=verb).values_list("target_id", flat=True))


# --- Email: the mail server holds it ----------------------------------------------------------


def _mail() -> None:
    _queue_mail(defer_as=SEND_MAIL)


def _queue_mail(*, defer_as: str, to: str = "new@example.com", days_ago: int = 0) -> None:
    """Queue messages, and let one job send them."""
    before = set(ProcrastinateJob.objects.values_list("pk", flat=True))
    now = timezone.now() - days_ago * DAY
    rows = [queue_mail(kind="test", to=to, subject="S", text="T", now=now) for _ in range(MAILS)]
    ProcrastinateJob.objects.exclude(pk__in=before).delete()
    if defer_as == SEND_MAIL:
        defer(SEND_MAIL, {"ids": [row.pk for row in rows]})
    else:
        _defer(defer_as)


def _news() -> None:
    account = make.make_account()
    news = [News(account, "role_changed", {"role": "viewer"}) for _number in range(MAILS)]
    notify_members(news, now=timezone.now())


def _all_sent() -> None:
    assert not Notification.objects.filter(kind="role_changed", sent_at=None).exists()
    assert not OutgoingMail.objects.filter(sent_at=None).exists()


# --- The timetable ------------------------------------------------------------------------------


def _sweep() -> None:
    make.make_buyer(now=timezone.now() - 32 * DAY)
    _defer("billing.tasks.sweep_expirations")


def _remind() -> None:
    make.make_buyer(now=timezone.now() - 27 * DAY)
    _defer("billing.tasks.send_expiry_reminders")


def _swept() -> None:
    assert len(_events("package.isolated")) == 1
    # The killed one may have been recorded as well: its last statement was on its way.
    assert SweepRun.objects.exists()


def _reminded() -> None:
    assert Notification.objects.filter(kind="package_expiring").count() == 1
    _ran("send_expiry_reminders")


#: Whose mail is old.
OLD = "old@example.com"


def _old_rows() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_session (session_key, session_data, expire_date)"
            " VALUES ('ended', '', now() - interval '1 year')"
        )
    _queue_mail(defer_as="config.tasks.purge_old_data", to=OLD, days_ago=999)


def _is_old_mail_gone() -> bool:
    return not OutgoingMail.objects.filter(to=OLD).exists()


def _purged() -> None:
    assert _is_old_mail_gone()
    _ran("purge_old_data")


def _old_job() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, status)"
            " VALUES ('none', 'old', 'failed')"
        )
        cursor.execute(
            "INSERT INTO procrastinate_events (job_id, type, at)"
            " SELECT id, 'failed', now() - interval '1 year' FROM procrastinate_jobs"
            " WHERE task_name = 'old'"
        )
    _defer("accounts.tasks.forget")


# --- What people begin ----------------------------------------------------------------------------


def _act() -> None:
    customer = make.make_customer()
    application = customer.application
    values = [
        {"name": f"K{n}", "nickname": f"K{n}", "staff_number": f"K{n}", "email": f"{n}@example.com"}
        for n in range(TURN + 1)
    ]
    now = timezone.now()
    place = {"account": customer.account, "application": application}
    Agent.objects.bulk_create(
        Agent(**place, **each, created_at=now, updated_at=now) for each in values
    )
    begin_act(
        application=application,
        name="disable",
        options={},
        chosen=Agent.objects.filter(application=application),
        by=customer.owner,
        now=now,
    )


def _acted() -> None:
    act = AgentAct.objects.get()
    assert (act.status, act.done) == ("done", TURN + 1)
    assert _events("agent.disabled") == sorted(act.agents)


def _import() -> None:
    customer, now = make.make_customer(), timezone.now()
    make.make_agent(customer.application, staff_number=HELD, email="held@example.com")
    lines = [f"I{n},I{n},i{n}@example.com" for n in range(ROWS_AT_ONCE)]
    lines = ["name,staff_number,email", *lines, f"Changed,{HELD},held@example.com"]
    imported = send_import(
        application=customer.application,
        file_name="agents.csv",
        content="\n".join(lines).encode(),
        mode="update",
        by=customer.owner,
        now=now,
    )
    check_import(imported=imported, now=now)
    begin_import(imported=imported, by=customer.owner, now=now)


def _imported() -> None:
    imported = AgentImport.objects.get()
    assert (imported.status, imported.written) == ("done", ROWS_AT_ONCE + 1)
    assert _events("agents.imported") == [imported.pk]
    new = Agent.objects.filter(application=imported.application).exclude(staff_number=HELD)
    assert _events("agent.added") == sorted(new.values_list("pk", flat=True))


def _export() -> None:
    customer = make.make_customer()
    begin_export(
        account=customer.account,
        kind="statement",
        options={"fund": "", "kind": "", "since": None, "until": None},
        file_name="statement.csv",
        total=0,
        by=customer.owner,
        now=timezone.now(),
    )


def _exported() -> None:
    export = Export.objects.get()
    assert (export.status, bytes(export.content or b"")[:3]) == ("done", b"\xef\xbb\xbf")
    assert _events("export.done") == [export.pk]


KINDS = [
    Kind(SEND_MAIL, _mail, _all_sent),
    Kind(SEND_NEWS, _news, _all_sent),
    Kind(OUTBOX, lambda: _queue_mail(defer_as=OUTBOX, to="due@example.com"), _all_sent),
    Kind(
        "accounts.tasks.forget",
        _old_job,
        lambda: None,
        "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'old' FOR UPDATE",
    ),
    Kind(
        "billing.tasks.sweep_expirations",
        _sweep,
        _swept,
        "LOCK TABLE billing_sweeprun",
        lambda: len(_events("package.isolated")) == 1,
    ),
    Kind(
        "billing.tasks.send_expiry_reminders",
        _remind,
        _reminded,
        "LOCK TABLE billing_expiryreminder",
    ),
    Kind(
        "config.tasks.verify_ledger",
        lambda: _defer("config.tasks.verify_ledger"),
        lambda: _ran("verify_ledger"),
        "LOCK TABLE compliance_appeal",
    ),
    Kind(
        "config.tasks.purge_old_data",
        _old_rows,
        _purged,
        "LOCK TABLE accounts_invitation",
        _is_old_mail_gone,
    ),
    Kind(MAKE, _export, _exported, "SELECT 1 FROM accounts_export FOR UPDATE"),
    Kind(
        IMPORT,
        _import,
        _imported,
        f"SELECT 1 FROM agents_agent WHERE staff_number = '{HELD}' FOR UPDATE",
        lambda: AgentImport.objects.get().written == ROWS_AT_ONCE,
    ),
    Kind(
        CARRY_ON,
        _act,
        _acted,
        "SELECT 1 FROM agents_agent ORDER BY id DESC LIMIT 1 FOR UPDATE",
        lambda: AgentAct.objects.get().done == TURN,
    ),
]
#: The one that lets others run again what a killed worker left.
RESCUE = "accounts.tasks.rescue"
