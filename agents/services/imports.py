"""Files of agents: kept, and checked row by row.

`agents.services.import_turns` writes them, and `agents.services.import_jobs` does both with a large
one in the background.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.jobs import defer
from accounts.models import Application, User
from accounts.services.tenants import require_good_standing
from agents.enums import ImportMode, ImportStatus
from agents.models import Agent, AgentImport, SkillGroupMember
from agents.rows import Checked, ImportRow, Progress, check_sheet
from agents.services.batches import lock_application, takes_a_job
from agents.sheets import MAX_BYTES, Sheet, printable, read_sheet

#: The task that checks and writes a large file.
CARRY_ON = "agents.tasks.carry_on_import_of"
PREVIEW_ROWS = 20
_SECONDS_BETWEEN_REPORTS = 0.3
#: The columns that a file brings, as the agents' table has them.
AGENT_COLUMNS = ("name", "nickname", "staff_number", "email", "phone", "role", "extension")


def send_import(
    *,
    application: Application,
    file_name: str,
    content: bytes,
    mode: str,
    by: User | None,
    now: datetime,
) -> AgentImport:
    """Keep a file for checking, which a job does if the file is large.

    Raises Refused where the file cannot be used as a whole.

    Files of the application that were left lying are thrown away on this occasion; of one that
    was written in part, the record stays, since it tells how many rows are imported.
    """
    require_good_standing(application.account)
    if len(content) > MAX_BYTES:
        raise Refused(_("The file is too large."), code="too_large", field="file")
    sheet = read_sheet(content, settings.AGENT_IMPORT_LIMIT)
    with transaction.atomic():
        account = lock_application(application)
        _throw_away(find_left_files(now).filter(account=account, application=application))
        imported = AgentImport.objects.create(
            account=account,
            application=application,
            file_name=file_name[:200],
            content=content,
            mode=ImportMode(mode),
            status=ImportStatus.SENT,
            total=len(sheet.rows),
            created_at=now,
            created_by=by,
        )
        if takes_a_job(imported.total):
            defer(CARRY_ON, {"key": imported.pk})
    return imported


def find_left_files(now: datetime) -> "QuerySet[AgentImport]":
    """Return the imports of which a file has been left lying for too long by `now`."""
    since = now - timedelta(hours=settings.IMPORT_FILE_RETENTION_HOURS)
    rows = AgentImport.objects.filter(created_at__lt=since, content__isnull=False)
    return rows.exclude(status__in=[ImportStatus.WAITING, ImportStatus.DONE])


def throw_away_left_files(*, now: datetime, batch_size: int) -> int:
    """Throw them away in all accounts, so many in each transaction; return their number.

    Those that are being written are left alone.
    """
    total = 0
    while True:
        with transaction.atomic():
            found = find_left_files(now).order_by("pk").select_for_update(skip_locked=True)
            keys = list(found.values_list("pk", flat=True)[:batch_size])
            _throw_away(AgentImport.objects.filter(pk__in=keys))
        total += len(keys)
        if len(keys) < batch_size:
            return total


def _throw_away(imports: "QuerySet[AgentImport]") -> None:
    imports.filter(written=0).delete()
    imports.update(content=None)


class ImportGone(Refused):
    """The file is no longer here, or nothing of the import is."""

    def __init__(self) -> None:
        super().__init__(
            _("This file is no longer available. Upload it again."), code="content_gone"
        )


def check_import(*, imported: AgentImport, now: datetime) -> Checked:
    """Check every row that is not written, and note all problems, or what the rows would do.

    Writes no agent, and may be repeated as often as one likes. `imported` is brought up to date.
    What was found is not noted where the import was written or canceled meanwhile: it is no longer
    true. Raises Refused where the file is not here, or was thrown away meanwhile.
    """
    checked, findings = find_problems(imported, now)
    note_findings(imported, findings)
    return checked


def find_problems(imported: AgentImport, now: datetime) -> tuple[Checked, dict[str, Any]]:
    """Check every row that is not written; return also the columns that tell what was found."""
    try:
        sheet = _remaining_sheet(imported)
    except AgentImport.DoesNotExist as gone:
        raise ImportGone from gone
    checked = check_sheet(imported.application, sheet, imported.mode, _reporter(imported), now)
    status = ImportStatus.FAULTY if checked.problems else ImportStatus.CHECKED
    return checked, {
        # A job that checks what it is about to write says itself how it ends.
        "status": ImportStatus.WAITING if imported.status == ImportStatus.WAITING else status,
        "done": imported.total,
        "problems": [asdict(problem) for problem in checked.problems],
        "preview": _preview(checked, sheet.columns) | {"sheet": printable(sheet.title)},
    }


def note_findings(imported: AgentImport, findings: dict[str, Any]) -> bool:
    """Note what a check has found, unless that was overtaken; return whether it was noted."""
    here = AgentImport.objects.filter(
        pk=imported.pk, status=imported.status, written=imported.written
    )
    is_noted = bool(here.update(**findings))
    try:
        imported.refresh_from_db(fields=["status", "done", "written", "problems", "preview"])
    except AgentImport.DoesNotExist as gone:
        raise ImportGone from gone
    return is_noted


def _remaining_sheet(imported: AgentImport) -> Sheet:
    """Read the rows that are not written yet."""
    if imported.content is None:
        raise ImportGone
    sheet = read_sheet(bytes(imported.content), settings.AGENT_IMPORT_LIMIT)
    if len(sheet.rows) != imported.total:
        # Another release reads the file in another way, so that `written` rows are others.
        raise Refused(_("Upload this file again."), code="content_gone")
    return replace(sheet, rows=sheet.rows[imported.written :])


def _reporter(imported: AgentImport) -> Progress:
    """Return a function that lets others see how many rows are checked, a few times a second."""
    last = float("-inf")

    def report(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _SECONDS_BETWEEN_REPORTS:
            last = time.monotonic()
            here = AgentImport.objects.filter(pk=imported.pk, status=imported.status)
            here.update(done=imported.written + done)

    return report


def _preview(checked: Checked, columns: dict[int, str]) -> dict[str, Any]:
    changes = list(find_changes(checked))
    return {
        "added": len(checked.rows) - len(checked.existing),
        "changed": len(changes),
        "same": len(checked.existing) - len(changes),
        "licenses": checked.needed,
        "free": checked.free,
        "columns": [column for column in AGENT_COLUMNS if column in columns.values()],
        "rows": [
            [getattr(row.details, column) for column in AGENT_COLUMNS if column in columns.values()]
            for row in checked.rows[:PREVIEW_ROWS]
        ],
    }


def find_changes(checked: Checked) -> Iterator[tuple[ImportRow, Agent, list[str]]]:
    """Yield the rows that change an agent, with the names of the columns that differ."""
    groups = _groups_of(list(checked.existing.values()))
    for row in checked.rows:
        agent = checked.existing.get(row.number)
        if agent is None:
            continue
        new = row.details.columns()
        differing = [name for name in AGENT_COLUMNS if getattr(agent, name) != new[name]]
        if groups.get(agent.pk, set()) != set(row.details.groups):
            differing.append("groups")
        if differing:
            yield row, agent, differing


def _groups_of(agents: list[Agent]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    members = SkillGroupMember.objects.filter(agent__in=[agent.pk for agent in agents])
    for agent_id, group_id in members.values_list("agent_id", "group_id"):
        found.setdefault(agent_id, set()).add(group_id)
    return found
