"""Double-entry bookkeeping: the only code that makes ledger rows.

The database keeps each fund's balance as the sum of its entries, refuses a negative one, and
checks at commit that every transaction sums to zero. See `billing.wallet.models`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from accounts.models import Account, User
from accounts.prepared import PreparedQuery
from billing.allocation import PaymentSplit, split
from billing.enums import FundKind, LedgerBook, LedgerKind
from billing.wallet.models import Fund, LedgerTransaction, Payment
from billing.wallet.queries import Leg, insert_transaction


@PreparedQuery
def _funds(account_id: int, currency: str) -> "QuerySet[Fund]":
    return Fund.objects.filter(account_id=account_id, currency=currency).order_by("pk")


def find_or_make_fund(*, account: Account, kind: str, currency: str) -> Fund:
    """Return the account's fund of that kind, made when first needed."""
    return Fund.objects.get_or_create(account=account, kind=kind, currency=currency)[0]


def read_funds(*, account: Account, currency: str) -> dict[str, Fund]:
    """Return the account's funds, by kind; kinds never used are absent.

    They stay as they are while the caller holds the account's lock, which all who pay from or
    into a fund take first.
    """
    return {fund.kind: fund for fund in _funds(account.pk, currency)}


def split_over(funds: Mapping[str, Fund], total: Decimal, without: Collection[str]) -> PaymentSplit:
    """Return how funds would pay `total`, those of the kinds `without` left out."""
    return split(total, {kind: fund.balance for kind, fund in funds.items()}, without)


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

    Raises IntegrityError immediately where a fund would fall below zero, and at commit where the
    legs do not sum to zero.
    """
    posted = LedgerTransaction(
        kind=kind, account=account, at=now, by=by, order_id=order_id, refund_id=refund_id, note=note
    )
    posted.pk = insert_transaction(posted, legs, payments)
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
