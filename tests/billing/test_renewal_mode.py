"""Choosing what happens as the expiry nears."""

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.enums import Role
from accounts.models import Application, AuditEvent
from billing.enums import Edition, RenewalMode
from tests import factories

pytestmark = pytest.mark.django_db


def _url(application: Application) -> str:
    return reverse(
        "billing:renewal_mode",
        kwargs={
            "uin": application.account.uin,
            "sdkappid": application.sdkappid,
        },
    )


@pytest.fixture(autouse=True)
def _while_the_package_runs() -> Iterator[None]:
    with time_machine.travel(factories.NOW, tick=False):
        yield


@pytest.fixture
def application() -> Application:
    account = factories.make_account()
    factories.fund_account(account, cash="500")
    application = factories.make_application(account)
    factories.buy(application, Edition.ESSENTIAL)
    return application


@pytest.mark.parametrize("mode", RenewalMode.values)
def test_finance_chooses_the_mode(client: Client, application: Application, mode: str) -> None:
    member = factories.make_member(application.account, Role.FINANCE)
    client.force_login(member)
    answer = client.post(_url(application), {"mode": mode})
    assert answer.status_code == 302
    package = factories.current_package(application)
    assert package.renewal_mode == mode
    # Choosing what stands already is no change, and leaves no event.
    events = AuditEvent.objects.filter(verb="package.renewal_mode_chosen")
    assert events.count() == (0 if mode == RenewalMode.REMIND else 1)


@pytest.mark.parametrize(("role", "status"), [(Role.AGENT_MANAGER, 403), (Role.VIEWER, 403)])
def test_who_may_not_spend_may_not_choose(
    client: Client, application: Application, role: Role, status: int
) -> None:
    client.force_login(factories.make_member(application.account, role))
    assert client.post(_url(application), {"mode": "automatic"}).status_code == status


def test_an_unknown_mode_is_refused_beside_the_field(
    client: Client, application: Application
) -> None:
    client.force_login(factories.make_member(application.account, Role.FINANCE))
    answer = client.post(_url(application), {"mode": "sometimes"})
    assert answer.status_code == 422
    assert "mode" in answer.context["form"].errors
