"""What purchases and refunds ask of the database: few statements, all in one transaction."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from billing.enums import Edition, OrderKind
from billing.models import (
    Coupon,
    Fund,
    LedgerEntry,
    LedgerTransaction,
    License,
    Order,
    OrderLine,
    Package,
    Payment,
    Refund,
    RefundLine,
)
from billing.orders.quoting import confirmable_quote
from billing.orders.request import OrderRequest, RenewedPackage
from billing.orders.services import place_order
from billing.refunds.quotes import quote_refund
from billing.refunds.services import refund_package
from tests import factories as make
from tests.billing.acts import package_of
from tests.factories import NOW, Customer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

LIMIT = 14
LATER = NOW + timedelta(hours=1)

Act = Callable[[], object]


def purchase(licenses: int = 1, *, on_trial: bool = True, **terms: Any) -> tuple[Customer, Act]:
    """A confirmed purchase of a package with as many additional agents, and with telephones."""
    customer = make.make_customer(gift="10", income="10", cash="20000")
    application = customer.application
    if not on_trial:
        application = make.make_application(customer.account)
    order_request = OrderRequest(
        kind=OrderKind.NEW,
        application=application.pk,
        edition=Edition.PREMIUM,
        agents=licenses,
        sip=licenses,
        **terms,
    )
    return customer, confirmed(customer, order_request)


def takeover(licenses: int = 1) -> tuple[Customer, Act]:
    """A purchase on a trial that has bought licenses, of which one is left out."""
    customer = make.make_customer(cash="20000")
    make.add(customer.application, agents=licenses + 1)
    bought = License.objects.filter(account=customer.account, source="bought").order_by("pk")
    order_request = OrderRequest(
        kind=OrderKind.NEW,
        application=customer.application.pk,
        edition=Edition.PREMIUM,
        agents=licenses + 1,
        ending=(bought[0].pk,),
    )
    return customer, confirmed(customer, order_request)


def confirmed(customer: Customer, order_request: OrderRequest) -> Act:
    token = confirmable_quote(account=customer.account, order_request=order_request, now=NOW).token
    return lambda: place_order(account=customer.account, token=token, by=customer.owner, now=NOW)


def buyer(licenses: int = 1) -> tuple[Customer, Package]:
    customer = make.make_customer(gift="10", income="10", cash="20000")
    return customer, package_of(make.buy(customer.application, agents=licenses, sip=licenses))


def addition(licenses: int = 1) -> tuple[Customer, Act]:
    customer, _package = buyer()
    order_request = OrderRequest(
        kind=OrderKind.ADDITIONAL,
        application=customer.application.pk,
        agents=licenses,
        sip=licenses,
    )
    return customer, confirmed(customer, order_request)


def renewal(licenses: int = 1, *, packages: int = 3, ending: int = 0) -> tuple[Customer, Act]:
    """A renewal of packages in one order, some of the first one's licenses left out."""
    customer, package = buyer(licenses)
    others = [
        package_of(make.buy(make.make_application(customer.account), agents=licenses))
        for _number in range(packages - 1)
    ]
    left_out = package.licenses.filter(source="bought").order_by("pk")[:ending]
    order_request = OrderRequest(
        kind=OrderKind.RENEWAL,
        renewed=(
            RenewedPackage(package.pk, tuple(license.pk for license in left_out)),
            *(RenewedPackage(other.pk) for other in others),
        ),
    )
    return customer, confirmed(customer, order_request)


def upgrade(licenses: int = 1) -> tuple[Customer, Act]:
    customer, _package = buyer(licenses)
    order_request = OrderRequest(
        kind=OrderKind.UPGRADE, application=customer.application.pk, edition=Edition.PREMIUM
    )
    return customer, confirmed(customer, order_request)


def refund(licenses: int = 1, *, additions: int = 0) -> tuple[Customer, Act]:
    """A confirmed refund of a package, bought an hour ago by so many orders and one."""
    customer, package = buyer(licenses)
    for _number in range(additions):
        make.add(customer.application, agents=licenses)
    token = quote_refund(package=package, now=LATER).token
    return customer, lambda: refund_package(
        package=package, token=token, by=customer.owner, now=LATER
    )


