"""No page of billing asks the database more often as an account grows."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.enums import CouponKind, Edition, OrderKind
from billing.models import Order
from billing.orders.request import OrderRequest
from tests.factories import (
    NOW,
    Customer,
    add,
    buy,
    fund_account,
    make_application,
    make_coupon,
    make_customer,
    make_promotion,
    place,
    signed_in,
)
from tests.queries import FRAME
from tests.tiers import sample

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

LIMIT = FRAME + 15
#: More than a page shows.
MANY = sample(28, 98)


@pytest.fixture(autouse=True)
def _frozen(settings: Any) -> Iterator[None]:
    settings.PAYMENT_REQUEST_DAILY_LIMIT = 1000
    with time_machine.travel(NOW, tick=False):
        yield


def grow(customer: Customer, times: int, now: datetime = NOW) -> None:
    """Orders, coupons, promotions, movements of money, and orders of others to pay."""
    other = make_customer()
    for _time in range(times):
        fund_account(customer.account, cash="1", now=now)
        add(customer.application, agents=1, now=now)
        add(customer.application, agents=1, coupon=make_coupon(customer.account).pk, now=now)
        make_coupon(customer.account, CouponKind.CASH, minimum_spend="999999")
        make_promotion()
        order_request = OrderRequest(
            kind=OrderKind.NEW,
            application=other.application.pk,
            edition=Edition.PREMIUM,
            payer=customer.account.uin,
        )
        place(other.account, order_request)


def spread(customer: Customer, times: int) -> None:
    """More applications with packages: in service, and isolated."""
    for number in range(times):
        application = make_application(customer.account)
        buy(application, agents=1, now=NOW - timedelta(days=33 if number % 2 else 3))


@pytest.fixture
def customer() -> Customer:
    customer = make_customer(gift="100", income="100", cash="9000", now=NOW - timedelta(days=40))
    buy(customer.application, agents=2, now=NOW - timedelta(days=3))
    return customer


PAGES = {
    "application": "applications/{app}/",
    "activate": "applications/activate/",
    "buy": "buy/",
    "purchase": "applications/{app}/buy/",
    "add": "applications/{app}/add/",
    "renew": "applications/{app}/renew/",
    "upgrade": "applications/{app}/upgrade/",
    "renew many": "renew/",
    "orders": "orders/",
    "order": "orders/{order}/",
    "receipt": "orders/{order}/receipt/",
    "funds": "funds/",
    "statement": "funds/statement/",
    "months": "funds/months/",
    "statement as CSV": "funds/statement.csv",
    "statement as XLSX": "funds/statement.xlsx",
    "coupons": "coupons/",
    "payment requests": "payments/",
    "editions": "editions/",
}


def cost(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = client.get(url)
        assert response.status_code == 200
        b"".join(response) if response.streaming else response.content
    return len(queries)


@pytest.fixture
def client(customer: Customer) -> Client:
    return signed_in(customer.owner)


def costs(client: Client, customer: Customer) -> dict[str, int]:
    order = Order.objects.filter(account=customer.account, paid_at__isnull=False).earliest("pk")
    place = {"app": customer.application.sdkappid, "order": order.number}
    return {
        name: cost(client, f"/console/{customer.account.uin}/{path.format(**place)}")
        for name, path in PAGES.items()
    }


def test_pages_cost_the_same_with_one_row_and_with_many(client: Client, customer: Customer) -> None:
    """An account has at most 20 applications; of everything else there are many."""
    grow(customer, 1)
    spread(customer, 2)
    few = costs(client, customer)
    grow(customer, MANY)
    fund_account(customer.account, cash="5000")
    spread(customer, 16)
    # The newest rows, which the first pages show, are of every kind again.
    grow(customer, 1, now=NOW + timedelta(seconds=1))
    many = costs(client, customer)

    assert many == few
    assert max(few.values()) <= LIMIT
