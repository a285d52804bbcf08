"""Bringing a file of agents in: keep it, check it, then write all of it or nothing."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, connections, transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account, Application, User
from accounts.services.audit import record_event
from accounts.services.tenants import require_good_standing
from accounts.text import email_key, fold
from agents.enums import ImportMode, ImportStatus
from agents.models import Agent, AgentImport, SkillGroupMember
from agents.rows import CHUNK, Checked, Row, check_sheet, compare, read_groups, read_rows
from agents.services.batches import lock_application, require_rows, write_events
from agents.services.licences import hand_over
from agents.services.seats import claim_licences
from agents.sheets import MAX_BYTES, Sheet, printable, read_sheet
from billing.enums import LicenceKind

#: A file that nobody has imported within this time is thrown away.
KEPT_FOR = timedelta(hours=24)
PREVIEW_ROWS = 20
_SECONDS_BETWEEN_REPORTS = 0.3
_COLUMNS = ("name", "nickname", "staff_number", "email", "phone", "role", "extension")


class ImportFaulty(Refused):
    """The file has problems; nothing was written."""

    def __init__(self, checked: Checked) -> None:
        super().__init__(
            _("The file has problems by now. Nothing was imported."), code="import_faulty"
        )
        self.checked = checked


def send_import(
    *,
    application: Application,
    file_name: str,
    content: bytes,
    mode: str,
    by: User | None,
    now: datetime,
) -> AgentImport:
    """Keep a file for checking. Raises Refused where it cannot be used as a whole.

    Files of the application that were left lying are thrown away on this occasion.
    """
    require_good_standing(application.account)
    if len(content) > MAX_BYTES:
        raise Refused(_("The file is too large."), code="too_large", field="file")
    sheet = read_sheet(content, settings.AGENT_IMPORT_LIMIT)
    with transaction.atomic():
        account = lock_application(application)
        own = AgentImport.objects.filter(account=account, application=application)
        own.filter(created_at__lt=now - KEPT_FOR).exclude(status=ImportStatus.DONE).delete()
        return AgentImport.objects.create(
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


def _sheet(imported: AgentImport) -> Sheet:
    if imported.content is None:
        raise Refused(_("This file is no longer here. Send it again."), code="content_gone")
    return read_sheet(bytes(imported.content), settings.AGENT_IMPORT_LIMIT)


@contextmanager
def _reporting(imported: AgentImport) -> Iterator[Callable[[int], None]]:
    """Offer a function that lets others see how many rows are done.

    It writes over a connection of its own, since nobody sees what a transaction has not
    committed; and a few times a second only.
    """
    own = connections.create_connection("default")
    last = time.monotonic()

    def report(done: int) -> None:
        nonlocal last
        if done < imported.total and time.monotonic() - last < _SECONDS_BETWEEN_REPORTS:
            return
        last = time.monotonic()
        with own.cursor() as cursor:
            cursor.execute(
                "UPDATE agents_agentimport SET done = %s WHERE id = %s AND total >= %s",
                [done, imported.pk, done],
            )

    try:
        yield report
    finally:
        own.close()


def check_import(*, imported: AgentImport, now: datetime) -> AgentImport:
    """Check every row, and note all problems, or what the file would do; write no agent.

    May be repeated as often as one likes; only a file that is not imported yet is checked.
    """
    sheet = _sheet(imported)
    application = imported.application
    with _reporting(imported) as report:
        report(0)
        checked = check_sheet(application, sheet, imported.mode, report, now)
    return _note(imported, checked, sheet)


def _note(imported: AgentImport, checked: Checked, sheet: Sheet) -> AgentImport:
    imported.status = ImportStatus.FAULTY if checked.problems else ImportStatus.CHECKED
    imported.done = imported.total
    imported.problems = [asdict(problem) for problem in checked.problems]
    imported.preview = _preview(checked, sheet.columns) | {"sheet": printable(sheet.title)}
    fields = ("status", "done", "problems", "preview")
    AgentImport.objects.filter(pk=imported.pk).exclude(status=ImportStatus.DONE).update(
        **{name: getattr(imported, name) for name in fields}
    )
    return imported


def _preview(checked: Checked, columns: dict[int, str]) -> dict[str, Any]:
    changes = list(_changes(checked))
    return {
        "added": len(checked.rows) - len(checked.existing),
        "changed": len(changes),
        "same": len(checked.existing) - len(changes),
        "licences": checked.needed,
        "free": checked.free,
        "columns": [column for column in _COLUMNS if column in columns.values()],
        "rows": [
            [getattr(row.details, column) for column in _COLUMNS if column in columns.values()]
            for row in checked.rows[:PREVIEW_ROWS]
        ],
    }


def _changes(checked: Checked) -> Iterator[tuple[Row, Agent, list[str]]]:
    """Yield the rows that change an agent, with the names of the columns that differ."""
    groups = _groups_of(list(checked.existing.values()))
    for row in checked.rows:
        agent = checked.existing.get(row.number)
        if agent is None:
            continue
        new = row.details.columns()
        differing = [name for name in _COLUMNS if getattr(agent, name) != new[name]]
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


def run_import(*, imported: AgentImport, by: User | None, now: datetime) -> AgentImport:
    """Write all agents of a checked file, or none.

    Everything is checked once more: what the rows say before the account is locked, and what
    they meet there under its lock. A file that is imported already
    is left alone and returned as it is. Raises Refused where the file is not checked, where it
    has problems by now (they are noted with it), and for a restricted account.
    """
    current = AgentImport.objects.get(pk=imported.pk)
    if current.status == ImportStatus.DONE:
        return current
    if current.status != ImportStatus.CHECKED:
        raise Refused(_("Check the file first."), code="not_checked")
    rows = read_rows(imported.application, _sheet(current), lambda done: None)
    try:
        with _reporting(imported) as report:
            return _write_all(imported, rows, report, by=by, now=now)
    except ImportFaulty as refusal:
        _note(imported, refusal.checked, _sheet(imported))
        raise


@transaction.atomic
def _write_all(
    imported: AgentImport,
    rows: Checked,
    report: Callable[[int], None],
    *,
    by: User | None,
    now: datetime,
) -> AgentImport:
    account = lock_application(imported.application)
    current = AgentImport.objects.get(pk=imported.pk)
    if current.status == ImportStatus.DONE:
        return current
    if current.status != ImportStatus.CHECKED:
        raise Refused(_("Check the file first."), code="not_checked")
    current.application = imported.application
    report(0)
    if read_groups(imported.application) != rows.groups:
        rows = read_rows(imported.application, _sheet(current), lambda done: None)
    checked = compare(rows, imported.application, current.mode, now)
    if checked.problems:
        raise ImportFaulty(checked)
    try:
        with transaction.atomic():
            _write_rows(account, current, checked, report, by=by, now=now)
    except IntegrityError as error:
        raise Refused(
            _("A value has just been taken by somebody else. Check the file again."),
            code="taken_meanwhile",
        ) from error
    return _finish(account, current, checked, by=by, now=now)


def _write_rows(
    account: Account,
    imported: AgentImport,
    checked: Checked,
    report: Callable[[int], None],
    *,
    by: User | None,
    now: datetime,
) -> None:
    changes = list(_changes(checked))
    new = [row for row in checked.rows if row.number not in checked.existing]
    licences = iter(_claim(imported.application, checked, now))
    for start in range(0, len(new), CHUNK):
        _add(account, imported, new[start : start + CHUNK], licences, by=by, now=now)
        report(min(start + CHUNK, len(new)))
    for start in range(0, len(changes), CHUNK):
        _change(account, imported, changes[start : start + CHUNK], by=by, now=now)
        report(min(len(new) + start + CHUNK, imported.total))
    wanting = [
        checked.existing[row.number].pk
        for row in checked.rows
        if row.wants_licence and row.number in checked.existing
    ]
    waiting = list(Agent.objects.filter(pk__in=wanting).unlicensed(now).order_by("pk"))
    hand_over(account, waiting, [next(licences) for _agent in waiting], by=by, now=now)


def _claim(application: Application, checked: Checked, now: datetime) -> list[int]:
    if not checked.needed:
        return []
    return claim_licences(application, LicenceKind.AGENT, checked.needed, now)


def _add(
    account: Account,
    imported: AgentImport,
    rows: list[Row],
    licences: Iterator[int],
    *,
    by: User | None,
    now: datetime,
) -> None:
    agents = Agent.objects.bulk_create(
        [
            Agent(
                account=account,
                application=imported.application,
                licence_id=next(licences) if row.wants_licence else None,
                created_at=now,
                updated_at=now,
                **row.details.columns(),
            )
            for row in rows
        ]
    )
    SkillGroupMember.objects.bulk_create(
        SkillGroupMember(account=account, group_id=group, agent=agent)
        for row, agent in zip(rows, agents, strict=True)
        for group in row.details.groups
    )
    write_events(
        account=account,
        verb="agent.added",
        agents=agents,
        describe=lambda agent: {"licence": agent.licence_id, "import": imported.pk},
        by=by,
        now=now,
    )


def _change(
    account: Account,
    imported: AgentImport,
    changes: list[tuple[Row, Agent, list[str]]],
    *,
    by: User | None,
    now: datetime,
) -> None:
    ids = [agent.pk for _row, agent, _differing in changes]
    columns = [row.details.columns() for row, _agent, _differing in changes]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE agents_agent SET (name, nickname, staff_number, email, phone, role, extension,"
            " name_key, staff_number_key, email_key) = (new.name, new.nickname, new.staff_number,"
            " new.email, new.phone, new.role, new.extension, new.name_key, new.staff_number_key,"
            " new.email_key), updated_at = %s"
            " FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],"
            " %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])"
            " AS new (id, name, nickname, staff_number, email, phone, role, extension, name_key,"
            " staff_number_key, email_key) WHERE agents_agent.id = new.id",
            [
                now,
                ids,
                *([values[name] for values in columns] for name in _COLUMNS),
                [fold(values["name"]) for values in columns],
                [fold(values["staff_number"]) for values in columns],
                [email_key(values["email"]) for values in columns],
            ],
        )
        require_rows(cursor.rowcount, len(ids))
    regrouped = [(row, agent) for row, agent, differing in changes if "groups" in differing]
    SkillGroupMember.objects.filter(agent__in=[agent.pk for _row, agent in regrouped]).delete()
    SkillGroupMember.objects.bulk_create(
        SkillGroupMember(account=account, group_id=group, agent=agent)
        for row, agent in regrouped
        for group in row.details.groups
    )
    differing_of = {agent.pk: differing for _row, agent, differing in changes}
    write_events(
        account=account,
        verb="agent.edited",
        agents=[agent for _row, agent, _differing in changes],
        describe=lambda agent: {"fields": differing_of[agent.pk], "import": imported.pk},
        by=by,
        now=now,
    )


def _finish(
    account: Account, imported: AgentImport, checked: Checked, *, by: User | None, now: datetime
) -> AgentImport:
    imported.status, imported.finished_at = ImportStatus.DONE, now
    imported.done, imported.content = imported.total, None
    found = (
        AgentImport.objects.filter(pk=imported.pk)
        .exclude(status=ImportStatus.DONE)
        .update(status=ImportStatus.DONE, finished_at=now, done=imported.total, content=None)
    )
    require_rows(found, 1)
    record_event(
        account=account,
        verb="agents.imported",
        target=imported,
        data={"rows": len(checked.rows), "added": len(checked.rows) - len(checked.existing)},
        by=by,
        now=now,
    )
    return imported
