"""What the purchase page says beside the price: the edition by need, terms, and dates."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

from django.utils.translation import get_language

from billing.catalog.advisor import Need, advise, list_needs
from billing.catalog.models import Feature
from billing.catalog.pricing import PriceList
from billing.enums import OrderKind
from billing.offers.models import Promotion
from billing.orders.forms.purchase import PurchaseForm
from billing.orders.request import OrderRequest
from billing.orders.term_comparison import ComparedTerms, compare_choice


def compare_terms(
    form: PurchaseForm, prices: PriceList, promotions: Sequence[Promotion], now: datetime
) -> ComparedTerms | None:
    """Compare 12 months with one year for what the form asks; None while it is at fault."""
    data = getattr(form, "cleaned_data", {})
    faults = {"edition", "agents", "sip", "people", "promotion"}
    if form.errors.keys() & faults or not data.get("edition"):
        return None
    choice = OrderRequest(
        kind=OrderKind.NEW,
        edition=data["edition"],
        agents=data.get("agents") or 0,
        sip=data.get("sip") or 0,
    )
    return compare_choice(
        choice, wanted=data["promotion"], prices=prices, promotions=promotions, now=now
    )


def show_advice(
    form: PurchaseForm, prices: PriceList, features: Sequence[Feature]
) -> dict[str, Any]:
    """Return what the page shows of needs, and the edition that suffices for the ticked ones."""
    needs, groups = _read_needs(tuple(features), get_language())
    monthly = {edition: price.monthly for edition, price in prices.packages.items()}
    return {
        "need_groups": groups,
        "wanted": form.wanted,
        "suggestion": advise(needs, form.wanted, monthly),
        "chosen_edition": form["edition"].value(),
    }


Groups = list[tuple[str, list[Need]]]


@lru_cache(maxsize=8)
def _read_needs(features: tuple[Feature, ...], language: str) -> tuple[list[Need], Groups]:
    # Published rows never change, so their words are put together once for each language.
    needs = list_needs(features)
    return needs, [(name, list(rows)) for name, rows in groupby(needs, key=lambda need: need.group)]
