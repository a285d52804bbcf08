"""The main job in a real browser, by visible labels: activate, buy, pay, and read the order."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account, User
from billing.models import Order
from tests.factories import (
    PASSWORD,
    balances,
    buy,
    current_package,
    fund_account,
    licenses_of,
    make_account,
    make_application,
    make_user,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def owner(live_server: LiveServer) -> User:
    return make_user("olivia@example.com", name="Olivia Owner")


@pytest.fixture
def account(owner: User) -> Account:
    account = make_account(owner=owner, name="Harbour Retail")
    fund_account(account, gift="100", income="50", cash="500")
    return account


def sign_in(page: Page, email: str) -> None:
    page.goto("/auth/login/")
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/auth/login/" not in url)


def activate(page: Page, account: Account, name: str) -> None:
    page.goto(f"/console/{account.uin}/applications/activate/")
    expect(page.get_by_text("3 Essential agent licenses for 14 days")).to_be_visible()
    page.get_by_label("Application name").fill(name)
    page.get_by_role("button", name="Activate", exact=True).click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(page.get_by_role("main").get_by_text("Trial", exact=True)).to_be_visible()


def choose_premium(page: Page) -> None:
    """Premium monthly, 2 additional agents and 1 SIP telephone: 210 + 140 + 21."""
    page.get_by_role("main").get_by_role("link", name="Buy a package").click()
    page.get_by_label("Premium").check()
    page.get_by_label("Monthly").check()
    page.get_by_label("Additional agent licenses").fill("2")
    page.get_by_label("Additional SIP telephone licenses").fill("1")


def expect_paid(page: Page, account: Account) -> None:
    expect(page.get_by_role("heading", name=re.compile(r"Order \d+ Paid"))).to_be_visible()
    main = page.get_by_role("main")
    expect(main).to_contain_text("Gift")
    for amount in ("USD\u00a0371.00", "USD\u00a0100.00", "USD\u00a050.00", "USD\u00a0221.00"):
        expect(main.get_by_text(amount, exact=True).first).to_be_visible()
    assert balances(account) == {"gift": "0.00", "income": "0.00", "cash": "279.00"}


def test_activating_and_buying_with_script(page: Page, owner: User, account: Account) -> None:
    sign_in(page, owner.email)
    activate(page, account, "Sales hotline")
    choose_premium(page)
    expect(page.locator("#price").get_by_text("USD\u00a0371.00")).to_be_visible()

    page.get_by_role("button", name="Continue").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Confirm the order")).to_be_visible()
    expect(dialog.get_by_label("Use the gift balance")).to_be_checked()
    dialog.get_by_label("Use the gift balance").uncheck()
    expect(dialog.get_by_text("USD\u00a0321.00", exact=True)).to_be_visible()
    dialog.get_by_label("Use the gift balance").check()
    expect(dialog.get_by_text("USD\u00a0221.00", exact=True)).to_be_visible()
    dialog.get_by_role("button", name="Confirm and pay").click()

    expect_paid(page, account)


def test_a_fault_comes_back_beside_its_field_and_keeps_the_rest(
    page: Page, owner: User, account: Account
) -> None:
    make_application(account, "Sales hotline", now=timezone.now())
    sign_in(page, owner.email)
    page.goto(f"/console/{account.uin}/buy/")
    page.get_by_label("Premium").check()
    page.get_by_label("Duration").fill("13")

    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_label("Duration")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Duration")).to_be_focused()
    expect(page.get_by_label("Premium")).to_be_checked()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_renewing_three_packages_with_one_license_fewer(
    page: Page, owner: User, account: Account
) -> None:
    fund_account(account, cash="3000")
    # Some months have more days than the ones within which a package is due.
    now = timezone.now() - timedelta(days=2)
    names = ("Sales", "Service", "Night")
    applications = [make_application(account, name, now=now) for name in names]
    for application in applications:
        buy(application, agents=2, now=now)
    sign_in(page, owner.email)
    page.goto(f"/console/{account.uin}/renew/")

    page.get_by_label("Additional agent licenses to keep").nth(1).fill("1")
    expect(page.get_by_text("1 additional license ends. Which one?")).to_be_visible()
    ticked = page.get_by_role("group", name=re.compile("1 additional license ends"))
    other = ticked.get_by_role("checkbox", checked=False)
    other.check()
    expect(page.locator("#price").get_by_text("1 license too many")).to_be_visible()
    ticked.get_by_role("checkbox").first.uncheck()
    # 3 packages of 120 and 5 licenses of 40.
    expect(page.locator("#price").get_by_text("USD\u00a0560.00")).to_be_visible()
    night = page.get_by_role("group", name="Night")
    night.get_by_label("Duration").fill("2")
    # Of them a package and 2 licenses for a second month.
    expect(page.locator("#price").get_by_text("USD\u00a0760.00")).to_be_visible()
    # The Enter key leads on; it does not press the button that selects all.
    page.get_by_role("checkbox", name="Sales").uncheck()
    expect(page.locator("#price").get_by_text("USD\u00a0560.00")).to_be_visible()
    night.get_by_label("Duration").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Confirm and pay").click()

    expect(page.get_by_role("heading", name=re.compile(r"Order \d+ Paid"))).to_be_visible()
    package = current_package(applications[1])
    ended = [license.ends_at is not None for license in licenses_of(package)[3:]]
    assert ended == [True, False]


def test_another_account_pays(
    page: Page, owner: User, account: Account, new_context: object, live_server: LiveServer
) -> None:
    payers = make_user("felix@example.com", name="Felix Finance")
    payer = make_account(owner=payers, name="Wharf Holding")
    fund_account(payer, cash="500")
    make_application(account, "Sales hotline", now=timezone.now())
    sign_in(page, owner.email)
    page.goto(f"/console/{account.uin}/buy/")
    page.get_by_text("Another account pays").click()
    page.get_by_label("UIN of another account that pays").fill(payer.uin)
    page.get_by_role("button", name="Continue").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Account {payer.uin} (W***g) is asked to pay.")
    dialog.get_by_role("button", name="Confirm and ask the other account").click()
    expect(page.get_by_role("heading", name=re.compile(r"Order \d+ Unpaid"))).to_be_visible()

    other = new_context(base_url=live_server.url).new_page()  # type: ignore[operator]
    sign_in(other, payers.email)
    other.goto(f"/console/{payer.uin}/payments/")
    other.get_by_role("link", name=Order.objects.get().number).click()
    other.get_by_role("link", name="Pay", exact=True).click()
    other.get_by_role("dialog").get_by_role("button", name="Pay USD\u00a0120.00").click()

    expect(other.get_by_role("heading", name=re.compile(r"Order \d+ Paid"))).to_be_visible()
    assert (balances(payer)["cash"], balances(account)["cash"]) == ("380.00", "500.00")


@pytest.fixture
def plain(browser: Browser, live_server: LiveServer, new_context: object) -> Page:
    """A page of a browser that runs no scripts."""
    context: BrowserContext = new_context(  # type: ignore[operator]
        base_url=live_server.url, java_script_enabled=False
    )
    return context.new_page()


def test_activating_and_buying_without_script(plain: Page, owner: User, account: Account) -> None:
    sign_in(plain, owner.email)
    activate(plain, account, "Sales hotline")
    choose_premium(plain)
    plain.get_by_role("button", name="Update price").click()
    expect(plain.locator("#price").get_by_text("USD\u00a0371.00")).to_be_visible()

    plain.get_by_role("button", name="Continue").click()
    expect(plain.get_by_role("heading", name="Confirm the order", level=1)).to_be_visible()
    plain.get_by_label("Use the gift balance").uncheck()
    plain.get_by_role("button", name="Pay with the chosen funds").click()
    expect(plain.get_by_text("USD\u00a0321.00", exact=True)).to_be_visible()
    plain.get_by_label("Use the gift balance").check()
    # Confirming with another box than the one whose split was shown shows the new split first.
    plain.get_by_role("button", name="Confirm and pay").click()
    expect(plain.get_by_text("USD\u00a0221.00", exact=True)).to_be_visible()
    assert not Order.objects.exists()
    plain.get_by_role("button", name="Confirm and pay").click()

    expect_paid(plain, account)
