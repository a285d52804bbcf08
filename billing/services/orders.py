"""Placing, paying and cancelling orders: each one transaction, each safe to repeat."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account, AuditEvent, User
from accounts.services.audit import build_event, record_event
from accounts.services.tenants import lock_account, lock_accounts, require_good_standing
from billing.asks import Ask
from billing.enums import FundKind, LedgerBook, LedgerKind, OrderKind, OrderStatus, TenderKind
from billing.models import Fund, Order, OrderLine, Package, Payment
from billing.periods import local_date
from billing.rows import Rows
from billing.services import offers
from billing.services.delivery import (
    billing_zone,
    change_packages,
    describe_changes,
    make_licences,
)
from billing.services.effects import shape_of
from billing.services.eligibility import Held, judge_ask
from billing.services.ledger import move_between, post_transaction, read_funds, split_over
from billing.services.lifecycle import settle_package
from billing.services.order_news import tell_payer
from billing.services.quotes import Quote, SignedQuote, digest, make_quote, read_token
from billing.tenders import Split

_PLACED = Rows("SELECT {o} FROM billing_order o WHERE o.account_id = %s AND o.key = %s", o=Order)


class QuoteChanged(Refused):
    """The confirmed quote no longer holds; `quote` is what would be asked now."""

    def __init__(self, quote: Quote, signed: SignedQuote) -> None:
        super().__init__(
            _("Something changed since this price was shown. Nothing was charged."),
            code="quote_changed",
        )
        self.quote = quote
        self.old_total = signed.total


def make_number(now: datetime) -> str:
    """Return a number for an order or refund: the local day, and ten digits by chance."""
    return f"{local_date(now, billing_zone()):%Y%m%d}{secrets.randbelow(10**10):010d}"


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
    ask: Ask, held: Sequence[Held], account: Account, *, by: User | None, now: datetime
) -> None:
    """Record what the packages are now, also the end of one whose place a new one takes."""
    for each in held:
        settle_package(each.package, account=account, by=by, now=now)
    if ask.kind == OrderKind.NEW and not held:
        for package in Package.objects.current().filter(application=ask.application):
            settle_package(package, account=account, by=by, now=now)


def _write_order(quote: Quote, status: OrderStatus, *, by: User | None, now: datetime) -> Order:
    is_paid = status == OrderStatus.PAID
    return Order.objects.create(
        account=quote.account,
        payer=quote.payer,
        number=make_number(now),
        kind=quote.ask.kind,
        status=status,
        currency=quote.currency,
        price_book=quote.book,
        promotion=quote.promotion,
        coupon=quote.coupon,
        list_amount=quote.list_amount,
        promotion_amount=quote.promotion_amount,
        coupon_amount=quote.coupon_amount,
        total=quote.total,
        excluded_funds=list(quote.ask.without),
        request={
            "ask": quote.ask.to_json(),
            "included": dict(quote.included),
            "effects": [effect.to_json() for effect in quote.effects],
        },
        key=quote.key,
        fingerprint=digest(quote.contents()),
        created_at=now,
        created_by=by,
        expires_at=now + timedelta(hours=settings.ORDER_LIFETIME_HOURS),
        paid_at=now if is_paid else None,
        paid_by=by if is_paid else None,
    )


def _write_lines(quote: Quote, order: Order, started: Package | None) -> list[OrderLine]:
    """Write the order's lines; those of a new purchase are for the package that it `started`."""
    is_by_term = quote.ask.kind in {OrderKind.NEW, OrderKind.RENEWAL}
    return OrderLine.objects.bulk_create(
        [
            OrderLine(
                account=quote.account,
                order=order,
                application_id=line.application,
                package_id=started.pk if started else line.package,
                is_on_trial=line.is_on_trial,
                item=line.priced.item,
                edition=line.priced.edition,
                from_edition=line.priced.from_edition or "",
                quantity=line.priced.quantity,
                term_unit=quote.ask.unit if is_by_term else "",
                term_count=quote.ask.count if is_by_term else 0,
                unit_price=line.priced.unit_price,
                amount=line.priced.amount,
                promotion_amount=line.promotion_amount,
                coupon_amount=line.coupon_amount,
                net=line.net,
                formula=line.priced.formula.to_json(),
            )
            for line in quote.lines
        ]
    )


