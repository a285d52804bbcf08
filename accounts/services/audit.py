"""What a transaction did, recorded once at its end: the audit trail, and news for members.

    events = [
        Event(verb="order.placed", target=order, to_state=order.status, news=[ask_payer(order)]),
        Event(verb="package.purchased", target=package, from_state=was, to_state=package.state),
    ]
    record(events, account=account, by=by, now=now)

A service collects its events and hands them over once, when all of its rows are written; a
function that it calls for a part of its work returns events. A service that is called by another
one, in the same transaction, records its own.

Where the same thing happens to thousands of rows, `record_each` writes it without reading them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Expression, F, Model, QuerySet

from accounts.models import Account, AuditEvent, User
from accounts.queries import insert_selected
from accounts.services.notifications import (
    News,
    NewsOfEach,
    notify_members,
    notify_members_of_each,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One thing that happened to `target`, and what members are told of it.

    `verb` is "noun.past", as in "package.isolated"; `data` is plain JSON. `account` is given only
    where an event belongs to the trail of another account than the others of its transaction.
    """

    verb: str
    target: Model
    from_state: str = ""
    to_state: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    account: Account | None = None
    news: Sequence[News] = ()


def record(
    events: Iterable[Event], *, account: Account | None, by: User | None, now: datetime
) -> None:
    """Write everything that follows from what a transaction did, at its end.

    One statement for the audit trail of `account`, and two for the news, where there are any.
    Objects are named in the trail as they are now. `by=None` means that the system acted.
    Whatever else should follow from an event, such as background work, begins here too.
    """
    news: list[News] = []
    trail = []
    for event in events:
        news += event.news
        trail.append(
            AuditEvent(
                account=event.account or account,
                at=now,
                actor=by,
                verb=event.verb,
                target_type=event.target._meta.label_lower,
                target_id=event.target.pk,
                target_label=str(event.target)[:200],
                from_state=event.from_state,
                to_state=event.to_state,
                reason=event.reason,
                data=dict(event.data),
            )
        )
    AuditEvent.objects.bulk_create(trail)
    if news:
        notify_members(news, now=now)


@dataclass(frozen=True, kw_only=True)
class EventOfEach:
    """The same thing that happened to many rows; `label` is an expression for a row's name."""

    verb: str
    label: Expression | F
    from_state: str
    to_state: str
    news: NewsOfEach


def record_each(rows: QuerySet[Any], event: EventOfEach, *, now: datetime) -> None:
    """Write what `record` would write for an event of each of `rows`, whose model has an account.

    Two statements however many rows there are, which stay in the database. The system acted.
    """
    insert_selected(
        AuditEvent,
        rows,
        {
            "account": F("account"),
            "at": now,
            "verb": event.verb,
            "target_type": rows.model._meta.label_lower,
            "target_id": F("pk"),
            "target_label": event.label,
            "from_state": event.from_state,
            "to_state": event.to_state,
        },
    )
    notify_members_of_each(rows, event.news, now=now)
