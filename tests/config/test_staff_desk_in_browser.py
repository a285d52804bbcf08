"""Staff's desk in a real browser: from the first page to the act and back, in every look."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from billing.models import Refund
from billing.refunds.quotes import quote_refund
from billing.refunds.services import refund_package
from compliance.enums import CaseState, ViolationMeasure
from config.staff.work import change_url
from tests import factories
from tests.factories import DAY
from tests.looks import CONTRAST, WCAG, faults

pytestmark = pytest.mark.django_db(transaction=True)
#: axe would read style sheets that others import through an inline style, which the
#: Content-Security-Policy forbids; the admin's own sheet of forms imports one.
STAFF: dict[str, Any] = {**WCAG, "preload": False}
#: Width, theme, and what axe looks for. Light and dark differ in colors alone.
LOOKS: list[tuple[int, Any, dict[str, Any]]] = [
    (1280, "light", STAFF),
    (1280, "dark", CONTRAST),
    (360, "light", STAFF),
]


@pytest.fixture
def refund() -> Refund:
    """A refund that waits for staff because of a warning, under another account's measure."""
    now = timezone.now()
    customer = factories.make_customer(cash="1000", now=now - 9 * DAY)
    factories.buy(customer.application, by=customer.owner, now=now - DAY)
    factories.make_case(
        customer, CaseState.APPEALED, behaviour=6, measure=ViolationMeasure.WARN, now=now - DAY
    )
    factories.make_case(customer, CaseState.REPORTED, now=now - 5 * DAY)
    factories.make_connection_request(customer, now=now - DAY)
    factories.restrict(factories.make_account(), now=now - DAY)
    package = factories.current_package(customer.application)
    quote = quote_refund(package=package, now=now)
    return refund_package(package=package, token=quote.token, by=customer.owner, now=now)


@pytest.fixture
def desk(page: Page, live_server: LiveServer) -> Page:
    """A window of someone with every right, who has just signed in."""
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", "a good password"))
    name = settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": client.cookies[name].value, "url": live_server.url}
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    page.goto("/admin/")
    return page


def click(page: Page, name: str, role: Any = "link") -> None:
    page.get_by_role("main").get_by_role(role, name=name, exact=True).click()


def test_a_refund_is_decided_from_the_first_page(desk: Page, refund: Refund) -> None:
    desk.reload()
    waiting = desk.get_by_role("region", name="Refund requests to review")
    expect(waiting.get_by_text("just received")).to_be_visible()
    waiting.get_by_role("link", name=refund.number).click()
    expect(desk.get_by_role("heading", level=1)).to_have_text(f"Refund {refund.number}")

    click(desk, "Reject")
    desk.get_by_label("Reason").fill("The calls continued.")
    click(desk, "Reject", "button")

    expect(desk.get_by_text("Rejected.", exact=True)).to_be_visible()
    desk.goto("/admin/")
    expect(waiting.get_by_role("link", name=refund.number)).to_have_count(0)
    expect(waiting.get_by_text("Nothing to do.")).to_be_visible()
    late = desk.get_by_role("region", name="Violations to investigate")
    expect(late.get_by_text("overdue: waiting for 5")).to_be_visible()


def test_a_section_of_the_account_leads_to_its_rows(desk: Page, refund: Refund) -> None:
    account = refund.account
    desk.goto(change_url(account))
    sections = desk.get_by_role("navigation", name="Sections")
    sections.get_by_role("link", name="Refunds").click()
    section = desk.get_by_role("region", name="Refunds")
    expect(section).to_be_in_viewport()

    section.get_by_role("link", name="Show in the table").click()

    expect(desk.get_by_role("searchbox", name="Search refunds")).to_have_value(account.uin)
    expect(desk.get_by_role("link", name=refund.number)).to_be_visible()
    # A filter keeps what was searched for, and searching keeps the filter.
    desk.get_by_role("navigation", name="Filter").get_by_role("link", name="Under review").click()
    expect(desk.get_by_role("searchbox", name="Search refunds")).to_have_value(account.uin)
    click(desk, "Search", "button")
    assert "status__exact=pending" in desk.url


def _look(desk: Page, url: str) -> list[str]:
    """Open a page once, and return what is wrong with it in any look."""
    desk.goto(url)
    wrong = []
    for width, scheme, options in LOOKS:
        desk.set_viewport_size({"width": width, "height": 900})
        desk.emulate_media(color_scheme=scheme)
        wrong += [f"{url} {width} {scheme}: {fault}" for fault in faults(desk, options)]
    return wrong


def test_staff_pages_are_accessible_in_every_look(desk: Page, refund: Refund) -> None:
    case = refund.account.violations.order_by("-pk")[0]
    pages = [
        "/admin/",
        change_url(refund.account),
        "/admin/billing/refund/",
        "/admin/billing/refund/?status__exact=pending&q=1",
        change_url(refund),
        change_url(case),
        f"/admin/billing/refund/{refund.pk}/act/approve/",
        "/admin/billing/credit/add/",
        "/admin/billing/",
    ]
    wrong = [fault for url in pages for fault in _look(desk, url)]
    desk.context.clear_cookies()
    wrong += _look(desk, "/admin/login/")
    assert wrong == []
