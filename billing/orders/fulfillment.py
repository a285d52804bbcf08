"""Writing an order, paying it, and handing over what it bought.

An order is always paid by `pay_and_fulfill`, whether at once or later. Everything here trusts that
the order has just been judged under the account's lock, and writes the package changes that were
computed then as they are. Nothing here prices, judges or asks.
"""

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import Case, DateTimeField, Value, When
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account, AuditEvent, User
from accounts.services.audit import build_event
from billing.allocation import PaymentSplit
from billing.enums import (
    FundKind,
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

# --- Orders --------------------------------------------------------------------------------


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


def _write_order(order: Order, lines: Sequence[OrderLine]) -> None:
    order.save(force_insert=True)
    OrderLine.objects.bulk_create(lines)


def place_unpaid(
    order: Order, lines: Sequence[OrderLine], *, by: User | None, now: datetime
) -> None:
    """Write a drafted order, to be paid later."""
    _write_order(order, lines)
    _placed_event(order, by=by, now=now).save(force_insert=True)


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

    A drafted order is placed and paid in one: these are two events, but nobody ever sees it
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
        _write_order(order, lines)
    else:
        _mark_paid(order, started)
    _take_money(order, split, funds, by=by, now=now)
    bought = {line.item: line for line in lines if line.item != ItemKind.PACKAGE}
    for change, package in zip(changes, packages, strict=True):
        _hand_over_licenses(change, package, bought, now=now)
    placed = [_placed_event(order, by=by, now=now)] if is_draft else []
    changed = [
        _package_event(order, change, package, by=by, now=now)
        for change, package in zip(changes, packages, strict=True)
    ]
    AuditEvent.objects.bulk_create([*placed, *changed, _paid_event(order, by=by, now=now)])


def _mark_paid(order: Order, started: Package | None) -> None:
    """Write that an order was paid, and the package that it started to its lines."""
    # A sweep ends orders without the account's lock.
    was, after = source(ORDER_TRANSITIONS, OrderMove.PAY), target(ORDER_TRANSITIONS, OrderMove.PAY)
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


# --- Packages and licenses -----------------------------------------------------------------


def _change_packages(
    changes: Sequence[PackageChange], *, account: Account, now: datetime
) -> list[Package]:
    """Write what changes make of their packages, and start the one that there is none of yet."""
    _end_licenses([change for change in changes if change.ending])
    packages = [
        change.snapshot.package
        if change.snapshot
        else Package(account=account, application_id=change.application, created_at=now)
        for change in changes
    ]
    for change, package in zip(changes, packages, strict=True):
        for name, value in change.columns.items():
            setattr(package, name, value)
    columns = list(changes[0].columns)
    if changes[0].snapshot is None:
        packages[0].save(force_insert=True)
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


class NewLicenses(NamedTuple):
    """So many licenses of a kind: included ones, or those that an order line bought."""

    kind: LicenseKind
    quantity: int
    line: OrderLine | None = None


#: One statement however many there are: ten thousand as objects take a second and a half.
_ADD = """
    INSERT INTO billing_license (account_id, package_id, kind, source, order_line_id, created_at)
    SELECT %s, %s, n.kind, CASE WHEN n.line IS NULL THEN 'included' ELSE 'bought' END, n.line, %s
    FROM unnest(%s::text[], %s::int[], %s::bigint[]) AS n (kind, quantity, line),
        generate_series(1, n.quantity)
"""


def add_licenses(package: Package, added: Sequence[NewLicenses], *, now: datetime) -> None:
    """Add licenses to a package."""
    values = (
        package.account_id,
        package.pk,
        now,
        [each.kind.value for each in added],
        [each.quantity for each in added],
        [each.line and each.line.pk for each in added],
    )
    with connection.cursor() as cursor:
        cursor.execute(_ADD, values)


def _hand_over_licenses(
    change: PackageChange, package: Package, bought: Mapping[str, OrderLine], *, now: datetime
) -> None:
    """Add the licenses of a change; `bought` are the order's lines by the kind of license.

    A trial's additional licenses that go on become those of the order.
    """
    if change.taken_over:
        going_on = package.licenses.filter(source=LicenseSource.BOUGHT, ends_at=None)
        going_on.update(order_line=bought[LicenseKind.AGENT])
    added = [NewLicenses(kind, number) for kind, number in change.included.items() if number]
    for kind, number in change.bought.items():
        if number:
            added.append(NewLicenses(kind, number, bought[kind]))
    if added:
        add_licenses(package, added, now=now)


# --- Events --------------------------------------------------------------------------------

_VERBS = {
    OrderKind.NEW: "package.purchased",
    OrderKind.ADDITIONAL: "package.extended",
    OrderKind.RENEWAL: "package.renewed",
    OrderKind.UPGRADE: "package.upgraded",
}


def _placed_event(order: Order, *, by: User | None, now: datetime) -> AuditEvent:
    return build_event(
        account=order.account,
        verb="order.placed",
        target=order,
        to_state=ORDER_STARTS[OrderStart.PLACE],
        data={"total": str(order.total), "kind": order.kind},
        by=by,
        now=now,
    )


def _paid_event(order: Order, *, by: User | None, now: datetime) -> AuditEvent:
    return build_event(
        account=order.account,
        verb="order.paid",
        target=order,
        from_state=source(ORDER_TRANSITIONS, OrderMove.PAY),
        to_state=order.status,
        data={"total": str(order.total), "payer": order.payer.uin},
        by=by,
        now=now,
    )


def _package_event(
    order: Order, change: PackageChange, package: Package, *, by: User | None, now: datetime
) -> AuditEvent:
    return build_event(
        account=order.account,
        verb=_VERBS[OrderKind(order.kind)],
        target=package,
        from_state=change.snapshot.state if change.snapshot else "",
        to_state=package.state,
        data={"order": order.number, "expires_at": package.expires_at.isoformat()},
        by=by,
        now=now,
    )
