"""Refund holds: staff want to look at every refund of an account; customers never read of it."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account, User
from accounts.services.audit import Event, record
from accounts.services.second_person import require_outsider
from accounts.services.tenants import lock_account
from billing.refunds.models import RefundHold


@transaction.atomic
def place_refund_hold(*, account: Account, reason: str, by: User, now: datetime) -> RefundHold:
    """Send the account's refunds to review. Raises Refused where a hold stands already."""
    locked = lock_account(account.pk)
    require_outsider(by=by, account=locked, now=now)
    try:
        with transaction.atomic():
            hold = RefundHold.objects.create(
                account=locked, reason=reason, placed_at=now, placed_by=by
            )
    except IntegrityError as error:
        raise Refused(
            _("This account already has a refund hold."), code="hold_stands", field="account"
        ) from error
    # No account on the event: the account's own audit trail is read by the customer.
    placed = Event(verb="refund_hold.placed", target=hold, reason=reason)
    record([placed], account=None, by=by, now=now)
    return hold


@transaction.atomic
def release_refund_hold(*, hold: RefundHold, reason: str, by: User, now: datetime) -> RefundHold:
    """Let the account's refunds be decided by the rules alone again."""
    account = lock_account(hold.account_id)
    require_outsider(by=by, account=account, now=now)
    if not RefundHold.objects.filter(pk=hold.pk, released_at=None).update(released_at=now):
        raise Refused(_("This hold has already been released."), code="hold_released")
    hold.refresh_from_db()
    released = Event(verb="refund_hold.released", target=hold, reason=reason)
    record([released], account=None, by=by, now=now)
    return hold
