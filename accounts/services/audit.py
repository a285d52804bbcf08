"""Writing history: one event for every change of state."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Model

from accounts.models import Account, AuditEvent, User


def build_event(
    *,
    account: Account | None,
    verb: str,
    target: Model,
    by: User | None,
    now: datetime,
    from_state: str = "",
    to_state: str = "",
    reason: str = "",
    data: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Return an unsaved event, for a service that writes several in one statement."""
    return AuditEvent(
        account=account,
        at=now,
        actor=by,
        verb=verb,
        target_type=target._meta.label_lower,
        target_id=target.pk,
        target_label=str(target)[:200],
        from_state=from_state,
        to_state=to_state,
        reason=reason,
        data=dict(data or {}),
    )


def record_event(
    *,
    account: Account | None,
    verb: str,
    target: Model,
    by: User | None,
    now: datetime,
    from_state: str = "",
    to_state: str = "",
    reason: str = "",
    data: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Write down that `target` changed.

    `verb` is "noun.past", as in "package.isolated"; `by=None` means that the system acted.
    Call it inside the transaction of the change itself.
    """
    event = build_event(
        account=account,
        verb=verb,
        target=target,
        by=by,
        now=now,
        from_state=from_state,
        to_state=to_state,
        reason=reason,
        data=data,
    )
    event.save(force_insert=True)
    return event
