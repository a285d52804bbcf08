"""Buying as a conversation, and what the page shows while it waits, in a real browser."""

import re
import time

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from billing.models import Order
from tests.factories import PASSWORD, fund_account, make_account, make_application, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def account(live_server: LiveServer) -> Account:
    account = make_account(owner=make_user("olivia@example.com"), name="Harbour Retail")
    fund_account(account, cash="5000")
    make_application(account, "Sales hotline", now=timezone.now())
    return account


def open_shop(page: Page, account: Account) -> None:
    page.goto(f"/auth/login/?next=/console/{account.uin}/buy/")
    page.get_by_label("Email address").fill("olivia@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Buy a package")).to_be_visible()
    page.wait_for_load_state("load")


@pytest.fixture
def plain(new_context: object, live_server: LiveServer) -> Page:
    """A page of a browser that runs no scripts."""
    context: BrowserContext = new_context(  # type: ignore[operator]
        base_url=live_server.url, java_script_enabled=False
    )
    return context.new_page()


def test_a_ticked_need_suggests_the_edition_and_one_press_takes_it(
    page: Page, account: Account
) -> None:
    open_shop(page, account)
    page.get_by_text("Not sure? Select what you need").click()
    page.get_by_label("Answer/outbound calls through the web").check()
    expect(page.get_by_text("Suggested: Essential.")).to_be_visible()

    page.get_by_label("Bind SIP telephone to agent").check()
    expect(page.get_by_text("Suggested: Premium.")).to_be_visible()
    expect(page.get_by_role("radio", name="Essential")).to_be_checked()
    expect(page.locator("#price dd.total")).to_have_text("USD\u00a0120.00")
    page.get_by_role("button", name="Choose Premium").click()

    expect(page.get_by_role("radio", name="Premium")).to_be_checked()
    expect(page.get_by_label("Bind SIP telephone to agent")).to_be_checked()
    expect(page.locator("#price dd.total")).to_have_text("USD\u00a0210.00")
    expect(page.get_by_role("button", name="Choose Premium")).to_have_count(0)


def test_terms_and_dates_follow_the_choice(page: Page, account: Account) -> None:
    open_shop(page, account)
    page.get_by_label("People who need an account").fill("5")
    # 12 × (120 + 2 × 40)
    expect(page.locator("#compared td").first).to_have_text("USD\u00a02,400.00")
    before = page.locator("#when li time").nth(2).get_attribute("datetime")

    page.get_by_label("Annual").check()

    expect(page.locator("#price dd.total")).to_have_text("USD\u00a02,400.00")
    expect(page.locator("#when li time").nth(2)).not_to_have_attribute("datetime", str(before))


def test_without_script_the_suggestion_is_one_press_away(plain: Page, account: Account) -> None:
    open_shop(plain, account)
    plain.get_by_text("Not sure? Select what you need").click()
    plain.get_by_label("Bind SIP telephone to agent").check()
    plain.get_by_role("button", name="Suggest an edition").click()
    expect(plain.get_by_text("Suggested: Premium.")).to_be_visible()

    plain.get_by_role("button", name="Choose Premium").click()

    expect(plain.get_by_role("radio", name="Premium")).to_be_checked()
    expect(plain.locator("#price dd.total")).to_have_text("USD\u00a0210.00")


def slow_down(page: Page, path: re.Pattern[str], seen: list[str], seconds: float = 0.8) -> None:
    def late(route: Route) -> None:
        if route.request.method == "POST":
            seen.append(route.request.url)
            time.sleep(seconds)
        route.fallback()

    page.route(path, late)


def test_while_one_waits_the_pressed_button_says_so_and_presses_no_second_time(
    page: Page, account: Account
) -> None:
    open_shop(page, account)
    page.get_by_role("button", name="Continue").click()
    confirm = page.get_by_role("dialog").get_by_role("button", name="Confirm and pay")
    expect(confirm).to_be_visible()
    seen: list[str] = []
    slow_down(page, re.compile(r"/confirm/$"), seen)
    # In the page itself, so that both presses come before the answer.
    state = confirm.evaluate(
        """(button) => {
            button.click();
            const state = [
                button.getAttribute("aria-busy"),
                document.getElementById("dialog-content").getAttribute("aria-busy"),
            ];
            button.click();
            button.form.requestSubmit(button);
            return state;
        }"""
    )

    assert state == ["true", "true"]
    expect(page.get_by_role("heading", name=re.compile(r"Order \d+ Paid"))).to_be_visible()
    assert len(seen) == 1
    assert Order.objects.count() == 1


def test_a_plain_form_is_sent_once_and_looks_busy(page: Page, account: Account) -> None:
    open_shop(page, account)
    page.goto(f"/console/{account.uin}/connections/new/")
    button = page.get_by_role("button", name="Send the request")
    seen: list[str] = []
    slow_down(page, re.compile(r"/connections/new/$"), seen)
    state = button.evaluate(
        """async (button) => {
            button.click();
            await new Promise((done) => setTimeout(done, 50));
            const state = [button.getAttribute("aria-busy"), button.disabled];
            button.click();
            return state;
        }"""
    )

    assert state == ["true", False]
    expect(page.get_by_role("alert").first).to_be_visible()
    assert len(seen) == 1
    assert button.get_attribute("aria-busy") is None
