"""The main job by the keyboard alone: Tab, Enter, Space, the arrows, Escape and typing.

Wherever the focus comes, it must be seen: a ring, inside of the window, not beneath anything.
"""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from agents.models import Agent
from billing.models import Order
from tests import factories
from tests.looks import come_to_rest

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

#: More stops than any page of the way has.
MANY = 120

#: What has the focus: its words, whether a ring shows, and whether it is in the window.
FOCUSED = """() => {
    const element = document.activeElement;
    if (!element || element === document.body) return null;
    const words = element.getAttribute("aria-label")
        ?? element.labels?.[0]?.innerText ?? element.innerText;
    const ringed = [element, element.closest("label")].filter(Boolean).some((each) => {
        const style = getComputedStyle(each);
        const hasOutline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
        return hasOutline || style.boxShadow !== "none";
    });
    const box = element.getBoundingClientRect();
    const x = Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1);
    const y = Math.min(Math.max(box.top + box.height / 2, 0), innerHeight - 1);
    const top = document.elementFromPoint(x, y);
    return {
        words: (words ?? "").trim().replace(/\\s+/g, " "),
        ringed: ringed && element.matches(":focus-visible, input[type=date]"),
        inWindow: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        uncovered: !top || element.contains(top) || top.contains(element)
            || element.labels?.[0]?.contains(top) === true,
        inDialog: Boolean(element.closest("dialog[open]")),
        tag: element.localName,
        html: element.outerHTML.slice(0, 120),
    };
}"""


def focused(page: Page) -> dict[str, object]:
    """What has the focus; nothing of it is known where nothing has."""
    return page.evaluate(FOCUSED) or {"words": "", "tag": "body", "inDialog": False}


def words(page: Page) -> str:
    return str(focused(page)["words"])


def tab_to(page: Page, name: str, *, back: bool = False, exact: bool = False) -> None:
    """Press Tab until what begins with `name` has the focus; each stop on the way is visible."""
    come_to_rest(page)
    seen = []
    for _ in range(MANY):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        now = focused(page)
        if now["tag"] == "body":
            continue
        assert now["ringed"], now
        assert now["inWindow"], now
        assert now["uncovered"], now
        seen.append(now["words"])
        if now["words"] == name or (not exact and str(now["words"]).startswith(name)):
            return
    pytest.fail(f"{name!r} is not reached by Tab: {seen}")


def wait_for_focus(page: Page, name: str) -> None:
    """Wait until what begins with `name` has the focus."""
    page.wait_for_function(
        """(name) => {
            const element = document.activeElement;
            const words = element.labels?.[0]?.innerText ?? element.innerText ?? "";
            return element !== document.body && words.trim().startsWith(name);
        }""",
        arg=name,
        timeout=5_000,
    )


def somewhere(page: Page) -> None:
    """Wait until something has the focus, though what opened the dialog may be gone."""
    come_to_rest(page)
    page.wait_for_function("() => document.activeElement !== document.body", timeout=5_000)


def wait_for_dialog(page: Page, title: str) -> None:
    """Wait for the dialog with this title; the focus is inside of it."""
    expect(page.get_by_role("dialog").get_by_role("heading", name=title)).to_be_visible()
    page.wait_for_function("() => document.activeElement.closest('dialog[open]') !== null")


@pytest.fixture
def account(live_server: LiveServer) -> Account:
    owner = factories.make_user("kim@example.com", name="Kim Keys")
    account = factories.make_account(owner=owner, name="Harbour Retail")
    factories.fund_account(account, cash="900")
    factories.make_application(account, "Hotline", now=timezone.now())
    return account


