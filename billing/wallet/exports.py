"""The statement as a table, within a request and in the background."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date, datetime
from itertools import chain
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import Permission
from accounts.models import Account
from accounts.services.exports import ExportKind
from accounts.spreadsheets import Cell
from billing.enums import LedgerKind
from billing.wallet.statements import COLUMNS, StatementFilter, stream_rows


def statement_table(account: Account, chosen: StatementFilter) -> Iterator[list[Cell]]:
    """Return the heading and the rows.

    The words are looked up now: while a long file is read, the request's language is gone.
    """
    heading: list[Cell] = [_("When"), _("Kind"), _("Number"), _("Other account")]
    heading += [*(str(kind.label) for kind in COLUMNS), _("Currency")]
    labels = {kind: str(kind.label) for kind in LedgerKind}
    rows: Iterator[list[Cell]] = (
        [
            timezone.localtime(row.at),
            labels[row.kind],
            row.number,
            row.other,
            *row.cells,
            row.currency,
        ]
        for row in stream_rows(account, chosen)
    )
    return chain([heading], rows)


def as_options(chosen: StatementFilter) -> dict[str, Any]:
    """Return what is stored of a filter until a job reads the rows."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in asdict(chosen).items()
    }


def _read(account: Account, options: Mapping[str, Any], now: datetime) -> Iterator[list[Cell]]:
    days = {
        name: date.fromisoformat(options[name]) if options[name] else None
        for name in ("since", "until")
    }
    return statement_table(account, StatementFilter(**{**options, **days}))


STATEMENT = ExportKind(Permission.READ_MONEY, gettext_lazy("Statement"), _read)
