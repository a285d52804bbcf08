"""Telling people what happened: in the console, and by email through an outbox.

    News(
        account=account,
        kind="package_expiring",
        params={"application": "Hotline", "expires_at": package.expires_at, "days": 3},
        to=Permission.SPEND,                      # or a list of users
        path="/console/100000000001/…",           # where the reader continues; optional
        dedupe_key="package:17:2026-03-31:-3",    # the same news reaches each person once
    )

belongs to the event that it tells of: `accounts.services.audit.record` writes both. News without
an event, such as a reminder, go to `notify_members`, inside the transaction of what they tell:
rows are written, nothing is sent. Background jobs send them, or `send_notifications`.

There is nothing to register: the kind names its texts.

- `templates/notifications/<kind>.txt`, needed: the first line is the subject and headline, the
  rest, after an empty line, is the text. It is plain text, so nothing in it is escaped.
- `templates/notifications/<kind>.html`, optional: extends `notifications/email.html` and fills its
  block `body`. Without it the text itself is put into that frame.

Both get `params`, and beside them `account`, `user`, `path` and `url` (absolute; both empty
without a path). They are rendered in the reader's language, when they are read. Values of
`params` are stored as JSON: amounts come back as text (`{{ amount|money }}` takes it), and a key
that ends in `_at` comes back as an instant, for `{{ expires_at|date:"…" }}`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Expression, F, QuerySet
from django.db.models.functions import JSONObject

from accounts.access import PERMISSIONS_OF_ROLE, Permission
from accounts.jobs import SEND_NEWS, defer
from accounts.models import Account, Membership, Notification, User
from accounts.prepared import PreparedQuery
from accounts.queries import insert_selected
from accounts.row_security import touch

#: Rows written by one statement, and sent by one job.
_BATCH = 1000
_SENT = 100


@dataclass(frozen=True)
class News:
    """One piece of news of an account, for everyone there who may do something, or for `to`."""

    account: Account
    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    to: Permission | Sequence[User] = Permission.READ
    path: str = ""
    dedupe_key: str = ""
    is_emailed: bool = True


def notify_members(news: Iterable[News], *, now: datetime) -> None:
    """Put news into the outbox: one query for the recipients, one statement per 1,000 rows."""
    items = list(news)
    members = _members({item.account.pk for item in items})
    rows = [
        _row(item, user_id, now)
        for item in items
        for user_id in _recipients(item, members.get(item.account.pk, []))
    ]
    # Anyone who was told already is left out by the key (user, dedupe_key). The database does not
    # say who was, so this news is sent by the next look into the outbox.
    once = [row for row in rows if row.dedupe_key]
    Notification.objects.bulk_create(once, batch_size=_BATCH, ignore_conflicts=True)
    rest = [row for row in rows if not row.dedupe_key]
    Notification.objects.bulk_create(rest, batch_size=_BATCH)
    keys = [row.pk for row in rest if row.next_attempt_at]
    defer(SEND_NEWS, *({"ids": keys[at : at + _SENT]} for at in range(0, len(keys), _SENT)))


def _members(account_ids: set[int]) -> dict[int, list[tuple[int, str]]]:
    """The active members (user id, role) of each account."""
    # A payer's, for example, whose account was not locked.
    touch(*account_ids)
    found: dict[int, list[tuple[int, str]]] = {}
    rows = Membership.objects.filter(account_id__in=account_ids, user__is_active=True)
    for account_id, user_id, role in rows.order_by("pk").values_list(
        "account_id", "user_id", "role"
    ):
        found.setdefault(account_id, []).append((user_id, role))
    return found


def _recipients(news: News, members: list[tuple[int, str]]) -> list[int]:
    if isinstance(news.to, Permission):
        return [user_id for user_id, role in members if news.to in PERMISSIONS_OF_ROLE[role]]
    wanted = {user.pk for user in news.to}
    return [user_id for user_id, _role in members if user_id in wanted]


def _row(news: News, user_id: int, now: datetime) -> Notification:
    return Notification(
        user_id=user_id,
        account=news.account,
        kind=news.kind,
        params=json.loads(json.dumps(dict(news.params), cls=DjangoJSONEncoder)),
        path=news.path,
        dedupe_key=news.dedupe_key,
        created_at=now,
        next_attempt_at=now if news.is_emailed else None,
    )


@dataclass(frozen=True)
class NewsOfEach:
    """The same news of many rows: `params` and `path` are expressions on a row of the database."""

    kind: str
    params: Mapping[str, Expression | F]
    to: Permission
    path: Expression


def notify_members_of_each(rows: QuerySet[Any], news: NewsOfEach, *, now: datetime) -> None:
    """Put news of each of `rows`, whose model has an account, into the outbox, in one statement.

    It is sent by the next look into the outbox.
    """
    roles = [role for role, may in PERMISSIONS_OF_ROLE.items() if news.to in may]
    told = rows.filter(
        account__memberships__role__in=roles, account__memberships__user__is_active=True
    )
    insert_selected(
        Notification,
        told,
        {
            "user": F("account__memberships__user"),
            "account": F("account"),
            "kind": news.kind,
            "params": JSONObject(**news.params),
            "path": news.path,
            "created_at": now,
            "next_attempt_at": now,
        },
    )


# --- Reading -------------------------------------------------------------------------------

#: The header shows no greater number of unread news than this.
UNREAD_LIMIT = 99


def unread_count(user: User) -> int:
    """Count the news that `user` has not read, up to `UNREAD_LIMIT` + 1."""
    return len(_unread(user.pk))


@PreparedQuery
def _unread(user_id: int) -> "QuerySet[Notification, int]":
    # Every page asks, and compiling costs more than reading a few keys.
    unread = _visible_to(user_id).filter(read_at=None)
    return unread.values_list("pk", flat=True)[: UNREAD_LIMIT + 1]


def visible_to(user: User) -> "QuerySet[Notification]":
    """Return the news of accounts that `user` is still a member of."""
    return _visible_to(user.pk)


def _visible_to(user_id: int) -> "QuerySet[Notification]":
    mine = Membership.objects.filter(user_id=user_id).values("account_id")
    return Notification.objects.filter(user_id=user_id, account_id__in=mine)


def mark_read(*, pk: int | None, by: User, now: datetime) -> int:
    """Mark one piece of news of `by`, or with `pk=None` all, as read; return how many were."""
    unread = visible_to(by).filter(read_at=None, created_at__lte=now)
    return (unread if pk is None else unread.filter(pk=pk)).update(read_at=now)