@pytest.fixture
def start(page: Page, account: Account) -> Page:
    """Signing in by the keyboard; the field for the address has the focus from the beginning."""
    page.goto("/auth/login/")
    tab_to(page, "Email address")
    page.keyboard.type("kim@example.com")
    tab_to(page, "Password")
    page.keyboard.type(factories.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Harbour Retail")).to_be_visible()
    return page


def buy(page: Page) -> None:
    tab_to(page, "Buy", exact=True)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Buy a package")).to_be_visible()
    tab_to(page, "Essential")
    page.keyboard.press("ArrowRight")
    assert words(page).startswith("Premium")
    tab_to(page, "Additional agent licenses")
    page.keyboard.type("1")
    expect(page.locator("#price dd.total")).to_have_text("USD\u00a0280.00")
    tab_to(page, "Continue")
    page.keyboard.press("Enter")
    wait_for_dialog(page, "Confirm the order")
    page.keyboard.press("Escape")
    wait_for_focus(page, "Continue")
    page.keyboard.press("Enter")
    wait_for_dialog(page, "Confirm the order")
    tab_to(page, "Confirm and pay")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Paid. Your order is complete.")).to_be_visible()


def add_agent(page: Page) -> None:
    tab_to(page, "Go to the agents of Hotline")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Agent management")).to_be_visible()
    tab_to(page, "Add the first agent")
    page.keyboard.press("Enter")
    wait_for_dialog(page, "Add an agent")
    for label, text in (
        ("Name", "Ada"),
        ("Staff number", "S1"),
        ("Email", "ada@example.com"),
    ):
        tab_to(page, label)
        page.keyboard.type(text)
    tab_to(page, "Give a free license")
    page.keyboard.press("ArrowDown")
    assert words(page).startswith("Add without a license")
    tab_to(page, "Add the agent")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Ada (S1) was added.")).to_be_visible()
    assert Agent.objects.get().license_id is None


def assign(page: Page) -> None:
    tab_to(page, "Choose Ada")
    page.keyboard.press("Space")
    tab_to(page, "Assign licenses", back=True)
    page.keyboard.press("Enter")
    wait_for_dialog(page, "Assign licenses")
    tab_to(page, "Assign")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 agent got a license.")).to_be_visible()
    assert Agent.objects.get().license_id is not None


def give_back(page: Page) -> None:
    tab_to(page, "Refund", back=True, exact=True)
    page.keyboard.press("Enter")
    wait_for_dialog(page, "Refund of the package")
    page.keyboard.press("Escape")
    wait_for_focus(page, "Refund")
    page.keyboard.press("Enter")
    wait_for_dialog(page, "Refund of the package")
    tab_to(page, "Confirm the Refund")
    page.keyboard.press("Enter")
    wait_for_dialog(page, "Check the refund once more")
    tab_to(page, "Confirm unsubscribe")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The package is refunded: USD\u00a0280.00")).to_be_visible()


def test_the_main_job_needs_no_mouse(start: Page) -> None:
    page = start
    buy(page)
    add_agent(page)
    # The link that opened the dialog is gone: the page itself takes the focus, not nothing.
    somewhere(page)
    assign(page)
    somewhere(page)
    give_back(page)
    somewhere(page)

    assert Order.objects.get().status == "refunded"


def test_the_skip_link_comes_first_shows_itself_and_leads_to_the_content(start: Page) -> None:
    page = start
    page.reload()
    page.keyboard.press("Tab")
    now = focused(page)
    assert now["words"] == "Skip to main content"
    assert now["inWindow"]
    assert now["uncovered"]

    page.keyboard.press("Enter")

    expect(page.locator("#content-start")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_an_open_dialog_keeps_the_focus(start: Page, account: Account) -> None:
    page = start
    application = account.applications.get()
    page.goto(f"/console/{account.uin}/applications/{application.sdkappid}/agents/")
    tab_to(page, "Add agent")
    page.keyboard.press("Enter")
    wait_for_dialog(page, "Add an agent")
    stops = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        now = focused(page)
        # Between the last stop and the first is the browser's own bar.
        assert now["inDialog"] or now["tag"] == "body", now
        stops.add(str(now["words"]))
    assert {"Cancel", "Add the agent", "Close"} <= stops

    tab_to(page, "Cancel")
    page.keyboard.press("Enter")

    expect(page.get_by_role("dialog")).to_be_hidden()
    wait_for_focus(page, "Add agent")
