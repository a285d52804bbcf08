"""Races for money, coupons and packages; each stands beside a twin without its guard."""

import time
from collections.abc import Callable
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from accounts.errors import Refused
from accounts.models import Account
from billing.enums import Edition, OrderKind, OrderStatus
from billing.models import Coupon, LedgerEntry, Order, Package, Payment, Refund
from billing.offers import services as offers
from billing.orders import quoting
from billing.orders import services as orders
from billing.orders.request import OrderRequest, RenewedPackage
from billing.orders.services import cancel_order, pay_order
from billing.orders.snapshots import PackageReader
from billing.refunds import services as refunds
from billing.refunds.quotes import RefundRefused, quote_refund
from billing.refunds.services import refund_package
from billing.transitions import ORDER_TRANSITIONS, OrderMove
from tests import factories as make
from tests.billing.acts import balance, confirm, fresh, ledger_sum, package_of, quote
from tests.factories import NOW, Customer
from tests.races import Outcome, errors, race, values
from tests.tiers import sample

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

TIMES = sample(3, 10)
#: A guard that is taken away must show within so many tries.
TRIES = 60


def _unlocked(account_id: int) -> Account:
    return Account.objects.get(pk=account_id)


def _all_unlocked(account_ids: Any) -> dict[int, Account]:
    return Account.objects.in_bulk(list(set(account_ids)))


def _unlocked_of(keys: Any, lock_lowest: Any, of: int) -> dict[int, Account]:
    return Account.objects.in_bulk(keys(of))


def _no_account_locks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(orders, "lock_account", _unlocked)
    patch.setattr(orders, "lock_accounts", _all_unlocked)
    patch.setattr(refunds, "lock_accounts_of", _unlocked_of)


def _no_package_locks(patch: pytest.MonkeyPatch) -> None:
    """Let orders read the packages they are about to change without locking them."""
    for module in (orders, quoting):
        patch.setattr(module, "PackageReader", lambda **_lock: PackageReader())


def _codes(outcomes: list[Outcome[Any]]) -> list[str]:
    """What stopped those who were stopped; an error that is no refusal by its name."""
    return sorted(
        error.code if isinstance(error, Refused) else type(error).__name__
        for error in errors(outcomes)
    )


# --- One voucher from 8 sessions -------------------------------------------------------------

SESSIONS = 8


def _voucher_race() -> tuple[Coupon, list[Outcome[Any]]]:
    """Eight applications, each with a confirmed purchase of 120 that one voucher of 200 helps."""
    customer = make.make_customer(cash="960")
    voucher = make.make_coupon(customer.account, amount=Decimal(200))
    applications = [customer.application]
    applications += [make.make_application(customer.account) for _ in range(SESSIONS - 1)]
    shown = [
        quote(
            customer.account,
            OrderRequest(
                kind=OrderKind.NEW,
                application=application.pk,
                edition=Edition.ESSENTIAL,
                coupon=voucher.pk,
            ),
            now=NOW,
        )
        for application in applications
    ]
    return voucher, race(*[lambda each=each: confirm(each, now=NOW) for each in shown])


def _taken_from(voucher: Coupon) -> Decimal:
    paid = Payment.objects.filter(coupon=voucher).aggregate(total=Sum("amount"))["total"]
    return paid or Decimal(0)


def test_one_voucher_used_from_eight_sessions_pays_no_more_than_it_holds() -> None:
    for _time in range(TIMES):
        voucher, outcomes = _voucher_race()
        voucher.refresh_from_db()
        # The first has 120 of it. All others were shown 120, and are asked again with 80.
        assert _codes(outcomes) == ["quote_changed"] * (SESSIONS - 1)
        assert (_taken_from(voucher), voucher.remaining) == (Decimal("120.00"), Decimal("80.00"))
        assert ledger_sum() == 0


def _use_naively(coupon: Coupon, amount: Decimal, *, now: Any) -> None:
    """What not to do: read, compute, write back."""
    coupon.remaining = max((coupon.remaining or Decimal(0)) - amount, Decimal(0))
    coupon.save(update_fields=["remaining"])


def test_without_its_guards_a_voucher_pays_more_than_it_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _no_account_locks(monkeypatch)
    monkeypatch.setattr(offers, "use_coupon", _use_naively)
    assert any(_taken_from(_voucher_race()[0]) > 200 for _try in range(TRIES))


def test_without_the_lock_the_voucher_itself_still_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _no_account_locks(monkeypatch)
    for _time in range(TIMES):
        voucher, _outcomes = _voucher_race()
        voucher.refresh_from_db()
        assert _taken_from(voucher) <= 200
        assert voucher.remaining == 200 - _taken_from(voucher)


