"""Every page and dialog of the console and the administration in a real browser.

Each is loaded once in English and once in Chinese, and then looked at in every width: an account
that has everything, and one that has nothing yet. No page may offend the Content-Security-Policy,
ask another host, look broken (`tests/looks.js` says how), or fail WCAG 2.2 A or AA in light or in
dark. The nightly run tries every look at every page; the others, to be short, try each page in
two widths and one color scheme, a neighbor's differing from it, and every third one in Chinese.
`SCREENSHOTS=<folder>` keeps pictures of all looks.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.looks import DARK_AND_NARROW, WCAG, faults, looks_broken
from tests.pages import Shown, client_of, every_page, prepare
from tests.tiers import NIGHTLY

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

#: A telephone, a laptop at 200 % zoom, a laptop, a large screen.
WIDTHS = (360, 720, 1280, 1920)
#: Chinese differs in the length of its words alone.
CHINESE_WIDTHS = (360, 1280)
#: Where pictures go, if somewhere.
PICTURES = os.environ.get("SCREENSHOTS", "")
#: Whether every page is looked at in every way.
ALL = NIGHTLY or bool(PICTURES)
#: The pages are shared out, so that two processes look at them. Each part loads the demo once.
PARTS = 2


@pytest.fixture
def pages(transactional_db: None, settings: Any) -> list[Shown]:
    # The factor itself has its own tests.
    settings.STAFF_SECOND_FACTOR = False
    return every_page(prepare())


def enter(page: Page, email: str, url: str, language: str) -> None:
    """Let the browser be this person's, or a visitor's."""
    page.context.clear_cookies()
    cookies = [(settings.LANGUAGE_COOKIE_NAME, language)]
    session = client_of(email).cookies.get(settings.SESSION_COOKIE_NAME)
    if session is not None:
        cookies.append((session.key, session.value))
    page.context.add_cookies(
        [{"name": name, "value": value, "url": url} for name, value in cookies]
    )


def walk(page: Page, pages: list[Shown], url: str, language: str) -> Iterator[Shown]:
    """Open one page after the other, as anyone who can open it."""
    User.objects.update(language=language)
    person = None
    for shown in sorted(pages, key=lambda shown: shown.email):
        if shown.email != person:
            person = shown.email
            enter(page, person, url, language)
        answer = page.goto(shown.url)
        assert answer is not None
        assert answer.status == 200, shown.url
        yield shown


def resize(page: Page, width: int, scheme: Any = "light") -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")


def keep(page: Page, shown: Shown, look: str) -> None:
    if PICTURES:
        name = shown.name.replace(":", "-")
        who = "visitor-" if not shown.email else ""
        folder = Path(PICTURES) / look
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"{who}{name}.png", full_page=True)


def look_at_widths(page: Page, shown: Shown, widths: tuple[int, ...], language: str) -> list[str]:
    found = []
    for width in widths:
        resize(page, width)
        found += [f"{language} {width}: {fault}" for fault in looks_broken(page)]
        keep(page, shown, f"{language}-{width}-light")
    return found


def widths_of(number: int) -> tuple[int, ...]:
    """The widths of the page with this number: a telephone, where most breaks, and another."""
    return WIDTHS if ALL else (WIDTHS[0], WIDTHS[1 + number % 3])


def schemes_of(number: int) -> tuple[tuple[int, str, dict[str, Any]], ...]:
    """What axe is asked for: everything in light, or what may differ on a dark telephone."""
    schemes = ((1280, "light", WCAG), (360, "dark", DARK_AND_NARROW))
    return schemes if ALL else schemes[number % 2 : number % 2 + 1]


def look_for_barriers(page: Page, shown: Shown, number: int, problems: list[str]) -> list[str]:
    before = len(problems)
    found = []
    for width, scheme, options in schemes_of(number):
        resize(page, width, scheme)
        found += [f"{width} {scheme}: {fault}" for fault in faults(page, options)]
        keep(page, shown, f"en-{width}-{scheme}")
    # What axe itself tries to write into the page, and the page's policy refuses it.
    del problems[before:]
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_no_page_looks_broken_or_keeps_anybody_out(
    page: Page,
    live_server: LiveServer,
    pages: list[Shown],
    part: int,
    browser_problems: list[str],
) -> None:
    mine = pages[part::PARTS]
    wrong: dict[str, list[str]] = {}
    numbers = {(shown.name, shown.url): number for number, shown in enumerate(mine)}
    for shown in walk(page, mine, live_server.url, "en"):
        number = numbers[shown.name, shown.url]
        found = look_at_widths(page, shown, widths_of(number), "en")
        # What is broken on an empty page is the same template's; its words are not looked at twice.
        if not shown.name.endswith("(empty)"):
            found += look_for_barriers(page, shown, number, browser_problems)
        wrong[f"{shown.name} {shown.url}"] = found
    in_chinese = mine if ALL else mine[::3]
    for shown in walk(page, in_chinese, live_server.url, "zh-hans"):
        found = look_at_widths(page, shown, CHINESE_WIDTHS if ALL else CHINESE_WIDTHS[:1], "zh")
        if page.locator("html").get_attribute("lang") != "zh-hans":
            found.append("not in Chinese")
        wrong[f"{shown.name} {shown.url}"] += found

    report = [f"{name}\n  " + "\n  ".join(found) for name, found in wrong.items() if found]
    assert not report, "\n".join(report)
    assert len(pages) > 220
