"""What SQL of our own writes is what the ORM would write.

Reads by SQL have their twins in `tests/agents/test_seats.py` and `tests/accounts/test_prepared.py`.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.db.models import Model

from accounts.queries import call_function, update_by_key
from agents.models import Agent
from billing.enums import LedgerBook, LedgerKind, LicenseKind
from billing.models import Fund, LedgerEntry, LedgerTransaction, License, Payment
from billing.packages.queries import NewLicenses, add_licenses
from billing.wallet.queries import Leg, insert_transaction
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def written_by(write: Callable[[], object], *models: type[Model]) -> list[list[dict[str, Any]]]:
    """Return the rows without their keys as they are after `write`, which is taken back."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        write()
        rows = [
            [
                {name: value for name, value in row.items() if name not in {"id", "transaction_id"}}
                for row in model._default_manager.order_by("pk").values()
            ]
            for model in models
        ]
        transaction.set_rollback(True)
    return rows


def test_rows_updated_by_their_key_are_as_bulk_update_leaves_them() -> None:
    application = make.make_customer(trial=False).application
    free = make.licenses_of(make.make_package(application))
    agents = [make.make_agent(application, license=None) for _one in range(3)]
    other = make.make_agent(application)
    columns: dict[str, list[Any]] = {
        "name": ["Ann", "'; --", "100%"],
        "license": [free[0].pk, None, free[1].pk],
        "is_enabled": [True, False, True],
        "updated_at": [NOW + timedelta(hours=hour) for hour in range(3)],
    }

    def with_the_orm() -> None:
        for name, values in columns.items():
            for agent, value in zip(agents, values, strict=True):
                setattr(agent, "license_id" if name == "license" else name, value)
        Agent.objects.bulk_update(agents, list(columns))

    def with_sql() -> None:
        assert update_by_key(Agent, [agent.pk for agent in agents], columns) == 3

    assert written_by(with_sql, Agent) == written_by(with_the_orm, Agent)
    assert written_by(lambda: None, Agent) != written_by(with_sql, Agent)
    assert update_by_key(Agent, [other.pk, -1], {"name": ["Bea", "Nobody"]}) == 1
    with pytest.raises(DataError):
        update_by_key(Agent, [other.pk], {"name": ["x" * 1000]})


def test_licenses_are_as_bulk_create_makes_them() -> None:
    customer = make.make_customer(cash="1000")
    order = make.buy(customer.application)
    package = make.current_package(customer.application)
    line = order.lines.all()[0]

    def with_the_orm() -> None:
        License.objects.bulk_create(
            License(
                account=customer.account,
                package=package,
                kind=kind,
                source=source,
                order_line=bought,
                created_at=NOW,
            )
            for kind, source, bought in (
                ("agent", "included", None),
                ("agent", "included", None),
                ("sip", "bought", line),
            )
        )

    def with_sql() -> None:
        included = NewLicenses(LicenseKind.AGENT, 2)
        bought = NewLicenses(LicenseKind.SIP, 1, line.pk)
        add_licenses(package, [included, bought], now=NOW)

    assert written_by(with_sql, License) == written_by(with_the_orm, License)


def test_a_ledger_transaction_is_as_the_orm_inserts_it() -> None:
    customer = make.make_customer(cash="5")
    order = make.buy(customer.application)
    fund = Fund.objects.get(account=customer.account, kind="cash")
    posted = LedgerTransaction(
        kind=LedgerKind.PAYMENT, account=customer.account, at=NOW, order=order, note="A note"
    )
    legs = [
        Leg(amount=Decimal("-2.50"), currency="USD", fund=fund),
        Leg(amount=Decimal("2.50"), currency="USD", book=LedgerBook.SALES),
    ]
    paid = {"account": customer.account, "order": order, "currency": "USD", "at": NOW}
    coupon = make.make_coupon(customer.account)

    def payments() -> list[Payment]:
        return [
            Payment(**paid, kind="cash", fund=fund, amount=Decimal("2.50")),
            Payment(**paid, kind="coupon", coupon=coupon, amount=Decimal("1.00")),
        ]

    def with_the_orm() -> None:
        Payment.objects.bulk_create(payments())
        posted.save(force_insert=True)
        LedgerEntry.objects.bulk_create(
            LedgerEntry(
                transaction=posted,
                book=leg.book,
                fund=leg.fund,
                currency=leg.currency,
                amount=leg.amount,
            )
            for leg in legs
        )

    def with_sql() -> None:
        key = insert_transaction(posted, legs, payments())
        assert LedgerEntry.objects.filter(transaction_id=key).count() == len(legs)

    models = (Payment, LedgerTransaction, LedgerEntry, Fund)
    assert written_by(with_sql, *models) == written_by(with_the_orm, *models)


def test_a_function_of_the_database_is_called_with_its_arguments() -> None:
    assert call_function("pg_is_in_recovery") is False
    assert call_function("concat_ws", "-", "100%", "'", 7) == "100%-'-7"
