"""Large files of agents: checked and written by a job, canceled, and told of at the end."""

from contextlib import suppress
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.jobs import defer
from accounts.models import User
from accounts.services.audit import Event, record
from accounts.services.background import Clock, in_language_of, work_off
from accounts.services.notifications import notify_members
from accounts.services.tenants import lock_account
from agents.enums import ImportStatus
from agents.models import AgentImport
from agents.services.batches import lock_application, require_rows, takes_a_job
from agents.services.import_turns import (
    RowsOutdated,
    import_news,
    load,
    require_checked,
    write_turn,
)
from agents.services.imports import CARRY_ON, ImportGone, find_problems, note_findings


def import_takes_a_job(imported: AgentImport) -> bool:
    """Whether the file is checked, or its remaining rows are written, by a job."""
    return takes_a_job(imported.remaining)


@transaction.atomic
def begin_import(*, imported: AgentImport, by: User, now: datetime) -> None:
    """Let a job write the rows that are not written yet; nothing happens where one does already.

    Raises Refused where the file is not checked or no longer here, and for a restricted account.
    """
    account = lock_application(imported.application)
    current = load(imported.pk, "preview")
    if current.status in {ImportStatus.WAITING, ImportStatus.DONE}:
        return
    require_checked(current)
    if current.content is None:
        raise ImportGone
    here = AgentImport.objects.filter(pk=current.pk, status=current.status, written=current.written)
    values = {"done": current.written, "reason": "", "started_by": by, "started_at": now}
    require_rows(here.update(status=ImportStatus.WAITING, watched_at=None, **values), 1)
    event = Event(
        verb="agent_import.begun",
        target=current,
        from_state=current.status,
        to_state=ImportStatus.WAITING,
        data={"rows": current.remaining},
    )
    record([event], account=account, by=by, now=now)
    defer(CARRY_ON, {"key": current.pk})


@transaction.atomic
def cancel_import(*, imported: AgentImport, by: User, now: datetime) -> bool:
    """Cancel an import that has written nothing; return whether the file is still there.

    A file that is still being checked is thrown away. Raises Refused where rows are written.
    """
    account = lock_account(imported.account_id)
    here = AgentImport.objects.filter(pk=imported.pk, written=0)
    if here.filter(status=ImportStatus.SENT).delete()[0]:
        return False
    waiting = here.filter(status=ImportStatus.WAITING)
    if not waiting.update(status=ImportStatus.CHECKED, done=imported.total):
        raise Refused(
            _("Rows have been imported already, so this can no longer be canceled."), code="begun"
        )
    event = Event(
        verb="agent_import.canceled",
        target=imported,
        from_state=ImportStatus.WAITING,
        to_state=ImportStatus.CHECKED,
    )
    record([event], account=account, by=by, now=now)
    return True


# --- What the job does ---------------------------------------------------------------------


def carry_on_import(key: int, *, clock: Clock) -> None:
    """Check a file that was sent, or write the rows of one that is waiting, from where it stands.

    Ends quietly where the file is gone. Raises Busy where the account stays locked for long.
    """
    with suppress(ImportGone):
        imported = load(key)
        with in_language_of(imported.person):
            if imported.status == ImportStatus.SENT:
                _check(imported, clock)
            while imported.status == ImportStatus.WAITING:
                _write(imported, clock)
                imported = load(key)


def _check(imported: AgentImport, clock: Clock) -> None:
    """Check the file, and tell who sent it, unless it was checked or thrown away meanwhile."""
    try:
        _checked, findings = find_problems(imported, clock())
    except ImportGone:
        raise
    except Refused as refusal:
        findings = {"status": ImportStatus.FAULTY, "reason": str(refusal)}
    with transaction.atomic():
        if note_findings(imported, findings):
            current = load(imported.pk, "content")
            news = import_news(current, ImportStatus(current.status), clock(), current.reason)
            notify_members(news, now=clock())
    imported.refresh_from_db(fields=["status"])


def _write(imported: AgentImport, clock: Clock) -> None:
    """Check the remaining rows once more, and write them until the import is done or stopped.

    Leaves it waiting where something has come in between: then its rows have to be checked again.
    """
    start = imported.written

    def turn(now: datetime) -> bool:
        current = write_turn(imported, rows, start, by=imported.started_by, now=now)
        return current.status == ImportStatus.WAITING

    try:
        rows, findings = find_problems(imported, clock())
        if not note_findings(imported, findings):
            return
        if rows.problems:
            _stop(imported, ImportStatus.FAULTY, "", clock())
        else:
            work_off(turn, clock)
    except RowsOutdated:
        return
    except ImportGone:
        raise
    except Refused as refusal:
        _stop(imported, ImportStatus.CHECKED, str(refusal), clock())


@transaction.atomic
def _stop(imported: AgentImport, status: ImportStatus, reason: str, now: datetime) -> None:
    """Write why rows stay unwritten, and tell who started it unless they see it happen."""
    account = lock_account(imported.account_id)
    current = load(imported.pk, "content")
    if current.status != ImportStatus.WAITING:
        return
    here = AgentImport.objects.filter(pk=current.pk, status=current.status)
    require_rows(here.update(status=status, reason=reason), 1)
    event = Event(
        verb="agent_import.stopped",
        target=current,
        from_state=current.status,
        to_state=status,
        reason=reason,
        data={
            "rows": current.total,
            "written": current.written,
            "problems": len(current.problems),
        },
        news=import_news(current, status, now, reason),
    )
    record([event], account=account, by=current.started_by, now=now)
