"""Every page and dialog of the console and the administration in a real browser.

No page may offend the Content-Security-Policy, ask another host, be wider than the window, or
fail WCAG 2.2 A or AA, in light and in dark, at 1280 and at 360 pixels. In Chinese none may be
wider than the window either. `SCREENSHOTS=<folder>` keeps pictures of all of them.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.looks import CONTRAST, WCAG, faults, width_fault
from tests.pages import Shown, client_of, every_page, prepare

pytestmark = [pytest.mark.django_db(transaction=True)]

#: Width, theme, and what axe looks for. Light and dark differ in colours alone, narrow and wide
#: in what is shown.
LOOKS: list[tuple[int, Any, dict[str, Any]]] = [
    (1280, "light", WCAG),
    (1280, "dark", CONTRAST),
    (360, "dark", WCAG),
]
#: Where pictures go, if somewhere.
PICTURES = os.environ.get("SCREENSHOTS", "")
#: The pages are shared out, so that several processes look at them.
PARTS = 4


@pytest.fixture
def pages(transactional_db: None, settings: Any) -> list[Shown]:
    # The factor itself has its own tests.
    settings.STAFF_SECOND_FACTOR = False
    return every_page(prepare())


def enter(page: Page, email: str, url: str) -> None:
    """Let the browser be this person's, or a visitor's."""
    page.context.clear_cookies()
    cookie = client_of(email).cookies.get(settings.SESSION_COOKIE_NAME)
    if cookie is not None:
        page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": url}])


def visit(page: Page, shown: Shown) -> None:
    answer = page.goto(shown.url)
    assert answer is not None
    assert answer.status == 200, shown.url


def keep(page: Page, shown: Shown, look: str) -> None:
    if PICTURES:
        name = shown.name.replace(":", "-")
        who = "visitor-" if not shown.email else ""
        folder = Path(PICTURES) / look
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{who}{name}.png", full_page=True)


def report(wrong: dict[str, list[str]]) -> str:
    return "\n".join(f"{name}\n  " + "\n  ".join(found) for name, found in wrong.items())


def by_person(pages: list[Shown], part: int) -> list[Shown]:
    return sorted(pages[part::PARTS], key=lambda shown: shown.email)


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_keeps_anybody_out(
    page: Page,
    live_server: LiveServer,
    pages: list[Shown],
    part: int,
    browser_problems: list[str],
) -> None:
    wrong: dict[str, list[str]] = {}
    person = None
    for shown in by_person(pages, part):
        if shown.email != person:
            person = shown.email
            enter(page, person, live_server.url)
        visit(page, shown)
        for width, scheme, options in LOOKS:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            before = len(browser_problems)
            found = [f"{width} {scheme}: {fault}" for fault in faults(page, options)]
            wrong.setdefault(f"{shown.name} {shown.url}", []).extend(found)
            # What axe itself tries to write into the page, and the page's policy refuses it.
            del browser_problems[before:]
            keep(page, shown, f"en-{width}-{scheme}")
    wrong = {name: found for name, found in wrong.items() if found}
    assert not wrong, report(wrong)
    assert len(pages) > 190


@pytest.mark.parametrize("part", range(PARTS))
def test_chinese_fits_the_window(
    page: Page, live_server: LiveServer, pages: list[Shown], part: int
) -> None:
    User.objects.update(language="zh-hans")
    wrong: dict[str, list[str]] = {}
    person = None
    for shown in by_person(pages, part):
        if shown.email != person:
            person = shown.email
            enter(page, person, live_server.url)
            # What a visitor chooses in the menu of languages.
            name = settings.LANGUAGE_COOKIE_NAME
            page.context.add_cookies([{"name": name, "value": "zh-hans", "url": live_server.url}])
        visit(page, shown)
        for width, scheme in [(1280, "light"), (360, "dark")]:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            wrong.setdefault(f"{shown.name} {shown.url}", []).extend(width_fault(page))
            keep(page, shown, f"zh-{width}-{scheme}")
        if page.locator("html").get_attribute("lang") != "zh-hans":
            wrong[f"{shown.name} {shown.url}"].append("not in Chinese")
    wrong = {name: found for name, found in wrong.items() if found}
    assert not wrong, report(wrong)
