"""A prepared query returns what its plain queryset returns, for any values."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.models import Model, QuerySet
from django.db.transaction import TransactionManagementError

from accounts.models import Account
from accounts.prepared import PreparedQuery, find_each
from accounts.services.notifications import News, notify_members
from billing.enums import FundKind
from billing.models import Coupon, Fund, Order, Package, Promotion, Refund
from billing.refunds.holds import place_refund_hold
from tests import factories as make
from tests.billing import acts
from tests.factories import NOW

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Rows:
    """A package that was bought with a promotion and a coupon, beside one that was refunded."""

    order: Order
    refund: Refund
    coupon: Coupon
    promotion: Promotion

    @property
    def package(self) -> Package:
        """The package of the order."""
        return acts.package_of(self.order)


#: Values with which each prepared query of the code finds something.
VALUES: dict[str, Callable[[Rows], list[Any]]] = {
    "accounts.services.notifications._unread": lambda rows: [
        rows.order.account.memberships.get().user_id
    ],
    "accounts.services.tenants._kept": lambda rows: [[rows.order.account_id, -1]],
    "billing.catalog.queries._find_items": lambda rows: [NOW],
    "billing.offers.services._promotion": lambda rows: [rows.promotion.pk],
    "billing.offers.services._coupon": lambda rows: [rows.order.account_id, rows.coupon.pk],
    "billing.orders.snapshots._licenses": lambda rows: [
        rows.order.account_id,
        [rows.package.pk, -1],
        NOW,
    ],
    "billing.orders.snapshots._READ_CURRENT": lambda rows: [
        rows.order.account_id,
        rows.package.application_id,
    ],
    "billing.orders.snapshots._READ_BY_KEY": lambda rows: [
        rows.order.account_id,
        [rows.package.pk, rows.refund.package_id],
    ],
    "billing.orders.services._placed": lambda rows: [rows.order.account_id, rows.order.key],
    "billing.refunds.breakdown._payments": lambda rows: [
        list(Order.objects.values_list("pk", flat=True))
    ],
    "billing.refunds.facts._refunds": lambda rows: [rows.refund.entity_id],
    "billing.refunds.facts._holds": lambda rows: [rows.order.account_id],
    "billing.refunds.facts._lines": lambda rows: [
        rows.order.account_id,
        rows.package.pk,
        rows.package.application_id,
    ],
    "billing.refunds.queries.lock_lowest_concerned": lambda rows: [rows.package.pk],
    "billing.refunds.queries.lock_packages": lambda rows: [rows.package.pk],
    "billing.wallet.ledger._funds": lambda rows: [rows.order.account_id, "USD"],
}


@pytest.fixture
def rows() -> Rows:
    customer = make.make_customer(gift="20", cash="5000")
    make.buy(customer.application)
    refund = acts.refund(make.current_package(customer.application), now=NOW)
    place_refund_hold(
        account=customer.account, reason="Look.", by=make.make_user(is_staff=True), now=NOW
    )
    coupon, promotion = make.make_coupon(customer.account), make.make_promotion()
    notify_members([News(customer.account, "package_expiring")], now=NOW)
    order = make.buy(
        make.make_application(customer.account), coupon=coupon.pk, promotion=promotion.pk
    )
    return Rows(order, refund, coupon, promotion)


def prepared_queries() -> list[tuple[str, PreparedQuery[..., Any]]]:
    """Every prepared query of the code, by the name of its module and its own."""
    return [
        (f"{path}.{name}", query)
        for path, module in sorted(sys.modules.items())
        if path.split(".")[0] in {"accounts", "compliance", "billing", "agents", "config"}
        for name, value in vars(module).items()
        for query in (value.values() if isinstance(value, dict) else [value])
        if isinstance(query, PreparedQuery) and query.__module__ == path
    ]


@pytest.fixture(params=["in the client", "on the server"])
def binding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bind parameters as the console does, and as DATABASE_SERVER_SIDE_BINDING makes it."""
    if request.param == "on the server":
        connection.ensure_connection()
        monkeypatch.setattr(connection.connection, "cursor_factory", ServerBindingCursor)
        monkeypatch.setattr(connection.features, "uses_server_side_binding", True)


