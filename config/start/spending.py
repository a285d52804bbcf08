"""What an account spent in each of the last months."""

from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum
from django.db.models.functions import TruncMonth
from django.utils.formats import date_format
from django.utils.translation import pgettext

from accounts.charts import Point
from accounts.models import Account
from billing.calendar import billing_zone, local_date, start_of_day
from billing.models import LedgerEntry

MONTHS = 12


def _months_back(today: date) -> list[date]:
    last = today.year * 12 + today.month - 1
    numbers = range(last - MONTHS + 1, last + 1)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def read_spending(account: Account, currency: str, now: datetime) -> list[Point]:
    """Return the last `MONTHS` months in the billing zone, the oldest first.

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
    return [_point(month, amounts.get(month, Decimal("0.00"))) for month in months]


def _point(month: date, amount: Decimal) -> Point:
    # Translators: Django's date format characters for a month beneath a bar, such as "Nov".
    short = pgettext("month in a chart", "M")
    return Point(
        label=date_format(month, short),
        name=date_format(month, "YEAR_MONTH_FORMAT"),
        value=amount,
    )
