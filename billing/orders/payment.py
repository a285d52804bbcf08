"""Writing an order, paying it, and letting it be fulfilled.

An order is always paid by `pay_and_fulfill`, now or later. Everything here trusts that
the order has just been judged under the account's lock. Nothing here prices, judges or asks.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import User
from accounts.services.audit import Event, record
from accounts.services.notifications import News
from billing.allocation import PaymentSplit
from billing.enums import FundKind, ItemKind, LedgerBook, LedgerKind, OrderKind, TenderKind
from billing.offers import services as offers
from billing.orders.fulfillment import change_packages, hand_over_licenses
from billing.orders.models import Order, OrderLine, make_number
from billing.orders.package_changes import PackageChange
from billing.orders.quotes import ConfirmableQuote
from billing.packages.models import Package
from billing.transitions import ORDER_STARTS, ORDER_TRANSITIONS, OrderMove, OrderStart
from billing.wallet.ledger import move_between, post_transaction
from billing.wallet.models import Fund, Payment


def draft_order(
    quote: ConfirmableQuote, *, by: User | None, now: datetime
) -> tuple[Order, list[OrderLine]]:
    """Return the order of a quote with its lines, unpaid and not written yet."""
    order = Order(
        account=quote.account,
        payer=quote.payer,
        number=make_number(now),
        kind=quote.request.kind,
        status=ORDER_STARTS[OrderStart.PLACE],
        currency=quote.currency,
        price_book=quote.book,
        promotion=quote.promotion,
        coupon=quote.coupon,
        list_amount=quote.list_amount,
        promotion_amount=quote.promotion_amount,
        coupon_amount=quote.coupon_amount,
        total=quote.total,
        excluded_funds=list(quote.request.without),
        request={
            "order_request": quote.request.to_json(),
            "included": dict(quote.included),
            "changes": [change.to_json() for change in quote.changes],
        },
        key=quote.key,
        fingerprint=quote.digest,
        created_at=now,
        created_by=by,
        expires_at=now + timedelta(hours=settings.ORDER_LIFETIME_HOURS),
    )
    return order, _draft_lines(quote, order)


def _draft_lines(quote: ConfirmableQuote, order: Order) -> list[OrderLine]:
    is_by_term = quote.request.kind in {OrderKind.NEW, OrderKind.RENEWAL}
    lines = []
    for line in quote.lines:
        unit, count = quote.request.term_of(line.package) if is_by_term else ("", 0)
        lines.append(
            OrderLine(
                account=quote.account,
                order=order,
                application_id=line.application,
                package_id=line.package,
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
    return lines


def write_order(order: Order, lines: Sequence[OrderLine]) -> None:
    """Write a drafted order with its lines."""
    order.save(force_insert=True)
    OrderLine.objects.bulk_create(lines)


def pay_and_fulfill(
    order: Order,
    lines: Sequence[OrderLine],
    changes: Sequence[PackageChange],
    *,
    split: PaymentSplit,
    funds: Mapping[str, Fund],
    by: User | None,
    now: datetime,
) -> None:
    """Write an order as paid, move the money, and hand over what was bought.

    A drafted order is placed and paid in one: these are two events, but no one ever sees it
    unpaid, so it is written once. Raises Refused where an order that was placed before is no
    longer unpaid, or a coupon has been used. The caller holds the accounts' locks.
    """
    is_draft = order.pk is None
    packages = change_packages(changes, account=order.account, now=now)
    started = packages[0] if order.kind == OrderKind.NEW else None
    order.paid_at, order.paid_by = now, by
    if is_draft:
        order.status = ORDER_STARTS[OrderStart.PLACE_AND_PAY]
        for line in lines if started else ():
            line.package = started
        write_order(order, lines)
    else:
        _mark_paid(order, started)
    _take_money(order, split, funds, by=by, now=now)
    events = [placed_event(order)] if is_draft else []
    bought = {line.item: line for line in lines if line.item != ItemKind.PACKAGE}
    for change, package in zip(changes, packages, strict=True):
        hand_over_licenses(change, package, bought, now=now)
        events.append(_changed(order, change, package))
    events.append(_paid(order))
    record(events, account=order.account, by=by, now=now)


def _mark_paid(order: Order, started: Package | None) -> None:
    """Write that an order was paid, and the package that it started to its lines."""
    # A sweep ends orders without the account's lock.
    was, after = ORDER_TRANSITIONS.source(OrderMove.PAY), ORDER_TRANSITIONS.target(OrderMove.PAY)
    changed = Order.objects.filter(pk=order.pk, status=was).update(
        status=after, paid_at=order.paid_at, paid_by=order.paid_by
    )
    if not changed:
        raise Refused(_("This order can no longer be paid."), code="not_payable")
    order.status = after
    if started:
        order.lines.update(package=started)


# --- Money ---------------------------------------------------------------------------------


def _take_money(
    order: Order, split: PaymentSplit, funds: Mapping[str, Fund], *, by: User | None, now: datetime
) -> None:
    """Move what each of the `funds` pays; a coupon pays beside them, and is used up."""
    if order.coupon:
        offers.use_coupon(order.coupon, order.coupon_amount, now=now)
    by_kind = {FundKind.GIFT: split.gift, FundKind.INCOME: split.income, FundKind.CASH: split.cash}
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


# --- Events --------------------------------------------------------------------------------

_VERBS = {
    OrderKind.NEW: "package.purchased",
    OrderKind.ADDITIONAL: "package.extended",
    OrderKind.RENEWAL: "package.renewed",
    OrderKind.UPGRADE: "package.upgraded",
}


def placed_event(order: Order, *, news: Sequence[News] = ()) -> Event:
    """Return the event that an order was placed."""
    return Event(
        verb="order.placed",
        target=order,
        to_state=ORDER_STARTS[OrderStart.PLACE],
        data={"total": str(order.total), "kind": order.kind},
        news=news,
    )


def _changed(order: Order, change: PackageChange, package: Package) -> Event:
    return Event(
        verb=_VERBS[OrderKind(order.kind)],
        target=package,
        from_state=change.snapshot.state if change.snapshot else "",
        to_state=package.state,
        data={"order": order.number, "expires_at": package.expires_at.isoformat()},
    )


def _paid(order: Order) -> Event:
    return Event(
        verb="order.paid",
        target=order,
        from_state=ORDER_TRANSITIONS.source(OrderMove.PAY),
        to_state=order.status,
        data={"total": str(order.total), "payer": order.payer.uin},
    )