def count(act: Act) -> int:
    """Return how many statements an act sends, savepoints too, beside BEGIN and COMMIT."""
    with CaptureQueriesContext(connection) as captured:
        act()
    sent = [query["sql"] for query in captured]
    assert (sent[0], sent[-1]) == ("BEGIN", "COMMIT")
    assert not {"BEGIN", "COMMIT", "ROLLBACK"} & set(sent[1:-1]), "more than one transaction"
    return len(sent) - 2


@pytest.mark.parametrize(
    ("build", "statements"),
    [
        pytest.param(purchase, 12, id="purchase on the trial"),
        pytest.param(lambda n=1: purchase(n, on_trial=False), 13, id="purchase without one"),
        pytest.param(takeover, 14, id="purchase with licenses of the trial"),
        pytest.param(addition, 11, id="additional licenses"),
        pytest.param(renewal, 11, id="renewal of three packages"),
        pytest.param(lambda n=1: renewal(n, ending=1), 12, id="renewal with fewer licenses"),
        pytest.param(upgrade, 11, id="upgrade"),
        pytest.param(refund, 14, id="refund"),
        pytest.param(lambda n=1: refund(n, additions=2), 14, id="refund of three orders"),
    ],
)
def test_a_trade_takes_few_statements_however_many_licenses(
    build: Callable[..., tuple[Customer, Act]], statements: int
) -> None:
    assert statements <= LIMIT
    assert [count(build(licenses)[1]) for licenses in (1, 50)] == [statements, statements]


def test_a_renewal_takes_as_many_for_one_package_as_for_six() -> None:
    assert [count(renewal(packages=number)[1]) for number in (1, 6)] == [11, 11]


def test_a_coupon_with_a_promotion_adds_their_reading_and_its_use() -> None:
    customer = make.make_customer(cash="20000")
    order_request = OrderRequest(
        kind=OrderKind.NEW,
        application=customer.application.pk,
        edition=Edition.PREMIUM,
        agents=1,
        coupon=make.make_coupon(customer.account).pk,
        promotion=make.make_promotion().pk,
    )
    assert count(confirmed(customer, order_request)) == 12 + 1 + 1


# --- All or nothing --------------------------------------------------------------------------

#: Everything that a trade writes.
MODELS: tuple[type[Model], ...] = (
    AuditEvent,
    Coupon,
    Fund,
    LedgerEntry,
    LedgerTransaction,
    License,
    Order,
    OrderLine,
    Package,
    Payment,
    Refund,
    RefundLine,
)


def snapshot() -> dict[str, list[dict[str, Any]]]:
    return {
        model.__name__: list(model._default_manager.order_by("pk").values()) for model in MODELS
    }


class _Broken(DatabaseError):
    """What a lost connection, a killed server or a full disk comes down to."""


def _break_at(number: int) -> Callable[..., Any]:
    """Let the statement of that number fail instead of being sent."""
    seen = 0

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == number:
            raise _Broken
        return run(sql, params, many, context)

    return execute


@pytest.mark.parametrize(
    ("build", "statements"),
    [
        pytest.param(purchase, 12, id="purchase"),
        pytest.param(addition, 11, id="additional licenses"),
        pytest.param(renewal, 11, id="renewal"),
        pytest.param(refund, 14, id="refund"),
    ],
)
def test_a_failure_at_any_statement_leaves_nothing_and_the_repeat_does_it_all(
    build: Callable[[], tuple[Customer, Act]], statements: int
) -> None:
    _customer, act = build()
    before = snapshot()
    for number in range(1, statements + 1):
        with pytest.raises(_Broken), connection.execute_wrapper(_break_at(number)):
            act()
        assert snapshot() == before
    with connection.execute_wrapper(_break_at(statements + 1)):
        act()
    assert snapshot() != before


def test_a_paid_order_is_written_once_and_told_of_as_placed_and_paid() -> None:
    customer, act = purchase()
    act()
    order = Order.objects.get(account=customer.account)
    events = AuditEvent.objects.filter(
        account=customer.account, data__has_any_keys=["order", "total"]
    )
    assert list(
        events.order_by("pk").values_list("verb", "from_state", "to_state", "actor_id")
    ) == [
        ("order.placed", "", "unpaid", customer.owner.pk),
        ("package.purchased", "trial", "active", customer.owner.pk),
        ("order.paid", "unpaid", "paid", customer.owner.pk),
    ]
    assert (order.status, order.paid_at, order.paid_by) == ("paid", NOW, customer.owner)
    assert {line.package for line in order.lines.all()} == {
        Package.objects.get(application=customer.application)
    }
