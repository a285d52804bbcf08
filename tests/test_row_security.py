"""The database's own wall around each account, with every filter of the console taken away."""

from typing import Any

import pytest
from django.apps import apps
from django.db import DataError, ProgrammingError, connection, transaction
from django.db.models import ForeignKey, Model
from django.urls import reverse
from django.utils import timezone

from accounts.access import AccountAccess
from accounts.models import Account, Application, Entity, Export, Membership
from accounts.row_security import DatabaseRole, Scope, acting_for, beyond_tenancy, touch
from accounts.services.tenants import lock_account
from agents.models import Agent, SkillGroup, SkillGroupMember
from billing.models import ExpiryReminder, Fund, LedgerEntry, Order
from billing.refunds.holds import place_refund_hold
from compliance.enums import CaseState
from compliance.services.appeals import submit_appeal
from tests.factories import (
    DAY,
    buy,
    make_account,
    make_agent,
    make_case,
    make_customer,
    make_file,
    make_staff,
    owner_of,
    signed_in,
)

pytestmark = pytest.mark.django_db

#: How each protected table tells whose its rows are, where that is no column `account`.
OWNERS = {Account: "pk", Entity: "accounts", LedgerEntry: "transaction__account"}


def tables_of_accounts() -> list[type[Model]]:
    """Every table with rows of accounts: a new one is found by its foreign key."""
    return [
        model
        for model in apps.get_models()
        if model in OWNERS
        or any(
            isinstance(each, ForeignKey) and each.related_model is Account
            for each in model._meta.local_fields
        )
    ]


ROLES = ["tccc_web", "tccc_staff", "tccc_worker"]
TABLES = tables_of_accounts()
each_table = pytest.mark.parametrize("model", TABLES, ids=lambda model: model._meta.label_lower)


def owner_path(model: type[Model]) -> str:
    return OWNERS.get(model, "account")


def scope_of(account: Account, *, role: DatabaseRole = DatabaseRole.WEB) -> Scope:
    return Scope(role, owner_of(account).pk, account.uin)


