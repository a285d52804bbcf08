"""Who may open which page of billing: members by role, and no one else."""

import re
from copy import deepcopy
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from accounts.enums import Measure, Role
from billing.enums import Edition, OrderKind
from billing.models import Order
from billing.orders.request import OrderRequest
from tests.factories import (
    Customer,
    balances,
    buy,
    make_customer,
    make_member,
    make_user,
    place,
    restrict,
    signed_in,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock"), pytest.mark.slow]

ALL: set[str] = set(Role.values)
MONEY: set[str] = {Role.OWNER, Role.FINANCE}
SPEND: set[str] = {Role.OWNER, Role.FINANCE}
HTMX = {"HX-Request": "true"}


@dataclass(frozen=True)
class PageCase:
    """A page with the roles that may open it, and which order its address names."""

    roles: set[str]
    order: str = ""
    of_application: bool = False
    status: int = 200


CASES = {
    "account_editions": PageCase(ALL),
    "activate": PageCase({Role.OWNER.value}),
    "application": PageCase(ALL, of_application=True),
    "buy": PageCase(SPEND),
    "purchase": PageCase(SPEND, of_application=True),
    "add": PageCase(SPEND, of_application=True),
    "renew": PageCase(SPEND, of_application=True),
    "upgrade": PageCase(SPEND, of_application=True),
    "renew_many": PageCase(SPEND),
    "confirm": PageCase(SPEND, status=302),
    "orders": PageCase(MONEY),
    "order": PageCase(MONEY, order="paid"),
    "receipt": PageCase(MONEY, order="paid"),
    "pay": PageCase(SPEND, order="unpaid"),
    "cancel": PageCase(SPEND, order="unpaid"),
    "funds": PageCase(MONEY),
    "months": PageCase(MONEY),
    "statement": PageCase(MONEY),
    "statement_csv": PageCase(MONEY),
    "statement_xlsx": PageCase(MONEY),
    "coupons": PageCase(MONEY),
    "payment_requests": PageCase(MONEY),
    "payment_request": PageCase(MONEY, order="asked"),
    "refuse": PageCase(SPEND, order="asked"),
}
#: Open to everyone, or tested with the refunds.
ELSEWHERE = {
    *("editions", "prices", "refund_policy"),
    *("refunds", "refund", "refund_withdraw", "renewal_mode"),
}


@dataclass(frozen=True)
class World:
    """An account with a paid order, an unpaid one, and one of another account to pay."""

    customer: Customer
    orders: dict[str, Order]

    def url(self, name: str) -> str:
        case = CASES[name]
        kwargs: dict[str, object] = {"uin": self.customer.account.uin}
        if case.of_application:
            kwargs["sdkappid"] = self.customer.application.sdkappid
        if case.order:
            kwargs["number"] = self.orders[case.order].number
        return reverse(f"billing:{name}", kwargs=kwargs)


def ask_other(payer: Customer) -> Order:
    """Let another account ask this one to pay."""
    other = make_customer()
    order_request = OrderRequest(
        kind=OrderKind.NEW,
        application=other.application.pk,
        edition=Edition.PREMIUM,
        payer=payer.account.uin,
    )
    return place(other.account, order_request)


@pytest.fixture(scope="module")
def made(module_transaction: None) -> World:
    customer = make_customer(cash="130")
    asked = ask_other(customer)
    unpaid = place(
        customer.account,
        OrderRequest(kind=OrderKind.ADDITIONAL, application=customer.application.pk, agents=9),
    )
    return World(customer, {"unpaid": unpaid, "paid": buy(customer.application), "asked": asked})


@pytest.fixture
def world(made: World) -> World:
    return deepcopy(made)


def test_every_address_is_looked_at() -> None:
    billing = get_resolver().namespace_dict["billing"][1]
    names = {name for name in billing.reverse_dict if isinstance(name, str)}

    assert names == set(CASES) | ELSEWHERE


@pytest.mark.parametrize("role", Role.values)
def test_each_role_opens_its_own_pages(world: World, role: str) -> None:
    client = signed_in(make_member(world.customer.account, Role(role)))

    found = {name: client.get(world.url(name)).status_code for name in CASES}

    assert found == {
        name: case.status if role in case.roles else 403 for name, case in CASES.items()
    }


@pytest.mark.parametrize("role", Role.values)
def test_a_forged_post_meets_the_same_rule(world: World, role: str) -> None:
    client = signed_in(make_member(world.customer.account, Role(role)))
    names = ["activate", "buy", "purchase", "add", "renew", "upgrade", "renew_many"]
    names += ["confirm", "pay", "cancel", "refuse"]

    refused = {name for name in names if client.post(world.url(name)).status_code == 403}

    assert refused == {name for name in names if role not in CASES[name].roles}


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_finds_nothing(world: World, method: str, headers: dict[str, str]) -> None:
    client = signed_in(make_user())

    found = {
        name: getattr(client, method)(world.url(name), headers=headers).status_code
        for name in CASES
    }

    assert found == dict.fromkeys(CASES, 404)


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if case.of_application or case.order]
)
def test_objects_of_another_account_are_not_found_through_ones_own(world: World, name: str) -> None:
    """The address names the account of the person, and an object of another."""
    own = make_customer()
    mine = world.url(name).replace(world.customer.account.uin, own.account.uin)

    assert signed_in(own.owner).get(mine).status_code == 404


def test_the_anonymous_are_asked_to_sign_in(world: World) -> None:
    client = Client()

    places = {client.get(world.url(name))["Location"].partition("?")[0] for name in CASES}

    assert places == {reverse("account_login")}


def test_anybody_may_read_the_prices() -> None:
    html = Client().get(reverse("billing:prices")).content.decode()

    amounts = re.findall(r'<td class="num"[^>]*>USD\u00a0([0-9,.]+)</td>', html)
    assert amounts == [
        *["120.00", "1,440.00", "40.00", "480.00", "15.00", "180.00"],
        *["210.00", "2,520.00", "70.00", "840.00", "21.00", "252.00"],
    ]


def test_anybody_may_compare_the_43_features() -> None:
    html = Client().get(reverse("billing:editions")).content.decode()

    assert html.count('<th scope="row">') == 43


def test_a_suspended_account_can_look_but_not_spend(world: World) -> None:
    restrict(world.customer.account, Measure.SUSPEND)
    client = signed_in(world.customer.owner)
    before = balances(world.customer.account)
    choice = {"agents": "1", "sip": "0", "coupon": "", "packages": "1"}
    choice |= {"application": str(world.customer.application.sdkappid), "edition": "premium"}
    choice |= {"unit": "month", "count": "1", "name": "Another"}

    looks = {name: client.get(world.url(name)).status_code for name in CASES}
    spends = {
        name: client.post(world.url(name), choice).status_code
        for name in ["activate", "purchase", "add", "upgrade", "pay"]
    }

    assert looks == {name: case.status for name, case in CASES.items()}
    assert spends == dict.fromkeys(spends, 422)
    assert balances(world.customer.account) == before


def test_a_suspended_account_is_told_why(world: World) -> None:
    restrict(world.customer.account, Measure.SUSPEND)

    page = signed_in(world.customer.owner).get(world.url("add"))

    assert "The account is suspended" in page.content.decode()
