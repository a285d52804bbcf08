"""What SQL of our own writes is what the ORM would write.

Reads by SQL have their twins in `tests/agents/test_seats.py` and `tests/accounts/test_prepared.py`.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.db.models import CharField, F, Model, Value
from django.db.models.functions import Cast, Concat
from django.utils.dateparse import parse_datetime

from accounts.access import Permission
from accounts.enums import Role
from accounts.models import Application, AuditEvent, Notification
from accounts.queries import call_function, insert_selected, update_by_key
from accounts.services.audit import Event, EventOfEach, record, record_each
from accounts.services.notifications import News, NewsOfEach
from agents.models import Agent
from billing.enums import LedgerBook, LedgerKind, LicenseKind
from billing.models import (
    ExpiryReminder,
    Fund,
    LedgerEntry,
    LedgerTransaction,
    License,
    Payment,
)
from billing.packages.queries import NewLicenses, add_licenses
from billing.renewals.queries import claim_reminders
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


def test_rows_inserted_from_others_are_as_bulk_create_makes_them() -> None:
    for name in ("Ann's", "100% %s", "Line"):
        make.make_application(make.make_account(), name=name)
    alike = {"at": NOW, "verb": "100% 'sure' %s", "target_type": "accounts.application"}
    applications = Application.objects.order_by("-pk")

    def with_the_orm() -> None:
        AuditEvent.objects.bulk_create(
            AuditEvent(account=each.account, target_id=each.pk, target_label=each.name, **alike)
            for each in applications.select_related("account")
        )

    def with_sql() -> None:
        own = {"account": F("account"), "target_id": F("pk"), "target_label": F("name")}
        assert insert_selected(AuditEvent, applications, {**alike, **own}) == 3

    assert written_by(with_sql, AuditEvent) == written_by(with_the_orm, AuditEvent)
    assert written_by(lambda: None, AuditEvent) != written_by(with_sql, AuditEvent)


def test_what_happened_to_many_rows_is_recorded_as_it_is_of_one() -> None:
    for name in ("Ann's", "100% %s"):
        account = make.make_account()
        make.make_application(account, name=name, trial=False)
        make.make_application(account, name=f"Second {name}", trial=False)
        for role in (Role.FINANCE, Role.VIEWER):
            make.make_member(account, role)
        gone = make.make_member(account, Role.FINANCE)
        gone.is_active = False
        gone.save()
    news: dict[str, Any] = {"kind": "package_expired", "to": Permission.SPEND}
    what: dict[str, Any] = {"verb": "package.isolated", "from_state": "a", "to_state": "b"}
    number = Cast("sdkappid", CharField())

    def one_by_one() -> None:
        for each in Application.objects.select_related("account"):
            params = {"name": each.name, "activated_at": each.activated_at}
            told = News(each.account, params=params, path=f"/console/{each.sdkappid}/", **news)
            event = Event(target=each, news=[told], **what)
            record([event], account=each.account, by=None, now=NOW)

    def together() -> None:
        told = NewsOfEach(
            params={"name": F("name"), "activated_at": F("activated_at")},
            path=Concat(Value("/console/"), number, Value("/")),
            **news,
        )
        label = Concat("name", Value(" ("), number, Value(")"))
        event = EventOfEach(label=label, news=told, **what)
        record_each(Application.objects.all(), event, now=NOW)

    def written(write: Callable[[], None]) -> list[list[str]]:
        found = written_by(write, AuditEvent, Notification)
        for row in found[1]:
            row["params"]["activated_at"] = parse_datetime(row["params"]["activated_at"])
        return [sorted(map(str, rows)) for rows in found]

    assert written(together) == written(one_by_one)
    assert len(written_by(together, Notification)[0]) == 2 * 2 * 2


def test_reminders_are_claimed_as_get_or_create_claims_them() -> None:
    packages = [make.make_package(make.make_customer(trial=False).application) for _one in range(3)]
    due = [
        (each.account_id, each.pk, each.expires_at, days) for each in packages for days in (-7, 1)
    ]
    claim_reminders(due[:2], NOW)
    claimed: list[set[tuple[int, int]]] = []

    def with_the_orm() -> None:
        claimed.append(set())
        for account, package, expires_at, days in due:
            _row, is_new = ExpiryReminder.objects.get_or_create(
                package_id=package,
                expires_at=expires_at,
                offset_days=days,
                defaults={"account_id": account, "sent_at": NOW},
            )
            if is_new:
                claimed[-1].add((package, days))

    def with_sql() -> None:
        claimed.append(claim_reminders(due, NOW))

    by_sql, by_orm = (written_by(write, ExpiryReminder)[0] for write in (with_sql, with_the_orm))
    # Those of one statement are in no order.
    assert sorted(by_sql, key=str) == sorted(by_orm, key=str)
    assert claimed[0] == claimed[1] == {(package, days) for _a, package, _e, days in due[2:]}


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
