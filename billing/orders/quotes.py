"""Pricing an ask, and the signed quote that a customer confirms.

A quote says everything that confirming will do: lines with their formulas, deductions, the split
over funds, and each package before and after. It is signed, lives 15 minutes and is priced as
of its issue, so `orders.place_order` can make the same quote again and compare: where anything
differs, nothing is charged and the new quote is shown beside the old one.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account
from billing.allocation import PaymentSplit
from billing.catalog.models import PriceBook
from billing.catalog.pricing import PricedLine, PriceList
from billing.catalog.queries import find_prices
from billing.enums import LicenseKind, OrderKind
from billing.offers import services as offers
from billing.offers.models import Coupon, Promotion
from billing.orders.effects import PackageChange, describe_package_changes
from billing.orders.eligibility import PackageSnapshot, check_eligibility, part
from billing.orders.payers import find_payer
from billing.orders.price_lines import price_request
from billing.orders.quote_changes import (
    QuoteChange,
    compare_quotes,
    digest,
    digest_without_dates,
    read_expiries,
)
from billing.orders.request import OrderRequest, in_scope
from billing.wallet.ledger import read_funds, split_over
from billing.wallet.models import Fund

_SALT = "billing.quote"


@dataclass(frozen=True)
class QuotedLine:
    """One priced line, where it goes, and its share of the deductions."""

    priced: PricedLine
    application: int
    package: int | None
    is_on_trial: bool
    promotion_amount: Decimal
    coupon_amount: Decimal

    @property
    def net(self) -> Decimal:
        """What the line costs after its deductions."""
        return self.priced.amount - self.promotion_amount - self.coupon_amount

    def to_json(self) -> dict[str, Any]:
        """Return plain data, for comparing and signing."""
        return {
            **self.priced.to_json(),
            "application": self.application,
            "package": self.package,
            "promotion_amount": str(self.promotion_amount),
            "coupon_amount": str(self.coupon_amount),
        }


@dataclass(frozen=True)
class Quote:
    """A price for an ask at `issued_at`; amounts in `currency`, 2 decimals.

    `split` is empty where another account is asked to pay, and so are `funds`, the buyer's by
    kind, from which it was made. `held` are the packages that the ask builds on, `over` those that
    are over by now, and not recorded so, whose place a new one takes.
    """

    ask: OrderRequest
    account: Account
    payer: Account
    key: uuid.UUID
    issued_at: datetime
    book: PriceBook
    lines: tuple[QuotedLine, ...]
    effects: tuple[PackageChange, ...]
    included: Mapping[str, int]
    promotion: Promotion | None
    coupon: Coupon | None
    split: PaymentSplit | None
    held: tuple[PackageSnapshot, ...] = field(default=(), compare=False, repr=False)
    over: tuple[PackageSnapshot, ...] = field(default=(), compare=False, repr=False)
    funds: Mapping[str, Fund] = field(default_factory=dict, compare=False, repr=False)

    @property
    def currency(self) -> str:
        """The one currency of the quote."""
        return self.book.currency

    @property
    def list_amount(self) -> Decimal:
        """The sum of the lines."""
        return sum((line.priced.amount for line in self.lines), Decimal("0.00"))

    @property
    def promotion_amount(self) -> Decimal:
        """What the promotion takes off."""
        return sum((line.promotion_amount for line in self.lines), Decimal("0.00"))

    @property
    def coupon_amount(self) -> Decimal:
        """What the coupon pays."""
        return sum((line.coupon_amount for line in self.lines), Decimal("0.00"))

    @property
    def total(self) -> Decimal:
        """What is left to pay from funds."""
        return self.list_amount - self.promotion_amount - self.coupon_amount

    @property
    def is_self_pay(self) -> bool:
        """Whether the buyer pays."""
        return self.payer.pk == self.account.pk

    @property
    def expires_at(self) -> datetime:
        """When the quote can no longer be confirmed."""
        return self.issued_at + timedelta(minutes=settings.QUOTE_LIFETIME_MINUTES)

    def contents(self) -> dict[str, Any]:
        """Return all that confirming promises, as plain data: equal means nothing changed."""
        return {
            "account": self.account.pk,
            "payer": self.payer.pk,
            "ask": self.ask.to_json(),
            "book": self.book.version,
            "lines": [line.to_json() for line in self.lines],
            "effects": [effect.to_json() for effect in self.effects],
            "promotion": self.promotion.pk if self.promotion else None,
            "coupon": self.coupon.pk if self.coupon else None,
            "total": str(self.total),
            "split": self.split.to_json() if self.split else None,
        }

    @property
    def token(self) -> str:
        """The signed form of the quote, for the confirm form."""
        contents = self.contents()
        return signing.dumps(
            {
                "key": str(self.key),
                "issued_at": self.issued_at.isoformat(),
                "ask": self.ask.to_json(),
                "account": self.account.pk,
                "digest": digest(contents),
                "rest": digest_without_dates(contents),
                "expiries": read_expiries(self.effects),
                "total": str(self.total),
            },
            salt=_SALT,
            compress=True,
        )


@dataclass(frozen=True)
class SignedQuote:
    """What a confirm form brought back: proof of the quote that the customer saw."""

    key: uuid.UUID
    issued_at: datetime
    ask: OrderRequest
    account_id: int
    digest: str
    total: Decimal
    rest: str
    expiries: Mapping[str, str]

    def compare(self, quote: Quote) -> QuoteChange:
        """Say what differs in `quote`, which holds now."""
        return compare_quotes(
            old_rest=self.rest,
            old_expiries=self.expiries,
            contents=quote.contents(),
            effects=quote.effects,
        )

    def is_too_old(self, now: datetime) -> bool:
        """Whether the quote's minutes have passed."""
        return now > self.issued_at + timedelta(minutes=settings.QUOTE_LIFETIME_MINUTES)


