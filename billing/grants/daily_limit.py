"""How much one person alone may give an account in a day, in money, vouchers and coupons.

What all members of staff gave without a second person counts together, so that
a large gift cannot be cut into small ones. A day is one of the billing time zone.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import F, Sum
from django.db.models.functions import Coalesce
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.models import Account
from billing.calendar import billing_zone, local_date, start_of_day
from billing.enums import CouponKind, CreditStatus
from billing.grants.models import Credit
from billing.offers.models import Coupon

_ZERO = Decimal("0.00")


def coupon_value(coupon: Coupon) -> Decimal | None:
    """Return the most that a coupon can take off; None where nothing limits it."""
    return coupon.cap if coupon.kind == CouponKind.DISCOUNT else coupon.amount


def given_alone(account: Account, now: datetime) -> Decimal:
    """Return what single persons have given the account today, without a second one's word."""
    today = local_date(now, billing_zone())
    day = (
        start_of_day(today, billing_zone()),
        start_of_day(today + timedelta(days=1), billing_zone()),
    )
    booked = Credit.objects.filter(
        account=account,
        created_at__gte=day[0],
        created_at__lt=day[1],
        created_by__isnull=False,
        decided_by=None,
        reverses=None,
        status=CreditStatus.BOOKED,
    )
    coupons = Coupon.objects.filter(
        account=account,
        created_at__gte=day[0],
        created_at__lt=day[1],
        created_by__isnull=False,
        approved_by=None,
        withdrawn_at=None,
    )
    money = booked.aggregate(sum=Sum("amount"))["sum"] or _ZERO
    value = coupons.aggregate(sum=Sum(Coalesce(F("amount"), F("cap"))))["sum"] or _ZERO
    return money + value


def daily_limit_words() -> str:
    """Say how much one person may give an account in a day."""
    return _(
        "Up to %(limit)s per account and day, counting the credits and coupons of all "
        "staff, takes effect immediately. Anything above that needs a second person's "
        "approval."
    ) % {"limit": number_format(settings.CREDIT_APPROVAL_THRESHOLD, force_grouping=True)}


def fits_daily_limit(*, account: Account, value: Decimal | None, now: datetime) -> bool:
    """Whether one person alone may give this. The caller holds the account's lock."""
    if value is None:
        return False
    return given_alone(account, now) + value <= settings.CREDIT_APPROVAL_THRESHOLD
