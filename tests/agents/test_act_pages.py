"""The page of an act that continues in the background."""

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.enums import Role, WorkStatus
from agents.models import Agent, AgentAct
from agents.services import act_turns
from agents.services.act_turns import carry_on_act
from tests import factories
from tests.agents.test_acts import COUNT, begin, carry_on, enabled, own, prepare, take_turn
from tests.factories import (
    Customer,
    make_agent,
    make_customer,
    make_member,
    restrict,
    signed_in,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("small_turns")]

HTMX = {"HX-Request": "true"}


@pytest.fixture
def customer() -> Customer:
    return prepare()


def base(customer: Customer) -> str:
    return f"/console/{customer.account.uin}/applications/{customer.application.sdkappid}/agents/"


def page_of(customer: Customer, act: AgentAct) -> str:
    return f"{base(customer)}acts/{act.pk}/"


@pytest.fixture
def client(customer: Customer) -> Client:
    return signed_in(customer.owner)


@pytest.fixture
def customer_now() -> Customer:
    customer = make_customer(now=timezone.now())
    for _number in range(6):
        make_agent(customer.application, now=timezone.now())
    return customer


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_a_large_selection_is_left_to_a_job(
    customer_now: Customer, headers: dict[str, str]
) -> None:
    customer = customer_now
    client = signed_in(customer.owner)
    url = f"{base(customer)}disable/?all=1"
    answer = client.post(url, {"expected": 6, "frees_licenses": "on"}, headers=headers)
    act = AgentAct.objects.get()
    where = answer.headers.get("HX-Redirect") or answer.headers.get("Location")
    assert where == page_of(customer, act)
    assert (act.total, act.options) == (6, {"frees_licenses": True})
    assert enabled(customer) == [True] * 6
    assert "Waiting for a background process" in client.get(where).content.decode()
    assert where in client.get(base(customer)).content.decode()

    own(customer).first().delete()
    url = f"{base(customer)}disable/?all=1"
    assert client.post(url, {"expected": 5}, headers=headers).status_code in {200, 302}
    assert AgentAct.objects.count() == 1
    assert enabled(customer) == [False] * 5


def test_a_selection_that_has_changed_is_asked_about_again(customer_now: Customer) -> None:
    url = f"{base(customer_now)}disable/?all=1"
    answer = signed_in(customer_now.owner).post(url, {"expected": 7}, headers=HTMX)
    assert answer.status_code == 409
    assert AgentAct.objects.count() == 0


def test_the_page_asks_for_the_bar_until_the_phase_changes(
    client: Client, customer: Customer
) -> None:
    act = begin(customer)
    url = page_of(customer, act)
    waiting = client.get(f"{url}?shown=waiting", headers=HTMX)
    assert waiting.headers["HX-Retarget"] == "#act-bar"
    assert "0 of 7 agents" in waiting.content.decode()
    assert "<form" not in waiting.content.decode()
    take_turn(act)
    begun = client.get(f"{url}?shown=waiting", headers=HTMX)
    assert "HX-Retarget" not in begun.headers
    assert "3 of 7 agents" in begun.content.decode()
    assert "cancel/" not in begun.content.decode()
    carry_on(act)
    done = client.get(f"{url}?shown=running", headers=HTMX).content.decode()
    assert "7 agents were changed." in done
    assert "every 1s" not in done


def test_only_a_page_that_waits_is_noted_as_looking_on(client: Client, customer: Customer) -> None:
    act = begin(customer)
    client.get(page_of(customer, act))
    act.refresh_from_db()
    assert act.watched_at is None
    client.post(f"{page_of(customer, act)}?shown=waiting", headers=HTMX)
    act.refresh_from_db()
    assert act.watched_at is not None


def test_the_page_cancels(client: Client, customer: Customer) -> None:
    act = begin(customer)
    answer = client.post(f"{page_of(customer, act)}cancel/", follow=True)
    assert "Canceled. Nothing was changed." in answer.content.decode()
    act.refresh_from_db()
    assert act.status == WorkStatus.CANCELED


def test_the_page_that_comes_too_late_to_cancel_says_so(client: Client, customer: Customer) -> None:
    act = take_turn(begin(customer))
    answer = client.post(f"{page_of(customer, act)}cancel/")
    assert answer.status_code == 422
    assert "Agents have already been changed" in answer.content.decode()


def test_the_page_takes_it_back(client: Client, customer: Customer) -> None:
    act = carry_on(begin(customer))
    url = page_of(customer, act)
    assert "undo/" in client.get(url).content.decode()
    answer = client.post(f"{url}undo/", follow=True)
    back = AgentAct.objects.get(undoes=act)
    assert answer.redirect_chain == [(page_of(customer, back), 302)]
    assert "undo/" not in client.get(url).content.decode()
    assert page_of(customer, back) in client.get(url).content.decode()
    assert client.post(f"{url}undo/").status_code == 422
    carry_on(back)
    assert enabled(customer) == [True] * COUNT


def test_the_act_of_another_application_is_not_found(client: Client, customer: Customer) -> None:
    act = begin(prepare())
    for name in ("", "cancel/", "undo/"):
        url = f"{page_of(customer, act)}{name}"
        assert (client.post if name else client.get)(url).status_code == 404
    act.refresh_from_db()
    assert act.status == WorkStatus.WAITING


def test_a_viewer_does_not_see_acts(customer: Customer) -> None:
    act = begin(customer)
    client = signed_in(make_member(customer.account, Role.VIEWER))
    assert client.get(page_of(customer, act)).status_code == 403
    assert page_of(customer, act) not in client.get(base(customer)).content.decode()


def test_the_page_says_why_an_act_stopped(client: Client, customer: Customer) -> None:
    act = take_turn(begin(customer))
    restrict(customer.account)
    carry_on(act)
    page = client.get(page_of(customer, act)).content.decode()
    assert "Stopped after 3 of 7 agents." in page
    assert "The account is suspended, so it cannot do this." in page
    assert "3 agents were changed." in page
    # What is done stays, and cannot be taken back while the account is suspended.
    assert "undo/" not in page
    assert client.post(f"{page_of(customer, act)}undo/").status_code == 422


# --- In a browser --------------------------------------------------------------------------


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_progress_moves_by_itself_and_the_end_can_be_taken_back(
    page: Page, live_server: LiveServer, customer_now: Customer
) -> None:
    customer = customer_now
    page.goto(f"/auth/login/?next={base(customer)}")
    page.get_by_label("Email address").fill(customer.owner.email)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Choose all on this page").check()
    page.locator(".bulk").get_by_role("button", name="Disable", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Disable", exact=True).click()
    expect(page.get_by_text("0 of 6 agents")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    act = AgentAct.objects.get()

    act_turns._take_turn(act.pk, timezone.now())
    expect(page.get_by_text("3 of 6 agents")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    # Anyone who leaves finds the way back on the list.
    page.get_by_role("link", name="Show the agents").click()
    page.get_by_role("link", name="Disable agents").click()
    expect(page.get_by_text("3 of 6 agents")).to_be_visible()

    carry_on_act(act.pk, clock=timezone.now)
    expect(page.get_by_text("6 agents were changed.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("0 of 6 agents")).to_be_visible()
    carry_on_act(AgentAct.objects.get(undoes=act).pk, clock=timezone.now)
    expect(page.get_by_text("6 agents were changed.")).to_be_visible()
    assert not Agent.objects.filter(is_enabled=False).exists()
