"""The statement of an account's funds: what came in, what went out, and what was left.

A row is one movement of money, with what it put into each fund (below zero: took out), and
beside it what a coupon paid. An order that a coupon paid alone moved no money, so it comes from
its payment. Rows are found by key first and read in batches, so that an export of any length
keeps neither memory nor a transaction.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, IntegerField, OuterRef, Q, QuerySet, Value

from accounts.models import Account
from accounts.text import mask_name
from billing.calendar import billing_zone, start_of_day
from billing.enums import FundKind, LedgerKind, TenderKind
from billing.wallet.models import LedgerEntry, LedgerTransaction, Payment

_ZERO = Decimal("0.00")
_BATCH = 1000

#: When, from which table (0: ledger, 1: a coupon's payment), and the row's key.
Key = tuple[datetime, int, int]


@dataclass(frozen=True)
class StatementFilter:
    """What a statement is narrowed to; local days, both ends included."""

    fund: str = ""
    kind: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def starts_at(self) -> datetime | None:
        """The first instant."""
        return start_of_day(self.since, billing_zone()) if self.since else None

    @property
    def ends_at(self) -> datetime | None:
        """The instant after the last one."""
        return start_of_day(self.until + timedelta(days=1), billing_zone()) if self.until else None


@dataclass(frozen=True)
class StatementRow:
    """One movement of money.

    `number` is that of the order, the refund or the credit, and `page` the name of the address
    that shows it by that number, empty where this account has none. `other` is another account's
    UIN and masked name, where one is involved.
    """

    at: datetime
    kind: LedgerKind
    number: str
    page: str
    other: str
    amounts: Mapping[str, Decimal]
    currency: str

    @property
    def cells(self) -> list[Decimal]:
        """What moved: cash, income, gift, coupon."""
        return [self.amounts[kind] for kind in COLUMNS]

    @property
    def named_cells(self) -> list[tuple[TenderKind, Decimal]]:
        """The same, each with its kind of fund."""
        return [(kind, self.amounts[kind]) for kind in COLUMNS]


@dataclass
class Sums:
    """What a transaction put into each kind of fund, and its currency."""

    amounts: dict[str, Decimal] = field(
        default_factory=lambda: dict.fromkeys(FundKind.values, _ZERO)
    )
    currency: str = ""


#: The columns of a statement, in order.
FUND_COLUMNS = (TenderKind.CASH, TenderKind.INCOME, TenderKind.GIFT)
COLUMNS = (*FUND_COLUMNS, TenderKind.COUPON)


def _within(chosen: StatementFilter) -> Q:
    within = Q()
    if chosen.starts_at:
        within &= Q(at__gte=chosen.starts_at)
    if chosen.ends_at:
        within &= Q(at__lt=chosen.ends_at)
    return within


def _ledger_keys(account: Account, chosen: StatementFilter) -> "QuerySet[LedgerTransaction]":
    rows = LedgerTransaction.objects.filter(_within(chosen), account=account)
    if chosen.kind:
        rows = rows.filter(kind=chosen.kind)
    if chosen.fund == TenderKind.COUPON:
        paid = Payment.objects.filter(
            order=OuterRef("order"), account=account, kind=TenderKind.COUPON
        )
        return rows.filter(Exists(paid), kind=LedgerKind.PAYMENT)
    if chosen.fund:
        entries = LedgerEntry.objects.filter(transaction=OuterRef("pk"), fund__kind=chosen.fund)
        return rows.filter(Exists(entries))
    return rows


def _coupon_keys(account: Account, chosen: StatementFilter) -> "QuerySet[Payment]":
    """Return what coupons paid alone."""
    moved = LedgerTransaction.objects.filter(order=OuterRef("order"), kind=LedgerKind.PAYMENT)
    rows = Payment.objects.filter(
        _within(chosen), ~Exists(moved), account=account, kind=TenderKind.COUPON
    )
    is_wanted = chosen.kind in {"", LedgerKind.PAYMENT} and chosen.fund in {"", TenderKind.COUPON}
    return rows if is_wanted else rows.none()


def _as_keys(rows: "QuerySet[Any]", source: int) -> "QuerySet[Any, Key]":
    numbered = rows.annotate(source=Value(source, IntegerField()), key=F("pk"))
    keys: QuerySet[Any, Key] = numbered.values_list("at", "source", "key")
    return keys


class StatementKeys:
    """The keys of all rows of a statement, the newest first, to be counted and cut into pages.

    Each table gives only as many as a page's end needs, by its index: a page near the newest rows
    costs the same however long the history is.
    """

    def __init__(self, account: Account, chosen: StatementFilter) -> None:
        self._tables = (_ledger_keys(account, chosen), _coupon_keys(account, chosen))

    def count_to(self, limit: int) -> int:
        """Return how many rows there are, `limit` at most."""
        first, *others = (rows.order_by().values("pk")[:limit] for rows in self._tables)
        return first.union(*others, all=True)[:limit].count()

    def __getitem__(self, part: slice) -> list[Key]:
        keys = [
            key
            for source, rows in enumerate(self._tables)
            for key in _as_keys(rows.order_by("-at", "-pk"), source)[: part.stop]
        ]
        return sorted(keys, reverse=True)[part]


def _after(last: Key | None, source: int) -> Q:
    """Return the condition for a table's rows that come after a key, oldest first."""
    if last is None:
        return Q()
    at, last_source, key = last
    if source == last_source:
        return Q(at__gt=at) | Q(at=at, pk__gt=key)
    return Q(at__gte=at) if source > last_source else Q(at__gt=at)


