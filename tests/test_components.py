"""The page of all components in a browser: nothing broken, no barriers, and the keyboard."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.looks import DARK_AND_NARROW, WCAG, come_to_rest, faults, looks_broken

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.component_urls"),
]


@pytest.fixture
def visit(page: Page, live_server: LiveServer) -> Page:
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{live_server.url}/components/")
    come_to_rest(page)
    return page


def test_every_state_looks_right_and_keeps_no_one_out(
    visit: Page, browser_problems: list[str]
) -> None:
    found = []
    # 640 is a window of 1280 at 200 % zoom.
    for width in (360, 640, 1280, 1920):
        visit.set_viewport_size({"width": width, "height": 900})
        found += [f"{width}: {fault}" for fault in looks_broken(visit)]
    visit.set_viewport_size({"width": 1280, "height": 900})
    assert browser_problems == []
    found += [f"light: {fault}" for fault in faults(visit, WCAG)]
    visit.emulate_media(color_scheme="dark", reduced_motion="reduce")
    visit.set_viewport_size({"width": 360, "height": 900})
    found += [f"dark: {fault}" for fault in faults(visit, DARK_AND_NARROW)]
    # What axe tries to write into the page, and the page's policy refuses it.
    browser_problems.clear()

    assert found == []


def test_the_keyboard_does_what_the_page_says(visit: Page) -> None:
    count_with_the_arrow_keys(visit)
    open_and_close_what_is_folded(visit)
    choose_rows_and_reach_the_bar(visit)
    open_and_leave(visit, "Open a dialog")
    open_and_leave(visit, "Open a side panel")


def count_with_the_arrow_keys(page: Page) -> None:
    field = page.locator("#id_empty-people")
    field.focus()
    page.keyboard.press("ArrowUp")
    expect(field).to_have_value("4")
    page.keyboard.press("Tab")
    # Past the button for one more, which the arrow keys make up for
    expect(page.locator("#id_empty-agree")).to_be_focused()
    page.get_by_role("button", name="People: one more").first.click()
    expect(field).to_have_value("5")
    page.get_by_role("button", name="People: one less").first.click()
    expect(field).to_have_value("4")


def open_and_close_what_is_folded(page: Page) -> None:
    summary = page.get_by_text("Closed", exact=True)
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Its contents.")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_text("Its contents.")).to_be_hidden()


def choose_rows_and_reach_the_bar(page: Page) -> None:
    bar = page.get_by_role("group", name="Actions for the selected rows")
    assign = bar.get_by_role("button", name="Assign licenses")
    expect(assign).to_be_hidden()
    page.get_by_label("Choose row 2").focus()
    page.keyboard.press("Space")
    expect(assign).to_be_visible()
    expect(bar.get_by_text("1 selected")).to_be_visible()
    bar.get_by_role("checkbox").focus()
    page.keyboard.press("Tab")
    expect(assign).to_be_focused()
    page.get_by_label("Choose row 2").press("Space")
    expect(assign).to_be_hidden()


def open_and_leave(page: Page, name: str) -> None:
    opener = page.get_by_role("link", name=name)
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Edit Leila Kim")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(opener).to_be_focused()
