"""Naming another account as payer: which ones, how many per day, and how often they may be asked.

UINs are consecutive numbers, so unlimited attempts would show which ones exist; and each
unpaid order tells the other account's members.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account
from accounts.row_security import beyond_tenancy
from billing.orders.models import Order

_DAY = timedelta(days=1)


def find_payer(account: Account, uin: str, now: datetime) -> Account:
    """Return the account that should pay an order of `account`.

    Raises Refused (field "payer") where there is none that can, which does not tell whether the
    UIN exists, and where strangers were asked too often.
    """
    if uin in {"", account.uin}:
        return account
    with beyond_tenancy():
        payer = Account.objects.filter(uin=uin).first()
    if payer is None or not payer.is_in_good_standing:
        raise Refused(
            _("No account with this UIN can pay for you. Check the 12 digits with the payer."),
            code="no_payer",
            field="payer",
        )
    _require_few_requests(account, payer, now)
    return payer


def _require_few_requests(account: Account, payer: Account, now: datetime) -> None:
    """Refuse too many open questions to strangers: other companies that never paid for this one."""
    own = Order.objects.filter(account=account)
    if payer.entity_id == account.entity_id or own.filter(payer=payer, paid_at__lte=now).exists():
        return
    asked = own.filter(created_at__gt=now - _DAY, paid_at=None).exclude(payer=F("account"))
    if asked.count() >= settings.PAYMENT_REQUEST_DAILY_LIMIT:
        raise Refused(
            _(
                "In the last 24 hours, this account asked other accounts to pay %(count)d orders "
                "that are not paid. Pay this order yourself, or wait until they are paid."
            )
            % {"count": settings.PAYMENT_REQUEST_DAILY_LIMIT},
            code="too_many_payment_requests",
            field="payer",
        )


def count_named(*, account: Account, uin: str) -> None:
    """Record that a member of the account names a UIN as payer, before it is looked up.

    The same UIN counts once in 24 hours. Raises Refused (field "payer") for one more than
    `settings.PAYER_NAMES_DAILY_LIMIT`.
    """
    if uin in {"", account.uin}:
        return
    named = f"payer-named:{account.pk}:{uin}"
    if cache.get(named):
        return
    places = [
        f"payer-place:{account.pk}:{number}" for number in range(settings.PAYER_NAMES_DAILY_LIMIT)
    ]
    taken = cache.get_many(places)
    # Each place is added by one request only, so that many together name no more.
    if not any(
        cache.add(place, uin, _DAY.total_seconds()) for place in places if place not in taken
    ):
        raise Refused(
            _(
                "This account named %(count)d different accounts as payer in 24 hours. "
                "Check the UIN with the payer, and try again tomorrow."
            )
            % {"count": settings.PAYER_NAMES_DAILY_LIMIT},
            code="too_many_payers",
            field="payer",
        )
    cache.set(named, value=True, timeout=_DAY.total_seconds())
