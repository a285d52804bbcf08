"""Naming another account as payer: strangers are not asked without end, and UINs not walked."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.errors import Refused
from billing.models import Order
from billing.orders.payers import count_named
from billing.orders.services import cancel_order, pay_order
from tests.factories import NOW, Customer, buy, make_account, make_application, make_customer
from tests.races import errors, race, values

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _limits(settings: Any) -> Iterator[None]:
    settings.PAYMENT_REQUEST_DAILY_LIMIT = 2
    settings.PAYER_NAMES_DAILY_LIMIT = 3
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield
    cache.clear()


def ask(buyer: Customer, payer: Customer, *, minutes: int = 0) -> Order:
    """Order a package that the other account should pay, and withdraw the order."""
    now = NOW + timedelta(minutes=minutes)
    order = buy(buyer.application, payer=payer.account.uin, by=buyer.owner, now=now)
    cancel_order(order=order, by=buyer.owner, now=now)
    return order


# --- Asking ---------------------------------------------------------------------------------


def test_strangers_are_asked_so_often_in_a_day_and_the_next_day_again() -> None:
    buyer, first, second = make_customer(), make_customer(), make_customer()
    ask(buyer, first)
    ask(buyer, second)
    with pytest.raises(Refused) as refusal:
        ask(buyer, first)

    assert (refusal.value.code, refusal.value.field) == ("too_many_payment_requests", "payer")
    assert ask(buyer, first, minutes=24 * 60)


def test_who_pays_for_an_account_is_no_stranger_to_it() -> None:
    buyer, payer, stranger = make_customer(), make_customer(cash="1000"), make_customer()
    paid = buy(buyer.application, payer=payer.account.uin, by=buyer.owner)
    pay_order(order=paid, by=payer.owner, now=NOW)
    other = make_application(buyer.account)
    for _time in range(2):
        cancel_order(order=buy(other, payer=stranger.account.uin), by=buyer.owner, now=NOW)

    assert buy(other, payer=payer.account.uin).payer == payer.account
    with pytest.raises(Refused):
        buy(make_application(buyer.account), payer=stranger.account.uin)


def test_accounts_of_one_company_are_no_strangers() -> None:
    buyer = make_customer()
    sister = make_account(entity=buyer.account.entity)
    for _time in range(3):
        order = buy(buyer.application, payer=sister.uin)
        cancel_order(order=order, by=buyer.owner, now=NOW)


def test_a_refusal_does_not_tell_which_accounts_there_are() -> None:
    buyer, blocked = make_customer(), make_customer()
    blocked.account.status = "suspended"
    blocked.account.save()
    told = set()
    for uin in (blocked.account.uin, "999999999999"):
        with pytest.raises(Refused) as refusal:
            buy(buyer.application, payer=uin)
        told.add((refusal.value.code, str(refusal.value)))

    assert len(told) == 1


# --- Walking --------------------------------------------------------------------------------


def price(client: Client, buyer: Customer, payer: str) -> Any:
    data = {
        "application": str(buyer.application.sdkappid),
        "edition": "premium",
        "unit": "month",
        "count": "2",
        "agents": "7",
        "sip": "0",
        "promotion": "",
        "coupon": "",
        "payer": payer,
    }
    url = reverse("billing:buy", kwargs={"uin": buyer.account.uin})
    return client.post(f"{url}?part=price", data, headers={"HX-Request": "true"})


def test_uins_are_not_walked_and_what_was_typed_stays() -> None:
    buyer, payer = make_customer(), make_customer()
    client = Client()
    client.force_login(buyer.owner)
    named = [payer.account.uin, "999999999991", "999999999992", "999999999993"]
    forms = [price(client, buyer, uin).context["form"] for uin in [*named, payer.account.uin]]

    limit = "This account named 3 different accounts as payer in 24 hours."
    texts = [str(form.errors.get("payer", "")) for form in forms]
    assert [limit in text for text in texts] == [False, False, False, True, False]
    assert texts[0] == texts[4] == ""
    assert (forms[3]["payer"].value(), forms[3]["agents"].value()) == (named[3], "7")


def test_at_the_limit_a_uin_that_exists_looks_like_any_other() -> None:
    buyer, payer = make_customer(), make_customer()
    for number in range(3):
        count_named(account=buyer.account, uin=f"99999999999{number}")
    client = Client()
    client.force_login(buyer.owner)
    told = {
        str(price(client, buyer, uin).context["form"].errors["payer"])
        for uin in (payer.account.uin, "999999999999")
    }

    assert len(told) == 1


def test_oneself_and_nobody_can_be_named_without_end() -> None:
    account = make_account()
    for _time in range(5):
        count_named(account=account, uin="")
        count_named(account=account, uin=account.uin)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_at_once_name_no_more() -> None:
    account = make_account()

    def name(uin: str) -> str:
        count_named(account=account, uin=uin)
        return uin

    outcomes = race(*[lambda uin=f"9999999999{n:02}": name(uin) for n in range(12)])

    assert len(values(outcomes)) == 3
    assert {type(error) for error in errors(outcomes)} == {Refused}
