"""Double-entry bookkeeping: the only code that makes ledger rows.

The database keeps each fund's balance as the sum of its entries, refuses a negative one, and
checks at commit that every transaction sums to zero. See `billing.wallet.models`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from accounts.models import Account, User
from billing.allocation import PaymentSplit, split
from billing.enums import FundKind, LedgerBook, LedgerKind
from billing.model_queries import Rows
from billing.wallet.models import Fund, LedgerTransaction, Payment

_FUNDS = Rows(
    "SELECT {f} FROM billing_fund f WHERE f.account_id = %s AND f.currency = %s ORDER BY f.id",
    f=Fund,
)
#: A transaction with all its entries, and with the payments that it stands for, in one statement:
#: every purchase writes them.
_POST = """
    WITH paid AS (
        INSERT INTO billing_payment
            (account_id, order_id, kind, fund_id, coupon_id, currency, amount, at)
        SELECT p.account, p.for_order, p.kind, p.fund, p.coupon, p.currency, p.amount, p.at
        FROM unnest(
            %s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::text[],
            %s::numeric[], %s::timestamptz[]
        ) WITH ORDINALITY
            AS p (account, for_order, kind, fund, coupon, currency, amount, at, place)
        ORDER BY p.place
    ), posted AS (
        INSERT INTO billing_ledgertransaction
            (kind, account_id, at, by_id, order_id, refund_id, note)
        VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id
    ), entered AS (
        INSERT INTO billing_ledgerentry (transaction_id, book, fund_id, currency, amount)
        SELECT posted.id, leg.book, leg.fund, leg.currency, leg.amount
        FROM posted, unnest(%s::text[], %s::bigint[], %s::text[], %s::numeric[])
            WITH ORDINALITY AS leg (book, fund, currency, amount, place)
        ORDER BY leg.place
    )
    SELECT id FROM posted
"""
#: The columns of payments in the order of the statement.
_PAYMENT = (
    "account_id",
    "order_id",
    "kind",
    "fund_id",
    "coupon_id",
    "currency",
    "amount",
    "at",
)


@dataclass(frozen=True)
class Leg:
    """One entry to make: into (+) or out of (-) a fund, or one of our own books."""

    amount: Decimal
    currency: str
    book: LedgerBook = LedgerBook.FUND
    fund: Fund | None = None


def find_or_make_fund(*, account: Account, kind: str, currency: str) -> Fund:
    """Return the account's fund of that kind, made when first needed."""
    return Fund.objects.get_or_create(account=account, kind=kind, currency=currency)[0]


def read_funds(*, account: Account, currency: str) -> dict[str, Fund]:
    """Return the account's funds, by kind; kinds never used are absent.

    They stay as they are while the caller holds the account's lock, which all who pay from or
    into a fund take first.
    """
    return {fund.kind: fund for (fund,) in _FUNDS(account.pk, currency)}


def split_over(funds: Mapping[str, Fund], total: Decimal, without: Iterable[str]) -> PaymentSplit:
    """Return how funds would pay `total`, those of the kinds `without` left out."""
    balances = {
        kind: funds[kind].balance if kind in funds else Decimal("0.00") for kind in FundKind
    }
    return split(total, balances, {FundKind(kind) for kind in without})


def read_balances(*, account: Account, currency: str) -> dict[str, Decimal]:
    """Return the balance of every kind of fund, zero where there is none yet."""
    balances = {kind: Decimal("0.00") for kind in FundKind.values}
    found = Fund.objects.filter(account=account, currency=currency)
    balances.update(found.values_list("kind", "balance"))
    return balances


def post_transaction(
    *,
    kind: LedgerKind,
    account: Account,
    legs: Sequence[Leg],
    by: User | None,
    now: datetime,
    order_id: int | None = None,
    refund_id: int | None = None,
    note: str = "",
    payments: Sequence[Payment] = (),
) -> LedgerTransaction:
    """Write one transaction with its entries, and the `payments` of an order that it stands for.

    Raises IntegrityError at once where a fund would fall below zero, and at commit where the
    legs do not sum to zero.
    """
    posted = LedgerTransaction(
        kind=kind, account=account, at=now, by=by, order_id=order_id, refund_id=refund_id, note=note
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _POST,
            [
                *([getattr(payment, name) for payment in payments] for name in _PAYMENT),
                kind.value,
                account.pk,
                now,
                posted.by_id,
                posted.order_id,
                posted.refund_id,
                note,
                [leg.book.value for leg in legs],
                [leg.fund and leg.fund.pk for leg in legs],
                [leg.currency for leg in legs],
                [leg.amount for leg in legs],
            ],
        )
        (posted.pk,) = cursor.fetchone()
    return posted


def move_between(
    *,
    book: LedgerBook,
    amounts: Mapping[Fund, Decimal],
    currency: str,
) -> list[Leg]:
    """Return legs that put `amounts` into funds (negative: take out) against one own book."""
    legs = [Leg(amount=amount, currency=currency, fund=fund) for fund, amount in amounts.items()]
    total = sum(amounts.values(), Decimal(0))
    return [*legs, Leg(amount=-total, currency=currency, book=book)]
