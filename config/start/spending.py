"""What an account spent in each of the last months, and a chart of it made on the server."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum
from django.db.models.functions import TruncMonth

from accounts.models import Account
from billing.calendar import billing_zone, local_date, start_of_day
from billing.models import LedgerEntry

MONTHS = 12
#: The drawing's size in its own units; the page scales it.
WIDTH, HEIGHT, BASE, TOP = 720, 180, 150, 16


@dataclass(frozen=True)
class MonthSpending:
    """One month's spend, refunds taken off, and its bar in the drawing."""

    first: date
    amount: Decimal
    x: int
    width: int
    y: int
    height: int

    @property
    def middle(self) -> int:
        """Where the bar's label is centered."""
        return self.x + self.width // 2


def _months_back(today: date) -> list[date]:
    last = today.year * 12 + today.month - 1
    numbers = range(last - MONTHS + 1, last + 1)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def read_spending(account: Account, currency: str, now: datetime) -> list[MonthSpending]:
    """Return the last `MONTHS` months in the billing zone, the oldest first, with their bars.

    Spend is what the account's funds paid for orders, less what refunds gave back.
    """
    zone = billing_zone()
    months = _months_back(local_date(now, zone))
    rows = (
        LedgerEntry.objects.filter(
            transaction__account=account,
            transaction__kind__in=["payment", "refund"],
            transaction__at__gte=start_of_day(months[0], zone),
            book="sales",
            currency=currency,
        )
        .annotate(month=TruncMonth("transaction__at", tzinfo=zone))
        .values("month")
        .annotate(amount=Sum("amount"))
    )
    amounts = {row["month"].date(): row["amount"] for row in rows}
    return _draw([(month, amounts.get(month, Decimal("0.00"))) for month in months])


def _draw(amounts: list[tuple[date, Decimal]]) -> list[MonthSpending]:
    step = WIDTH // MONTHS
    highest = max((amount for _month, amount in amounts), default=Decimal(0)) or Decimal(1)
    return [
        MonthSpending(
            first=month,
            amount=amount,
            x=place * step + 8,
            width=step - 16,
            y=BASE - _height(amount, highest),
            height=_height(amount, highest),
        )
        for place, (month, amount) in enumerate(amounts)
    ]


def _height(amount: Decimal, highest: Decimal) -> int:
    """Return a bar's height; any spend at all is visible, and a month of refunds has no bar."""
    if amount <= 0:
        return 0
    return max(2, int(amount / highest * (BASE - TOP)))
