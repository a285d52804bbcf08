"""Renewals around an expiry and a release, against a sweep that holds or wants the same row."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from accounts.errors import Refused
from accounts.models import AuditEvent
from billing.enums import OrderKind, RenewalMode
from billing.models import Order, Package
from billing.orders.request import OrderRequest, RenewedPackage
from billing.orders.services import pay_order
from billing.packages.services import choose_renewal_mode, extend_package
from billing.renewals.auto_renewal import renew_automatically
from billing.renewals.sweep import change_batch, read_due
from billing.renewals.timed_changes import TIMED_CHANGES, TimedChange
from config.verification import find_all_breaches
from tests import factories as make
from tests.billing.acts import at, balance, confirm, fresh, package_of, quote, refund
from tests.factories import DAY, SECOND
from tests.places import place
from tests.races import Outcome, race

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

EXPIRY = at("2026-04-10 10:00:00")
RENEWED_TO = at("2026-05-10 10:00:00")
RELEASE = EXPIRY + 7 * DAY
CHANGE = {change.name: change for change in TIMED_CHANGES}
PATIENCE = 20


def _bought() -> tuple[make.Customer, Package]:
    customer = make.make_customer(cash="1000")
    package = package_of(make.buy(customer.application))
    assert package.expires_at == EXPIRY
    return customer, package


def _renewal(customer: make.Customer, package: Package, now: datetime) -> Callable[[], str]:
    """A confirmed renewal; it answers with the order's status, or the refusal's code."""

    def renew() -> str:
        order_request = OrderRequest(kind=OrderKind.RENEWAL, renewed=(RenewedPackage(package.pk),))
        try:
            return str(confirm(quote(customer.account, order_request, now=now), now=now).status)
        except Refused as refused:
            return refused.code

    return renew


def _sweep(change: TimedChange, now: datetime) -> Callable[[], int]:
    return lambda: sum(change_batch(change, [pk], now) for pk in read_due(change, now))


def _overlap(first: Callable[[], Any], second: Callable[[], Any]) -> list[Outcome[Any]]:
    """Let `second` run while the transaction of `first` has done its work and is still open."""
    holds, goes = threading.Event(), threading.Event()

    def hold() -> Any:
        with transaction.atomic():
            value = first()
            holds.set()
            # The other ends meanwhile, or waits for what is locked here.
            goes.wait(0.7)
        return value

    def follow() -> Any:
        assert holds.wait(PATIENCE)
        value = second()
        goes.set()
        return value

    return race(hold, follow)


def _assert_one_period(customer: make.Customer, package: Package) -> None:
    assert (fresh(package).state, fresh(package).expires_at) == ("active", RENEWED_TO)
    assert list(Order.objects.filter(kind="renewal").values_list("status", flat=True)) == ["paid"]
    assert balance(customer.account, "cash") == Decimal("1000.00") - 2 * Decimal("120.00")
    _assert_history_holds()


def _assert_history_holds() -> None:
    """Every event begins where the one before it ended, and the last one names the state."""
    assert [breach.message for breach in find_all_breaches()] == []


@pytest.mark.parametrize("is_renewal_first", [True, False], ids=["renewal first", "sweep first"])
@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_renewal_about_expiry_neither_loses_nor_doubles_a_period(
    offset: int, is_renewal_first: bool
) -> None:
    customer, package = _bought()
    renew = _renewal(customer, package, EXPIRY + offset * SECOND)
    sweep = _sweep(CHANGE["isolated"], EXPIRY)
    acts = [renew, sweep] if is_renewal_first else [sweep, renew]
    outcomes = _overlap(*acts)
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert {outcome.value for outcome in outcomes} >= {"paid"}
    _assert_one_period(customer, package)
    isolations = AuditEvent.objects.filter(verb="package.isolated", target_id=package.pk).count()
    # The first one has written it; a package that is renewed in time was never isolated.
    assert isolations == (0 if offset < 0 and is_renewal_first else 1)


@pytest.mark.parametrize("is_renewal_first", [True, False], ids=["renewal first", "sweep first"])
@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_renewal_about_release_has_one_winner(offset: int, is_renewal_first: bool) -> None:
    customer, package = _bought()
    _sweep(CHANGE["isolated"], EXPIRY)()
    renew = _renewal(customer, package, RELEASE + offset * SECOND)
    sweep = _sweep(CHANGE["released"], RELEASE)
    acts = [renew, sweep] if is_renewal_first else [sweep, renew]
    outcomes = _overlap(*acts)
    assert [outcome.error for outcome in outcomes] == [None, None]
    if is_renewal_first and offset < 0:
        _assert_one_period(customer, package)
        return
    assert (fresh(package).state, fresh(package).expires_at) == ("released", EXPIRY)
    assert not Order.objects.filter(kind="renewal").exists()
    assert balance(customer.account, "cash") == Decimal("880.00")


def test_what_was_due_when_the_sweep_read_it_is_looked_at_again() -> None:
    customer, package = _bought()
    due = list(read_due(CHANGE["isolated"], EXPIRY))
    assert due == [package.pk]
    assert _renewal(customer, package, EXPIRY - SECOND)() == "paid"
    assert change_batch(CHANGE["isolated"], due, EXPIRY) == 0
    _assert_one_period(customer, package)


def test_a_row_that_somebody_holds_is_left_for_the_next_sweep() -> None:
    _customer, held = _bought()
    _bought()
    due = list(read_due(CHANGE["isolated"], EXPIRY))
    with psycopg.connect(**place(str(connection.settings_dict["NAME"]))) as other:  # type: ignore[arg-type]
        other.execute("SELECT 1 FROM billing_package WHERE id = %s FOR UPDATE", [held.pk])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        try:
            assert change_batch(CHANGE["isolated"], due, EXPIRY) == 1
        finally:
            connection.close()
    assert fresh(held).state == "active"
    assert change_batch(CHANGE["isolated"], due, EXPIRY) == 1


@pytest.mark.parametrize("is_sweep_first", [True, False], ids=["sweep first", "payment first"])
def test_an_order_is_paid_or_ended_by_a_sweep_and_never_both(is_sweep_first: bool) -> None:
    customer = make.make_customer()
    order = make.buy(customer.application)
    make.fund_account(customer.account, cash="200")
    sweep = _sweep(CHANGE["expired_orders"], order.expires_at)

    def pay() -> str:
        try:
            return str(pay_order(order=order, by=None, now=order.expires_at - SECOND).status)
        except Refused as refused:
            return refused.code

    outcomes = _overlap(*([sweep, pay] if is_sweep_first else [pay, sweep]))
    order.refresh_from_db()
    assert [outcome.value for outcome in outcomes] == (
        [1, "not_payable"] if is_sweep_first else ["paid", 0]
    )
    assert (order.status, balance(customer.account, "cash")) == (
        ("expired", Decimal("200.00")) if is_sweep_first else ("paid", Decimal("80.00"))
    )
    _assert_history_holds()


def _refund(package: Package) -> str:
    return str(refund(package, now=EXPIRY - SECOND).status)


def _extension(package: Package) -> str:
    done = extend_package(
        package=package, by_time=DAY, reason="Outage", by=None, now=EXPIRY - SECOND
    )
    return str(done.state)


@pytest.mark.parametrize("is_sweep_first", [True, False], ids=["sweep first", "act first"])
@pytest.mark.parametrize(("act", "result"), [(_refund, "done"), (_extension, "active")])
def test_an_act_on_a_package_builds_on_the_sweep_that_came_before(
    act: Callable[[Package], str], result: str, is_sweep_first: bool, settings: Any
) -> None:
    settings.REFUND_WINDOW_DAYS = 60
    _customer, package = _bought()
    sweep = _sweep(CHANGE["isolated"], EXPIRY)
    acts: list[Callable[[], Any]] = [sweep, lambda: act(package)]
    outcomes = _overlap(*(acts if is_sweep_first else acts[::-1]))
    assert [outcome.value for outcome in outcomes] == (
        [1, result] if is_sweep_first else [result, 0]
    )
    _assert_history_holds()


def _automatic_twice() -> tuple[make.Customer, Package, list[Outcome[Any]]]:
    customer, package = _bought()
    choose_renewal_mode(
        package=package, mode=RenewalMode.AUTOMATIC, by=customer.owner, now=make.NOW
    )
    now = EXPIRY - timedelta(hours=1)

    def renew() -> Any:
        return renew_automatically(package_id=package.pk, now=now)

    return customer, package, race(renew, renew, renew, renew)


def test_four_sweeps_renew_a_package_once() -> None:
    customer, package, outcomes = _automatic_twice()
    assert [outcome.error for outcome in outcomes] == [None] * 4
    assert len([outcome for outcome in outcomes if outcome.value is not None]) == 1
    _assert_one_period(customer, package)


def test_by_hand_and_by_itself_at_once_is_one_period() -> None:
    customer, package = _bought()
    choose_renewal_mode(
        package=package, mode=RenewalMode.AUTOMATIC, by=customer.owner, now=make.NOW
    )
    now = EXPIRY - SECOND
    order_request = OrderRequest(kind=OrderKind.RENEWAL, renewed=(RenewedPackage(package.pk),))
    shown = quote(customer.account, order_request, now=now)
    race(
        lambda: confirm(shown, now=now),
        lambda: renew_automatically(package_id=package.pk, now=now),
    )
    _assert_one_period(customer, package)


def test_without_the_second_look_a_renewed_package_is_isolated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The twin of the look at what was due: trusting the first reading takes away what was paid."""
    customer, package = _bought()
    due = list(read_due(CHANGE["isolated"], EXPIRY))
    assert _renewal(customer, package, EXPIRY - SECOND)() == "paid"
    monkeypatch.setattr(TimedChange, "find_due", lambda _change, _now: Package.objects.all())
    assert change_batch(CHANGE["isolated"], due, EXPIRY) == 1
    assert fresh(package).state == "isolated"
