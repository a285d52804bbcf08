"""What was done, and the way to undo it, stay in sight wherever one has scrolled."""

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from agents.models import Agent
from tests.agents.test_pages import url
from tests.factories import Customer, make_agent, make_customer, make_package, signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def customer(transactional_db: None) -> Customer:
    customer = make_customer(trial=False)
    make_package(customer.application, now=timezone.now())
    for number in range(25):
        make_agent(customer.application, name=f"Agent {number:02}")
    return customer


def enter(page: Page, customer: Customer, url: str) -> Page:
    name = settings.SESSION_COOKIE_NAME
    value = signed_in(customer.owner).cookies[name].value
    page.context.add_cookies([{"name": name, "value": value, "url": url}])
    return page


@pytest.fixture
def visit(page: Page, live_server: LiveServer, customer: Customer) -> Page:
    return enter(page, customer, live_server.url)


def disable_the_last_two(page: Page) -> None:
    for number in (23, 24):
        page.get_by_label(f"Choose Agent {number}").check()
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()


def test_a_button_that_is_disabled_does_not_take_the_focus_with_it(
    visit: Page, customer: Customer
) -> None:
    visit.goto(url(customer, "management"))
    visit.get_by_label("Choose Agent 24").check()
    visit.get_by_role("button", name="Disable").focus()
    # As when the list is replaced while the dialog hands the focus back to its button
    visit.get_by_label("Choose Agent 24").evaluate("(it) => it.click()")

    expect(visit.get_by_role("button", name="Disable")).to_be_hidden()
    expect(visit.locator(":focus")).to_have_id("agents")


def overlap(one: Locator, other: Locator) -> bool:
    a, b = one.bounding_box(), other.bounding_box()
    assert a is not None
    assert b is not None
    return (
        a["x"] < b["x"] + b["width"]
        and b["x"] < a["x"] + a["width"]
        and a["y"] < b["y"] + b["height"]
        and b["y"] < a["y"] + a["height"]
    )


def test_success_and_undo_are_in_sight_of_who_has_scrolled_down(
    visit: Page, customer: Customer
) -> None:
    visit.set_viewport_size({"width": 1280, "height": 700})
    visit.goto(url(customer, "management"))
    visit.locator("#agents table").evaluate("(it) => it.scrollIntoView()")
    assert visit.evaluate("window.scrollY") > 200

    disable_the_last_two(visit)

    said = visit.get_by_role("status").filter(has_text="2 agents were disabled.")
    undo = visit.get_by_role("link", name="Undo")
    expect(said).to_be_in_viewport(ratio=1)
    expect(undo).to_be_in_viewport(ratio=1)
    assert visit.evaluate("window.scrollY") > 200
    focused = visit.locator(":focus")
    expect(focused).to_have_count(1)
    assert not said.evaluate("(it) => it.contains(document.activeElement)")
    if focused.evaluate("(it) => it.matches('a, button, input')"):
        assert not overlap(focused, visit.locator("#messages li"))

    undo.click()

    expect(visit.get_by_text("2 agents were enabled.")).to_be_in_viewport(ratio=1)
    assert Agent.objects.filter(is_enabled=False).count() == 0


def test_a_message_with_a_way_back_stays_until_it_is_dismissed(
    visit: Page, customer: Customer
) -> None:
    visit.clock.install()
    visit.goto(url(customer, "management"))
    disable_the_last_two(visit)
    expect(visit.get_by_text("2 agents were disabled.")).to_be_visible()

    visit.clock.fast_forward("10:00")
    visit.mouse.wheel(0, 2000)
    expect(visit.get_by_role("link", name="Undo")).to_be_in_viewport(ratio=1)
    visit.get_by_role("button", name="Hide this message").click()

    expect(visit.get_by_text("2 agents were disabled.")).to_have_count(0)
    expect(visit.locator("#content-start")).to_be_focused()
    assert visit.evaluate("window.scrollY") > 0


def test_a_plain_message_goes_back_to_the_top_after_a_while(
    visit: Page, customer: Customer
) -> None:
    visit.clock.install()
    visit.goto(url(customer, "management"))
    disable_the_last_two(visit)
    visit.get_by_role("link", name="Undo").click()
    said = visit.get_by_text("2 agents were enabled.")
    expect(said).to_be_visible()
    visit.mouse.wheel(0, 2000)
    expect(said).to_be_in_viewport(ratio=1)

    visit.clock.fast_forward("00:13")

    expect(said).not_to_be_in_viewport()
    expect(said).to_have_count(1)


def test_without_scripts_the_message_is_at_the_top(
    browser: Browser, live_server: LiveServer, customer: Customer
) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = enter(context.new_page(), customer, live_server.url)
    page.goto(url(customer, "management"))
    page.get_by_label("Choose Agent 24").check()
    page.get_by_role("button", name="Disable").click()
    page.get_by_role("button", name="Disable").click()

    expect(page.get_by_text("1 agent was disabled.")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("link", name="Undo")).to_be_visible()
    expect(page.get_by_role("button", name="Hide this message")).to_have_count(0)
    context.close()
