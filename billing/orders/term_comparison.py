"""The same package for a year, paid monthly or up front; computes, reads nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from billing.calendar import billing_zone, boundary
from billing.catalog.pricing import PriceList, price_terms
from billing.enums import Edition, OrderKind, TermUnit
from billing.offers.models import Promotion
from billing.offers.policy import list_harmless
from billing.offers.services import OfferScope, after_promotion, list_fitting
from billing.orders.request import OrderRequest

_MONTHS = 12
_Payment = tuple[Decimal, Promotion | None]


@dataclass(frozen=True)
class PricedTerms:
    """A year of one way to pay: the amount, and the names of the promotions in it."""

    amount: Decimal
    promotions: tuple[str, ...]


@dataclass(frozen=True)
class ComparedTerms:
    """The same package for a year, paid monthly or up front, before coupons."""

    edition: Edition
    monthly: PricedTerms
    annual: PricedTerms

    @property
    def saving(self) -> Decimal:
        """What paying for a year up front saves; negative where it costs more."""
        return self.monthly.amount - self.annual.amount

    @property
    def surcharge(self) -> Decimal:
        """The extra cost of paying for a year up front."""
        return -self.saving


def compare_choice(
    choice: OrderRequest,
    *,
    wanted: int | str | None,
    prices: PriceList,
    promotions: Sequence[Promotion],
    now: datetime,
) -> ComparedTerms:
    """Compare 12 months with one year of a package with additional licenses.

    Each payment has the promotion that would apply to it, of `promotions`, which run now: `wanted`
    (a key) where it fits, else the proposed one; none where `wanted` is None. Eleven of the twelve
    months are renewals, each priced at its own date by today's price list.
    """

    def pay(kind: OrderKind, unit: TermUnit, at: datetime) -> _Payment:
        scope = OfferScope(kind, choice.edition, unit)
        promotion = _find_promotion(wanted, list_fitting(promotions, scope, at), kind)
        lines = price_terms(
            prices, Edition(choice.edition or ""), unit, 1, choice.agents, choice.sip
        )
        return after_promotion(promotion, [line.amount for line in lines]), promotion

    months = [pay(OrderKind.NEW, TermUnit.MONTH, now)] + [
        pay(OrderKind.RENEWAL, TermUnit.MONTH, boundary(now, number, billing_zone()))
        for number in range(1, _MONTHS)
    ]
    year = pay(OrderKind.NEW, TermUnit.YEAR, now)
    edition = Edition(choice.edition or "")
    return ComparedTerms(edition, monthly=_add_up(months), annual=_add_up([year]))


def _find_promotion(
    wanted: int | str | None, fitting: Sequence[Promotion], kind: OrderKind
) -> Promotion | None:
    if wanted is None:
        return None
    named = [promotion for promotion in fitting if promotion.pk == wanted]
    harmless = list_harmless(fitting, kind, settings.REFUND_WINDOW_DAYS)
    return next(iter([*named, *harmless]), None)


def _add_up(payments: Sequence[_Payment]) -> PricedTerms:
    names = {promotion.name: None for _amount, promotion in payments if promotion}
    return PricedTerms(sum((amount for amount, _used in payments), Decimal("0.00")), tuple(names))
