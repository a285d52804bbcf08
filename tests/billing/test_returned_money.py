"""What pages say of an order of which a part, or all, was refunded, and where it went."""

from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import Account
from billing.models import Order
from billing.orders.queries import derive_status, filter_by_status, read_returned
from billing.orders.services import pay_order
from tests import factories as make
from tests.billing.acts import ask_for_review, package_of, refund
from tests.billing.test_pages_purchase import words_of
from tests.factories import DAY, NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def _signed_in(account: Account) -> Client:
    client = Client()
    client.force_login(account.memberships.get(role="owner").user)
    return client


def _page(client: Client, account: Account, path: str) -> str:
    answer = client.get(f"/console/{account.uin}/{path}")
    assert answer.status_code == 200, path
    return words_of(answer.content.decode()).replace("\u00a0", " ")


def _half_refunded() -> tuple[make.Customer, Order]:
    """A renewal of two packages, USD 120.00 each, of which one package was refunded."""
    customer = make.make_customer(cash="1000")
    first = package_of(make.buy(customer.application))
    second = package_of(make.buy(make.make_application(customer.account)))
    order = make.renew(first, second)
    assert refund(first, now=NOW).status == "done"
    order.refresh_from_db()
    return customer, order


def test_an_order_of_two_packages_with_one_refunded_is_partly_refunded_everywhere() -> None:
    customer, order = _half_refunded()
    assert (order.status, order.total) == ("paid", Decimal("240.00"))
    client = _signed_in(customer.account)
    page = _page(client, customer.account, f"orders/{order.number}/")
    assert f"Order {order.number} Partly refunded" in page
    # 120 of this renewal; the refund's 240 are the purchase and the renewal of the package.
    assert "Amount of this order USD 120.00" in page
    assert "Amount, over all orders of the package USD 240.00" in page
    listed = _page(client, customer.account, "orders/")
    assert "Partly refunded USD 240.00 USD 120.00 refunded" in listed
    receipt = _page(client, customer.account, f"orders/{order.number}/receipt/")
    assert "USD 120.00 of this order was refunded on 10 Mar 2026, 10:00:00 UTC+8" in receipt


def test_the_list_finds_orders_by_what_it_says_of_them() -> None:
    customer, order = _half_refunded()
    orders = Order.objects.filter(account=customer.account)
    returned = read_returned(orders)
    for status in ("paid", "partly_refunded", "refunded", "refunding", "unpaid"):
        found = set(filter_by_status(orders, status, NOW))
        said = {
            each
            for each in orders
            if derive_status(each, NOW, returned=returned.get(each.pk, Decimal(0))) == status
        }
        assert found == said, status
    assert list(filter_by_status(orders, "partly_refunded", NOW)) == [order]


def test_orders_are_listed_by_the_dates_that_they_print() -> None:
    customer = make.make_customer(cash="1000", now=NOW - 3 * DAY)
    later = make.buy(customer.application, now=NOW)
    earlier = make.add(customer.application, agents=1, now=NOW)
    Order.objects.filter(pk=earlier.pk).update(created_at=NOW - DAY)
    page = _page(_signed_in(customer.account), customer.account, "orders/")
    assert page.index(later.number) < page.index(earlier.number)


def _paid_for_another() -> tuple[make.Customer, make.Customer, Order]:
    payer, buyer = make.make_customer(cash="500"), make.make_customer(cash="500")
    order = make.buy(buyer.application, payer=payer.account.uin)
    pay_order(order=order, by=payer.owner, now=NOW)
    order.refresh_from_db()
    return payer, buyer, order


def test_who_paid_for_another_account_can_follow_its_refund() -> None:
    payer, buyer, order = _paid_for_another()
    # The buyer's own money is no business of the payer's.
    make.add(buyer.application, agents=1, now=NOW)
    done = refund(package_of(order), now=NOW)
    assert done.status == "done"
    assert done.amount == Decimal("160.00")
    client, account = _signed_in(payer.account), payer.account
    request = _page(client, account, f"payments/{order.number}/")
    assert "asks this account to pay" not in request
    assert f"Ordered by account {buyer.account.uin}" in request
    assert "Returned to this account USD 120.00" in request
    listed = _page(client, account, "refunds/")
    assert f"{done.number} Paid for another account {buyer.account.uin}" in listed
    assert "USD 120.00" in listed
    shown = _page(client, account, f"refunds/{done.number}/")
    assert "Total USD 120.00" in shown
    statement = client.get(f"/console/{account.uin}/funds/statement/").content.decode()
    assert f'href="/console/{account.uin}/refunds/{done.number}/"' in statement
    # The request names who asked and for what; the refund's own pages name neither.
    for page in (listed, shown):
        assert buyer.account.name not in page
        assert buyer.application.name not in page
    for page in (listed, shown, request):
        assert "160.00" not in page
        assert "First full refund" not in page


def test_a_payer_sees_a_request_under_review_but_not_the_page_of_its_rules() -> None:
    payer, _buyer, order = _paid_for_another()
    asked = ask_for_review(package_of(order), now=NOW)
    client, account = _signed_in(payer.account), payer.account
    request = _page(client, account, f"payments/{order.number}/")
    assert "Would be returned to this account USD 120.00" in request
    assert client.get(f"/console/{account.uin}/refunds/{asked.number}/").status_code == 404
    assert asked.number not in _page(client, account, "refunds/")


def test_a_refund_of_others_is_not_found_by_an_account_that_paid_nothing() -> None:
    _payer, _buyer, order = _paid_for_another()
    done = refund(package_of(order), now=NOW)
    stranger = make.make_customer(cash="100")
    client = _signed_in(stranger.account)
    path = f"/console/{stranger.account.uin}/refunds/{done.number}/"
    assert client.get(path).status_code == 404
    for address in ("withdraw/",):
        assert client.get(path + address).status_code == 404
