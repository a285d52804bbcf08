"""What the purchase page says beside the price: the edition by need, terms, and dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from typing import Any

from django.utils.translation import get_language

from billing.enums import Edition, TermUnit
from billing.forms.purchase import PurchaseForm
from billing.models import Feature
from billing.needs import Need, list_needs, suggest
from billing.pricing import PriceList, price_terms

_MONTHS = 12


@dataclass(frozen=True)
class ComparedTerms:
    """The same package for a year, paid month by month and paid at once, at list prices."""

    edition: Edition
    monthly: Decimal
    annual: Decimal

    @property
    def saving(self) -> Decimal:
        """What paying for a year at once saves; below zero where it costs more."""
        return self.monthly - self.annual

    @property
    def surcharge(self) -> Decimal:
        """What paying for a year at once costs more."""
        return -self.saving


def compare_terms(form: PurchaseForm, prices: PriceList) -> ComparedTerms | None:
    """Compare 12 months with one year for what the form asks; None while it is at fault."""
    data = getattr(form, "cleaned_data", {})
    if form.errors.keys() & {"edition", "agents", "sip", "people"} or not data.get("edition"):
        return None
    edition, agents, sip = data["edition"], data.get("agents") or 0, data.get("sip") or 0

    def total(unit: TermUnit, count: int) -> Decimal:
        lines = price_terms(prices, edition, unit, count, agents, sip)
        return sum((line.amount for line in lines), Decimal("0.00"))

    return ComparedTerms(edition, total(TermUnit.MONTH, _MONTHS), total(TermUnit.YEAR, 1))


def advise(form: PurchaseForm, prices: PriceList, features: Sequence[Feature]) -> dict[str, Any]:
    """Return what the page shows of needs, and the edition that suffices for the ticked ones."""
    needs, groups = _read_needs(tuple(features), get_language())
    monthly = {edition: price.monthly for edition, price in prices.packages.items()}
    return {
        "need_groups": groups,
        "wanted": form.wanted,
        "suggestion": suggest(needs, form.wanted, monthly),
        "chosen_edition": form["edition"].value(),
    }


Groups = list[tuple[str, list[Need]]]


@lru_cache(maxsize=8)
def _read_needs(features: tuple[Feature, ...], language: str) -> tuple[list[Need], Groups]:
    # Published rows never change, so their words are put together once for each language.
    needs = list_needs(features)
    return needs, [(name, list(rows)) for name, rows in groupby(needs, key=lambda need: need.group)]
