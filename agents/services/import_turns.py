"""Writing a checked file of agents: a few hundred rows in each transaction, in their order.

A turn takes the account's lock, looks where the import stands, compares its rows with the table
again, writes them, and moves the import on, all in one transaction. So a run can be killed at any
moment, run again, or run twice at the same time, and each row is still written once.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.access import Permission
from accounts.errors import Busy, Refused
from accounts.models import Account, Application, User
from accounts.queries import update_by_key
from accounts.services.audit import Event, record
from accounts.services.background import news_for_person, require_permission
from accounts.services.notifications import News
from accounts.text import email_key, fold
from agents.enums import ImportStatus
from agents.models import Agent, AgentImport, SkillGroupMember
from agents.rows import Checked, ImportRow, compare, read_groups
from agents.services.batches import lock_application, require_rows
from agents.services.imports import AGENT_COLUMNS, ImportGone, check_import, find_changes
from agents.services.licenses import hand_over
from agents.services.seats import claim_licenses
from billing.enums import LicenseKind

#: Rows written in one transaction: it holds the account for well below a second.
TURN = 250


class ImportFaulty(Refused):
    """Rows that are not written have problems, which are noted with the import."""

    def __init__(self, imported: AgentImport) -> None:
        message = (
            _("The remaining rows now have problems. None of them was imported.")
            if imported.written
            else _("The file now has problems. Nothing was imported.")
        )
        super().__init__(message, code="import_faulty")


class RowsOutdated(Exception):
    """What the rows of a turn were checked against has changed since."""


def run_import(*, imported: AgentImport, by: User | None, now: datetime) -> AgentImport:
    """Write the rows of a checked file that are not written yet, in turns, and return the import.

    All of them are checked once more first, without the account's lock, and none is written where
    one has a problem. Each turn compares its rows again under the lock; where something has come
    in between, the import stops there: what is written stays, and running it again continues. A
    file that is imported already, or by a job, is left alone.

    Raises ImportFaulty where rows have problems by now, and Refused where the file is not checked
    or no longer here, for a restricted account, and, once rows are written, for a busy one.
    """
    current = load(imported.pk)
    if current.status in {ImportStatus.DONE, ImportStatus.WAITING}:
        return current
    require_checked(current)
    start = current.written
    rows = check_import(imported=current, now=now)
    try:
        while not rows.problems and current.status != ImportStatus.DONE:
            current = write_turn(current, rows, start, by=by, now=now)
    except RowsOutdated:
        current = load(imported.pk)
        check_import(imported=current, now=now)
    except Busy as busy:
        if not current.written:
            raise
        message = _("Someone else is working on this account right now.")
        raise Refused(message, code="busy") from busy
    if current.status == ImportStatus.FAULTY:
        raise ImportFaulty(current)
    return current


def require_checked(imported: AgentImport) -> None:
    """Raise Refused where the file was not found to be in order yet."""
    if imported.status != ImportStatus.CHECKED and not imported.written:
        raise Refused(_("Check the file first."), code="not_checked")


def load(key: int, *later: str) -> AgentImport:
    """Read an import as it is now; fields named by `later` only when they are asked for.

    Raises Refused where nothing of it is left.
    """
    rows = AgentImport.objects.select_related("application__account", "created_by", "started_by")
    found = rows.defer(*later).filter(pk=key).first()
    if found is None:
        raise ImportGone
    return found


@transaction.atomic
def write_turn(
    imported: AgentImport, rows: Checked, start: int, *, by: User | None, now: datetime
) -> AgentImport:
    """Write the next rows; `start` rows of the file had been written before `rows` were read.

    A job also asks whether the person may still do this, and stops where it was canceled.
    """
    application = imported.application
    account = lock_application(application)
    # Another run may have come further meanwhile: this one continues from there.
    current = load(imported.pk, "content")
    is_job = imported.status == ImportStatus.WAITING
    is_canceled = is_job and current.status != ImportStatus.WAITING
    if current.status == ImportStatus.DONE or is_canceled:
        return current
    if is_job:
        require_permission(account, by, Permission.MANAGE_AGENTS)
    place = current.written - start
    turn = Checked(rows=rows.rows[place : place + TURN], groups=rows.groups)
    compare(turn, application, current.mode, now)
    if turn.problems or not _groups_stand(turn, application):
        raise RowsOutdated
    try:
        with transaction.atomic():
            _write_rows(account, current, turn, by=by, now=now)
    except IntegrityError as error:
        raise RowsOutdated from error
    return _move_on(account, current, turn, by=by, now=now)


def _groups_stand(turn: Checked, application: Application) -> bool:
    """Whether the skill groups of these rows still have the names that the file gave."""
    used = {group for row in turn.rows for group in row.details.groups}
    present = read_groups(application)
    return all(present.get(name) == key for name, key in turn.groups.items() if key in used)


def _move_on(
    account: Account, imported: AgentImport, turn: Checked, *, by: User | None, now: datetime
) -> AgentImport:
    """Count the rows as written; after the last, the import is done and the file goes."""
    added = imported.added + len(turn.rows) - len(turn.existing)
    values = {"written": imported.written + len(turn.rows), "added": added, "problems": []}
    news: list[News] = []
    is_done = values["written"] == imported.total
    if is_done and imported.status == ImportStatus.WAITING:
        news = import_news(imported, ImportStatus.DONE, now)
    if is_done:
        values |= {"status": ImportStatus.DONE, "finished_at": now, "content": None}
    elif imported.status != ImportStatus.WAITING:
        values["status"] = ImportStatus.CHECKED
    here = AgentImport.objects.filter(pk=imported.pk, written=imported.written)
    require_rows(here.filter(status=imported.status).update(**values), 1)
    for name, value in values.items():
        setattr(imported, name, value)
    if is_done:
        event = Event(
            verb="agents.imported",
            target=imported,
            data={"rows": imported.total, "added": added},
            news=news,
        )
        record([event], account=account, by=by, now=now)
    return imported


def import_news(
    imported: AgentImport, outcome: ImportStatus, now: datetime, reason: str = ""
) -> list[News]:
    """Return what tells who started a job how it ended; nothing where their page shows it."""
    account, person = imported.application.account, imported.person
    place = {"uin": account.uin, "sdkappid": imported.application.sdkappid, "pk": imported.pk}
    news = News(
        account=account,
        kind="agents_imported",
        params={
            "application": imported.application.name,
            "file": imported.file_name,
            "outcome": outcome,
            "written": imported.total if outcome == ImportStatus.DONE else imported.written,
            "total": imported.total,
            "problems": len(imported.problems),
            "reason": reason,
        },
        to=[person] if person else [],
        path=reverse("agents:import_file", kwargs=place),
    )
    return news_for_person(imported, news, now)


def _write_rows(
    account: Account, imported: AgentImport, turn: Checked, *, by: User | None, now: datetime
) -> None:
    licenses = iter(claim_licenses(imported.application, LicenseKind.AGENT, turn.needed, now))
    new = [row for row in turn.rows if row.number not in turn.existing]
    _add(account, imported, new, licenses, by=by, now=now)
    _change(account, imported, list(find_changes(turn)), by=by, now=now)
    wanting = [
        turn.existing[row.number].pk
        for row in turn.rows
        if row.wants_license and row.number in turn.existing
    ]
    waiting = list(Agent.objects.filter(pk__in=wanting).unlicensed(now).order_by("pk"))
    hand_over(account, waiting, list(licenses), by=by, now=now)


def _add(
    account: Account,
    imported: AgentImport,
    rows: list[ImportRow],
    licenses: Iterator[int],
    *,
    by: User | None,
    now: datetime,
) -> None:
    agents = Agent.objects.bulk_create(
        [
            Agent(
                account=account,
                application=imported.application,
                license_id=next(licenses) if row.wants_license else None,
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
    events = [
        Event(
            verb="agent.added",
            target=agent,
            data={"license": agent.license_id, "import": imported.pk},
        )
        for agent in agents
    ]
    record(events, account=account, by=by, now=now)


def _change(
    account: Account,
    imported: AgentImport,
    changes: list[tuple[ImportRow, Agent, list[str]]],
    *,
    by: User | None,
    now: datetime,
) -> None:
    ids = [agent.pk for _row, agent, _differing in changes]
    columns = [row.details.columns() for row, _agent, _differing in changes]
    written: dict[str, Iterable[Any]] = {
        name: [values[name] for values in columns] for name in AGENT_COLUMNS
    }
    keys: dict[str, Iterable[Any]] = {
        "name_key": map(fold, written["name"]),
        "staff_number_key": map(fold, written["staff_number"]),
        "email_key": map(email_key, written["email"]),
        "updated_at": [now] * len(ids),
    }
    require_rows(update_by_key(Agent, ids, written | keys), len(ids))
    regrouped = [(row, agent) for row, agent, differing in changes if "groups" in differing]
    SkillGroupMember.objects.filter(agent__in=[agent.pk for _row, agent in regrouped]).delete()
    SkillGroupMember.objects.bulk_create(
        SkillGroupMember(account=account, group_id=group, agent=agent)
        for row, agent in regrouped
        for group in row.details.groups
    )
    events = [
        Event(verb="agent.edited", target=agent, data={"fields": differing, "import": imported.pk})
        for _row, agent, differing in changes
    ]
    record(events, account=account, by=by, now=now)
