"""How an amount came about, in words and numbers as pages show it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.catalog.pricing import DAYS_IN_PRICE_MONTH
from billing.enums import TermUnit


def _explain_term(unit: str, count: int) -> str:
    if unit == TermUnit.YEAR:
        return ngettext("%(count)d year", "%(count)d years", count) % {"count": count}
    return ngettext("%(count)d month", "%(count)d months", count) % {"count": count}


def _number(amount: Decimal | str) -> str:
    """Write a number of a formula as amounts are written on pages: `18,480.00`."""
    return number_format(Decimal(amount), use_l10n=True, force_grouping=True)


def _times(quantity: int) -> str:
    """Return the factor before a price; once is not worth saying."""
    return "" if quantity == 1 else f"{number_format(quantity, force_grouping=True)} × "


def _explain_days(days: int, monthly: str) -> str:
    text = ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
    part = f"{text} × {monthly} ÷ {DAYS_IN_PRICE_MONTH}"
    if days <= DAYS_IN_PRICE_MONTH:
        return part
    return _("(%(part)s, at most %(monthly)s)") % {"part": part, "monthly": monthly}


def explain(formula: Mapping[str, Any], amount: Decimal) -> str:
    """Say in the active language how the amount came about, with its numbers.

    The price of one comes first: `1 month × 30.00 + 29 days × 30.00 ÷ 30 = 59.00; 2 × 59.00 =
    118.00`.
    """
    quantity, total = formula["quantity"], _number(amount)
    if formula["kind"] == "list":
        term = _explain_term(formula["unit"], formula["count"])
        return f"{_times(quantity)}{term} × {_number(formula['price'])} = {total}"
    parts = []
    monthly, unit_price = _number(formula["monthly"]), _number(formula["unit_price"])
    if formula["months"]:
        parts.append(f"{_explain_term('month', formula['months'])} × {monthly}")
    if formula["days"]:
        parts.append(_explain_days(formula["days"], monthly))
    of_one = f"{' + '.join(parts)} = {unit_price}"
    return of_one if quantity == 1 else f"{of_one}; {_times(quantity)}{unit_price} = {total}"
