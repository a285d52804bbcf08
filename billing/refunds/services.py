"""The full refund of a package, carried out immediately or stored as a request for review.

`refund_package` locks, gathers the facts again, asks the same policy again, compares with what
the customer confirmed in `billing.refunds.quotes`, and writes: all in one transaction.
"""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from accounts.models import Account, User
from accounts.services.audit import Event, record
from accounts.services.tenants import lock_accounts_of
from billing.enums import LedgerBook, LedgerKind, RefundStatus
from billing.orders.models import Order, make_number
from billing.packages.lifecycle import settle_package
from billing.packages.models import Package
from billing.refunds.breakdown import RefundPlan
from billing.refunds.facts import PRODUCT, read_refunds
from billing.refunds.models import Refund, RefundLine
from billing.refunds.queries import concerned_accounts, lock_lowest_concerned, lock_packages
from billing.refunds.quotes import (
    RefundChanged,
    RefundQuote,
    RefundRefused,
    build_quote,
    read_confirmed_refund,
)
from billing.refunds.trace import POLICY_VERSION
from billing.transitions import (
    ORDER_TRANSITIONS,
    PACKAGE_TRANSITIONS,
    REFUND_STARTS,
    OrderMove,
    PackageMove,
    RefundStart,
)
from billing.wallet.ledger import move_between, post_transaction
from billing.wallet.models import Fund

_REFUNDABLE = PACKAGE_TRANSITIONS.sources(PackageMove.REFUND)
_REFUNDED = PACKAGE_TRANSITIONS.target(PackageMove.REFUND)


class _RightTaken(Exception):
    """The database refused a second refund of the entity, or of the package."""

    def __init__(self, quote: RefundQuote) -> None:
        super().__init__()
        self.quote = quote


def lock_with_payers(package: Package) -> tuple[Package, Account]:
    """Lock the package's account and every payer, then the package itself, and re-read."""
    accounts = lock_accounts_of(concerned_accounts, lock_lowest_concerned, package.pk)
    account = accounts[package.account_id]
    (current,) = lock_packages(package.pk)
    current.account = account
    return current, account


def _new_refund(
    quote: RefundQuote, status: RefundStatus, *, by: User | None, now: datetime
) -> Refund:
    """Store the refund. Raises _RightTaken where the entity's one right is gone meanwhile."""
    is_done = status == RefundStatus.DONE
    try:
        return Refund.objects.create(
            account=quote.account,
            entity_id=quote.account.entity_id,
            application=quote.package.application,
            package=quote.package,
            product=PRODUCT,
            number=make_number(now),
            status=status,
            currency=quote.plan.currency,
            amount=quote.plan.amount,
            plan=quote.plan.plain,
            trace=quote.trace.to_json(),
            policy_version=POLICY_VERSION,
            key=quote.key,
            requested_at=now,
            requested_by=by,
            decided_at=now if is_done else None,
            decided_by=by if is_done else None,
        )
    except IntegrityError as error:
        raise _RightTaken(quote) from error


