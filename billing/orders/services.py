"""Placing, paying and cancelling orders: each one transaction, each safe to repeat."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account, AuditEvent, User
from accounts.services.audit import record_event
from accounts.services.tenants import lock_account, lock_accounts, require_good_standing
from accounts.templatetags.console import money
from billing.allocation import PaymentSplit
from billing.enums import OrderKind
from billing.model_queries import Rows
from billing.orders.effects import read_contents
from billing.orders.eligibility import PackageSnapshot, check_eligibility, part
from billing.orders.fulfilment import change_packages, describe_changes, make_licenses
from billing.orders.models import Order
from billing.orders.notices import tell_payer
from billing.orders.quote_changes import QuoteChange, digest
from billing.orders.quotes import Quote, SignedQuote, make_quote, read_token
from billing.orders.records import paid_event, placed_event, take_money, write_lines, write_order
from billing.orders.request import OrderRequest
from billing.packages.lifecycle import settle_package
from billing.transitions import (
    ORDER_STARTS,
    ORDER_TRANSITIONS,
    OrderMove,
    OrderStart,
    source,
    target,
)
from billing.wallet.ledger import read_funds, split_over

_PLACED = Rows("SELECT {o} FROM billing_order o WHERE o.account_id = %s AND o.key = %s", o=Order)


class QuoteChanged(Refused):
    """The confirmed quote no longer holds; `quote` is what would be asked now."""

    def __init__(self, quote: Quote, signed: SignedQuote) -> None:
        self.change = signed.compare(quote)
        super().__init__(_name_change(self.change), code="quote_changed")
        self.quote = quote
        self.old_total = signed.total


def _name_change(change: QuoteChange) -> str:
    if change.is_same:
        return _("The price is unchanged; please confirm again. Nothing was charged.")
    if change.expiries:
        return _("The price is unchanged, but dates changed. Nothing was charged.")
    return _("Something changed since this price was shown. Nothing was charged.")


def _find_placed(account: Account, signed: SignedQuote) -> Order | None:
    """Return the order that this confirmation gave before.

    Raises Refused where the key was used for something else.
    """
    for (placed,) in _PLACED(account.pk, signed.key):
        if placed.fingerprint != signed.digest:
            raise Refused(
                _(
                    "This confirmation was used for another order. "
                    "Nothing was charged; start again."
                ),
                code="key_reused",
            )
        return cast(Order, placed)
    return None


def _settle(
    judged: Iterable[PackageSnapshot], account: Account, *, by: User | None, now: datetime
) -> None:
    """Record what the packages are now, also the end of one whose place a new one takes."""
    for each in judged:
        settle_package(each.package, account=account, by=by, now=now)


def _pay_at_once(quote: Quote, paid: PaymentSplit, *, by: User | None, now: datetime) -> Order:
    """Write the order of a quote as paid, and hand over what it bought.

    Placed and paid are two events, but nobody ever sees it unpaid, so it is written once.
    """
    ask = quote.ask
    changes = change_packages(ask, quote.held, account=quote.account, now=now)
    package = changes[0].package
    order = write_order(quote, ORDER_STARTS[OrderStart.PLACE_AND_PAY], by=by, now=now)
    lines = write_lines(quote, order, package if ask.kind == OrderKind.NEW else None)
    take_money(order, paid, quote.funds, by=by, now=now)
    make_licenses(order, lines, ask, quote.held, package=package, now=now)
    AuditEvent.objects.bulk_create(
        [
            placed_event(order, by=by, now=now),
            *describe_changes(order, changes, by=by, now=now),
            paid_event(order, by=by, now=now),
        ]
    )
    return order


@transaction.atomic
def place_order(*, account: Account, token: str, by: User | None, now: datetime) -> Order:
    """Execute exactly the quote that was confirmed; return its order, paid or unpaid.

    The same confirmation sent again returns the same order, however late. Raises Refused where
    the token is not ours or the ask can no longer be done, and QuoteChanged, with the new quote,
    where it is too old or anything in it has changed. A short balance leaves the order unpaid.
    """
    signed = read_token(token)
    if signed.account_id != account.pk:
        raise Refused(
            _("This confirmation belongs to another account. Nothing was charged."),
            code="bad_quote",
        )
    locked = lock_account(account.pk)
    placed = _find_placed(locked, signed)
    if placed is not None:
        return placed
    quote = make_quote(
        account=locked,
        ask=signed.ask,
        now=now,
        issued_at=signed.issued_at,
        key=signed.key,
        lock=True,
    )
    if signed.is_too_old(now) or digest(quote.contents()) != signed.digest:
        raise QuoteChanged(make_quote(account=locked, ask=signed.ask, now=now), signed)
    return execute_quote(quote, by=by, now=now)


def execute_quote(quote: Quote, *, by: User | None, now: datetime) -> Order:
    """Write the order of a quote that was just made under locks, and pay it where funds allow.

    The caller holds the account's lock and made the quote with `lock=True` in this transaction.
    """
    _settle((*quote.over, *quote.held), quote.account, by=by, now=now)
    if quote.split is not None and not quote.split.missing:
        return _pay_at_once(quote, quote.split, by=by, now=now)
    order = write_order(quote, ORDER_STARTS[OrderStart.PLACE], by=by, now=now)
    write_lines(quote, order, None)
    placed_event(order, by=by, now=now).save(force_insert=True)
    if not quote.is_self_pay:
        tell_payer(order, now=now)
    return order


def _read_payable(order: Order, now: datetime) -> Order:
    current = Order.objects.select_related("account", "payer", "coupon").get(pk=order.pk)
    is_unpaid = current.status == source(ORDER_TRANSITIONS, OrderMove.PAY)
    if not is_unpaid or current.expires_at <= now:
        raise Refused(_("This order can no longer be paid."), code="not_payable")
    return current


def missing_amount(order: Order, *, without: Sequence[str] | None = None) -> PaymentSplit:
    """Return how the payer's balances would pay the order now, and what is missing; reads only."""
    funds = read_funds(account=order.payer, currency=order.currency)
    return split_over(funds, order.total, order.excluded_funds if without is None else without)