def ask(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


# --- Tables --------------------------------------------------------------------------------


@each_table
def test_every_table_of_accounts_is_protected(model: type[Model]) -> None:
    table = model._meta.db_table
    (is_on,) = ask("SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass", table)
    policies = dict(
        ask("SELECT policyname, roles::text[] FROM pg_policies WHERE tablename = %s", table)
    )

    assert is_on == (True,)
    assert policies["console"] == ["tccc_web"]
    assert policies["everywhere"] == ["tccc_staff", "tccc_worker"]


def test_all_roles_may_use_all_tables() -> None:
    """Also those of migrations that came after the roles."""
    found = ask(
        "SELECT table_name::text, count(*) FROM information_schema.role_table_grants"
        " WHERE table_schema = 'public' AND grantee IN ('tccc_web', 'tccc_staff', 'tccc_worker')"
        " AND privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') GROUP BY 1"
    )

    granted = {name for name, number in found if number == 12}
    assert {model._meta.db_table for model in apps.get_models()} - granted == set()


@pytest.fixture(scope="module")
def stranger(demo: str) -> Account:
    """An account with nothing to do with those of the demo, which have rows in every table."""
    now = timezone.now()
    agent = Agent.objects.filter(license__isnull=False)[0]
    account = agent.account
    group = SkillGroup.objects.create(
        account=account, application=agent.application, name="Night", created_at=now
    )
    SkillGroupMember.objects.create(account=account, group=group, agent=agent)
    Export.objects.create(
        account=account,
        kind="orders",
        file_name="orders.csv",
        total=1,
        status="waiting",
        created_at=now,
        created_by=owner_of(account),
    )
    place_refund_hold(account=account, reason="A chargeback.", by=make_staff(), now=now)
    package = agent.license.package  # type: ignore[union-attr]
    ExpiryReminder.objects.create(
        account=account, package=package, expires_at=package.expires_at, offset_days=1, sent_at=now
    )
    customer = make_customer(now=now - 2 * DAY)
    case = make_case(customer, CaseState.ACTIONED, now=now - DAY)
    submit_appeal(
        violation=case,
        statement="It was not us.",
        files=[make_file()],
        by=customer.owner,
        now=now,
    )
    return make_account()


def keys_owned_by(model: type[Model], account: Account) -> set[Any]:
    rows = model._default_manager.filter(**{owner_path(model): account.pk})
    return set(rows.values_list("pk", flat=True))


@each_table
def test_without_a_filter_no_row_of_others_is_found(model: type[Model], stranger: Account) -> None:
    own = keys_owned_by(model, stranger)
    assert model._default_manager.count() > len(own), "the demo has such rows of others"

    with acting_for(scope_of(stranger)):
        assert set(model._default_manager.values_list("pk", flat=True)) == own


@each_table
def test_an_account_finds_all_of_its_own_rows(model: type[Model], demo: str) -> None:
    (owner,) = (
        model._default_manager.filter(**{f"{owner_path(model)}__isnull": False})
        .values_list(owner_path(model), flat=True)
        .order_by("pk")[:1]
    )
    account = Account.objects.get(pk=owner)
    own = keys_owned_by(model, account)

    with acting_for(scope_of(account)):
        assert set(model._default_manager.values_list("pk", flat=True)) >= own


@each_table
def test_staff_find_all_rows_and_nobody_none(model: type[Model], stranger: Account) -> None:
    everything = model._default_manager.count()

    with acting_for(Scope(DatabaseRole.STAFF)):
        assert model._default_manager.count() == everything
    with acting_for(Scope(DatabaseRole.WEB)):
        assert model._default_manager.count() == 0


@each_table
def test_no_row_of_others_is_changed_or_deleted(model: type[Model], stranger: Account) -> None:
    table, key = model._meta.db_table, model._meta.pk.column
    others = model._default_manager.exclude(pk__in=keys_owned_by(model, stranger))
    foreign = others.values_list("pk", flat=True)[0]

    with acting_for(scope_of(stranger)), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {key} = {key} WHERE {key} = %s", [foreign])
        assert cursor.rowcount == 0
        cursor.execute(f"DELETE FROM {table} WHERE {key} = %s", [foreign])
        assert cursor.rowcount == 0


@each_table
def test_no_row_is_written_for_others(model: type[Model]) -> None:
    """Every policy for the console that lets rows be written looks at the new ones, too."""
    found = ask(
        "SELECT cmd, with_check FROM pg_policies"
        " WHERE tablename = %s AND roles = '{tccc_web}' AND cmd <> 'SELECT'",
        model._meta.db_table,
    )

    assert found
    assert [cmd for cmd, check in found if check in {None, "true"}] == []


def test_a_fund_of_others_is_not_written() -> None:
    account, other = make_account(), make_account()

    with acting_for(scope_of(account)):
        Fund.objects.create(account=account, kind="cash", currency="USD")
        with pytest.raises(ProgrammingError, match="row-level security"):
            Fund.objects.create(account=other, kind="cash", currency="USD")


# --- What the roles may not do -------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE billing_ledgerentry DISABLE TRIGGER USER",
        "ALTER TABLE billing_ledgerentry DISABLE ROW LEVEL SECURITY",
        "DROP POLICY console ON billing_fund",
        "CREATE POLICY mine ON billing_fund USING (true)",
        "DROP TABLE billing_fund",
        "TRUNCATE accounts_auditevent",
        "SET session_replication_role = replica",
        "CREATE TABLE mine ()",
        "ALTER FUNCTION tccc_accounts() OWNER TO CURRENT_USER",
        "CREATE OR REPLACE FUNCTION tccc_accounts() RETURNS bigint[] LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_no_role_of_the_console_can_take_the_wall_down(role: str, statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        ask("SELECT set_config('role', %s, true)", role)
        with pytest.raises(ProgrammingError, match=r"denied|must be owner"), transaction.atomic():
            cursor.execute(statement)
        ask("SELECT set_config('role', 'none', true)")


def test_no_role_of_the_console_is_above_row_security() -> None:
    above = ask(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY (%s)"
        " AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)",
        ROLES,
    )
    owned = ask(
        "SELECT relname FROM pg_class WHERE pg_get_userbyid(relowner)::text = ANY (%s)", ROLES
    )

    assert above == []
    assert owned == []


def test_checks_at_the_end_of_a_transaction_see_all_of_it() -> None:
    found = dict(
        ask(
            "SELECT tgname, prosecdef FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid"
            " WHERE tgdeferrable AND NOT tgisinternal"
        )
    )

    assert found
    assert [name for name, is_definer in found.items() if not is_definer] == []


# --- Scopes --------------------------------------------------------------------------------


def reached() -> set[str]:
    return set(Account.objects.values_list("uin", flat=True))


def test_a_scope_ends_with_its_block() -> None:
    account, other = make_account(), make_account()
    own, others = scope_of(account), scope_of(other)
    everything = reached()

    with acting_for(own):
        assert reached() == {account.uin}
        with acting_for(others):
            assert reached() == {other.uin}
        assert reached() == {account.uin}
    assert reached() == everything
    with pytest.raises(ZeroDivisionError), acting_for(own):
        1 / 0  # noqa: B018
    assert reached() == everything


def test_somebody_who_is_no_member_reaches_nothing_by_naming_an_account() -> None:
    account, other = make_account(), make_account()

    with acting_for(Scope(DatabaseRole.WEB, owner_of(other).pk, account.uin)):
        # Only that the own account is there, for the list of accounts.
        assert reached() == {other.uin}
        assert not Application.objects.exists()
        assert set(Membership.objects.values_list("account__uin", flat=True)) == {other.uin}


def test_further_accounts_are_reached_once_they_are_named_or_locked() -> None:
    account, payer, third = make_account(), make_account(), make_account()

    with acting_for(scope_of(account)):
        touch(payer.pk)
        assert reached() == {account.uin, payer.uin}
        lock_account(third.pk)
        assert reached() == {account.uin, payer.uin, third.uin}
    with acting_for(scope_of(account)):
        assert reached() == {account.uin}


def test_a_rule_about_several_accounts_reads_beyond_and_comes_back() -> None:
    account = make_account()
    everything = reached()

    with acting_for(scope_of(account)):
        with beyond_tenancy():
            assert reached() == everything
        assert reached() == {account.uin}
        with pytest.raises(DataError), transaction.atomic(), beyond_tenancy():
            ask("SELECT 1 / 0")
        assert reached() == {account.uin}


def test_other_side_of_an_order_is_named_and_no_more() -> None:
    """An account that pays for another reads its name, not its applications or funds."""
    buyer, payer = make_customer(), make_customer()
    order = buy(buyer.application, payer=payer.account.uin)

    with acting_for(scope_of(payer.account)):
        assert reached() == {buyer.account.uin, payer.account.uin}
        assert set(Order.objects.values_list("pk", flat=True)) == {order.pk}
        assert not Application.objects.filter(account=buyer.account).exists()
        assert not Fund.objects.filter(account=buyer.account).exists()


# --- Requests ------------------------------------------------------------------------------


def test_pages_hold_without_the_filters_of_the_console(monkeypatch: pytest.MonkeyPatch) -> None:
    own, other = make_customer(), make_customer()
    mine, foreign = make_agent(own.application), make_agent(other.application)
    client = signed_in(own.owner)

    def status(agent: Agent) -> int:
        place = {"uin": own.account.uin, "sdkappid": own.application.sdkappid, "pk": agent.pk}
        return client.get(reverse("agents:edit", kwargs=place)).status_code

    monkeypatch.setattr("agents.views.agents.agents_of", lambda *_place: Agent.objects.all())
    monkeypatch.setattr(AccountAccess, "get", lambda _access, rows, **by: rows.filter(**by).get())
    assert status(mine) == 200
    with pytest.raises(Agent.DoesNotExist):
        status(foreign)
    # Without the wall, the missing filter would show it.
    monkeypatch.setattr(
        "accounts.row_security._scope_of", lambda *_, **__: Scope(DatabaseRole.STAFF)
    )
    assert status(foreign) == 200


def test_an_export_reads_within_its_scope_while_it_is_sent() -> None:
    own = make_customer()
    make_agent(own.application, name="Anna Own")
    make_agent(make_customer().application, name="Bert Other")
    place = {"uin": own.account.uin, "sdkappid": own.application.sdkappid}

    answer = signed_in(own.owner).get(reverse("agents:export", kwargs=place))

    assert b"Anna Own" in answer.getvalue()