# --- Funds that cover 3 of 12 orders ---------------------------------------------------------

ORDERS = 12


def _funds_race() -> tuple[Customer, list[Outcome[Order]]]:
    """Twelve unpaid orders of 120 each, all paid together from 365."""
    customer = make.make_customer()
    applications = [customer.application]
    applications += [make.make_application(customer.account) for _ in range(ORDERS - 1)]
    unpaid = [make.buy(application) for application in applications]
    make.fund_account(customer.account, gift="100", income="65", cash="200")
    return customer, race(
        *[lambda each=each: pay_order(order=each, by=None, now=NOW) for each in unpaid]
    )


def test_funds_for_three_of_twelve_orders_pay_three() -> None:
    for _time in range(TIMES):
        customer, outcomes = _funds_race()
        assert _codes(outcomes) == ["short"] * 9
        assert len(values(outcomes)) == 3
        assert make.balances(customer.account) == {"gift": "0.00", "income": "0.00", "cash": "5.00"}
        states = Order.objects.filter(account=customer.account).values_list("status", flat=True)
        assert sorted(states) == ["paid"] * 3 + ["unpaid"] * 9
        assert Package.objects.filter(account=customer.account, state="active").count() == 3
        assert ledger_sum() == 0


def test_confirmations_at_once_take_no_more_than_there_is() -> None:
    for _time in range(TIMES):
        customer = make.make_customer(cash="365")
        applications = [customer.application]
        applications += [make.make_application(customer.account) for _ in range(ORDERS - 1)]
        asks = [
            OrderRequest(kind=OrderKind.NEW, application=each.pk, edition=Edition.ESSENTIAL)
            for each in applications
        ]
        shown = [quote(customer.account, order_request, now=NOW) for order_request in asks]
        outcomes = race(*[lambda each=each: confirm(each, now=NOW) for each in shown])
        assert _codes(outcomes) == ["quote_changed"] * 9
        assert balance(customer.account, "cash") == Decimal("5.00")


def test_without_the_lock_the_database_has_to_stop_what_the_service_should(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _no_account_locks(monkeypatch)
    seen: set[str] = set()
    for _try in range(TRIES):
        customer, outcomes = _funds_race()
        seen |= set(_codes(outcomes))
        # Not a cent is lost even so: a fund below zero is refused by the database.
        assert balance(customer.account, "cash") >= 0
        assert LedgerEntry.objects.aggregate(total=Sum("amount"))["total"] == 0
        if seen - {"short"}:
            break
    assert seen - {"short"} <= {"IntegrityError", "OperationalError"}
    assert seen - {"short"}


# --- Two accounts of one entity --------------------------------------------------------------


def _entity_race(hands: int = 2) -> list[Outcome[Refund]]:
    entity = make.make_entity()
    customers = [make.make_customer(entity=entity, cash="200") for _ in range(hands)]
    packages = [package_of(make.buy(customer.application)) for customer in customers]
    tokens = [quote_refund(package=package, now=NOW).token for package in packages]

    def ask(package: Package, token: str) -> Callable[[], Refund]:
        return lambda: refund_package(package=package, token=token, by=None, now=NOW)

    outcomes = race(*map(ask, packages, tokens))
    balances = sorted(str(balance(customer.account, "cash")) for customer in customers)
    granted = len(values(outcomes))
    assert balances == sorted(["200.00"] * granted + ["80.00"] * (hands - granted))
    return outcomes


def test_two_accounts_of_one_entity_refunding_at_once_get_one_refund() -> None:
    for _time in range(TIMES):
        outcomes = _entity_race()
        assert len(values(outcomes)) == 1
        (stopped,) = errors(outcomes)
        assert isinstance(stopped, RefundRefused)
        assert [result.rule for result in stopped.quote.trace.failed()] == ["one_per_entity"]
        assert ledger_sum() == 0


def test_a_refund_of_zero_leaves_the_right_to_another_account_at_the_same_instant() -> None:
    """One package was paid with a coupon alone, one with cash: the one with cash always goes."""
    entity = make.make_entity()
    free, paying = (make.make_customer(entity=entity, cash="200") for _each in range(2))
    coupon = make.make_coupon(free.account, amount=Decimal(500))
    packages = [
        package_of(make.buy(free.application, coupon=coupon.pk)),
        package_of(make.buy(paying.application)),
    ]
    tokens = [quote_refund(package=package, now=NOW).token for package in packages]
    outcomes = race(
        *[
            lambda package=package, token=token: refund_package(
                package=package, token=token, by=None, now=NOW
            )
            for package, token in zip(packages, tokens, strict=True)
        ]
    )
    amounts = sorted(refund.amount for refund in values(outcomes))
    if amounts == [Decimal(120)]:
        # It came first, and a right that is used is used for a refund of zero, too.
        (stopped,) = errors(outcomes)
        assert isinstance(stopped, RefundRefused)
        assert [result.rule for result in stopped.quote.trace.failed()] == ["one_per_entity"]
    else:
        assert amounts == [Decimal(0), Decimal(120)]
    assert ledger_sum() == 0


@contextmanager
def _without_the_unique_key() -> Any:
    """Take the database's own guarantee away, and put it back over what it would have refused."""
    name = "billing_refund_one_per_entity"
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [name])
        (definition,) = cursor.fetchone()
        cursor.execute(f"DROP INDEX {name}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE billing_refund SET product = 'x' || id")
            cursor.execute(definition)