@transaction.atomic
def pay_order(
    *, order: Order, by: User | None, now: datetime, without: Sequence[str] | None = None
) -> Order:
    """Pay an unpaid order at its price and deliver it, from the payer's funds.

    Both accounts are locked in the order of their keys, and the order is judged again as it
    would be delivered now. Raises Refused where it is not payable, not eligible any more, or the
    funds do not cover it (code "short", with the missing amount in the message).
    """
    locked = lock_accounts([order.account_id, order.payer_id])
    current = _read_payable(order, now)
    current.account, current.payer = locked[current.account_id], locked[current.payer_id]
    require_good_standing(current.payer)
    ask = OrderRequest.from_json(current.request["ask"])
    judged = check_eligibility(current.account, ask, now, lock=True)
    held, _over = part(judged)
    _require_same_terms(current, held)
    paid = missing_amount(current, without=without)
    if paid.missing:
        raise Refused(
            _("The balance is %(missing)s short. Top up, then pay the order.")
            % {"missing": money(paid.missing, current.currency)},
            code="short",
        )
    _settle(judged, current.account, by=by, now=now)
    _pay_and_deliver(current, ask, held, paid, by=by, now=now)
    return current


def _pay_and_deliver(
    order: Order,
    ask: OrderRequest,
    held: Sequence[PackageSnapshot],
    paid: PaymentSplit,
    *,
    by: User | None,
    now: datetime,
) -> None:
    """Let an order that was placed before be paid, and hand over what it bought."""
    # A sweep ends orders without the account's lock.
    was, after = source(ORDER_TRANSITIONS, OrderMove.PAY), target(ORDER_TRANSITIONS, OrderMove.PAY)
    changed = Order.objects.filter(pk=order.pk, status=was).update(
        status=after, paid_at=now, paid_by=by
    )
    if not changed:
        raise Refused(_("This order can no longer be paid."), code="not_payable")
    order.status, order.paid_at, order.paid_by = after, now, by
    changes = change_packages(ask, held, account=order.account, now=now)
    package = changes[0].package
    if ask.kind == OrderKind.NEW:
        order.lines.update(package=package)
    funds = read_funds(account=order.payer, currency=order.currency)
    take_money(order, paid, funds, by=by, now=now)
    make_licenses(order, list(order.lines.all()), ask, held, package=package, now=now)
    AuditEvent.objects.bulk_create(
        [
            *describe_changes(order, changes, by=by, now=now),
            paid_event(order, by=by, now=now),
        ]
    )


def _require_same_terms(order: Order, held: Sequence[PackageSnapshot]) -> None:
    """Refuse where the packages no longer are as the order found and priced them.

    What a new license costs depends on the edition and the expiry, not on the licenses beside it.
    """
    if order.kind == OrderKind.NEW:
        return
    indifferent = {"agents", "sip"} if order.kind == OrderKind.ADDITIONAL else set()
    before = {effect["package"]: effect["before"] for effect in order.request["effects"]}
    for each in held:
        was, shape = before[each.package.pk], read_contents(each).to_json()
        if any(was[name] != shape[name] for name in shape.keys() - indifferent):
            raise Refused(
                _("The package changed since this order was placed; cancel it and order again."),
                code="package_changed",
            )


def _end_unpaid(
    order: Order, move: OrderMove, verb: str, *, reason: str, by: User | None, now: datetime
) -> Order:
    after = target(ORDER_TRANSITIONS, move)
    changed = Order.objects.open(now).filter(pk=order.pk).update(status=after)
    order.refresh_from_db()
    if not changed:
        raise Refused(_("This order is no longer open."), code="not_open")
    record_event(
        account=order.account,
        verb=verb,
        target=order,
        from_state=source(ORDER_TRANSITIONS, move),
        to_state=after,
        reason=reason,
        by=by,
        now=now,
    )
    return order


@transaction.atomic
def cancel_order(*, order: Order, by: User | None, now: datetime, reason: str = "") -> Order:
    """Close an unpaid order for its buyer. Raises Refused where it is no longer open."""
    lock_account(order.account_id)
    return _end_unpaid(order, OrderMove.CANCEL, "order.cancelled", reason=reason, by=by, now=now)


@transaction.atomic
def refuse_payment(*, order: Order, reason: str, by: User | None, now: datetime) -> Order:
    """Turn down, as the other payer, an order that the buyer asked to be paid."""
    lock_accounts([order.account_id, order.payer_id])
    return _end_unpaid(
        order, OrderMove.REFUSE, "order.payment_refused", reason=reason, by=by, now=now
    )