def stream_rows(account: Account, chosen: StatementFilter) -> Iterator[StatementRow]:
    """Yield all rows, the oldest first."""
    ledger, coupons = _ledger_keys(account, chosen), _coupon_keys(account, chosen)
    last: Key | None = None
    while True:
        first = _as_keys(ledger.filter(_after(last, 0)).order_by(), 0)
        second = _as_keys(coupons.filter(_after(last, 1)).order_by(), 1)
        keys = list(first.union(second, all=True).order_by("at", "source", "key")[:_BATCH])
        if not keys:
            return
        yield from read_statement_rows(account, keys)
        last = keys[-1]


def read_statement_rows(account: Account, keys: Iterable[Key]) -> list[StatementRow]:
    """Return the rows of `keys`, in their order; at most three queries.

    Columns are read and not rows of models: five tables meet here, and an export reads them all.
    """
    listed = list(keys)
    moved = _read_moved([key for _at, source, key in listed if source == 0])
    sums = _read_sums([row.pk for row in moved])
    paid = _read_coupons(
        account,
        orders=[row.order_id for row in moved if row.kind == LedgerKind.PAYMENT],
        alone=[key for _at, source, key in listed if source == 1],
    )
    coupons = {row.order_id: row.amount for row in paid}
    found = {
        0: {row.pk: _ledger_row(row, account, sums[row.pk], coupons) for row in moved},
        1: {row.pk: _coupon_row(row, account) for row in paid},
    }
    return [found[source][key] for _at, source, key in listed]


def _read_moved(ids: list[int]) -> list[Any]:
    rows = LedgerTransaction.objects.filter(pk__in=ids).values_list(
        *("pk", "at", "kind", "note", "order_id", "order__number", "order__account_id"),
        *("order__account__uin", "order__account__name", "refund__number"),
        *("refund__account_id", "refund__account__uin", "refund__account__name"),
        named=True,
    )
    return list(rows)


def _read_sums(ids: list[int]) -> dict[int, Sums]:
    """Return what each transaction put into the funds."""
    sums: dict[int, Sums] = defaultdict(Sums)
    entries = LedgerEntry.objects.filter(transaction__in=ids, fund__isnull=False)
    columns = "transaction_id", "fund__kind", "amount", "currency"
    for key, kind, amount, currency in entries.values_list(*columns):
        sums[key].amounts[kind] += amount
        sums[key].currency = currency
    return sums


def _read_coupons(account: Account, *, orders: list[int], alone: list[int]) -> list[Any]:
    """Return what coupons paid: beside money for these orders, and these payments alone."""
    rows = Payment.objects.filter(
        Q(order__in=orders) | Q(pk__in=alone), account=account, kind=TenderKind.COUPON
    ).values_list(
        *("pk", "at", "order_id", "order__number", "order__account_id", "amount", "currency"),
        named=True,
    )
    return list(rows)


def _ledger_row(
    row: Any, account: Account, sums: Sums, coupons: Mapping[int, Decimal]
) -> StatementRow:
    paid = coupons.get(row.order_id, _ZERO) if row.kind == LedgerKind.PAYMENT else _ZERO
    page, number, other = "", row.note, ""
    if row.order_id is not None:
        page, number = _order_page(row.order__account_id, account), row.order__number
        if row.order__account_id != account.pk:
            other = _masked(row.order__account__uin, row.order__account__name)
    elif row.refund__number is not None:
        # Who paid another account's order sees what came back of it, and only that.
        page, number = "billing:refund", row.refund__number
        if row.refund__account_id != account.pk:
            other = _masked(row.refund__account__uin, row.refund__account__name)
    return StatementRow(
        at=row.at,
        kind=LedgerKind(row.kind),
        number=number,
        page=page,
        other=other,
        amounts={**sums.amounts, TenderKind.COUPON.value: -paid},
        currency=sums.currency,
    )


def _order_page(account_id: int, account: Account) -> str:
    return "billing:order" if account_id == account.pk else "billing:payment_request"


def _masked(uin: str, name: str) -> str:
    return f"{uin} ({mask_name(name)})"


def _coupon_row(row: Any, account: Account) -> StatementRow:
    amounts = dict.fromkeys(FundKind.values, _ZERO)
    return StatementRow(
        at=row.at,
        kind=LedgerKind.PAYMENT,
        number=row.order__number,
        page=_order_page(row.order__account_id, account),
        other="",
        amounts={**amounts, TenderKind.COUPON.value: -row.amount},
        currency=row.currency,
    )