def _post_money(refund: Refund, plan: RefundPlan, *, by: User | None, now: datetime) -> None:
    """Put every payment's part back into the fund it came from, of the account that paid."""
    RefundLine.objects.bulk_create(
        [
            RefundLine(
                account_id=line.payer, refund=refund, payment_id=line.payment, amount=line.amount
            )
            for line in plan.lines
        ]
    )
    amounts: dict[int, dict[Fund, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    payers: dict[int, Account] = {}
    for line in plan.lines:
        payment = plan.payments[line.payment]
        if payment.fund is not None and line.amount:
            payers[line.payer] = payment.account
            amounts[line.payer][payment.fund] += line.amount
    for payer_id in sorted(amounts):
        post_transaction(
            kind=LedgerKind.REFUND,
            account=payers[payer_id],
            legs=move_between(
                book=LedgerBook.SALES, amounts=amounts[payer_id], currency=plan.currency
            ),
            by=by,
            now=now,
            refund_id=refund.pk,
        )


_ORDER_VERBS = {
    OrderMove.REVIEW_REFUND: "order.refunding",
    OrderMove.REFUND: "order.refunded",
    OrderMove.END_REVIEW: "order.refund_ended",
}


def move_refunded_orders(quote: RefundQuote, move: OrderMove, *, refund: Refund) -> list[Event]:
    """Move the orders that lie wholly on this package; one that bought for others stays paid."""
    before, after = ORDER_TRANSITIONS.sources(move), ORDER_TRANSITIONS.target(move)
    moving = [
        order
        for order in quote.orders.paid
        if order.pk in quote.orders.whole and order.status in before
    ]
    if not moving:
        return []
    found = Order.objects.filter(
        pk__in=[order.pk for order in moving], status__in={order.status for order in moving}
    )
    if found.update(status=after) != len(moving):
        raise RefundChanged(quote)
    return [
        Event(
            verb=_ORDER_VERBS[move],
            target=order,
            from_state=order.status,
            to_state=after,
            data={"refund": refund.number},
        )
        for order in moving
    ]


def carry_out_refund(
    refund: Refund, quote: RefundQuote, *, by: User | None, now: datetime
) -> list[Event]:
    """Unsubscribe the package and give the money back; the rules have been asked."""
    package = settle_package(quote.package, account=quote.account, by=by, now=now)
    was = package.state
    changed = Package.objects.filter(pk=package.pk, state__in=_REFUNDABLE).update(state=_REFUNDED)
    if not changed:
        raise RefundRefused(quote)
    package.state = _REFUNDED
    _post_money(refund, quote.plan, by=by, now=now)
    moved = move_refunded_orders(quote, OrderMove.REFUND, refund=refund)
    given_back = Event(
        verb="package.refunded",
        target=package,
        from_state=was,
        to_state=package.state,
        data={"refund": refund.number, "amount": str(refund.amount)},
    )
    return [*moved, given_back]


def refund_event(refund: Refund, verb: str, *, was: str = "", reason: str = "") -> Event:
    """Return what a refund's present status is told by; `was` is the status before."""
    return Event(
        verb=verb,
        target=refund,
        from_state=was,
        to_state=refund.status,
        reason=reason,
        data={"amount": str(refund.amount)},
    )


def refund_package(*, package: Package, token: str, by: User | None, now: datetime) -> Refund:
    """Refund the package as confirmed, or store the request for review; return the refund.

    The same confirmation sent again returns the same refund. Raises RefundRefused with the trace
    where a rule fails (which the audit trail keeps), and RefundChanged where the outcome or an
    amount is no longer what was confirmed.
    """
    try:
        try:
            return _refund_or_request(package, token, by=by, now=now)
        except _RightTaken as taken:
            # Another account of the entity was faster: the unique key has the last word, and
            # the rules, asked once more, now say why.
            quote = build_quote(taken.quote.package, taken.quote.account, now=now)
            raise RefundRefused(quote) from taken
    except RefundRefused as refused:
        trace = refused.quote.trace.to_json()
        event = Event(verb="refund.refused", target=package, data={"trace": trace})
        record([event], account=package.account, by=by, now=now)
        raise


@transaction.atomic
def _refund_or_request(package: Package, token: str, *, by: User | None, now: datetime) -> Refund:
    confirmed = read_confirmed_refund(token, package)
    current, account = lock_with_payers(package)
    refunds = read_refunds(account)
    for done in refunds:
        if (done.account_id, done.key) == (account.pk, confirmed.key):
            return done
    quote = build_quote(current, account, now=now, key=confirmed.key, refunds=refunds)
    if not quote.may_confirm:
        raise RefundRefused(quote)
    if quote.digest != confirmed.digest:
        raise RefundChanged(quote)
    start = RefundStart.REQUEST if quote.needs_review else RefundStart.CARRY_OUT
    refund = _new_refund(quote, REFUND_STARTS[start], by=by, now=now)
    if start == RefundStart.REQUEST:
        events = move_refunded_orders(quote, OrderMove.REVIEW_REFUND, refund=refund)
        events.append(refund_event(refund, "refund.requested"))
    else:
        events = carry_out_refund(refund, quote, by=by, now=now)
        events.append(refund_event(refund, "refund.done"))
    record(events, account=account, by=by, now=now)
    return refund
