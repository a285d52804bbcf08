"""docs/one-purchase.md says what a purchase writes and locks, in order, and is right."""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.enums import Edition, OrderKind
from billing.models import Order
from billing.orders.quoting import confirmable_quote
from billing.orders.request import OrderRequest
from tests.factories import balances, make_application, make_coupon, make_customer

pytestmark = pytest.mark.django_db

PAGE = Path(__file__).parents[2] / "docs" / "one-purchase.md"
_WRITE = re.compile(r'(?:INSERT INTO|UPDATE) "?([a-z]+_[a-z]+)"?[ (\n]')
_LOCK = re.compile(r'FOR NO KEY UPDATE(?: OF "?(\w+)"?)?')
#: What any request of a signed-in person writes.
_SESSION = {"django_session", "usersessions_usersession"}


def listed(heading: str) -> list[str]:
    """Return the tables that the page lists under a heading, in order."""
    text = PAGE.read_text(encoding="utf-8")
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| \d+ \| `(\w+)` \|", section, re.MULTILINE)


def locked_by(sql: str) -> Iterator[str]:
    """Yield the table whose rows a statement locks; `OF` may name it by an alias."""
    for alias in _LOCK.findall(sql):
        source = rf'(?:FROM|JOIN) "?(\w+)"? {alias}\b' if alias else r'FROM "?(\w+)"?'
        found = re.search(source, sql)
        yield found[1] if found else alias


def in_order(tables: Iterator[str]) -> list[str]:
    return [table for table, _same in groupby(tables) if table not in _SESSION]


def test_the_page_tells_what_a_purchase_writes_and_locks(client: Client) -> None:
    now = timezone.now()
    customer = make_customer(gift="100", income="20", cash="500", now=now)
    application = make_application(customer.account, now=now)
    coupon = make_coupon(customer.account, now=now)
    order_request = OrderRequest(
        kind=OrderKind.NEW,
        application=application.pk,
        edition=Edition.ESSENTIAL,
        agents=2,
        coupon=coupon.pk,
    )
    quote = confirmable_quote(
        account=customer.account, order_request=order_request, now=timezone.now()
    )
    client.force_login(customer.owner)

    with CaptureQueriesContext(connection) as queries:
        client.post(f"/console/{customer.account.uin}/confirm/", {"token": quote.token})

    statements = [query["sql"] for query in queries]
    assert in_order(t for sql in statements for t in _WRITE.findall(sql)) == listed(
        "What is written, in order"
    )
    assert in_order(t for sql in statements for t in locked_by(sql)) == listed("Locks, in order")
    assert Order.objects.get().status == "paid"
    assert balances(customer.account) == {"gift": "0.00", "income": "0.00", "cash": "470.00"}
