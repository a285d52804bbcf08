"""Double-entry bookkeeping: the only code that makes ledger rows.

The database keeps each fund's balance as the sum of its entries, refuses a negative one, and
checks at commit that every transaction sums to zero. See `billing.models.wallets`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from accounts.models import Account, User
from billing.enums import FundKind, LedgerBook, LedgerKind
from billing.models import Fund, LedgerEntry, LedgerTransaction, Order, Refund


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


def lock_funds(*, account: Account, currency: str) -> dict[str, Fund]:
    """Lock and read the account's funds, by kind; kinds never used are absent."""
    funds = Fund.objects.select_for_update(no_key=True).filter(account=account, currency=currency)
    return {fund.kind: fund for fund in funds.order_by("pk")}


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
    order: Order | None = None,
    refund: Refund | None = None,
    note: str = "",
) -> LedgerTransaction:
    """Write one transaction with its entries.

    Raises IntegrityError at once where a fund would fall below zero, and at commit where the
    legs do not sum to zero.
    """
    transaction = LedgerTransaction.objects.create(
        kind=kind, account=account, at=now, by=by, order=order, refund=refund, note=note
    )
    LedgerEntry.objects.bulk_create(
        [
            LedgerEntry(
                transaction=transaction,
                book=leg.book,
                fund=leg.fund,
                currency=leg.currency,
                amount=leg.amount,
            )
            for leg in legs
        ]
    )
    return transaction


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
