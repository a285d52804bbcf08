"""Files that are too long to be made within a request: asked for, made by a job, and handed out.

The job reads the rows, and writes the file and the end of the export in one statement. A job that
is run again makes the file from its beginning; one that comes too late writes nothing.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from accounts.access import Permission
from accounts.enums import WorkStatus
from accounts.errors import Refused
from accounts.jobs import defer
from accounts.models import Account, Export, User
from accounts.services.audit import Event, record
from accounts.services.background import (
    Clock,
    in_language_of,
    news_for_person,
    require_permission,
)
from accounts.services.notifications import News
from accounts.spreadsheets import Cell, stream_csv, write_xlsx

#: The task that makes a file.
MAKE = "accounts.tasks.make_export"
#: How many files a person can wait for at a time.
AT_A_TIME = 3
_SECONDS_BETWEEN_REPORTS = 0.3


@dataclass(frozen=True)
class ExportKind:
    """What can be exported: the permission that it takes, its name, and its rows.

    `read` gets the options that were stored; the first row is the heading.
    """

    permission: Permission
    label: str | Promise
    read: Callable[[Account, Mapping[str, Any], datetime], Iterable[Sequence[Cell]]]


class _Canceled(Exception):
    """No one waits for the file any more."""


def kind_of(name: str) -> ExportKind:
    """Return the kind of this name, which an app defines (setting `EXPORTS`)."""
    kind: ExportKind = import_string(settings.EXPORTS[name])
    return kind


def export_takes_a_job(count: int) -> bool:
    """Whether a file with so many rows is made in the background."""
    return count > settings.EXPORTED_AT_ONCE


@transaction.atomic
def begin_export(
    *,
    account: Account,
    kind: str,
    options: Mapping[str, Any],
    file_name: str,
    total: int,
    by: User,
    now: datetime,
) -> Export:
    """Let a job make a file. Raises Refused where the person waits for several already."""
    own = Export.objects.filter(account=account, created_by=by, status=WorkStatus.WAITING)
    if own.count() >= AT_A_TIME:
        raise Refused(
            _("%(count)s of your exports are still running. Wait for one of them, or cancel it.")
            % {"count": AT_A_TIME},
            code="too_many_exports",
        )
    export = Export.objects.create(
        account=account,
        kind=kind,
        options=dict(options),
        file_name=file_name,
        total=total,
        status=WorkStatus.WAITING,
        created_at=now,
        created_by=by,
    )
    data = {"kind": kind, "options": export.options, "rows": total}
    event = Event(verb="export.begun", target=export, to_state=export.status, data=data)
    record([event], account=account, by=by, now=now)
    defer(MAKE, {"key": export.pk})
    return export


def cancel_export(*, export: Export, by: User, now: datetime) -> None:
    """Cancel an export whose file is not made yet. Raises Refused where it has ended."""
    if not _end(export, WorkStatus.CANCELED, now=now):
        raise Refused(_("This export has ended already."), code="ended")


def find_old_exports(now: datetime) -> "QuerySet[Any]":
    """Return the exports that have been kept for long enough, with their files."""
    limit = now - timedelta(days=settings.EXPORT_RETENTION_DAYS)
    return Export.objects.filter(created_at__lt=limit)


# --- What the job does ---------------------------------------------------------------------


def make_file(key: int, *, clock: Clock) -> None:
    """Make the file of an export that waits, and tell who asked for it."""
    exports = Export.objects.select_related("account", "created_by").defer("content")
    export = exports.filter(pk=key, status=WorkStatus.WAITING).first()
    if export is None:
        return
    kind = kind_of(export.kind)
    with in_language_of(export.person):
        try:
            require_permission(export.account, export.person, kind.permission)
            content = _write(export, kind, clock())
        except Refused as refusal:
            _end(export, WorkStatus.STOPPED, reason=str(refusal), now=clock())
        except _Canceled:
            return
        else:
            _end(export, WorkStatus.DONE, content=content, now=clock())


def _write(export: Export, kind: ExportKind, now: datetime) -> bytes:
    rows = _reported(export, kind.read(export.account, export.options, now))
    if export.file_name.endswith(".xlsx"):
        return write_xlsx(rows, title=str(kind.label)).getvalue()
    return "".join(stream_csv(rows)).encode()


def _reported(export: Export, rows: Iterable[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    """Yield the rows, and let others see a few times a second how many there were."""
    last = time.monotonic()
    for number, row in enumerate(rows):
        yield row
        if time.monotonic() - last >= _SECONDS_BETWEEN_REPORTS:
            last = time.monotonic()
            here = Export.objects.filter(pk=export.pk, status=WorkStatus.WAITING)
            if not here.update(done=number):
                raise _Canceled


@transaction.atomic
def _end(
    export: Export,
    status: WorkStatus,
    *,
    content: bytes | None = None,
    reason: str = "",
    now: datetime,
) -> bool:
    """Write how the export ended, and tell who asked; return whether it had not ended before."""
    here = Export.objects.filter(pk=export.pk, status=WorkStatus.WAITING)
    values = {"content": content, "reason": reason, "finished_at": now}
    if not here.update(status=status, done=F("total" if content else "done"), **values):
        return False
    current = Export.objects.select_related("account", "created_by").defer("content")
    ended = current.get(pk=export.pk)
    event = Event(
        verb=f"export.{status}",
        target=ended,
        from_state=WorkStatus.WAITING,
        to_state=status,
        reason=reason,
        news=[] if status == WorkStatus.CANCELED else news_for_person(ended, _news(ended), now),
    )
    record([event], account=ended.account, by=ended.created_by, now=now)
    return True


def _news(export: Export) -> News:
    return News(
        account=export.account,
        kind="export_ended",
        params={
            "file": export.file_name,
            "status": export.status,
            "reason": export.reason,
            "kept_until_at": kept_until(export),
        },
        to=[export.created_by] if export.created_by else [],
        path=reverse("accounts:export", kwargs={"uin": export.account.uin, "pk": export.pk}),
    )


def kept_until(export: Export) -> datetime:
    """Return when the file is deleted."""
    return export.created_at + timedelta(days=settings.EXPORT_RETENTION_DAYS)
