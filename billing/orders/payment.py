"""Writing an order, paying it, and handing over what it bought.

An order is always paid by `pay_and_fulfill`, now or later. Everything here trusts that
the order has just been judged, and the changes of packages planned, under the account's lock.
Nothing here prices, judges or asks. Packages are written first, since the order's lines name them,
and licenses last, which name the lines.
"""

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db.models import Case, DateTimeField, Value, When
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account, User
from accounts.services.audit import Event, record
from accounts.services.notifications import News
from billing.allocation import PaymentSplit
from billing.enums import (
    ItemKind,
    LedgerBook,
    LedgerKind,
    LicenseKind,
    LicenseSource,
    OrderKind,
    TenderKind,
)
from billing.offers import services as offers
from billing.orders.models import Order, OrderLine, make_number
from billing.orders.package_changes import PackageChange
from billing.orders.quotes import ConfirmableQuote
from billing.packages.models import License, Package
from billing.packages.queries import NewLicenses, add_licenses
from billing.transitions import ORDER_STARTS, ORDER_TRANSITIONS, OrderMove, OrderStart
from billing.wallet.ledger import move_between, post_transaction
from billing.wallet.models import Fund, Payment

_UNPAID, _PAID = ORDER_TRANSITIONS.source(OrderMove.PAY), ORDER_TRANSITIONS.target(OrderMove.PAY)


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
        currency=quote.book.currency,
        price_book=quote.book,
        promotion=quote.promotion,
        coupon=quote.coupon,
        list_amount=quote.list_amount,
        promotion_amount=quote.promotion_amount,
        coupon_amount=quote.coupon_amount,
        total=quote.total,
        excluded_funds=list(quote.request.without),
        request={
            "order_request": quote.promised["request"],
            "included": dict(quote.included),
            "changes": quote.promised["changes"],
        },
        key=quote.key,
        fingerprint=quote.digest,
        created_at=now,
        created_by=by,
        expires_at=now + timedelta(hours=settings.ORDER_LIFETIME_HOURS),
    )
    return order, _draft_lines(quote, order)


def _draft_lines(quote: ConfirmableQuote, order: Order) -> list[OrderLine]:
    return [
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
            term_unit=line.term_unit,
            term_count=line.term_count,
            unit_price=line.priced.unit_price,
            amount=line.priced.amount,
            promotion_amount=line.promotion_amount,
            coupon_amount=line.coupon_amount,
            net=line.net,
            formula=line.priced.formula,
        )
        for line in quote.lines
    ]


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
    packages = _change_packages(changes, account=order.account, now=now)
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
        _hand_over_licenses(change, package, bought, now=now)
        events.append(_changed(order, change, package))
    events.append(_paid(order))
    record(events, account=order.account, by=by, now=now)


def _mark_paid(order: Order, started: Package | None) -> None:
    """Write that an order was paid, and the package that it started to its lines."""
    # A sweep ends orders without the account's lock.
    changed = Order.objects.filter(pk=order.pk, status=_UNPAID).update(
        status=_PAID, paid_at=order.paid_at, paid_by=order.paid_by
    )
    if not changed:
        raise Refused(_("This order can no longer be paid."), code="not_payable")
    order.status = _PAID
    if started:
        order.lines.update(package=started)


# --- Packages and licenses -----------------------------------------------------------------


def _change_packages(
    changes: Sequence[PackageChange], *, account: Account, now: datetime
) -> list[Package]:
    """Write what changes make of their packages, and start the one that there is none of yet."""
    _end_licenses([change for change in changes if change.ending])
    packages = []
    for change in changes:
        package = change.snapshot.package if change.snapshot else None
        if package is None:
            package = Package(account=account, application_id=change.application, created_at=now)
        for name, value in change.columns.items():
            setattr(package, name, value)
        packages.append(package)
    columns = list(changes[0].columns)
    if changes[0].snapshot is None:
        packages[0].save(force_insert=True)
    elif columns and len(packages) == 1:
        # Compiling the statement for several takes longer than executing it.
        packages[0].save(update_fields=columns)
    elif columns:
        Package.objects.bulk_update(packages, columns)
    return packages


def _end_licenses(changes: Sequence[PackageChange]) -> None:
    if not changes:
        return
    ends = [When(package=change.package, then=Value(change.ends_at)) for change in changes]
    License.objects.filter(
        package__in=[change.package for change in changes],
        pk__in=list(itertools.chain.from_iterable(change.ending for change in changes)),
    ).update(ends_at=Case(*ends, output_field=DateTimeField()))


def _hand_over_licenses(
    change: PackageChange, package: Package, bought: Mapping[str, OrderLine], *, now: datetime
) -> None:
    """Add the licenses of a change; `bought` are the order's lines by the kind of license.

    A trial's additional licenses that continue become those of the order.
    """
    if change.taken_over:
        going_on = package.licenses.filter(source=LicenseSource.BOUGHT, ends_at=None)
        going_on.update(order_line=bought[LicenseKind.AGENT])
    added = [NewLicenses(kind, number) for kind, number in change.included.items() if number]
    for kind, number in change.bought.items():
        if number:
            added.append(NewLicenses(kind, number, bought[kind].pk))
    if added:
        add_licenses(package, added, now=now)


# --- Money ---------------------------------------------------------------------------------


def _take_money(
    order: Order, split: PaymentSplit, funds: Mapping[str, Fund], *, by: User | None, now: datetime
) -> None:
    """Move what each of the `funds` pays; a coupon pays beside them, and is used up."""
    payment = partial(Payment, order=order, currency=order.currency, at=now)
    amounts = split.amounts
    payments = [
        payment(account=order.payer, kind=kind.value, fund=funds[kind], amount=amount)
        for kind, amount in amounts.items()
    ]
    if order.coupon:
        offers.use_coupon(order.coupon, order.coupon_amount, now=now)
        payments.append(
            payment(
                account=order.account,
                kind=TenderKind.COUPON.value,
                coupon=order.coupon,
                amount=order.coupon_amount,
            )
        )
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
        from_state=_UNPAID,
        to_state=order.status,
        data={"total": str(order.total), "payer": order.payer.uin},
    )