def columns(row: Any) -> Any:
    """What a row is, with the rows that were read along with it and what was added."""
    if not isinstance(row, Model):
        return row
    related = {name: columns(other) for name, other in row._state.fields_cache.items()}
    return type(row), {key: vars(row)[key] for key in vars(row).keys() - {"_state"}}, related


@pytest.mark.usefixtures("binding")
def test_every_prepared_query_returns_what_its_queryset_returns(rows: Rows) -> None:
    queries = prepared_queries()
    assert {name for name, _query in queries} == VALUES.keys()
    for name, query in queries:
        values = VALUES[name](rows)
        expected = [columns(row) for row in query.queryset(*values)]
        assert expected, name
        # The server keeps a plan for all values from the sixth time on.
        for _time in range(7):
            assert [columns(row) for row in query(*values)] == expected, name


def test_values_differ_from_call_to_call_and_may_be_named() -> None:
    fund = make.make_customer(cash="5").account.funds.get
    cash, gift = fund(kind="cash"), make.make_customer(gift="5").account.funds.get()
    find = PreparedQuery(lambda account, kind: Fund.objects.filter(account=account, kind=kind))
    for kind in ("cash", FundKind.CASH):
        assert find(cash.account_id, kind) == [cash]
    assert find(kind="gift", account=gift.account_id) == [gift]
    assert find(cash.account_id, "gift") == find(cash.account_id, None) == []


def test_it_is_compiled_once(django_assert_num_queries: Any) -> None:
    calls = []

    @PreparedQuery
    def accounts(pk: int) -> "QuerySet[Account]":
        calls.append(pk)
        return Account.objects.filter(pk=pk)

    with django_assert_num_queries(2):
        assert accounts(-1) == accounts(-2) == []
    assert len(calls) == 1


def test_a_list_is_one_parameter_however_long() -> None:
    accounts = [make.make_account() for _one in range(3)]
    find = PreparedQuery(lambda keys: Account.objects.filter(pk__any=keys).order_by("pk"))
    assert [find(keys) for keys in ([], [accounts[0].pk], [each.pk for each in accounts])] == [
        [],
        accounts[:1],
        accounts,
    ]
    assert list(find.queryset([accounts[1].pk])) == [accounts[1]]


def test_percent_signs_and_quotes_stay_what_they_are() -> None:
    account = make.make_account()
    Account.objects.filter(pk=account.pk).update(name="100% 'sure' %s")
    find = PreparedQuery(
        lambda pk: Account.objects.filter(name__contains="0% 'sure' %s", pk=pk).values_list(
            "name", flat=True
        )
    )
    assert find(account.pk) == list(find.queryset(account.pk)) == ["100% 'sure' %s"]


def test_several_are_read_in_one_statement_and_each_may_be_missing(
    rows: Rows, django_assert_num_queries: Any
) -> None:
    promotion = PreparedQuery(lambda pk: Promotion.objects.filter(pk=pk))
    coupon = PreparedQuery(
        lambda account, pk: Coupon.objects.filter(account=account, pk=pk).select_related("account")
    )
    account = rows.order.account_id
    with django_assert_num_queries(3):
        both = find_each((promotion, [rows.promotion.pk]), (coupon, [account, rows.coupon.pk]))
        second = find_each((promotion, [None]), (coupon, [account, rows.coupon.pk]))
        first = find_each((promotion, [rows.promotion.pk]), (coupon, [-1, rows.coupon.pk]))
        assert both[1].account.pk == account
    assert [both, second, first] == [
        [rows.promotion, rows.coupon],
        [None, rows.coupon],
        [rows.promotion, None],
    ]


@pytest.mark.django_db(transaction=True)
def test_rows_are_locked_only_within_a_transaction() -> None:
    find = PreparedQuery(lambda pk: Account.objects.filter(pk=pk), lock=True)
    with transaction.atomic():
        assert find(-1) == []
    with pytest.raises(TransactionManagementError):
        find(-1)


def test_what_is_no_row_and_no_tuple_is_refused() -> None:
    with pytest.raises(TypeError, match="Only whole rows"):
        PreparedQuery(lambda pk: Account.objects.filter(pk=pk).values("name"))(1)
