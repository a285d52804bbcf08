"""Small words that the tests of this folder share: clocks, confirmations and sums."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db.models import Sum

from accounts.errors import Refused
from accounts.models import Account, User
from billing.enums import Edition, LicenseKind, OrderKind
from billing.models import Fund, LedgerEntry, License, Order, Package, Refund
from billing.orders.quotes import ConfirmableQuote
from billing.orders.quoting import confirmable_quote
from billing.orders.request import OrderRequest
from billing.orders.services import place_order
from billing.refunds.holds import place_refund_hold
from billing.refunds.quotes import quote_refund
from billing.refunds.services import refund_package
from billing.renewals.sweep import run_sweep
from tests import factories as make
from tests.factories import NOW, Customer

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    """Read a wall clock of the billing zone: `2026-03-10 10:00:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def wall(instant: datetime, zone: ZoneInfo = SHANGHAI) -> str:
    """Write an instant as the billing zone's wall clock."""
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def new_request(
    customer: Customer, edition: Edition = Edition.ESSENTIAL, **fields: Any
) -> OrderRequest:
    """Return the request for a new package of the customer's application."""
    return OrderRequest(
        kind=OrderKind.NEW, application=customer.application.pk, edition=edition, **fields
    )


def refusal_of(customer: Customer, order_request: OrderRequest, now: datetime = NOW) -> str:
    """Place an order, which must be refused; return the code that says why."""
    with pytest.raises(Refused) as refused:
        make.place(customer.account, order_request, now=now)
    return refused.value.code


def quote(account: Account, order_request: OrderRequest, *, now: datetime) -> ConfirmableQuote:
    """Price an order request for the account as it is now."""
    return confirmable_quote(
        account=Account.objects.get(pk=account.pk), order_request=order_request, now=now
    )


def confirm(shown: ConfirmableQuote, *, now: datetime, by: User | None = None) -> Order:
    """Send the form that a quote was shown with."""
    return place_order(account=shown.account, token=shown.token, by=by, now=now)


def fresh(package: Package) -> Package:
    """Read a package again."""
    return Package.objects.select_related("account", "application").get(pk=package.pk)


def package_of(order: Order) -> Package:
    """Return the package that an order bought, or bought for."""
    line = order.lines.all()[0]
    assert line.package is not None
    return fresh(line.package)


def bought(package: Package, kind: LicenseKind = LicenseKind.AGENT) -> list[int]:
    """Return the keys of the additional licenses that continue with the package, oldest first."""
    found = License.objects.filter(package=package, source="bought", kind=kind, ends_at=None)
    return list(found.order_by("pk").values_list("pk", flat=True))


def count_live(package: Package, now: datetime, kind: LicenseKind = LicenseKind.AGENT) -> int:
    """Count the licenses of a kind that work at `now`."""
    return License.objects.filter(package=package, kind=kind).live(now).count()


def refund(package: Package, *, now: datetime, by: User | None = None) -> Refund:
    """Look at what a refund would do and confirm it immediately."""
    token = quote_refund(package=fresh(package), now=now).token
    return refund_package(package=fresh(package), token=token, by=by, now=now)


def ask_for_review(package: Package, *, now: datetime) -> Refund:
    """Ask for a refund that our staff want to look at first."""
    place_refund_hold(
        account=package.account, reason="Look at it", by=make.make_user(is_staff=True), now=now
    )
    asked = refund(package, now=now)
    assert asked.status == "pending"
    return asked


def balance(account: Account, kind: str) -> Decimal:
    """Return one fund's balance; zero where it was never used."""
    found = Fund.objects.filter(account=account, kind=kind).values_list("balance", flat=True)
    return found.first() or Decimal("0.00")


def ledger_sum() -> Decimal:
    """Return the sum of all entries: zero, or money has appeared or gone."""
    return LedgerEntry.objects.aggregate(total=Sum("amount"))["total"] or Decimal("0.00")


def sweep(now: datetime) -> None:
    """Record what time has done to packages and orders; nothing may fail."""
    result = run_sweep(
        now=now, finished_at=lambda: now, batch_size=100, progress=lambda _step, _done, _due: None
    )
    assert result.failures == []
