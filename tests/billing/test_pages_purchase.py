"""Buying on the console's pages: from choosing over the signed quote to the order."""

import re

import pytest
import time_machine
from django.test import Client

from billing.models import Order
from tests.factories import NOW, Customer, balances, make_customer

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _frozen() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def customer() -> Customer:
    return make_customer(gift="100", income="50", cash="500")


@pytest.fixture
def client(customer: Customer) -> Client:
    client = Client()
    client.force_login(customer.owner)
    return client


def choice(customer: Customer, **changes: str) -> dict[str, str]:
    """Premium monthly with 2 additional agents and 1 SIP licence: 210 + 140 + 21."""
    return {
        "application": str(customer.application.sdkappid),
        "edition": "premium",
        "unit": "month",
        "count": "1",
        "agents": "2",
        "sip": "1",
        "coupon": "best",
        **changes,
    }


def url(customer: Customer, path: str) -> str:
    return f"/console/{customer.account.uin}/{path}"


def token_of(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found
    return found[1]


def test_the_whole_way_from_choosing_to_the_order(client: Client, customer: Customer) -> None:
    page = client.get(url(customer, "buy/"))
    assert page.status_code == 200

    dialog = client.post(url(customer, "buy/"), choice(customer))
    assert dialog.status_code == 200
    html = dialog.content.decode()
    assert "USD\u00a0371.00" in html

    done = client.post(url(customer, "confirm/"), {"token": token_of(html)})
    order = Order.objects.get()
    assert done["Location"] == url(customer, f"orders/{order.number}/")
    assert order.status == "paid"
    assert balances(customer.account) == {"gift": "0.00", "income": "0.00", "cash": "279.00"}
    shown = client.get(done["Location"])
    assert shown.status_code == 200
