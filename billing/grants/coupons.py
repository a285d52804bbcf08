"""Staff defining promotions, and giving and withdrawing coupons.

A promotion takes two people (`billing.grants.proposals`), and so does a coupon beyond what one
person may give an account in a day.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account, Proposal, User
from accounts.services.audit import Event, record
from accounts.services.second_person import require_approval, require_outsider
from accounts.services.tenants import lock_account
from billing.enums import CouponKind
from billing.grants.daily_limit import coupon_value, fits_daily_limit
from billing.offers.models import Coupon, Promotion


def promotion_code_known() -> Refused:
    """Return the refusal for a promotion whose code is taken."""
    return Refused(_("A promotion with this code already exists."), code="code_known", field="code")


def coupon_code_known() -> Refused:
    """Return the refusal for a coupon whose code is taken."""
    return Refused(_("A coupon with this code already exists."), code="code_known", field="code")


@transaction.atomic
def define_promotion(
    *,
    terms: Mapping[str, Any],
    reason: str = "",
    approval: Proposal | None = None,
    by: User | None,
    now: datetime,
) -> Promotion:
    """Define a promotion; `terms` are the model's own fields. Raises Refused for a known code."""
    data = require_approval(approval, "promotion.define", by=by, now=now)
    promotion = Promotion(**terms)
    try:
        with transaction.atomic():
            promotion.save(force_insert=True)
    except IntegrityError as error:
        raise promotion_code_known() from error
    event = Event(verb="promotion.defined", target=promotion, reason=reason, data=data)
    record([event], account=None, by=by, now=now)
    return promotion


def require_running(promotion: Promotion, now: datetime) -> None:
    """Raise Refused where the promotion cannot end now, since it has not begun or has ended."""
    if promotion.ends_at <= now:
        raise Refused(_("This promotion has already ended."), code="promotion_ended")
    if now <= promotion.starts_at:
        raise Refused(
            _("This promotion has not started yet, so it cannot be ended."),
            code="promotion_not_begun",
        )


@transaction.atomic
def end_promotion(
    *,
    promotion: Promotion,
    reason: str,
    approval: Proposal | None = None,
    by: User | None,
    now: datetime,
) -> Promotion:
    """Let a promotion end now, which takes two people; orders made under it keep its terms."""
    data = require_approval(approval, "promotion.end", by=by, now=now)
    current = Promotion.objects.select_for_update().get(pk=promotion.pk)
    require_running(current, now)
    current.ends_at = now
    current.save(update_fields=["ends_at"])
    event = Event(verb="promotion.ended", target=current, reason=reason, data=data)
    record([event], account=None, by=by, now=now)
    return current


@transaction.atomic
def give_coupon(
    *,
    account: Account,
    terms: Mapping[str, Any],
    reason: str = "",
    approval: Proposal | None = None,
    by: User | None,
    now: datetime,
) -> Coupon:
    """Give the account a coupon; `terms` are the model's own fields.

    A voucher starts with its whole amount. Raises Refused for a known code, and (code
    "second_person_needed") without an approved proposal beyond what one person may give a day.
    """
    locked = lock_account(account.pk)
    require_outsider(by=by, account=locked, now=now)
    coupon = Coupon(account=locked, created_at=now, created_by=by, **terms)
    if coupon.kind == CouponKind.VOUCHER:
        coupon.remaining = coupon.amount
    data = {"code": coupon.code, "kind": coupon.kind}
    if approval is not None or not fits_daily_limit(
        account=locked, value=coupon_value(coupon), now=now
    ):
        data |= require_approval(approval, "coupon.give", by=by, now=now)
    if approval is not None:
        coupon.created_by, coupon.approved_by = approval.made_by, by
    try:
        with transaction.atomic():
            coupon.save(force_insert=True)
    except IntegrityError as error:
        raise coupon_code_known() from error
    event = Event(verb="coupon.given", target=coupon, reason=reason, data=data)
    record([event], account=locked, by=by, now=now)
    return coupon


@transaction.atomic
def withdraw_coupon(*, coupon: Coupon, reason: str, by: User, now: datetime) -> Coupon:
    """Take back a coupon given by mistake; of a voucher, what is left of it.

    What was paid with it stays paid. Raises Refused where it was used up or withdrawn before.
    """
    account = lock_account(coupon.account_id)
    require_outsider(by=by, account=account, now=now)
    changed = (
        Coupon.objects.filter(pk=coupon.pk, used_at=None, withdrawn_at=None)
        .exclude(remaining=0)
        .update(withdrawn_at=now, withdrawn_by=by)
    )
    if not changed:
        raise Refused(_("It has already been used or withdrawn."), code="coupon_used")
    coupon.refresh_from_db()
    event = Event(
        verb="coupon.withdrawn",
        target=coupon,
        reason=reason,
        data={"code": coupon.code, "kind": coupon.kind},
    )
    record([event], account=account, by=by, now=now)
    return coupon
