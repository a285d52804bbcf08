"""Someone who never saw the product buys, staffs and refunds, by what is in view alone.

Every press is of a link or a button found by its role in the window as it stands, and counted.
Filling a field is no press. What is offered most prominently is followed: nothing is looked up.
"""

import re
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from agents.models import Agent
from billing.models import Order
from tests import factories
from tests.looks import come_to_rest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIMIT = 15


@dataclass
class Visitor:
    """A person at a page who presses what can be seen, and how often that was."""

    page: Page
    pressed: list[str] = field(default_factory=list)

    def _in_view(self, role: str, name: str) -> Locator:
        """What the window shows: the open dialog alone, or the page's own content."""
        place = self.page.locator("main, dialog[open]").last
        return place.get_by_role(role, name=re.compile(f"^{name}"))  # type: ignore[arg-type]

    def press(self, name: str, role: str = "button") -> None:
        """Press the link or button whose words begin with `name`; it must be seen to be pressed."""
        come_to_rest(self.page)
        wanted = self._in_view(role, name).first
        expect(wanted).to_be_visible()
        # One may scroll, but only to what is there already.
        wanted.scroll_into_view_if_needed()
        expect(wanted).to_be_in_viewport(ratio=0.9)
        self.pressed.append(name)
        wanted.click()

    def follow(self, name: str) -> None:
        """Press a link."""
        self.press(name, "link")

    def fill(self, label: str, text: str) -> None:
        """Fill a field in view."""
        wanted = self.page.get_by_label(label, exact=True)
        expect(wanted).to_be_visible()
        wanted.fill(text)


@pytest.fixture
def account(live_server: LiveServer) -> Account:
    """What someone has after signing up and sending money."""
    owner = factories.make_user("nora@example.com", name="Nora Newcomer")
    account = factories.make_account(owner=owner, name="New Harbour")
    factories.fund_account(account, cash="500")
    return account


def arrive(page: Page) -> Visitor:
    page.goto("/")
    page.get_by_label("Email address").fill("nora@example.com")
    page.get_by_label("Password", exact=True).fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Get started")).to_be_visible()
    return Visitor(page)


def activate(visitor: Visitor) -> None:
    visitor.follow("Activate an application")
    visitor.fill("Application name", "Hotline")
    visitor.press("Activate")
    expect(visitor.page.get_by_text("Hotline is active")).to_be_visible()


def buy(visitor: Visitor) -> None:
    visitor.follow("Buy")
    visitor.press("Continue")
    visitor.press("Confirm and pay")
    expect(visitor.page.get_by_text("Paid. Your order is complete.")).to_be_visible()


def staff(visitor: Visitor) -> None:
    visitor.follow("Go to the agents of Hotline")
    visitor.follow("Add the first agent")
    visitor.fill("Name", "Ada")
    visitor.fill("Staff number", "S1")
    visitor.fill("Email address", "ada@example.com")
    visitor.press("Add the agent")
    expect(visitor.page.get_by_text("Ada (S1) was added.")).to_be_visible()
    expect(visitor.page.get_by_role("main").get_by_text("1 / 3")).to_be_visible()


def give_back(visitor: Visitor) -> None:
    visitor.follow("Refund")
    visitor.follow("Confirm the Refund")
    visitor.press("Confirm unsubscribe")
    expect(visitor.page.get_by_text("The package is refunded: USD\u00a0120.00")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360])
def test_a_newcomer_buys_staffs_and_refunds(page: Page, account: Account, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    visitor = arrive(page)

    activate(visitor)
    buy(visitor)
    staff(visitor)
    agent = Agent.objects.get(account=account)
    assert agent.license_id is not None
    give_back(visitor)

    assert Order.objects.get(account=account).status == "refunded"
    assert factories.balances(account)["cash"] == "500.00"
    assert len(visitor.pressed) <= LIMIT, visitor.pressed


def test_the_start_page_leads_on_from_every_step(page: Page, account: Account) -> None:
    """Anyone who comes back to the start page between the steps finds the next one there."""
    visitor = arrive(page)
    start = page.url
    activate(visitor)
    page.goto(start)
    buy_button = page.get_by_role("listitem").filter(has_text="Get licenses")
    expect(buy_button.get_by_text("Done", exact=True)).to_be_visible()
    visitor.follow("Add agents")
    visitor.follow("Add the first agent")
    visitor.fill("Name", "Ada")
    visitor.fill("Staff number", "S1")
    visitor.fill("Email address", "ada@example.com")
    visitor.press("Add the agent")
    expect(page.get_by_text("Ada (S1) was added.")).to_be_visible()
    page.goto(start)

    expect(page.get_by_role("main").get_by_role("link", name="Add agents")).to_have_count(0)
    expect(page.get_by_role("listitem").filter(has_text="Declare your business")).to_have_attribute(
        "aria-current", "step"
    )
