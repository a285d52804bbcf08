"""Placing, paying and canceling orders: each one transaction, each safe to repeat."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.access import Permission
from accounts.errors import Refused
from accounts.models import Account, User
from accounts.prepared import PreparedQuery
from accounts.services.audit import Event, record
from accounts.services.notifications import News
from accounts.services.tenants import lock_account, lock_accounts, require_good_standing
from accounts.templatetags.console import money
from billing.allocation import PaymentSplit
from billing.enums import OrderKind
from billing.orders.eligibility import check_eligibility
from billing.orders.models import Order
from billing.orders.package_changes import PackageChange, plan_changes
from billing.orders.payment import draft_order, pay_and_fulfill, placed_event, write_order
from billing.orders.quotes import ConfirmableQuote, QuoteChange, SignedQuote, read_signed_quote
from billing.orders.quoting import confirmable_quote, executable_quote
from billing.orders.request import OrderRequest
from billing.orders.snapshots import PackageReader, PackageSnapshot
from billing.packages.lifecycle import settle_package
from billing.transitions import ORDER_TRANSITIONS, OrderMove
from billing.wallet.ledger import read_funds, split_over


@PreparedQuery
def _placed(account_id: int, key: UUID) -> "QuerySet[Order]":
    return Order.objects.filter(account_id=account_id, key=key)


class QuoteChanged(Refused):
    """The confirmed quote no longer holds; `quote` is what would be asked now."""

    def __init__(self, quote: ConfirmableQuote, signed: SignedQuote) -> None:
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
    for placed in _placed(account.pk, signed.key):
        if placed.fingerprint != signed.digest:
            raise Refused(
                _(
                    "This confirmation was used for another order. Nothing was charged. "
                    "Start again."
                ),
                code="key_reused",
            )
        return placed
    return None


@transaction.atomic
def place_order(*, account: Account, token: str, by: User | None, now: datetime) -> Order:
    """Execute exactly the quote that was confirmed; return its order, paid or unpaid.

    The same confirmation sent again returns the same order, however late. Raises Refused where
    the token is not ours or the request can no longer be done, and QuoteChanged, with the new
    quote, where it is too old or anything in it has changed. A short balance leaves the order
    unpaid.
    """
    signed = read_signed_quote(token, account)
    locked = lock_account(account.pk)
    earlier = _find_placed(locked, signed)
    if earlier is not None:
        return earlier
    quote = executable_quote(
        account=locked,
        order_request=signed.request,
        key=signed.key,
        issued_at=signed.issued_at,
        now=now,
    )
    if signed.is_too_old(now) or quote.digest != signed.digest:
        fresh = confirmable_quote(account=locked, order_request=signed.request, now=now)
        raise QuoteChanged(fresh, signed)
    return execute_quote(quote, by=by, now=now)


def execute_quote(quote: ConfirmableQuote, *, by: User | None, now: datetime) -> Order:
    """Write the order of an `executable_quote` of this transaction; pay it where funds allow."""
    _settle((*quote.superseded, *quote.snapshots), quote.account, by=by, now=now)
    order, lines = draft_order(quote, by=by, now=now)
    if quote.split is None or quote.split.missing:
        write_order(order, lines)
        news = [] if quote.is_self_pay else [_ask_payer(order)]
        record([placed_event(order, news=news)], account=order.account, by=by, now=now)
        return order
    changes = quote.changes
    if quote.request.kind == OrderKind.NEW:
        # The package counts from the instant at which it is paid, not from its quote.
        changes = plan_changes(quote.request, quote.snapshots, quote.included, now)
    pay_and_fulfill(order, lines, changes, split=quote.split, funds=quote.funds, by=by, now=now)
    return order


def _settle(
    snapshots: Iterable[PackageSnapshot], account: Account, *, by: User | None, now: datetime
) -> None:
    """Record what the packages are now, also the end of one whose place a new one takes."""
    for snapshot in snapshots:
        if snapshot.package.state != snapshot.state:
            settle_package(snapshot.package, account=account, by=by, now=now)


def _ask_payer(order: Order) -> News:
    """Return the news for another account's members who may spend that they are asked to pay.

    They learn the buyer's UIN here; the page names the account and the person who asked.
    """
    return News(
        account=order.payer,
        kind="payment_asked",
        params={
            "buyer": order.account.uin,
            "number": order.number,
            "total": order.total,
            "currency": order.currency,
            "expires_at": order.expires_at,
        },
        to=Permission.SPEND,
        path=reverse(
            "billing:payment_request", kwargs={"uin": order.payer.uin, "number": order.number}
        ),
        dedupe_key=f"payment_asked:{order.number}",
    )


def _read_payable(order: Order, now: datetime) -> Order:
    current = Order.objects.select_related("account", "payer", "coupon").get(pk=order.pk)
    is_unpaid = current.status == ORDER_TRANSITIONS.source(OrderMove.PAY)
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
    """Pay an unpaid order at its price and fulfill it, from the payer's funds.

    Both accounts are locked in the order of their keys, and the order is judged again as it
    would be fulfilled now. Raises Refused where it is not payable, not eligible any more, or the
    funds do not cover it (code "short", with the missing amount in the message).
    """
    locked = lock_accounts([order.account_id, order.payer_id])
    current = _read_payable(order, now)
    current.account, current.payer = locked[current.account_id], locked[current.payer_id]
    require_good_standing(current.payer)
    order_request = OrderRequest.from_json(current.request["order_request"])
    found = check_eligibility(current.account, order_request, PackageReader(lock=True), now)
    changes = plan_changes(order_request, found.snapshots, current.request["included"], now)
    _require_same_terms(current, changes)
    funds = read_funds(account=current.payer, currency=current.currency)
    excluded = current.excluded_funds if without is None else without
    split = split_over(funds, current.total, excluded)
    if split.missing:
        raise Refused(
            _("The balance is %(missing)s short. Top up, then pay the order.")
            % {"missing": money(split.missing, current.currency)},
            code="short",
        )
    _settle((*found.superseded, *found.snapshots), current.account, by=by, now=now)
    lines = list(current.lines.all())
    pay_and_fulfill(current, lines, changes, split=split, funds=funds, by=by, now=now)
    return current


def _require_same_terms(order: Order, changes: Iterable[PackageChange]) -> None:
    """Refuse where the packages no longer are as the order found and priced them.

    What a new license costs depends on the edition and the expiry, not on the licenses beside it.
    """
    if order.kind == OrderKind.NEW:
        return
    indifferent = {"agents", "sip"} if order.kind == OrderKind.ADDITIONAL else set()
    was = {change["package"]: change["before"] for change in order.request["changes"]}
    for change in changes:
        before, now = was[change.package], change.to_json()["before"]
        if any(before[name] != now[name] for name in now.keys() - indifferent):
            raise Refused(
                _(
                    "The package has changed since this order was placed. Cancel it "
                    "and order again."
                ),
                code="package_changed",
            )


def _end_unpaid(
    order: Order, move: OrderMove, verb: str, *, reason: str, by: User | None, now: datetime
) -> Order:
    after = ORDER_TRANSITIONS.target(move)
    changed = Order.objects.open(now).filter(pk=order.pk).update(status=after)
    order.refresh_from_db()
    if not changed:
        raise Refused(_("This order is no longer open."), code="not_open")
    ended = Event(
        verb=verb,
        target=order,
        from_state=ORDER_TRANSITIONS.source(move),
        to_state=after,
        reason=reason,
    )
    record([ended], account=order.account, by=by, now=now)
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
