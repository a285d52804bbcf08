"""Refunds in a real browser: refused with every rule, back to another payer, approved by staff."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account, Application, User
from billing.enums import Edition, OrderKind
from billing.models import Order, Refund
from billing.orders.quoting import confirmable_quote
from billing.orders.request import OrderRequest
from billing.orders.services import pay_order, place_order
from billing.refunds.holds import place_refund_hold
from billing.refunds.labels import TITLES
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def owner(live_server: LiveServer) -> User:
    return factories.make_user("olivia@example.com", name="Olivia Owner")


@pytest.fixture
def application(owner: User) -> Application:
    account = factories.make_account(owner=owner, name="Harbour Retail")
    factories.fund_account(account, gift="100", income="50", cash="500")
    return factories.make_application(account, "Hotline", now=timezone.now())


def sign_in(page: Page, user: User, live_server: LiveServer) -> None:
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies(
        [{"name": name, "value": client.cookies[name].value, "url": live_server.url}]
    )


def manage(page: Page, application: Application) -> None:
    page.goto(f"/console/{application.account.uin}/applications/{application.sdkappid}/agents/")


def confirm(page: Page) -> None:
    page.get_by_role("main").get_by_role("link", name="Refund", exact=True).first.click()
    page.get_by_role("link", name="Confirm the Refund").click()
    page.get_by_role("button", name="Confirm unsubscribe").click()


def test_a_refused_refund_lists_every_rule(
    page: Page, live_server: LiveServer, owner: User, application: Application
) -> None:
    """On the trial: there is nothing that could be given back."""
    sign_in(page, owner, live_server)
    page.goto(
        f"/console/{application.account.uin}/applications/{application.sdkappid}/agents/refund/"
    )
    rules = page.get_by_role("main").locator("ul.checks > li")
    expect(rules).to_have_count(8)
    for place, title in enumerate(TITLES.values()):
        expect(rules.nth(place)).to_contain_text(str(title))
        expect(rules.nth(place)).to_contain_text(re.compile("Passed|Not met"))
    expect(rules.nth(0)).to_contain_text("This is a trial. No package was bought for it.")
    expect(page.get_by_role("link", name="Confirm the Refund")).to_have_count(0)


def _bought_by_another(application: Application, payer: Account) -> Order:
    order_request = OrderRequest(
        kind=OrderKind.NEW,
        application=application.pk,
        edition=Edition.ESSENTIAL,
        payer=payer.uin,
    )
    now = timezone.now()
    quote = confirmable_quote(account=application.account, order_request=order_request, now=now)
    order = place_order(account=application.account, token=quote.token, by=None, now=now)
    return pay_order(order=order, by=None, now=now)


def test_the_money_goes_back_to_the_account_that_paid(
    page: Page, live_server: LiveServer, owner: User, application: Application
) -> None:
    payer = factories.make_account(name="Wharf Holding")
    factories.fund_account(payer, gift="20", cash="500")
    _bought_by_another(application, payer)
    assert factories.balances(payer) == {"gift": "0.00", "cash": "400.00"}

    sign_in(page, owner, live_server)
    manage(page, application)
    page.get_by_role("main").get_by_role("link", name="Refund", exact=True).first.click()
    page.get_by_role("link", name="Confirm the Refund").click()
    expect(page.get_by_text(f"paid by account {payer.uin}")).to_be_visible()
    # Neither account learns the other's name here.
    expect(page.get_by_text("Wharf Holding")).to_have_count(0)
    page.get_by_role("button", name="Confirm unsubscribe").click()

    expect(page.get_by_text("The package is refunded: USD 120.00")).to_be_visible()
    assert factories.balances(payer) == {"gift": "20.00", "cash": "500.00"}
    assert factories.balances(application.account) == {
        "gift": "100.00",
        "income": "50.00",
        "cash": "500.00",
    }


def test_staff_approve_a_refund_that_needs_a_check(
    page: Page, live_server: LiveServer, owner: User, application: Application
) -> None:
    staff = User.objects.create_superuser("sam@example.com", factories.PASSWORD, name="Sam")
    factories.buy(application, Edition.ESSENTIAL, now=timezone.now())
    place_refund_hold(
        account=application.account, reason="Looks odd.", by=staff, now=timezone.now()
    )

    sign_in(page, owner, live_server)
    manage(page, application)
    page.get_by_role("main").get_by_role("link", name="Refund", exact=True).first.click()
    expect(page.get_by_text("This request needs a check by our staff.")).to_be_visible()
    # The hold itself stays with staff, and so does why it was placed.
    expect(page.get_by_text(re.compile(r"\bhold\b|Looks odd", re.IGNORECASE))).to_have_count(0)
    page.get_by_role("link", name="Confirm the Refund").click()
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_text("Your request was sent.")).to_be_visible()
    refund = Refund.objects.get()
    assert refund.status == "pending"

    sign_in(page, staff, live_server)
    page.goto(f"/admin/billing/refund/{refund.pk}/change/")
    expect(page.get_by_text("Refund hold: yes.")).to_be_visible()
    page.get_by_role("link", name="Approve").click()
    page.get_by_label("Reason").fill("Nothing is wrong.")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Refunded.", exact=True)).to_be_visible()

    sign_in(page, owner, live_server)
    page.goto(f"/console/{application.account.uin}/refunds/{refund.number}/")
    expect(page.get_by_text("Nothing is wrong.")).to_be_visible()
    assert factories.balances(application.account)["cash"] == "500.00"


def test_upgrading_to_premium(
    page: Page, live_server: LiveServer, owner: User, application: Application
) -> None:
    factories.buy(application, Edition.ESSENTIAL, now=timezone.now())
    sign_in(page, owner, live_server)
    manage(page, application)
    page.get_by_role("main").get_by_role("link", name=re.compile("^Upgrade")).first.click()
    # One whole month is left, less a moment: 1 month × (210 - 120).
    expect(page.get_by_text("USD\u00a090.00").first).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Confirm and pay").click()
    expect(page.get_by_text("Paid. Your order is complete.")).to_be_visible()
    assert factories.current_package(application).edition == Edition.PREMIUM
