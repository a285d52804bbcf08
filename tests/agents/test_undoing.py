"""What is not final can be taken back from the message that says it was done."""

import html
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from agents.models import Agent
from agents.services.agents import disable_agents
from tests import factories
from tests.factories import (
    Customer,
    current_package,
    licenses_of,
    make_agent,
    make_customer,
    signed_in,
)

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def customer() -> Customer:
    """Three licenses: two held, by agents that work; the third agent has none."""
    customer = make_customer(now=timezone.now())
    held = [*licenses_of(current_package(customer.application))[:2], None]
    for license in held:
        make_agent(customer.application, now=timezone.now(), license=license)
    return customer


@pytest.fixture
def client(customer: Customer) -> Client:
    return signed_in(customer.owner)


def url(customer: Customer, act: str) -> str:
    base = f"/console/{customer.account.uin}/applications/{customer.application.sdkappid}"
    return f"{base}/agents/{act}/"


def act(client: Client, customer: Customer, name: str, **more: Any) -> str:
    agents = Agent.objects.filter(application=customer.application)
    data = {"expected": agents.count(), **more}
    answer = client.post(f"{url(customer, name)}?all=1", data, headers=HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


def undo_of(text: str) -> tuple[str, dict[str, str]] | None:
    """Where the way back leads, and what it sends."""
    found = re.search(r'hx-post="([^"]+)" hx-vals="([^"]+)"[^>]*>Undo<', text)
    if not found:
        return None
    expected = re.search(r'"expected": (\d+)', html.unescape(found[2]))
    assert expected
    return html.unescape(found[1]), {"expected": expected[1]}


def states(customer: Customer) -> list[tuple[bool, bool]]:
    """For each agent, whether it is enabled and whether it holds a license."""
    agents = Agent.objects.filter(application=customer.application).order_by("pk")
    return [(agent.is_enabled, agent.license_id is not None) for agent in agents]


@pytest.mark.parametrize(
    ("name", "back", "changed"),
    [
        ("free", "assign", [(True, False)] * 3),
        ("assign", "free", [(True, True)] * 3),
        ("disable", "enable", [(False, True), (False, True), (False, False)]),
    ],
)
def test_an_act_and_its_undo_leave_things_as_they_were(
    client: Client, customer: Customer, name: str, back: str, changed: list[tuple[bool, bool]]
) -> None:
    before = states(customer)
    way = undo_of(act(client, customer, name))
    assert states(customer) == changed
    assert way is not None
    assert way[0].startswith(url(customer, back))

    done = client.post(*way, headers=HTMX)

    assert states(customer) == before
    assert undo_of(done.content.decode()) is None


def test_undoing_leaves_those_alone_whom_the_act_did_not_change(
    client: Client, customer: Customer
) -> None:
    first = Agent.objects.filter(application=customer.application).order_by("pk")[:1]
    disable_agents(
        application=customer.application,
        chosen=Agent.objects.filter(pk__in=[agent.pk for agent in first]),
        frees_licenses=False,
        by=customer.owner,
        now=timezone.now(),
    )
    way = undo_of(act(client, customer, "disable"))
    assert way is not None

    client.post(*way, headers=HTMX)

    assert [enabled for enabled, _held in states(customer)] == [False, True, True]


def test_without_script_the_way_back_asks_first(client: Client, customer: Customer) -> None:
    way = undo_of(act(client, customer, "free"))
    assert way is not None

    answer = client.get(way[0])

    assert answer.status_code == 200
    assert "2 agents get a license." in answer.content.decode()
    assert [held for _enabled, held in states(customer)] == [False, False, False]


@pytest.mark.parametrize(
    ("name", "more"),
    [("delete", {}), ("disable", {"frees_licenses": "on"})],
    ids=["deleting", "disabling that frees the licenses"],
)
def test_what_cannot_be_brought_back_as_it_was_offers_no_undo(
    client: Client, customer: Customer, name: str, more: dict[str, str]
) -> None:
    assert undo_of(act(client, customer, name, **more)) is None


def test_too_many_agents_offer_no_undo(
    client: Client, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.views.undoing.LIMIT", 1)

    assert undo_of(act(client, customer, "free")) is None


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_one_press_takes_it_back_without_a_reload(page: Page, live_server: LiveServer) -> None:
    now = timezone.now()
    customer = make_customer(now=now)
    license = licenses_of(current_package(customer.application))[0]
    make_agent(customer.application, now=now, name="Ada", license=license)
    page.goto(f"/auth/login/?next={url(customer, 'x').removesuffix('x/')}")
    page.get_by_label("Email address").fill(customer.owner.email)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Choose Ada").check()
    page.get_by_role("button", name="Free licenses").click()
    page.get_by_role("dialog").get_by_role("button", name="Free", exact=True).click()
    expect(page.get_by_text("1 license is free now.")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("0 / 3")).to_be_visible()

    page.get_by_role("link", name="Undo").press("Enter")

    expect(page.get_by_text("1 agent got a license.")).to_be_visible()
    expect(page.get_by_role("main").get_by_text("1 / 3")).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.wait_for_function("() => document.activeElement !== document.body")
    assert states(customer) == [(True, True)]