def _placed_event(order: Order, *, by: User | None, now: datetime) -> AuditEvent:
    return build_event(
        account=order.account,
        verb="order.placed",
        target=order,
        to_state=OrderStatus.UNPAID,
        data={"total": str(order.total), "kind": order.kind},
        by=by,
        now=now,
    )


def _paid_event(order: Order, *, by: User | None, now: datetime) -> AuditEvent:
    return build_event(
        account=order.account,
        verb="order.paid",
        target=order,
        from_state=OrderStatus.UNPAID,
        to_state=OrderStatus.PAID,
        data={"total": str(order.total), "payer": order.payer.uin},
        by=by,
        now=now,
    )


def _payments(
    order: Order, amounts: Mapping[FundKind, Decimal], funds: Mapping[str, Fund], now: datetime
) -> list[Payment]:
    payments = [
        Payment(
            account=order.payer,
            order=order,
            kind=TenderKind(kind.value),
            fund=funds[kind],
            currency=order.currency,
            amount=amount,
            at=now,
        )
        for kind, amount in amounts.items()
    ]
    if order.coupon:
        payments.append(
            Payment(
                account=order.account,
                order=order,
                kind=TenderKind.COUPON,
                coupon=order.coupon,
                currency=order.currency,
                amount=order.coupon_amount,
                at=now,
            )
        )
    return payments


def _take_money(
    order: Order, paid: Split, funds: Mapping[str, Fund], *, by: User | None, now: datetime
) -> None:
    """Move what each of the locked `funds` pays; a coupon pays beside them, and is used up."""
    if order.coupon:
        offers.use_coupon(order.coupon, order.coupon_amount, now=now)
    by_kind = {FundKind.GIFT: paid.gift, FundKind.INCOME: paid.income, FundKind.CASH: paid.cash}
    amounts = {kind: amount for kind, amount in by_kind.items() if amount}
    Payment.objects.bulk_create(_payments(order, amounts, funds, now))
    if amounts:
        post_transaction(
            kind=LedgerKind.PAYMENT,
            account=order.payer,
            legs=move_between(
                book=LedgerBook.SALES,
                amounts={funds[kind]: -amount for kind, amount in amounts.items()},
                currency=order.currency,
            ),
            by=by,
            now=now,
            order=order,
        )


