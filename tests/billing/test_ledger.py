"""The ledger: what the database itself refuses, and what verification finds."""

import io
from collections.abc import Callable
from decimal import Decimal

import pgtrigger
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.models import AuditEvent
from billing.enums import Edition, LedgerBook, LedgerKind, OrderKind
from billing.models import (
    Fund,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    PriceBook,
    PriceItem,
    RefundLine,
)
from billing.orders.quoting import confirmable_quote
from billing.orders.request import OrderRequest
from billing.orders.services import place_order
from billing.refunds.quotes import quote_refund
from billing.refunds.services import refund_package
from billing.wallet.ledger import move_between, post_transaction
from billing.wallet.queries import Leg
from config.verification import count_checks
from tests.factories import NOW, Customer, make_customer

pytestmark = pytest.mark.django_db


def _refunded_customer() -> Customer:
    """A customer with rows in every table of money."""
    customer = make_customer(gift="100", income="50", cash="500")
    order_request = OrderRequest(
        kind=OrderKind.NEW, application=customer.application.pk, edition=Edition.PREMIUM
    )
    quote = confirmable_quote(account=customer.account, order_request=order_request, now=NOW)
    order = place_order(account=customer.account, token=quote.token, by=customer.owner, now=NOW)
    package = order.lines.get().package
    assert package is not None
    token = quote_refund(package=package, now=NOW).token
    refund_package(package=package, token=token, by=customer.owner, now=NOW)
    return customer


HISTORY = [
    LedgerTransaction,
    LedgerEntry,
    Payment,
    RefundLine,
    AuditEvent,
    PriceBook,
    PriceItem,
]


@pytest.mark.parametrize("model", HISTORY, ids=lambda model: model.__name__)
@pytest.mark.parametrize(
    "statement", ["UPDATE {0} SET id = id", "DELETE FROM {0}", "TRUNCATE {0} CASCADE"]
)
def test_history_cannot_be_changed_by_the_applications_own_role(
    model: type, statement: str
) -> None:
    _refunded_customer()
    _check_now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT usesuper FROM pg_user WHERE usename = current_user")
        assert cursor.fetchone() == (False,)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(model._meta.db_table))  # type: ignore[attr-defined]


def _check_now() -> None:
    """Ask for the checks that otherwise come at commit."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _post(customer: Customer, legs: list[Leg]) -> None:
    post_transaction(kind=LedgerKind.CREDIT, account=customer.account, legs=legs, by=None, now=NOW)


def _cash(customer: Customer) -> Fund:
    return Fund.objects.get(account=customer.account, kind="cash")


def test_an_unbalanced_transaction_fails_at_commit() -> None:
    customer = make_customer(cash="10")
    legs = [
        Leg(amount=Decimal("5.00"), currency="USD", fund=_cash(customer)),
        Leg(amount=Decimal("-4.99"), currency="USD", book=LedgerBook.TOP_UP),
    ]
    _post(customer, legs)
    with pytest.raises(IntegrityError, match="does not sum to zero"):
        _check_now()


def test_a_transaction_without_entries_fails_at_commit() -> None:
    customer = make_customer(cash="10")
    _post(customer, [])
    with pytest.raises(IntegrityError, match="has no entries"):
        _check_now()


def test_a_fund_is_never_overdrawn() -> None:
    customer = make_customer(cash="10")
    legs = move_between(
        book=LedgerBook.SALES, amounts={_cash(customer): Decimal("-10.01")}, currency="USD"
    )
    with pytest.raises(IntegrityError, match="billing_fund_not_negative"), transaction.atomic():
        _post(customer, legs)
    assert _cash(customer).balance == Decimal("10.00")


def test_an_entry_in_another_currency_than_its_fund_is_refused() -> None:
    customer = make_customer(cash="10")
    legs = move_between(
        book=LedgerBook.TOP_UP, amounts={_cash(customer): Decimal("1.00")}, currency="EUR"
    )
    with pytest.raises(IntegrityError, match="another currency"), transaction.atomic():
        _post(customer, legs)


def test_balances_follow_the_entries() -> None:
    customer = make_customer(cash="10.01")
    _post(
        customer,
        move_between(
            book=LedgerBook.TOP_UP, amounts={_cash(customer): Decimal("0.02")}, currency="USD"
        ),
    )
    assert _cash(customer).balance == Decimal("10.03")


def test_a_payment_is_never_refunded_beyond_what_it_paid() -> None:
    customer = _refunded_customer()
    line = RefundLine.objects.filter(account=customer.account, amount__gt=0).first()
    assert line is not None
    with pytest.raises(IntegrityError, match="billing_refund_line_once"), transaction.atomic():
        RefundLine.objects.create(
            account=line.account, refund=line.refund, payment=line.payment, amount=line.amount
        )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_refundline DROP CONSTRAINT billing_refund_line_once")
    with pytest.raises(IntegrityError, match="beyond what it paid"), transaction.atomic():
        RefundLine.objects.create(
            account=line.account, refund=line.refund, payment=line.payment, amount=Decimal("0.01")
        )


# --- verify_ledger ---------------------------------------------------------------------------


def _verify() -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("verify_ledger", stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_verification_passes_where_everything_holds() -> None:
    _refunded_customer()
    code, said = _verify()
    assert (code, said) == (0, f"{count_checks()} checks, 0 breaches.\n")


def _alter_balance(customer: Customer) -> str:
    Fund.objects.filter(account=customer.account, kind="cash").update(balance=Decimal("777.00"))
    fund = _cash(customer)
    return (
        f"fund {fund.pk} (account {customer.account.uin}, cash):"
        " its balance is 777.00, its entries sum to 500.00"
    )


def _alter_entry(customer: Customer) -> str:
    entry = LedgerEntry.objects.filter(fund__account=customer.account).order_by("pk").first()
    assert entry is not None
    LedgerEntry.objects.filter(pk=entry.pk).update(amount=entry.amount + 1)
    return f"ledger transaction {entry.transaction_id}: its entries sum to 1.00 USD, not to zero"


def _alter_payment(customer: Customer) -> str:
    payment = Payment.objects.get(account=customer.account, kind="gift")
    Payment.objects.filter(pk=payment.pk).update(amount=Decimal("90.00"))
    return (
        f"payment {payment.pk} of order {payment.order.number}: 100.00 were refunded of 90.00 paid"
    )


def _alter_package(customer: Customer) -> str:
    package = customer.account.packages.get()
    customer.account.packages.update(state="active")
    number = package.refunds.get().number
    return f"package {package.pk}: it is active, but its refund {number} is done"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "alter",
    [_alter_balance, _alter_entry, _alter_payment, _alter_package],
    ids=lambda f: f.__name__,
)
def test_verification_names_the_row_that_was_altered(alter: Callable[[Customer], str]) -> None:
    customer = _refunded_customer()
    with pgtrigger.ignore():
        expected = alter(customer)
    code, said = _verify()
    assert code == 1
    assert expected in said.splitlines()
