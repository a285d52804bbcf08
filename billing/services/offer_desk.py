"""Staff defining promotions and giving coupons."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account, User
from accounts.services.audit import record_event
from accounts.services.second_person import require_outsider
from accounts.services.tenants import lock_account
from billing.enums import CouponKind
from billing.models import Coupon, Promotion


@transaction.atomic
def define_promotion(*, terms: Mapping[str, Any], by: User, now: datetime) -> Promotion:
    """Define a promotion; `terms` are the model's own fields. Raises Refused for a known code."""
    promotion = Promotion(**terms)
    try:
        with transaction.atomic():
            promotion.save(force_insert=True)
    except IntegrityError as error:
        raise Refused(
            _("A promotion with this code exists already."), code="code_known", field="code"
        ) from error
    record_event(account=None, verb="promotion.defined", target=promotion, by=by, now=now)
    return promotion


@transaction.atomic
def end_promotion(*, promotion: Promotion, reason: str, by: User, now: datetime) -> Promotion:
    """Let a promotion end now; orders made under it keep its terms."""
    current = Promotion.objects.select_for_update().get(pk=promotion.pk)
    if current.ends_at <= now:
        raise Refused(_("This promotion has ended already."), code="promotion_ended")
    if now <= current.starts_at:
        raise Refused(
            _("This promotion has not begun; it cannot end before it begins."),
            code="promotion_not_begun",
        )
    current.ends_at = now
    current.save(update_fields=["ends_at"])
    record_event(
        account=None, verb="promotion.ended", target=current, reason=reason, by=by, now=now
    )
    return current


@transaction.atomic
def give_coupon(*, account: Account, terms: Mapping[str, Any], by: User, now: datetime) -> Coupon:
    """Give the account a coupon; `terms` are the model's own fields.

    A voucher starts with its whole amount. Raises Refused for a known code.
    """
    locked = lock_account(account.pk)
    require_outsider(by=by, account=locked, now=now)
    coupon = Coupon(account=locked, created_at=now, created_by=by, **terms)
    if coupon.kind == CouponKind.VOUCHER:
        coupon.remaining = coupon.amount
    try:
        with transaction.atomic():
            coupon.save(force_insert=True)
    except IntegrityError as error:
        raise Refused(
            _("A coupon with this code exists already."), code="code_known", field="code"
        ) from error
    record_event(
        account=locked,
        verb="coupon.given",
        target=coupon,
        data={"code": coupon.code, "kind": coupon.kind},
        by=by,
        now=now,
    )
    return coupon
