"""What a customer sees of an order before confirming it, and the proof of it.

A quote says everything that confirming will do: lines with their formulas, deductions, the split
over funds, and each package before and after. It is signed, lives for some minutes (a setting)
and is priced as of its issue, so `billing.orders.services.place_order` can make the same quote
again and compare: where anything differs, nothing is charged and the new quote is shown beside
the old one. `billing.orders.quoting` makes quotes.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.conf import settings

from accounts.models import Account
from billing.allocation import PaymentSplit
from billing.calendar import billing_zone, refund_window_ends
from billing.catalog.models import PriceBook
from billing.confirmation import Confirmation, digest_of, read_confirmation
from billing.enums import OrderKind, PromotionRefundRule
from billing.offers.models import Coupon, Promotion
from billing.orders.package_changes import PackageChange
from billing.orders.price_lines import QuotedLine
from billing.orders.request import OrderRequest
from billing.orders.snapshots import PackageSnapshot
from billing.wallet.ledger import split_over
from billing.wallet.models import Fund

_PURPOSE = "billing.quote"
_ZERO = Decimal("0.00")


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A price for a request at `issued_at`; amounts in `currency`, 2 decimals.

    `included` are the licenses that a new package brings, by kind. `snapshots` are the packages
    that the request builds on, `superseded` those that are over by now, and not recorded so,
    whose place a new one takes.
    """

    request: OrderRequest
    account: Account
    payer: Account
    issued_at: datetime
    book: PriceBook
    lines: tuple[QuotedLine, ...]
    changes: tuple[PackageChange, ...]
    included: Mapping[str, int]
    promotion: Promotion | None = None
    coupon: Coupon | None = None
    snapshots: tuple[PackageSnapshot, ...] = ()
    superseded: tuple[PackageSnapshot, ...] = ()

    @property
    def currency(self) -> str:
        """The one currency of the quote."""
        return self.book.currency

    @cached_property
    def list_amount(self) -> Decimal:
        """The sum of the lines."""
        return sum((line.priced.amount for line in self.lines), _ZERO)

    @cached_property
    def promotion_amount(self) -> Decimal:
        """What the promotion takes off."""
        return sum((line.promotion_amount for line in self.lines), _ZERO)

    @cached_property
    def coupon_amount(self) -> Decimal:
        """What the coupon pays."""
        return sum((line.coupon_amount for line in self.lines), _ZERO)

    @cached_property
    def total(self) -> Decimal:
        """What is left to pay from funds."""
        return self.list_amount - self.promotion_amount - self.coupon_amount

    @property
    def is_self_pay(self) -> bool:
        """Whether the buyer pays."""
        return self.payer.pk == self.account.pk


@dataclass(frozen=True, kw_only=True)
class ConfirmableQuote(Quote):
    """A quote with what each of the buyer's funds would pay, and with its token.

    `funds` are the buyer's by kind, and none where another account is asked to pay.
    """

    key: uuid.UUID
    funds: Mapping[str, Fund] = field(repr=False)

    @cached_property
    def split(self) -> PaymentSplit | None:
        """What each of the buyer's funds would pay; None where another account is asked to."""
        if not self.is_self_pay:
            return None
        return split_over(self.funds, self.total, self.request.without)

    @property
    def expires_at(self) -> datetime:
        """When the quote can no longer be confirmed."""
        return self.issued_at + timedelta(minutes=settings.QUOTE_LIFETIME_MINUTES)

    @cached_property
    def expiries(self) -> dict[str, str]:
        """When each package will expire, by the key of its application, as plain data."""
        return {
            str(change.application): change.after.expires_at.isoformat() for change in self.changes
        }

    @cached_property
    def promised(self) -> dict[str, Any]:
        """All that confirming promises, as plain data."""
        return {
            "account": self.account.pk,
            "payer": self.payer.pk,
            "request": self.request.to_json(),
            "book": self.book.version,
            "lines": [line.to_json() for line in self.lines],
            "changes": [change.to_json() for change in self.changes],
            "promotion": self.promotion.pk if self.promotion else None,
            "coupon": self.coupon.pk if self.coupon else None,
            "total": str(self.total),
            "split": self.split.to_json() if self.split else None,
        }

    @cached_property
    def digest_without_expiries(self) -> str:
        """A proof of all that confirming promises but the dates on which packages will expire."""
        changes = [
            {**change, "after": {**change["after"], "expires_at": None}}
            for change in self.promised["changes"]
        ]
        return digest_of({**self.promised, "changes": changes})

    @cached_property
    def digest(self) -> str:
        """A proof of all that confirming promises: equal means that nothing changed."""
        return digest_of({"expiries": self.expiries, "rest": self.digest_without_expiries})

    @property
    def token(self) -> str:
        """The signed form of the quote, for the confirm form."""
        details = {
            "issued_at": self.issued_at.isoformat(),
            "request": self.promised["request"],
            "rest": self.digest_without_expiries,
            "expiries": self.expiries,
            "total": str(self.total),
        }
        return Confirmation(self.key, self.account.pk, self.digest, details).sign(_PURPOSE)


