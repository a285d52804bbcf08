"""The rows of an order: itself, its lines, what was paid toward it, and the events it leaves."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings

from accounts.models import AuditEvent, User
from accounts.services.audit import build_event
from billing.allocation import PaymentSplit
from billing.calendar import billing_zone, local_date
from billing.enums import FundKind, LedgerBook, LedgerKind, OrderKind, OrderStatus, TenderKind
from billing.offers import services as offers
from billing.orders.models import Order, OrderLine
from billing.orders.quote_changes import digest
from billing.orders.quotes import Quote
from billing.packages.models import Package
from billing.transitions import (
    ORDER_STARTS,
    ORDER_TRANSITIONS,
    OrderMove,
    OrderStart,
    source,
    target,
)
from billing.wallet.ledger import move_between, post_transaction
from billing.wallet.models import Fund, Payment


def make_number(now: datetime) -> str:
    """Return a number for an order or refund: the local day, and ten digits by chance."""
    return f"{local_date(now, billing_zone()):%Y%m%d}{secrets.randbelow(10**10):010d}"


def write_order(quote: Quote, status: OrderStatus, *, by: User | None, now: datetime) -> Order:
    """Write the order of a quote: unpaid, or at once as paid by `by` at `now`."""
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


def write_lines(quote: Quote, order: Order, started: Package | None) -> list[OrderLine]:
    """Write the order's lines; those of a new purchase are for the package that it `started`."""
    is_by_term = quote.ask.kind in {OrderKind.NEW, OrderKind.RENEWAL}
    rows = []
    for line in quote.lines:
        unit, count = quote.ask.term_of(line.package) if is_by_term else ("", 0)
        rows.append(
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
                term_unit=unit,
                term_count=count,
                unit_price=line.priced.unit_price,
                amount=line.priced.amount,
                promotion_amount=line.promotion_amount,
                coupon_amount=line.coupon_amount,
                net=line.net,
                formula=line.priced.formula.to_json(),
            )
        )
    return OrderLine.objects.bulk_create(rows)


def placed_event(order: Order, *, by: User | None, now: datetime) -> AuditEvent:
    """Return the event, not saved yet, that an order was placed."""
    return build_event(
        account=order.account,
        verb="order.placed",
        target=order,
        to_state=ORDER_STARTS[OrderStart.PLACE],
        data={"total": str(order.total), "kind": order.kind},
        by=by,
        now=now,
    )


def paid_event(order: Order, *, by: User | None, now: datetime) -> AuditEvent:
    """Return the event, not saved yet, that an order was paid."""
    return build_event(
        account=order.account,
        verb="order.paid",
        target=order,
        from_state=source(ORDER_TRANSITIONS, OrderMove.PAY),
        to_state=target(ORDER_TRANSITIONS, OrderMove.PAY),
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
            kind=TenderKind(kind.value).value,
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
                kind=TenderKind.COUPON.value,
                coupon=order.coupon,
                currency=order.currency,
                amount=order.coupon_amount,
                at=now,
            )
        )
    return payments


def take_money(
    order: Order, paid: PaymentSplit, funds: Mapping[str, Fund], *, by: User | None, now: datetime
) -> None:
    """Move what each of the `funds` pays; a coupon pays beside them, and is used up.

    The caller holds the lock of the account whose funds they are.
    """
    if order.coupon:
        offers.use_coupon(order.coupon, order.coupon_amount, now=now)
    by_kind = {FundKind.GIFT: paid.gift, FundKind.INCOME: paid.income, FundKind.CASH: paid.cash}
    amounts = {kind: amount for kind, amount in by_kind.items() if amount}
    payments = _payments(order, amounts, funds, now)
    if not amounts:
        Payment.objects.bulk_create(payments)
        return
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
        order_id=order.pk,
        payments=payments,
    )
