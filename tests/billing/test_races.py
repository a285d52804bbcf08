"""What many hands together may not do, and proof that the guards are what stops them."""

from collections.abc import Callable

import pytest

from accounts.models import Account
from accounts.services.tenants import open_account
from billing.enums import Edition, OrderKind
from billing.models import Order, Package, Refund, TrialGrant
from billing.orders import services as orders
from billing.orders import trials
from billing.orders.quoting import confirmable_quote
from billing.orders.request import OrderRequest
from billing.orders.services import place_order
from billing.orders.trials import activate_application
from billing.refunds import services as refunds
from billing.refunds.quotes import quote_refund
from billing.refunds.services import refund_package
from tests.factories import NOW, Customer, balances, make_customer
from tests.races import Outcome, errors, race, values

pytestmark = [pytest.mark.race, pytest.mark.django_db(transaction=True)]

HANDS = 10
TIMES = 10


def _unlocked(account_id: int) -> Account:
    return Account.objects.get(pk=account_id)


def _buyer() -> tuple[Customer, str]:
    """A customer who has just confirmed 2 additional agents on the trial: 14 days, 37.34."""
    customer = make_customer(cash="1000")
    order_request = OrderRequest(
        kind=OrderKind.ADDITIONAL, application=customer.application.pk, agents=2
    )
    return customer, confirmable_quote(
        account=customer.account, order_request=order_request, now=NOW
    ).token


def _send(customer: Customer, token: str) -> Callable[[], int]:
    return lambda: place_order(account=customer.account, token=token, by=customer.owner, now=NOW).pk


def test_one_confirmed_purchase_sent_ten_times_is_one_order() -> None:
    for _time in range(TIMES):
        customer, token = _buyer()
        outcomes = race(*[_send(customer, token)] * HANDS)
        assert errors(outcomes) == []
        assert len(set(values(outcomes))) == 1
        assert Order.objects.filter(account=customer.account).count() == 1
        assert balances(customer.account) == {"cash": "962.66"}


def test_without_the_lock_the_same_purchase_is_answered_differently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(orders, "lock_account", _unlocked)
    troubled = []
    for _time in range(TIMES):
        customer, token = _buyer()
        troubled.append(bool(errors(race(*[_send(customer, token)] * HANDS))))
    assert any(troubled)


def _refunder() -> tuple[Customer, Package, str]:
    customer = make_customer(gift="100", income="50", cash="500")
    order_request = OrderRequest(
        kind=OrderKind.NEW,
        application=customer.application.pk,
        edition=Edition.PREMIUM,
        agents=2,
        sip=1,
    )
    quote = confirmable_quote(account=customer.account, order_request=order_request, now=NOW)
    place_order(account=customer.account, token=quote.token, by=customer.owner, now=NOW)
    package = Package.objects.get(application=customer.application)
    return customer, package, quote_refund(package=package, now=NOW).token


def _unsubscribe(customer: Customer, package: Package, token: str) -> Callable[[], int]:
    return lambda: refund_package(package=package, token=token, by=customer.owner, now=NOW).pk


def _refund_race() -> tuple[Customer, list[Outcome[int]]]:
    customer, package, token = _refunder()
    return customer, race(*[_unsubscribe(customer, package, token)] * HANDS)


def test_one_confirmed_refund_sent_ten_times_is_one_refund() -> None:
    for _time in range(TIMES):
        customer, outcomes = _refund_race()
        assert errors(outcomes) == []
        assert len(set(values(outcomes))) == 1
        assert Refund.objects.filter(account=customer.account).count() == 1
        assert balances(customer.account) == {
            "gift": "100.00",
            "income": "50.00",
            "cash": "500.00",
        }


def test_without_the_lock_the_same_refund_is_answered_differently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        refunds,
        "lock_with_payers",
        lambda package: (
            Package.objects.select_related("application").get(pk=package.pk),
            Account.objects.get(pk=package.account_id),
        ),
    )
    assert any(errors(_refund_race()[1]) for _time in range(TIMES))


def _activate(customer_account: Account, number: int) -> Callable[[], int]:
    return lambda: (
        activate_application(
            account=customer_account, name=f"Application {number}", by=None, now=NOW
        ).pk
    )


def _new_account() -> Account:
    customer = make_customer()

    return open_account(
        entity=customer.account.entity, name="New", owner=customer.owner, by=None, now=NOW
    )


def _activation_race() -> tuple[Account, list[Outcome[int]]]:
    account = _new_account()
    return account, race(*[_activate(account, number) for number in range(HANDS)])


def test_ten_first_activations_at_once_give_one_trial() -> None:
    for _time in range(TIMES):
        account, outcomes = _activation_race()
        assert errors(outcomes) == []
        assert len(set(values(outcomes))) == HANDS
        assert TrialGrant.objects.filter(account=account).count() == 1
        assert Package.objects.filter(account=account).count() == 1


def test_without_the_lock_first_activations_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "lock_account", _unlocked)
    assert any(errors(_activation_race()[1]) for _time in range(TIMES))