def test_without_the_unique_key_both_accounts_get_one() -> None:
    granted = 0
    with _without_the_unique_key():
        for _try in range(TRIES):
            granted = max(granted, len(values(_entity_race())))
            if granted == 2:
                break
    assert granted == 2


# --- A renewal against an upgrade ------------------------------------------------------------


def _renewal_against_upgrade() -> tuple[Package, list[Outcome[Order]]]:
    """Renewal of an Essential month, 120, and its upgrade for 31 days, 90: shown, then sent."""
    customer = make.make_customer(cash="1000")
    package = package_of(make.buy(customer.application))
    asks = (
        OrderRequest(kind=OrderKind.RENEWAL, renewed=(RenewedPackage(package.pk),)),
        OrderRequest(
            kind=OrderKind.UPGRADE, application=customer.application.pk, edition=Edition.PREMIUM
        ),
    )
    shown = [quote(customer.account, order_request, now=NOW) for order_request in asks]
    return package, race(*[lambda each=each: confirm(each, now=NOW) for each in shown])


def _worth(package: Package) -> Decimal:
    """What the package as it is costs: months of its edition's price."""
    found = fresh(package)
    return found.months * Decimal(210 if found.edition == "premium" else 120)


def _spent(package: Package) -> Decimal:
    found = Order.objects.filter(account=package.account_id, status="paid")
    return found.aggregate(total=Sum("total"))["total"] or Decimal(0)


def test_of_a_renewal_and_an_upgrade_at_once_one_is_shown_its_new_price() -> None:
    for _time in range(TIMES):
        package, outcomes = _renewal_against_upgrade()
        assert _codes(outcomes) == ["quote_changed"]
        assert len(values(outcomes)) == 1
        assert _spent(package) == _worth(package)


def test_without_locks_a_premium_month_is_had_for_the_price_of_an_essential_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _no_account_locks(monkeypatch)
    _no_package_locks(monkeypatch)
    found = (_renewal_against_upgrade()[0] for _try in range(TRIES))
    assert any(_spent(package) != _worth(package) for package in found)


# --- Paying against canceling ---------------------------------------------------------------


def _pay_against_cancel() -> tuple[Customer, Order, list[Outcome[Order]]]:
    customer = make.make_customer()
    order = make.buy(customer.application)
    make.fund_account(customer.account, cash="200")
    outcomes = race(
        lambda: pay_order(order=order, by=None, now=NOW),
        lambda: cancel_order(order=order, by=None, now=NOW),
    )
    order.refresh_from_db()
    return customer, order, outcomes


def test_an_order_is_either_paid_or_cancelled() -> None:
    for _time in range(TIMES):
        customer, order, outcomes = _pay_against_cancel()
        assert len(values(outcomes)) == 1
        if order.status == "paid":
            assert _codes(outcomes) == ["not_open"]
            assert balance(customer.account, "cash") == Decimal("80.00")
        else:
            assert (order.status, _codes(outcomes)) == ("closed", ["not_payable"])
            assert balance(customer.account, "cash") == Decimal("200.00")


def _close_naively(
    order: Order, move: OrderMove, verb: str, *, reason: str, by: Any, now: Any
) -> Order:
    """What not to do: look at what was read before, then write, here a little later."""
    if order.status != OrderStatus.UNPAID:
        raise Refused("closed", code="not_open")
    time.sleep(0.2)
    Order.objects.filter(pk=order.pk).update(
        status=ORDER_TRANSITIONS.target(move), paid_at=None, paid_by=None
    )
    return order


def test_without_its_guards_an_order_is_paid_and_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _no_account_locks(monkeypatch)
    monkeypatch.setattr(orders, "_end_unpaid", _close_naively)

    def is_paid_and_closed() -> bool:
        customer, order, _outcomes = _pay_against_cancel()
        return order.status == "closed" and balance(customer.account, "cash") == Decimal("80.00")

    assert any(is_paid_and_closed() for _try in range(TRIES))
