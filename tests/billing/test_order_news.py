"""The account that is asked to pay hears of it; the buyer's own orders tell no one."""

import pytest

from accounts.enums import Role
from accounts.models import Notification
from accounts.services.letters import write
from billing.enums import Edition, OrderKind
from billing.orders.request import OrderRequest
from tests import factories

pytestmark = pytest.mark.django_db


def test_who_may_spend_for_the_payer_is_told_once() -> None:
    buyer = factories.make_customer(cash="500")
    payer = factories.make_account()
    finance = factories.make_member(payer, Role.FINANCE)
    factories.make_member(payer, Role.VIEWER)
    order_request = OrderRequest(
        kind=OrderKind.NEW,
        application=buyer.application.pk,
        edition=Edition.ESSENTIAL,
        payer=payer.uin,
    )
    order = factories.place(buyer.account, order_request)
    told = Notification.objects.filter(kind="payment_asked")
    assert {each.user_id for each in told} == {
        finance.pk,
        payer.memberships.get(role="owner").user_id,
    }
    letter = told.get(user=finance)
    assert letter.path == f"/console/{payer.uin}/payments/{order.number}/"
    words = write(letter)
    assert buyer.account.uin in words.subject
    assert buyer.account.name not in words.subject + words.text


def test_self_pay_tells_nobody() -> None:
    customer = factories.make_customer(cash="500")
    factories.buy(customer.application, Edition.ESSENTIAL)
    assert not Notification.objects.filter(kind="payment_asked").exists()
