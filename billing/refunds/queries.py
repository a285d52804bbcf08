"""Reading what a refund concerns, and which refunds an order is part of."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from accounts.models import Account
from accounts.prepared import PreparedQuery
from accounts.services.tenants import lowest_unlocked
from billing.enums import RefundStatus
from billing.orders.models import Order
from billing.packages.models import Package
from billing.refunds.models import Refund


def concerned_accounts(package_id: int) -> "QuerySet[Any, int]":
    """Return the keys of a package's account and of all that paid for it, in their order."""
    own = Package.objects.filter(pk=package_id).values_list("account_id", flat=True)
    paid = Order.objects.filter(lines__package_id=package_id, paid_at__isnull=False)
    return own.union(paid.values_list("payer_id", flat=True)).order_by("account_id")


@PreparedQuery
def lock_lowest_concerned(package_id: int) -> "QuerySet[Account]":
    """Lock the lowest of these accounts that no one else holds; `keys` are those of all."""
    return lowest_unlocked(concerned_accounts(package_id))


def _with_application(pk: int) -> "QuerySet[Package]":
    return Package.objects.select_related("application").filter(pk=pk)


lock_packages = PreparedQuery(_with_application, lock=True)


def find_refunds(order: Order) -> list[Refund]:
    """Return the refunds of the packages that the order bought for, the newest first."""
    refunds = Refund.objects.filter(
        account=order.account_id, package__order_lines__order=order
    ).order_by("-pk")
    return list(refunds.distinct())


@dataclass(frozen=True)
class RefundedPart:
    """A refund as an order's page shows it: what of this order goes back by it."""

    refund: Refund
    amount: Decimal


def refunded_of(
    order: Order, refunds: Iterable[Refund], *, payer: Account | None = None
) -> list[RefundedPart]:
    """Return those refunds whose amounts include a payment of this order, with its part.

    With `payer`, only what goes back to that account.
    """
    parts = []
    for refund in refunds:
        amounts = [
            Decimal(line["amount"])
            for line in refund.plan["lines"]
            if line["order"] == order.number and (payer is None or line["payer"] == payer.pk)
        ]
        if amounts:
            parts.append(RefundedPart(refund, sum(amounts, Decimal("0.00"))))
    return parts


def sum_returned(parts: Iterable[RefundedPart]) -> Decimal:
    """Return what refunds that were carried out gave back of an order."""
    done = (part.amount for part in parts if part.refund.status == RefundStatus.DONE)
    return sum(done, Decimal("0.00"))