def read_token(token: str) -> SignedQuote:
    """Return the quote behind a token. Raises Refused for one that we did not sign."""
    try:
        data = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError, UnicodeError) as error:
        raise Refused(
            _("This confirmation did not come from this page. Nothing was charged; start again."),
            code="bad_quote",
        ) from error
    return SignedQuote(
        key=uuid.UUID(data["key"]),
        issued_at=datetime.fromisoformat(data["issued_at"]),
        ask=OrderRequest.from_json(data["ask"]),
        account_id=data["account"],
        digest=data["digest"],
        total=Decimal(data["total"]),
        rest=data.get("rest", ""),
        expiries=data.get("expiries", {}),
    )


def _included(ask: OrderRequest, prices: PriceList) -> dict[str, int]:
    if ask.kind != OrderKind.NEW or ask.edition is None:
        return {}
    package = prices.packages[ask.edition]
    return {LicenseKind.AGENT.value: package.agents, LicenseKind.SIP.value: package.sip}


def _quoted_lines(
    ask: OrderRequest,
    priced: list[tuple[int, int | None, bool, PricedLine]],
    promotion: Promotion | None,
    coupon: Coupon | None,
) -> tuple[QuotedLine, ...]:
    amounts = [line.amount for *_where, line in priced]
    off = offers.promotion_shares(promotion, amounts)
    rest = [amount - taken for amount, taken in zip(amounts, off, strict=True)]
    paid = offers.coupon_shares(coupon, rest)
    return tuple(
        QuotedLine(
            priced=line,
            application=application,
            package=package,
            is_on_trial=is_on_trial,
            promotion_amount=promotion_amount,
            coupon_amount=coupon_amount,
        )
        for (application, package, is_on_trial, line), promotion_amount, coupon_amount in zip(
            priced, off, paid, strict=True
        )
    )


@dataclass(frozen=True)
class PreloadedFacts:
    """What a page has read already, at the instant for which it asks a quote."""

    prices: tuple[PriceBook, PriceList] | None = None
    helds: tuple[PackageSnapshot, ...] = ()
    #: All promotions that run.
    promotions: tuple[Promotion, ...] | None = None


def make_quote(
    *,
    account: Account,
    ask: OrderRequest,
    now: datetime,
    issued_at: datetime | None = None,
    key: uuid.UUID | None = None,
    lock: bool = False,
    known: PreloadedFacts | None = None,
) -> Quote:
    """Price `ask` for `account`; reads only.

    Whether it can be done is judged at `now`; prices are those of `issued_at`, which is `now`
    for a fresh quote. `lock` keeps packages as they are, for a transaction that executes the quote
    under the account's lock, which keeps its funds. With `known`, which is for pages that only
    show a price, the funds are not asked: see `with_split`. Raises Refused with the reason, and
    the form field where there is one.
    """
    priced_at = issued_at or now
    payer = find_payer(account, ask.payer, now)
    judged = check_eligibility(account, ask, now, lock=lock, known=known.helds if known else ())
    held, over = part(judged)
    book, prices = (known and known.prices) or find_prices(priced_at)
    priced = price_request(ask, held, prices, priced_at)
    scope = in_scope(ask, [each.package for each in held])
    promotion, coupon = offers.find_named(account, promotion=ask.promotion, coupon=ask.coupon)
    if ask.promotion is not None:
        offers.require_promotion(promotion, scope=scope, at=priced_at)
    if ask.coupon is not None:
        offers.require_coupon(
            coupon,
            account=account,
            payer=payer,
            scope=scope,
            amount=offers.after_promotion(promotion, [line.amount for *_where, line in priced]),
            currency=book.currency,
            now=priced_at,
        )
    lines = _quoted_lines(ask, priced, promotion, coupon)
    quote = Quote(
        ask=ask,
        account=account,
        payer=payer,
        key=key or uuid.uuid4(),
        issued_at=priced_at,
        book=book,
        lines=lines,
        effects=describe_package_changes(ask, held, prices, priced_at),
        included=_included(ask, prices),
        promotion=promotion,
        coupon=coupon,
        split=None,
        held=tuple(held),
        over=tuple(over),
    )
    return quote if known else with_split(quote)


def with_split(quote: Quote) -> Quote:
    """Return the quote with what each of the buyer's funds would pay; as it is for another payer.

    Only a quote with its split can be confirmed.
    """
    if not quote.is_self_pay:
        return quote
    funds = read_funds(account=quote.account, currency=quote.currency)
    paid = split_over(funds, quote.total, quote.ask.without)
    return replace(quote, split=paid, funds=funds)


def with_offers(quote: Quote, promotion: Promotion | None, coupon: Coupon | None) -> Quote:
    """Return a quote, without its split, as it is with offers that were found usable for it."""
    priced = [
        (line.application, line.package, line.is_on_trial, line.priced) for line in quote.lines
    ]
    ask = replace(
        quote.ask,
        promotion=promotion.pk if promotion else None,
        coupon=coupon.pk if coupon else None,
    )
    lines = _quoted_lines(ask, priced, promotion, coupon)
    return replace(quote, ask=ask, promotion=promotion, coupon=coupon, lines=lines, split=None)
