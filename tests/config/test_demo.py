"""The demo: told through the services, once, with everything that it promises to show."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from accounts.enums import Role
from accounts.models import (
    Account,
    AuditEvent,
    Entity,
    Invitation,
    Job,
    Membership,
    Notification,
    User,
)
from agents.models import Agent, AgentAct, AgentImport, SipTelephone
from agents.services.acts import may_undo
from billing.enums import CouponKind, CreditStatus, OrderStatus, PackageState
from billing.models import Coupon, Credit, Order, Package, Refund
from compliance.enums import CaseState, ConnectionState
from compliance.models import ConnectionRequest, Violation
from config.demo.people import PEOPLE
from tests.factories import PASSWORD, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def load(**options: object) -> str:
    out = StringIO()
    call_command("load_demo_data", stdout=out, **options)
    return out.getvalue()


def test_it_shows_every_role_and_every_state_of_a_package() -> None:
    load()
    assert (Entity.objects.count(), Account.objects.count()) == (2, 4)
    assert set(Membership.objects.values_list("role", flat=True)) == set(Role.values)
    assert set(Package.objects.values_list("state", flat=True)) == set(PackageState.values)
    assert Agent.objects.exists()
    assert {OrderStatus.PAID, OrderStatus.UNPAID, OrderStatus.CLOSED, OrderStatus.REFUNDED} == set(
        Order.objects.values_list("status", flat=True)
    )


def test_one_refund_is_granted_and_one_refused() -> None:
    load()
    assert list(Refund.objects.values_list("status", flat=True)) == ["done"]
    refused = AuditEvent.objects.get(verb="refund.refused")
    failed = [row["rule"] for row in refused.data["trace"]["results"] if row["outcome"] == "fail"]
    assert failed == ["one_per_entity"]


def test_customers_and_staff_find_something_to_do() -> None:
    load()
    assert list(Invitation.objects.values_list("email", flat=True)) == ["nora.new@example.com"]
    assert set(Coupon.objects.values_list("kind", flat=True)) == set(CouponKind.values)
    assert SipTelephone.objects.exclude(agent=None).count() == 1
    assert Order.objects.exclude(payer=F("account")).get().status == OrderStatus.UNPAID
    assert Credit.objects.get(status=CreditStatus.WAITING).amount == 25_000
    assert ConnectionRequest.objects.filter(state=ConnectionState.REVIEW).count() == 1
    assert Violation.objects.filter(state=CaseState.REPORTED).count() == 1


def test_a_file_was_imported_and_an_act_can_be_undone() -> None:
    load()
    imported, act = AgentImport.objects.get(), AgentAct.objects.get()
    assert (imported.status, imported.written) == ("done", 6)
    assert (act.status, act.changed, may_undo(act)) == ("done", 6, True)
    kinds = Notification.objects.filter(user__email="maya.manager@example.com")
    assert {"agents_imported", "agents_changed"} <= set(kinds.values_list("kind", flat=True))
    waiting = Job.objects.filter(queue_name="asked").count()
    assert waiting == 0


def test_a_second_load_adds_nothing_and_prints_the_same_sign_ins() -> None:
    first = load()
    before = (Package.objects.count(), Order.objects.count(), AuditEvent.objects.count())
    second = load()
    assert (Package.objects.count(), Order.objects.count(), AuditEvent.objects.count()) == before
    assert second.splitlines()[1:] == first.splitlines()
    assert "olivia.owner@example.com" in first


def test_it_grows_as_asked() -> None:
    load(accounts=3, agents=30)
    assert Account.objects.count() == 7
    assert Agent.objects.filter(application__name="Sales hotline").count() == 30


@pytest.mark.parametrize("options", [{"agents": 13}, {"agents": 10_001}, {"accounts": -1}])
def test_sizes_out_of_bounds_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(CommandError, match="takes"):
        load(**options)


@pytest.mark.django_db(transaction=True)
def test_its_ledger_holds() -> None:
    load()
    call_command("verify_ledger", stdout=StringIO())


def test_production_refuses_the_demo(settings: Any) -> None:
    settings.LOCAL = False

    with pytest.raises(CommandError, match="including an administrator"):
        load()

    assert not User.objects.exists()


def test_somebody_who_is_there_already_keeps_their_password_in_production(settings: Any) -> None:
    settings.LOCAL = False
    person = make_user(email=PEOPLE[0].email)

    load(in_production=True)

    person.refresh_from_db()
    assert person.check_password(PASSWORD)
    assert User.objects.count() == len(PEOPLE)