def _pay_at_once(quote: Quote, paid: Split, *, by: User | None, now: datetime) -> Order:
    """Write the order of a quote as paid, and hand over what it bought.

    Placed and paid are two events, but nobody ever sees it unpaid, so it is written once.
    """
    ask = quote.ask
    changes = change_packages(ask, quote.held, account=quote.account, now=now)
    package = changes[0].package
    order = _write_order(quote, OrderStatus.PAID, by=by, now=now)
    lines = _write_lines(quote, order, package if ask.kind == OrderKind.NEW else None)
    _take_money(order, paid, quote.funds, by=by, now=now)
    make_licences(order, lines, ask, quote.held, package=package, now=now)
    AuditEvent.objects.bulk_create(
        [
            _placed_event(order, by=by, now=now),
            *describe_changes(order, changes, by=by, now=now),
            _paid_event(order, by=by, now=now),
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
    _settle(quote.ask, quote.held, quote.account, by=by, now=now)
    if quote.split is not None and not quote.split.missing:
        return _pay_at_once(quote, quote.split, by=by, now=now)
    order = _write_order(quote, OrderStatus.UNPAID, by=by, now=now)
    _write_lines(quote, order, None)
    _placed_event(order, by=by, now=now).save(force_insert=True)
    if not quote.is_self_pay:
        tell_payer(order, now=now)
    return order


def _lock_payable(order: Order, now: datetime) -> Order:
    current = (
        Order.objects.select_for_update(of=("self",))
        .select_related("account", "payer", "coupon")
        .get(pk=order.pk)
    )
    if current.status != OrderStatus.UNPAID or current.expires_at <= now:
        raise Refused(_("This order can no longer be paid."), code="not_payable")
    return current


def missing_amount(order: Order, *, without: Sequence[str] | None = None) -> Split:
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
    current = _lock_payable(order, now)
    current.account, current.payer = locked[current.account_id], locked[current.payer_id]
    require_good_standing(current.payer)
    ask = Ask.from_json(current.request["ask"])
    held = judge_ask(current.account, ask, now, lock=True)
    _require_same_terms(current, held)
    paid = missing_amount(current, without=without)
    if paid.missing:
        raise Refused(
            _("%(missing)s %(currency)s are missing. Top up, then pay the order.")
            % {"missing": paid.missing, "currency": current.currency},
            code="short",
        )
    _settle(ask, held, current.account, by=by, now=now)
    _pay_and_deliver(current, ask, held, paid, by=by, now=now)
    return current


def _pay_and_deliver(
    order: Order,
    ask: Ask,
    held: Sequence[Held],
    paid: Split,
    *,
    by: User | None,
    now: datetime,
) -> None:
    """Let an order that was placed before be paid, and hand over what it bought."""
    changed = Order.objects.filter(pk=order.pk, status=OrderStatus.UNPAID).update(
        status=OrderStatus.PAID, paid_at=now, paid_by=by
    )
    if not changed:
        raise Refused(_("This order can no longer be paid."), code="not_payable")
    order.status, order.paid_at, order.paid_by = OrderStatus.PAID, now, by
    changes = change_packages(ask, held, account=order.account, now=now)
    package = changes[0].package
    if ask.kind == OrderKind.NEW:
        order.lines.update(package=package)
    funds = read_funds(account=order.payer, currency=order.currency, lock=True)
    _take_money(order, paid, funds, by=by, now=now)
    make_licences(order, list(order.lines.all()), ask, held, package=package, now=now)
    AuditEvent.objects.bulk_create(
        [
            *describe_changes(order, changes, by=by, now=now),
            _paid_event(order, by=by, now=now),
        ]
    )


def _require_same_terms(order: Order, held: Sequence[Held]) -> None:
    """Refuse where the packages no longer are as the order found and priced them.

    What a new licence costs depends on the edition and the expiry, not on the licences beside it.
    """
    if order.kind == OrderKind.NEW:
        return
    indifferent = {"agents", "sip"} if order.kind == OrderKind.ADDITIONAL else set()
    before = {effect["package"]: effect["before"] for effect in order.request["effects"]}
    for each in held:
        was, shape = before[each.package.pk], shape_of(each).to_json()
        if any(was[name] != shape[name] for name in shape.keys() - indifferent):
            raise Refused(
                _("The package changed since this order was placed; cancel it and order again."),
                code="package_changed",
            )


def _end_unpaid(
    order: Order, status: OrderStatus, verb: str, *, reason: str, by: User | None, now: datetime
) -> Order:
    changed = Order.objects.open(now).filter(pk=order.pk).update(status=status)
    order.refresh_from_db()
    if not changed:
        raise Refused(_("This order is no longer open."), code="not_open")
    record_event(
        account=order.account,
        verb=verb,
        target=order,
        from_state=OrderStatus.UNPAID,
        to_state=status,
        reason=reason,
        by=by,
        now=now,
    )
    return order


@transaction.atomic
def cancel_order(*, order: Order, by: User | None, now: datetime, reason: str = "") -> Order:
    """Close an unpaid order for its buyer. Raises Refused where it is no longer open."""
    lock_account(order.account_id)
    return _end_unpaid(order, OrderStatus.CLOSED, "order.cancelled", reason=reason, by=by, now=now)


@transaction.atomic
def refuse_payment(*, order: Order, reason: str, by: User | None, now: datetime) -> Order:
    """Turn down, as the other payer, an order that the buyer asked to be paid."""
    lock_accounts([order.account_id, order.payer_id])
    return _end_unpaid(
        order, OrderStatus.REFUSED, "order.payment_refused", reason=reason, by=by, now=now
    )
