"""Rows read by SQL of our own are the rows that the ORM would read."""

import pytest

from accounts.models import Account
from billing.model_queries import Rows
from billing.models import Coupon, Order, Package, Promotion
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_rows_are_whole_instances_as_the_orm_reads_them() -> None:
    customer = make.make_customer(cash="1000")
    order = make.buy(customer.application, coupon=make.make_coupon(customer.account).pk)
    read = Rows(
        "SELECT {o}, {a}, o.total * 2 FROM billing_order o"
        " JOIN accounts_account a ON a.id = o.account_id WHERE o.id = %s",
        o=Order,
        a=Account,
    )
    ((found, account, twice),) = read(order.pk)
    expected = Order.objects.get(pk=order.pk)
    assert type(found.request) is dict
    for field in Order._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(expected, field.attname), field.name
    assert (found, account, twice) == (expected, customer.account, expected.total * 2)
    found.excluded_funds = ["gift"]
    found.save()
    assert Order.objects.get(pk=order.pk).excluded_funds == ["gift"]


def test_what_an_outer_join_did_not_find_is_none() -> None:
    promotion = make.make_promotion()
    read = Rows(
        "SELECT {m}, {c} FROM billing_promotion m LEFT JOIN billing_coupon c ON c.id = -1",
        m=Promotion,
        c=Coupon,
    )
    assert read() == [[promotion, None]]


def test_nothing_found_is_no_rows() -> None:
    assert Rows("SELECT {p} FROM billing_package p WHERE p.id = %s", p=Package)(-1) == []
