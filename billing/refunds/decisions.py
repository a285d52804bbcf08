"""Refund requests under review: granted or turned down by staff, or withdrawn by the customer."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account, User
from accounts.services.audit import Event, record
from accounts.services.second_person import require_second_person
from billing.packages.models import Package
from billing.refunds.models import Refund
from billing.refunds.quotes import RefundChanged, RefundRefused, build_quote
from billing.refunds.services import (
    carry_out_refund,
    lock_with_payers,
    move_refunded_orders,
    refund_event,
)
from billing.transitions import REFUND_TRANSITIONS, OrderMove, RefundMove


def _lock_undecided(refund: Refund, move: RefundMove) -> tuple[Refund, Package, Account]:
    package, account = lock_with_payers(refund.package)
    current = Refund.objects.get(pk=refund.pk)
    if current.status not in REFUND_TRANSITIONS.sources(move):
        raise Refused(_("This request has already been decided."), code="refund_decided")
    current.account, current.package = account, package
    return current, package, account


def _decide(
    refund: Refund,
    move: RefundMove,
    events: Sequence[Event],
    *,
    reason: str,
    by: User | None,
    now: datetime,
) -> None:
    """Record the decision, and with it the `events` of what followed from it."""
    was, after = refund.status, REFUND_TRANSITIONS.target(move)
    refund.status = after
    refund.decided_at, refund.decided_by, refund.reason = now, by, reason
    refund.save(update_fields=["status", "decided_at", "decided_by", "reason"])
    decided = refund_event(refund, f"refund.{after.value}", was=was, reason=reason)
    record([*events, decided], account=refund.account, by=by, now=now)


def _give_up(refund: Refund, package: Package, account: Account, *, now: datetime) -> list[Event]:
    """Let the package and its orders continue as before."""
    quote = build_quote(package, account, now=now, own=refund)
    return move_refunded_orders(quote, OrderMove.END_REVIEW, refund=refund)


@transaction.atomic
def approve_refund(*, refund: Refund, reason: str, by: User, now: datetime) -> Refund:
    """Grant a request under review, as staff.

    The window was measured when the customer asked; every other hard rule is asked again now.
    Raises RefundRefused where one fails, and Refused where the request is decided, where `by`
    made it, or where the amount is no longer the one asked for.
    """
    current, package, account = _lock_undecided(refund, RefundMove.APPROVE)
    require_second_person(maker_ids=[current.requested_by_id], by=by, account=account, now=now)
    quote = build_quote(
        package, account, now=now, asked_at=current.requested_at, own=current, key=current.key
    )
    if not quote.may_confirm:
        raise RefundRefused(quote)
    if quote.plan.amount != current.amount:
        raise RefundChanged(quote)
    events = carry_out_refund(current, quote, by=by, now=now)
    _decide(current, RefundMove.APPROVE, events, reason=reason, by=by, now=now)
    return current


@transaction.atomic
def reject_refund(*, refund: Refund, reason: str, by: User, now: datetime) -> Refund:
    """Turn a request down, as staff; the entity has its right back.

    Raises Refused where the request is decided, or where `by` made it.
    """
    current, package, account = _lock_undecided(refund, RefundMove.REJECT)
    require_second_person(maker_ids=[current.requested_by_id], by=by, account=account, now=now)
    events = _give_up(current, package, account, now=now)
    _decide(current, RefundMove.REJECT, events, reason=reason, by=by, now=now)
    return current


@transaction.atomic
def withdraw_refund(*, refund: Refund, by: User, now: datetime) -> Refund:
    """Take a request back, as the customer; the entity has its right back."""
    current, package, account = _lock_undecided(refund, RefundMove.WITHDRAW)
    events = _give_up(current, package, account, now=now)
    _decide(current, RefundMove.WITHDRAW, events, reason="", by=by, now=now)
    return current
