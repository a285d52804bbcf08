"""Renewing packages on their own: one term of the same kind, all licenses, own funds, no coupon.

A package is due from some hours before its expiry (a setting) until it is released. The key of
the order is made from the package and the expiry that it renews, so one expiry is charged once,
however many sweeps run.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.access import Permission
from accounts.enums import AccountStatus
from accounts.errors import Refused
from accounts.models import Account
from accounts.services.notifications import News, notify_members
from billing.enums import OrderKind, PackageState, RefundStatus, RenewalMode, TermUnit
from billing.orders.models import Order
from billing.orders.quotes import Quote
from billing.orders.quoting import executable_quote, price_quote
from billing.orders.request import OrderRequest, RenewedPackage
from billing.orders.services import execute_quote
from billing.packages.lifecycle import derive_package_state
from billing.packages.models import Package, PackageQuerySet
from billing.transitions import PACKAGE_TRANSITIONS, PackageMove

_NAMESPACE = uuid.UUID("6a1f0d6e-5a0e-4b53-9a55-4f1f7c6f2f10")


@dataclass(frozen=True)
class Renewal:
    """What became of one package that was due, or would become of it in a dry run.

    `missing` is above zero where the funds did not cover `amount`; nothing was ordered then.
    """

    package: int
    amount: Decimal
    currency: str
    missing: Decimal
    order: str = ""

    @property
    def is_done(self) -> bool:
        """Whether the package was renewed."""
        return not self.missing


def due_renewals(now: datetime) -> PackageQuerySet:
    """Return the packages that should renew themselves at `now`.

    A restricted account's pause, and so do packages with a refund under review.
    """
    lead = timedelta(hours=settings.AUTO_RENEWAL_LEAD_HOURS)
    return (
        Package.objects.filter(
            state__in=PACKAGE_TRANSITIONS.sources(PackageMove.RENEW),
            renewal_mode=RenewalMode.AUTOMATIC,
            expires_at__lte=now + lead,
            account__status=AccountStatus.ACTIVE,
        )
        .exclude(refunds__status=RefundStatus.PENDING)
        .order_by("expires_at", "pk")
    )


def _order_key(package: Package) -> uuid.UUID:
    return uuid.uuid5(_NAMESPACE, f"{package.pk} {package.expires_at.isoformat()}")


def _request(package: Package) -> OrderRequest:
    return OrderRequest(
        kind=OrderKind.RENEWAL,
        renewed=(RenewedPackage(package=package.pk, unit=TermUnit(package.term_unit)),),
    )


def _report(quote: Quote, package: Package, missing: Decimal, order: str = "") -> Renewal:
    return Renewal(
        package=package.pk,
        amount=quote.total,
        currency=quote.currency,
        missing=missing,
        order=order,
    )


@transaction.atomic
def renew_automatically(*, package_id: int, now: datetime) -> Renewal | None:
    """Renew one package that is due; None where it no longer is, or where someone is at it.

    Raises Refused where the rules stand against the renewal.
    """
    owner = Package.objects.values("account_id").filter(pk=package_id)
    account = (
        Account.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(pk__in=owner)
        .first()
    )
    if account is None:
        return None
    package = due_renewals(now).filter(pk=package_id).select_related("application").first()
    if package is None or derive_package_state(package, now) == PackageState.RELEASED:
        return None
    key = _order_key(package)
    if Order.objects.filter(account=account, key=key).exists():
        return None
    quote = executable_quote(
        account=account, order_request=_request(package), key=key, issued_at=now, now=now
    )
    missing = quote.split.missing if quote.split else quote.total
    if missing:
        _tell(quote, package, "renewal_short", missing, now)
        return _report(quote, package, missing)
    order = execute_quote(quote, by=None, now=now)
    _tell(quote, package, "package_renewed", missing, now)
    return _report(quote, package, Decimal("0.00"), order.number)


def _tell(quote: Quote, package: Package, kind: str, missing: Decimal, now: datetime) -> None:
    """Tell of a renewal, or once for each expiry of the amount that is missing."""
    expires_at = package.expires_at if missing else quote.changes[0].after.expires_at
    application = package.application
    news = News(
        quote.account,
        kind,
        {
            "application": application.name,
            "amount": quote.total,
            "missing": missing,
            "currency": quote.currency,
            "expires_at": expires_at,
        },
        to=Permission.SPEND,
        path=reverse(
            "agents:management",
            kwargs={"uin": quote.account.uin, "sdkappid": application.sdkappid},
        ),
        dedupe_key=f"{kind}:{package.pk}:{expires_at.isoformat()}",
    )
    notify_members([news], now=now)


def foresee_renewals(now: datetime) -> list[Renewal]:
    """Say what renewing at `now` would do, in order; reads only.

    Packages of one account draw on the same funds, so each sees what those before it left.
    """
    spent: dict[int, Decimal] = {}
    renewals = []
    for package in due_renewals(now).select_related("account"):
        if derive_package_state(package, now) == PackageState.RELEASED:
            continue
        try:
            quote = price_quote(account=package.account, order_request=_request(package), now=now)
        except Refused:
            continue
        before = spent.get(package.account_id, Decimal("0.00"))
        funds = sum(
            package.account.funds.filter(currency=quote.currency).values_list("balance", flat=True),
            Decimal("0.00"),
        )
        missing = max(Decimal("0.00"), quote.total - (funds - before))
        if not missing:
            spent[package.account_id] = before + quote.total
        renewals.append(_report(quote, package, missing))
    return renewals
