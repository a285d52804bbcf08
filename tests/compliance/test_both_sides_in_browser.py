"""Customer and staff at the same time, each in a browser window of their own."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import BrowserContext, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from billing.models import Refund
from compliance.enums import CaseState, ConnectionState
from compliance.models import ConnectionRequest, Violation
from tests import factories
from tests.conftest import _watch
from tests.factories import (
    Customer,
    make_case,
    make_connection_request,
    make_customer,
    make_staff,
    signed_in,
)

pytestmark = pytest.mark.django_db(transaction=True)


class Window:
    """A browser window in which one person sits, and then perhaps another."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.page: Page = context.new_page()
        self._url = url

    def enter(self, user: User) -> "Window":
        """Let `user` sit down."""
        name = settings.SESSION_COOKIE_NAME
        value = signed_in(user).cookies[name].value
        self.context.add_cookies([{"name": name, "value": value, "url": self._url}])
        return self

    @property
    def main(self) -> Locator:
        """The page's main part."""
        return self.page.get_by_role("main")

    def press(self, name: str) -> None:
        """Press the one button of this name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        """Follow the one link of this name in the page's main part, or in a dialog."""
        self.page.get_by_role("link", name=name, exact=True).last.click()

    def sees(self, text: str) -> None:
        """Expect a text somewhere on the page, in an open dialog too."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    def decide(self, act: str, label: str, words: str) -> None:
        """Follow an act's button on an object's page, say why, and do it."""
        self.follow(act)
        self.page.get_by_label(label).fill(words)
        self.press(act)


@pytest.fixture
def open_window(
    live_server: LiveServer, browser_problems: list[str], request: pytest.FixtureRequest
) -> Callable[[User], Window]:
    """Open windows that know nothing of each other, all watched."""

    def open_one(user: User) -> Window:
        context: BrowserContext = request.getfixturevalue("new_context")(base_url=live_server.url)
        _watch(context, urlsplit(live_server.url).netloc, browser_problems)
        return Window(context, live_server.url).enter(user)

    return open_one


def _buyer() -> Customer:
    """Someone who bought a package just now."""
    now = timezone.now()
    customer = factories.make_customer(cash="500", now=now)
    factories.buy(customer.application, now=now)
    return customer


def _manage(window: Window, customer: Customer) -> None:
    window.page.goto(
        f"/console/{customer.account.uin}/applications/{customer.application.sdkappid}/agents/"
    )


def _open_dialog_2(window: Window, customer: Customer, button: str = "Confirm unsubscribe") -> None:
    _manage(window, customer)
    window.main.get_by_role("link", name="Refund", exact=True).first.click()
    window.page.get_by_role("link", name="Confirm the Refund").click()
    expect(window.page.get_by_role("button", name=button)).to_be_visible()


def test_a_case_decided_while_the_customers_dialog_is_open(
    open_window: Callable[[User], Window], browser_problems: list[str]
) -> None:
    """From the complaint over suspension and appeal to the refund that works in the end."""
    buyer = _buyer()
    console, desk = open_window(buyer.owner), open_window(make_staff())
    _open_dialog_2(console, buyer)

    desk.page.goto("/admin/compliance/violation/add/")
    desk.page.get_by_label("Account (UIN)").fill(buyer.account.uin)
    desk.page.get_by_label("Application (SDKAppID)").fill(str(buyer.application.sdkappid))
    desk.page.get_by_label("Alleged behavior").select_option(
        label="2. Harassment (Serious violation)"
    )
    desk.page.get_by_label("What happened").fill("Someone was called nine times in an hour.")
    desk.press("Report a violation")
    desk.follow("Start the investigation")
    desk.press("Start the investigation")
    desk.decide("Verify", "What was found", "The call records show nine calls.")
    desk.follow("Take the measure")
    desk.page.get_by_label("Measure").select_option(label="Service suspended")
    desk.page.get_by_label("Reason").fill("Repeated calls after a clear no.")
    desk.press("Take the measure")
    desk.sees("Sent for approval. Nothing was changed yet.")
    desk.enter(make_staff())
    desk.follow("Take a measure: awaiting approval")
    desk.decide("Approve", "Reason", "I read the records too.")
    desk.sees("Approved and carried out.")
    case = Violation.objects.get()

    # The dialog of before is still open in the other window.
    console.press("Confirm unsubscribe")
    console.sees(f"The account has a standing Serious or Severe violation: {case.number}.")
    expect(console.page.get_by_role("button", name="Confirm unsubscribe")).to_have_count(0)
    assert not Refund.objects.exists()

    console.page.goto(f"/console/{buyer.account.uin}/violations/{case.number}/")
    console.sees("Refunds of packages and agents, used or unused")
    console.follow("Appeal")
    console.page.get_by_label("Your statement").fill("Another company uses a number like ours.")
    console.press("Send the appeal")
    console.sees("Your appeal was received.")

    desk.enter(make_staff())
    desk.page.goto("/admin/compliance/appeal/?state__exact=open")
    desk.follow(case.number)
    desk.sees("Another company uses a number like ours.")
    desk.decide("Overturn the violation", "Reason", "The number was indeed another one.")
    desk.sees("The violation was overturned, and the customer was notified.")

    console.page.reload()
    console.sees("The violation was overturned.")
    console.sees("The number was indeed another one.")
    _open_dialog_2(console, buyer)
    console.press("Confirm unsubscribe")
    console.sees("The package is refunded: USD 120.00")
    assert factories.balances(buyer.account)["cash"] == "500.00"
    assert browser_problems == []


def test_a_request_that_staff_refuse_and_one_that_they_approve(
    open_window: Callable[[User], Window], browser_problems: list[str]
) -> None:
    now = timezone.now()
    customers = [
        make_customer(name="Harbour Retail", now=now),
        make_customer(name="Meridian Travel", now=now),
    ]
    requests = [
        make_connection_request(customer, description="Various things.", now=now)
        for customer in customers
    ]
    desk = open_window(make_staff())
    windows = [open_window(customer.owner) for customer in customers]
    for window, customer, made in zip(windows, customers, requests, strict=True):
        window.page.goto(f"/console/{customer.account.uin}/connections/{made.number}/")
        window.sees("under review")

    words = ("Say what you sell.", "Calls of the company's own customers.")
    for made, act, reason in zip(requests, ("Refuse", "Approve"), words, strict=True):
        desk.page.goto("/admin/compliance/connectionrequest/?state__exact=review")
        desk.follow(made.number)
        desk.decide(act, "Reason", reason)
    desk.page.goto("/admin/compliance/connectionrequest/?state__exact=review")
    desk.sees("0 connection requests")

    told = ("Our staff decided:", "This business can be connected.")
    for window, reason, text in zip(windows, words, told, strict=True):
        window.page.reload()
        window.sees(text)
        window.sees(reason)
    states = [ConnectionRequest.objects.get(pk=made.pk).state for made in requests]
    assert states == [ConnectionState.REFUSED, ConnectionState.APPROVED]
    assert browser_problems == []


def test_the_queue_of_refunds_is_worked_off(
    open_window: Callable[[User], Window], browser_problems: list[str]
) -> None:
    """Two refunds wait because of a warning: one is approved, one rejected, both are told."""
    buyers = [_buyer(), _buyer()]
    windows = [open_window(buyer.owner) for buyer in buyers]
    for window, buyer in zip(windows, buyers, strict=True):
        make_case(buyer, CaseState.ACTIONED, behaviour=6, now=timezone.now())
        _open_dialog_2(window, buyer, button="Send request")
        window.press("Send request")
        window.sees("Your request was sent.")
    refunds = list(Refund.objects.order_by("pk"))
    assert [refund.status for refund in refunds] == ["pending", "pending"]

    desk = open_window(make_staff())
    words = ("One warning is no reason.", "Ask again when the case is closed.")
    for refund, act, reason in zip(refunds, ("Approve", "Reject"), words, strict=True):
        desk.page.goto("/admin/billing/refund/?status__exact=pending")
        desk.follow(refund.number)
        desk.sees("The account has a standing warning")
        desk.decide(act, "Reason", reason)
    desk.page.goto("/admin/billing/refund/?status__exact=pending")
    desk.sees("0 refunds")

    for window, buyer, refund, reason in zip(windows, buyers, refunds, words, strict=True):
        window.page.goto(f"/console/{buyer.account.uin}/refunds/{refund.number}/")
        window.sees(reason)
    assert [refund.status for refund in Refund.objects.order_by("pk")] == ["done", "rejected"]
    cash = [factories.balances(buyer.account)["cash"] for buyer in buyers]
    assert cash == ["500.00", "380.00"]
    # A rejected one gives the right back: the customer may ask once more.
    _manage(windows[1], buyers[1])
    expect(windows[1].main.get_by_role("link", name="Refund", exact=True).first).to_be_visible()
    assert browser_problems == []
