"""Making quotes: from a request and the packages it builds on to prices, offers and changes.

`price_quote` is for pages that show a price, `confirmable_quote` for dialogs that ask for the last
word, and `executable_quote` for the transaction that does what was confirmed. All only read.
"""

import uuid
from dataclasses import dataclass, fields, replace
from datetime import datetime

from accounts.models import Account
from billing.catalog.models import PriceBook
from billing.catalog.pricing import PriceList
from billing.catalog.queries import find_prices
from billing.enums import LicenseKind, OrderKind
from billing.offers import services as offers
from billing.offers.models import Coupon, Promotion
from billing.orders.eligibility import check_eligibility
from billing.orders.package_changes import plan_changes
from billing.orders.payers import find_payer
from billing.orders.price_lines import price_lines
from billing.orders.quotes import ConfirmableQuote, Quote
from billing.orders.request import OrderRequest, in_scope
from billing.orders.snapshots import PackageReader, PackageSnapshot
from billing.wallet.ledger import read_funds


@dataclass(frozen=True)
class PreloadedFacts:
    """What a page has read for the same account at the same instant, so that it is not read again.

    What is None is read.
    """

    prices: tuple[PriceBook, PriceList] | None = None
    snapshots: tuple[PackageSnapshot, ...] = ()
    #: All promotions that run.
    promotions: tuple[Promotion, ...] | None = None


NOTHING_PRELOADED = PreloadedFacts()


def price_quote(
    *,
    account: Account,
    order_request: OrderRequest,
    preloaded: PreloadedFacts = NOTHING_PRELOADED,
    now: datetime,
) -> Quote:
    """Price a request without the offers that it names, which `with_offers` adds.

    Raises Refused with the reason, and the form field where there is one.
    """
    reader = PackageReader(known=preloaded.snapshots)
    return _price(account, order_request, reader, preloaded.prices, now=now, priced_at=now)


def confirmable_quote(
    *,
    account: Account,
    order_request: OrderRequest,
    now: datetime,
) -> ConfirmableQuote:
    """Price a request with its offers and the split over funds, for a customer to confirm.

    Raises Refused as `price_quote` does, and where an offer that was named cannot be used.
    """
    quote = _price(account, order_request, PackageReader(), now=now, priced_at=now)
    return make_confirmable(_with_named_offers(quote))


def executable_quote(
    *,
    account: Account,
    order_request: OrderRequest,
    key: uuid.UUID,
    issued_at: datetime,
    now: datetime,
) -> ConfirmableQuote:
    """Quote as `confirmable_quote` did at `issued_at`, for a transaction that carries it out.

    The caller holds the account's lock. Whether the request can be done is judged at `now`, on
    packages that are locked.
    """
    reader = PackageReader(lock=True)
    quote = _price(account, order_request, reader, now=now, priced_at=issued_at)
    return make_confirmable(_with_named_offers(quote), key=key)


def _price(
    account: Account,
    order_request: OrderRequest,
    reader: PackageReader,
    catalog: tuple[PriceBook, PriceList] | None = None,
    *,
    now: datetime,
    priced_at: datetime,
) -> Quote:
    payer = find_payer(account, order_request.payer, now) if order_request.payer else account
    found = check_eligibility(account, order_request, reader, now)
    book, prices = catalog or find_prices(priced_at)
    lines = price_lines(order_request, found.snapshots, prices, priced_at)
    included = _included(order_request, prices)
    return Quote(
        request=order_request,
        account=account,
        payer=payer,
        issued_at=priced_at,
        book=book,
        lines=tuple(lines),
        changes=plan_changes(order_request, found.snapshots, included, priced_at),
        included=included,
        snapshots=found.snapshots,
        superseded=found.superseded,
    )


def _included(order_request: OrderRequest, prices: PriceList) -> dict[str, int]:
    if order_request.kind != OrderKind.NEW or order_request.edition is None:
        return {}
    package = prices.packages[order_request.edition]
    return {LicenseKind.AGENT.value: package.agents, LicenseKind.SIP.value: package.sip}


def _with_named_offers(quote: Quote) -> Quote:
    """Return the quote with the offers that its request names."""
    named = quote.request
    if named.promotion is None and named.coupon is None:
        return quote
    promotion, coupon = offers.find_named(
        quote.account, promotion=named.promotion, coupon=named.coupon
    )
    scope = in_scope(named, [each.package for each in quote.snapshots])
    if named.promotion is not None:
        offers.require_promotion(promotion, scope=scope, at=quote.issued_at)
    if named.coupon is not None:
        offers.require_coupon(
            coupon,
            account=quote.account,
            payer=quote.payer,
            scope=scope,
            amount=offers.after_promotion(promotion, [line.priced.amount for line in quote.lines]),
            currency=quote.currency,
            now=quote.issued_at,
        )
    return with_offers(quote, promotion, coupon)


def with_offers(quote: Quote, promotion: Promotion | None, coupon: Coupon | None) -> Quote:
    """Return a quote as it is with offers that were found usable for it."""
    amounts = [line.priced.amount for line in quote.lines]
    off = offers.promotion_shares(promotion, amounts)
    rest = [amount - taken for amount, taken in zip(amounts, off, strict=True)]
    paid = offers.coupon_shares(coupon, rest)
    return replace(
        quote,
        request=replace(
            quote.request,
            promotion=promotion.pk if promotion else None,
            coupon=coupon.pk if coupon else None,
        ),
        promotion=promotion,
        coupon=coupon,
        lines=tuple(
            replace(line, promotion_amount=promotion_amount, coupon_amount=coupon_amount)
            for line, promotion_amount, coupon_amount in zip(quote.lines, off, paid, strict=True)
        ),
    )


def make_confirmable(quote: Quote, *, key: uuid.UUID | None = None) -> ConfirmableQuote:
    """Return the quote with the buyer's funds; another payer's are not read.

    `key` tells the confirmation from all others.
    """
    funds = {}
    if quote.is_self_pay:
        funds = read_funds(account=quote.account, currency=quote.currency)
    priced = {each.name: getattr(quote, each.name) for each in fields(Quote)}
    return ConfirmableQuote(**priced, key=key or uuid.uuid4(), funds=funds)
