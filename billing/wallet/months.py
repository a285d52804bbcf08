"""What each month moved in an account's funds, and what was left at its end."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Sum
from django.db.models.functions import TruncMonth

from accounts.models import Account
from billing.calendar import billing_zone
from billing.enums import FundKind, TenderKind
from billing.wallet.models import LedgerEntry
from billing.wallet.statements import FUND_COLUMNS


@dataclass(frozen=True)
class MonthTotals:
    """What a month put into each fund, and what was in it at its end, by kind of fund."""

    starts_on: date
    changes: Mapping[str, Decimal]
    balances: Mapping[str, Decimal]

    @property
    def cells(self) -> list[tuple[TenderKind, Decimal, Decimal]]:
        """Kind, change and balance of cash, income and gift."""
        return [(kind, self.changes[kind], self.balances[kind]) for kind in FUND_COLUMNS]


def list_months(account: Account) -> list[MonthTotals]:
    """Return the months in which money moved, the newest first; one query over all entries."""
    sums = (
        LedgerEntry.objects.filter(fund__account=account)
        .annotate(month=TruncMonth("transaction__at", tzinfo=billing_zone()))
        .values_list("month", "fund__kind")
        .annotate(total=Sum("amount"))
        .order_by("month")
    )
    changes: dict[date, dict[str, Decimal]] = defaultdict(
        lambda: dict.fromkeys(FundKind.values, Decimal("0.00"))
    )
    for month, kind, total in sums:
        changes[month.date()][kind] = total
    months, balances = [], dict.fromkeys(FundKind.values, Decimal("0.00"))
    for starts_on, moved in changes.items():
        balances = {kind: balances[kind] + moved[kind] for kind in FundKind.values}
        months.append(MonthTotals(starts_on, moved, balances))
    return months[::-1]