@dataclass(frozen=True)
class ChangedExpiry:
    """A package that would now expire at another time than was confirmed."""

    application: int
    old: datetime
    new: datetime


@dataclass(frozen=True)
class QuoteChange:
    """`is_same`: nothing changed, the quote only grew old. `expiries`: only these dates did."""

    is_same: bool = False
    expiries: tuple[ChangedExpiry, ...] = ()


@dataclass(frozen=True)
class SignedQuote:
    """What a confirm form brought back: proof of the quote that the customer saw."""

    key: uuid.UUID
    digest: str
    issued_at: datetime
    request: OrderRequest
    total: Decimal
    rest: str
    expiries: Mapping[str, str]

    def compare(self, quote: ConfirmableQuote) -> QuoteChange:
        """Say what differs in `quote`, which holds now: dates, or also something else."""
        if quote.digest_without_expiries != self.rest:
            return QuoteChange()
        changed = tuple(
            ChangedExpiry(change.application, datetime.fromisoformat(old), change.after.expires_at)
            for change in quote.changes
            if (old := self.expiries[str(change.application)])
            != quote.expiries[str(change.application)]
        )
        return QuoteChange(is_same=not changed, expiries=changed)

    def is_too_old(self, now: datetime) -> bool:
        """Whether the quote's minutes have passed."""
        return now > self.issued_at + timedelta(minutes=settings.QUOTE_LIFETIME_MINUTES)


def read_signed_quote(token: str, account: Account) -> SignedQuote:
    """Return the account's quote behind a token. Raises Refused for one that is none."""
    confirmation = read_confirmation(token, purpose=_PURPOSE, subject=account.pk)
    details = confirmation.details
    return SignedQuote(
        key=confirmation.key,
        digest=confirmation.digest,
        issued_at=datetime.fromisoformat(details["issued_at"]),
        request=OrderRequest.from_json(details["request"]),
        total=Decimal(details["total"]),
        rest=details["rest"],
        expiries=details["expiries"],
    )


@dataclass(frozen=True)
class RefundTerms:
    """Whether, and until when, what is bought can be given back for a full refund.

    `code` is "window" (a new package: until `ends_at`, which is exclusive), "package" (part of
    the package's refund, which counts from its purchase at `counted_from`), "none" (the
    promotion rules it out for the whole package) or "trial" (money spent on a trial).
    """

    code: str
    days: int = 0
    counted_from: datetime | None = None
    ends_at: datetime | None = None


def read_refund_terms(quote: Quote, change: PackageChange) -> RefundTerms:
    """Return the refund terms of one package of the quote, as far as buying decides them.

    Other facts, such as violations or a refund that the company had, are asked when the refund
    is asked for.
    """
    promotion = quote.promotion
    if promotion and promotion.refund_rule == PromotionRefundRule.NONE:
        return RefundTerms("none")
    if quote.request.kind != OrderKind.NEW and change.snapshot:
        bought_at = change.snapshot.package.purchased_at
        return RefundTerms("package", counted_from=bought_at) if bought_at else RefundTerms("trial")
    days = settings.REFUND_WINDOW_DAYS
    if promotion and promotion.refund_rule == PromotionRefundRule.WINDOW:
        days = promotion.refund_window_days or 0
    ends_at = refund_window_ends(quote.issued_at, days, billing_zone())
    return RefundTerms("window", days, quote.issued_at, ends_at)
