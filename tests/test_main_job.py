"""The whole main job as a customer does it, by the words on the page alone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Locator, Page, expect

from accounts.models import Account, User
from agents.models import Agent
from billing.models import Order
from tests import factories

pytestmark = [pytest.mark.django_db(transaction=True)]

NBSP = "\u00a0"


@dataclass(frozen=True)
class Scene:
    """An account with money and nothing else, and its owner."""

    owner: User
    account: Account


@pytest.fixture
def scene(transactional_db: None) -> Scene:
    owner = factories.make_user("olivia@example.com", name="Olivia")
    account = factories.make_account(owner=owner)
    factories.fund_account(account, gift="100.00", income="50.00", cash="900.00")
    return Scene(owner, account)


@pytest.fixture(params=["with JavaScript", "without JavaScript"])
def browser_page(scene: Scene, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A watched browser page, or one whose JavaScript is off: the job is the same in both."""
    if request.param == "with JavaScript":
        yield request.getfixturevalue("page")
        return
    context: BrowserContext = request.getfixturevalue("new_context")(
        base_url=request.getfixturevalue("live_server").url, java_script_enabled=False
    )
    yield context.new_page()


def sign_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Email address").fill("olivia@example.com")
    page.get_by_label("Password", exact=True).fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("link", name="Applications", exact=True)).to_be_visible()


def activate(page: Page, name: str) -> None:
    page.get_by_role("link", name="Applications", exact=True).click()
    page.get_by_role("link", name="Activate an application").first.click()
    expect(page.get_by_text("3 Essential")).to_be_visible()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Activate").click()
    expect(page.get_by_text(f"{name} is active")).to_be_visible()


def see_the_trial(page: Page) -> None:
    page.get_by_role("link", name="Agent management").click()
    main = page.get_by_role("main")
    expect(main.get_by_role("heading", name="Essential trial")).to_be_visible()
    expect(main.get_by_text("0 / 3")).to_be_visible()
    # 14 days from the very moment: a second later it is less than two weeks.
    expect(main.get_by_text("in 1 week, 6 days")).to_be_visible()


def buy_premium(page: Page) -> None:
    """Monthly Premium with 2 additional agents and 1 SIP license: 210 + 140 + 21."""
    page.get_by_role("main").get_by_role("link", name="Buy", exact=True).click()
    page.get_by_label("Premium").check()
    page.get_by_label("Monthly").check()
    page.get_by_label("Additional agent licenses").fill("2")
    page.get_by_label("Additional SIP telephone licenses").fill("1")
    page.get_by_text("Prohibited and restricted businesses").click()
    expect(page.get_by_text("Debt collection").first).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    for amount in ("USD 210.00", "USD 140.00", "USD 21.00", "USD 371.00"):
        expect(confirmation(page).get_by_text(amount.replace(" ", NBSP)).first).to_be_visible()
    for amount in ("USD 100.00", "USD 50.00", "USD 221.00"):
        expect(confirmation(page).get_by_text(amount.replace(" ", NBSP)).first).to_be_visible()
    page.get_by_role("button", name="Confirm and pay").click()
    expect(page.get_by_text("Paid. Your order is complete.")).to_be_visible()


def confirmation(page: Page) -> Locator:
    """The open dialog, or the page that stands for it."""
    return page.locator("main, dialog[open]").last


def add_agent(page: Page, number: int) -> None:
    page.get_by_role("link", name="Add agent", exact=True).click()
    page.get_by_label("Name", exact=True).fill(f"Agent {number}")
    page.get_by_label("Staff number").fill(f"S{number}")
    page.get_by_label("Email address").fill(f"agent{number}@example.com")
    page.get_by_role("button", name="Add the agent").click()


def staff(page: Page) -> None:
    """Five agents fit; a sixth is refused with the reason and a way to buy."""
    page.get_by_role("link", name="agents of Hotline").click()
    for number in range(1, 6):
        add_agent(page, number)
        expect(page.get_by_text(f"Agent {number} (S{number}) was added.")).to_be_visible()
    add_agent(page, 6)
    expect(page.get_by_text("1 agent license is missing: 1 needed, 0 free.")).to_be_visible()
    expect(page.get_by_role("link", name="Buy licenses")).to_be_visible()
    # Nothing of what was typed is lost.
    expect(page.get_by_label("Name", exact=True)).to_have_value("Agent 6")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("main").get_by_text("In service")).to_have_count(6)


def give_back(page: Page) -> None:
    page.get_by_role("main").get_by_role("link", name="Refund", exact=True).first.click()
    expect(page.get_by_text("Every rule is met")).to_be_visible()
    expect(page.get_by_text("5 agents stop working immediately")).to_be_visible()
    page.get_by_role("link", name="Confirm the Refund").click()
    expect(page.get_by_text("self-pay")).to_be_visible()
    expect(page.get_by_role("link", name="Cancel")).to_be_visible()
    page.get_by_role("button", name="Confirm unsubscribe").click()
    expect(page.get_by_text("The package is refunded: USD 371.00")).to_be_visible()


def see_nobody_in_service(page: Page) -> None:
    """The page beneath shows it on its own: no one is in service but in the filter's list."""
    expect(page.get_by_role("main").get_by_text("In service")).to_have_count(1)
    expect(page.get_by_role("main").get_by_text("Package ended")).to_have_count(6)


def buy_again_and_be_refused(page: Page) -> None:
    page.get_by_role("main").get_by_role("link", name=re.compile("^Buy")).first.click()
    page.get_by_label("Essential").check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Confirm and pay").click()
    expect(page.get_by_text("Paid. Your order is complete.")).to_be_visible()
    page.get_by_role("link", name="agents of Hotline").click()
    page.get_by_role("main").get_by_role("link", name="Refund", exact=True).first.click()
    expect(page.get_by_text("Not refundable.")).to_be_visible()
    expect(page.get_by_text("The company has used its one full refund.").first).to_be_visible()
    expect(page.get_by_role("link", name="Confirm the Refund")).to_have_count(0)


def test_a_customer_does_the_whole_main_job(browser_page: Page, scene: Scene) -> None:
    page = browser_page
    sign_in(page)
    activate(page, "Hotline")
    see_the_trial(page)

    buy_premium(page)
    assert factories.balances(scene.account) == {
        "gift": "0.00",
        "income": "0.00",
        "cash": "679.00",
    }
    order = Order.objects.get(account=scene.account)

    staff(page)
    assert Agent.objects.filter(account=scene.account).count() == 5

    give_back(page)
    see_nobody_in_service(page)
    assert factories.balances(scene.account) == {
        "gift": "100.00",
        "income": "50.00",
        "cash": "900.00",
    }
    order.refresh_from_db()
    assert order.status == "refunded"
    assert not Agent.objects.filter(account=scene.account).in_service(timezone.now()).exists()

    buy_again_and_be_refused(page)
