"""What refunding a package would do, and what the rules say of it; reads only."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account
from billing.calendar import billing_zone
from billing.catalog.queries import find_price_book
from billing.confirmation import Confirmation, digest_of, read_confirmation
from billing.enums import RefundRuleOutcome
from billing.packages.models import Package
from billing.refunds.breakdown import RefundPlan, plan_refund
from billing.refunds.facts import (
    PackageOrders,
    read_facts,
    read_refund_orders,
    read_refunds,
    refund_config,
)
from billing.refunds.models import Refund
from billing.refunds.policy import evaluate
from billing.refunds.trace import RefundTrace

_PURPOSE = "billing.refund"


@dataclass(frozen=True)
class RefundQuote:
    """What refunding a package would do at this time, and whether the rules allow it."""

    package: Package
    account: Account
    trace: RefundTrace
    plan: RefundPlan
    orders: PackageOrders
    key: uuid.UUID

    @property
    def may_confirm(self) -> bool:
        """Whether a confirmation would be accepted, immediately or for review."""
        return self.trace.outcome != RefundRuleOutcome.FAIL

    @property
    def needs_review(self) -> bool:
        """Whether staff have to decide."""
        return self.trace.outcome == RefundRuleOutcome.REVIEW

    @cached_property
    def digest(self) -> str:
        """A short proof of what the customer is asked to confirm."""
        return digest_of(
            {
                "package": self.package.pk,
                "outcome": self.trace.outcome.value,
                "plan": self.plan.plain,
            }
        )

    @property
    def token(self) -> str:
        """The signed form, for the confirm form."""
        return Confirmation(self.key, self.package.pk, self.digest).sign(_PURPOSE)


class RefundRefused(Refused):
    """The rules stand against the refund; `quote.trace` says which."""

    def __init__(self, quote: RefundQuote) -> None:
        super().__init__(
            _(
                "This package cannot be refunded. Nothing was changed. See the "
                "rules for the reason."
            ),
            code="refund_refused",
        )
        self.quote = quote


class RefundChanged(Refused):
    """What was confirmed is not what would happen now; `quote` is what would."""

    def __init__(self, quote: RefundQuote) -> None:
        super().__init__(
            _(
                "Something changed since you opened this page. Nothing was "
                "refunded. Check the details again."
            ),
            code="refund_changed",
        )
        self.quote = quote


def build_quote(
    package: Package,
    account: Account,
    *,
    now: datetime,
    asked_at: datetime | None = None,
    own: Refund | None = None,
    key: uuid.UUID | None = None,
    refunds: Sequence[Refund] | None = None,
) -> RefundQuote:
    """Quote a refund on facts that are read now; `refunds` are those of the company, if known.

    `asked_at` is when the customer asked, by default now, and `own` the request that is decided.
    """
    orders = read_refund_orders(package, now)
    facts = read_facts(
        package,
        account=account,
        orders=orders,
        refunds=read_refunds(account) if refunds is None else refunds,
        now=now,
        asked_at=asked_at,
        own=own,
    )
    trace = evaluate(facts, config=refund_config(), asked_at=asked_at or now, tz=billing_zone())
    currency = orders.paid[0].currency if orders.paid else find_price_book(now).currency
    return RefundQuote(
        package=package,
        account=account,
        trace=trace,
        plan=plan_refund(orders.paid, orders.spent, currency),
        orders=orders,
        key=key or uuid.uuid4(),
    )


def quote_refund(*, package: Package, now: datetime, on: datetime | None = None) -> RefundQuote:
    """Say what refunding `package` would do and what every rule says; reads only.

    `on` asks "what if I asked at another time": what is recorded now, as it will be judged at
    that instant, when the package may have expired, or an unpaid order, or a warning.
    """
    return build_quote(package, package.account, now=on or now)


def read_confirmed_refund(token: str, package: Package) -> Confirmation:
    """Return what was confirmed of this package. Raises Refused for a token that is none."""
    return read_confirmation(token, purpose=_PURPOSE, subject=package.pk)
