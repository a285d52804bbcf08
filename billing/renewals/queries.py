"""SQL about reminders, where a measurement speaks for it."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

#: The account, the package, its expiry and the days from it.
ReminderKey = tuple[int, int, datetime, int]


def claim_reminders(due: Sequence[ReminderKey], now: datetime) -> set[tuple[int, int]]:
    """Record that reminders are sent; return package and days of those that were not before.

    Those of an account that another session has locked entirely are left for the next run, so
    that the others in the batch do not wait for it: the news refer to the account. A thousand took
    1.0 s by `get_or_create`, which alone of the ORM's ways tells what is new, and 13 ms by this.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_expiryreminder"
            " (account_id, package_id, expires_at, offset_days, sent_at)"
            " SELECT due.*, %s FROM unnest("
            "  %s::bigint[], %s::bigint[], %s::timestamptz[], %s::int[]"
            " ) AS due (account_id, package_id, expires_at, offset_days)"
            " JOIN accounts_account a ON a.id = due.account_id FOR KEY SHARE OF a SKIP LOCKED"
            " ON CONFLICT DO NOTHING RETURNING package_id, offset_days",
            [now, *(list(column) for column in (zip(*due, strict=True) if due else [[]] * 4))],
        )
        return set(cursor.fetchall())
