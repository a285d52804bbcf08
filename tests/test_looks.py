"""The looks that tests/looks.py takes see what is broken: each fault is put back and found."""

from dataclasses import dataclass

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from config.demo import shop
from tests.factories import Customer, make_customer, make_package, signed_in
from tests.looks import looks_broken

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@dataclass(frozen=True)
class Fault:
    """A style that breaks a page at a width, and how the look says so."""

    url_name: str
    width: int
    css: str
    told: str


FAULTS = (
    # The first steps: the number at the left, its words at the right edge of the window.
    Fault(
        "start",
        1280,
        ".checks > li:not(:has(> .icon)) { grid-template-columns: minmax(0, 1fr) auto }",
        "a mark is far from its words",
    ),
    # Funds without credits: the heading is a black bar, by the admin's own style.
    Fault(
        "billing:funds",
        1280,
        ".empty h2 { background: var(--header-bg); color: var(--header-link-color) }",
        "the color of the header behind <h2>",
    ),
    # The package at 200 % zoom: where the fourth tile is missing, a gray block shows.
    Fault(
        "agents:management",
        720,
        ".stats { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1px;"
        " background: var(--hairline-color) } .stats > .stat { background: var(--body-bg) }",
        "an empty cell shows the color of the gaps",
    ),
    # The statement on a telephone: all columns of money are out of sight.
    Fault(
        "billing:statement",
        360,
        ".listing.cards :is(td, th, tr) { display: revert !important; white-space: nowrap }"
        " .listing.cards { display: table; width: 50rem }"
        " .table-scroll:has(> .listing.cards) { overflow-x: auto }",
        "scrolls sideways",
    ),
    Fault(
        "billing:statement",
        360,
        "table.statement td:first-child { width: 1% }",
        "a letter in a line",
    ),
    # On a large screen: a sentence and a button from one edge to the other.
    Fault(
        "compliance:guidelines",
        1920,
        "main p { max-width: none }",
        "characters in a line",
    ),
    Fault(
        "billing:funds",
        1920,
        ".empty { max-width: none } .empty .button { width: 70rem }",
        "px wide",
    ),
    Fault("start", 360, ".subtitle { margin-top: -1.5rem }", "overlap"),
    Fault("start", 360, "h1 { width: 2rem; overflow: hidden; white-space: nowrap }", "cut off"),
    Fault("start", 360, ".step-number { margin-left: 25rem }", "wider than the window"),
    Fault("start", 360, "h1 { margin-left: -3rem }", "out of the window"),
)


def address(name: str, customer: Customer) -> str:
    known = {"uin": customer.account.uin, "sdkappid": customer.application.sdkappid}
    wanted = {"agents:management": ("uin", "sdkappid"), "compliance:guidelines": ()}
    return reverse(name, kwargs={key: known[key] for key in wanted.get(name, ("uin",))})


def put_on(page: Page, css: str) -> None:
    """Put a style over the page's own; the page's policy refuses style elements."""
    page.evaluate(
        "(css) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css);"
        " document.adoptedStyleSheets = css ? [sheet] : [] }",
        css,
    )


def test_each_fault_is_seen_and_nothing_without_it(page: Page, live_server: LiveServer) -> None:
    empty, full = make_customer(trial=False), make_customer(trial=False)
    make_package(full.application, now=timezone.now())
    shop.credit(full.account, cash=500, at=timezone.now())
    missed = []
    for fault in FAULTS:
        customer = empty if fault.url_name in {"start", "billing:funds"} else full
        cookie = signed_in(customer.owner).cookies[settings.SESSION_COOKIE_NAME]
        page.context.add_cookies(
            [{"name": cookie.key, "value": cookie.value, "url": live_server.url}]
        )
        page.set_viewport_size({"width": fault.width, "height": 900})
        page.goto(address(fault.url_name, customer))

        assert looks_broken(page) == [], fault.url_name
        put_on(page, fault.css)
        found = looks_broken(page)
        if not any(fault.told in each for each in found):
            missed.append(f"{fault.told} on {fault.url_name}: {found}")

    assert missed == []
