"""The dialog, the menus and the theme, as a person uses them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.enums import EntityKind, Theme
from accounts.models import Account, User
from accounts.services.tenants import open_account, register_entity
from tests.accounts import look_pages
from tests.looks import CONTRAST, WCAG, faults

pytestmark = pytest.mark.urls("tests.accounts.look_pages")

NOW = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _look_pages(settings: Any) -> None:
    look_pages.THINGS.clear()
    look_pages.FAILURES.clear()
    templates = Path(__file__).parent / "templates"
    configured = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**configured, "DIRS": [templates, *configured["DIRS"]]}]


@pytest.fixture
def user(transactional_db: None) -> User:
    user = User.objects.create_user("mei@example.com", "a-long-password", name="Mei Tan")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


@pytest.fixture
def account(user: User) -> Account:
    entity = register_entity(
        name="Acme Ltd", kind=EntityKind.ENTERPRISE, registration_number="R1", by=None, now=NOW
    )
    return open_account(entity=entity, name="Acme", owner=user, by=None, now=NOW)


def sign_in(context: BrowserContext, user: User, url: str) -> None:
    client = Client()
    client.force_login(user)
    name = django_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])


@pytest.fixture
def things(page: Page, live_server: LiveServer, user: User, account: Account) -> Page:
    """The list of things, open and signed in."""
    sign_in(page.context, user, live_server.url)
    page.goto(f"/console/{account.uin}/")
    return page


def open_dialog(page: Page) -> None:
    page.get_by_role("link", name="Add a thing").press("Enter")
    expect(page.get_by_role("dialog", name="Add a thing")).to_be_visible()


def test_a_dialog_opens_at_its_title_and_gives_the_focus_back(things: Page) -> None:
    open_dialog(things)
    expect(things.get_by_role("heading", name="Add a thing")).to_be_focused()

    things.keyboard.press("Escape")

    expect(things.get_by_role("dialog")).to_have_count(0)
    expect(things.get_by_role("link", name="Add a thing")).to_be_focused()


@pytest.mark.parametrize("way_out", ["Cancel", "Close"])
def test_a_dialog_is_left_without_leaving_the_page(things: Page, way_out: str) -> None:
    open_dialog(things)

    things.get_by_role("dialog").get_by_text(way_out, exact=True).click()

    expect(things.get_by_role("dialog")).to_have_count(0)
    expect(things.get_by_role("link", name="Add a thing")).to_be_focused()
    assert things.url.endswith("/console/" + things.url.split("/")[-2] + "/")


def test_the_focus_stays_in_the_dialog(things: Page) -> None:
    open_dialog(things)

    inside = []
    for _ in range(12):
        things.keyboard.press("Tab")
        inside.append(things.evaluate("document.activeElement.closest('main, header') === null"))

    assert all(inside)


def test_a_refused_form_comes_back_with_its_faults(things: Page) -> None:
    open_dialog(things)
    things.get_by_label("Note").fill("kept")
    things.get_by_role("button", name="Add").click()

    summary = things.locator("dialog .errornote")
    expect(summary).to_contain_text("Fix 2 problems:")
    expect(summary).to_be_focused()
    expect(things.get_by_label("Note")).to_have_value("kept")

    summary.get_by_role("link", name="Name").click()
    expect(things.get_by_label("Name")).to_be_focused()
    assert "#" not in things.url


def test_a_finished_act_closes_the_dialog_and_renews_the_page_beneath(things: Page) -> None:
    things.evaluate("window.isSamePage = true")
    things.evaluate("document.body.addEventListener('things-changed', () => window.isTold = true)")
    open_dialog(things)
    things.get_by_label("Name").fill("Lamp")
    things.get_by_label("Red").check()
    things.get_by_role("button", name="Add").click()

    expect(things.get_by_role("dialog")).to_have_count(0)
    expect(things.get_by_role("rowheader", name="Lamp")).to_be_visible()
    expect(things.locator("#messages")).to_contain_text("The thing was added.")
    expect(things.get_by_role("link", name="Add a thing")).to_be_focused()
    assert things.evaluate("[window.isSamePage, window.isTold]") == [True, True]


def test_the_same_works_as_whole_pages_without_javascript(
    new_context: Callable[..., BrowserContext],
    live_server: LiveServer,
    user: User,
    account: Account,
) -> None:
    context = new_context(base_url=live_server.url, java_script_enabled=False)
    sign_in(context, user, live_server.url)
    page = context.new_page()
    page.goto(f"/console/{account.uin}/")

    page.get_by_role("link", name="Add a thing").click()
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("Fix 2 problems:")).to_be_visible()
    page.get_by_label("Name").fill("Lamp")
    page.get_by_label("Red").check()
    page.get_by_role("button", name="Add").click()

    expect(page).to_have_url(re.compile(rf"/console/{account.uin}/$"))
    expect(page.get_by_text("The thing was added.")).to_be_visible()
    expect(page.get_by_role("rowheader", name="Lamp")).to_be_visible()


@pytest.mark.parametrize(
    ("status", "words", "may_retry"),
    [
        pytest.param(403, "You cannot do this.", False, id="403"),
        pytest.param(404, "This is no longer available.", False, id="404"),
        pytest.param(500, "Something went wrong on our side.", False, id="500"),
        pytest.param(503, "Nothing was changed. Try again in a moment.", True, id="503"),
    ],
)
def test_a_failure_is_told_with_what_to_do(
    things: Page, browser_problems: list[str], status: int, words: str, may_retry: bool
) -> None:
    look_pages.FAILURES.append(status)
    things.get_by_role("link", name="Add a thing").click()

    problem = things.get_by_role("alert").filter(has_text="This did not work")
    expect(problem).to_contain_text(words)
    expect(problem.get_by_role("heading")).to_be_focused()
    expect(problem.get_by_role("button", name="Try again")).to_have_count(int(may_retry))
    assert faults(things) == []

    if may_retry:
        problem.get_by_role("button", name="Try again").click()
        expect(things.get_by_role("dialog", name="Add a thing")).to_be_visible()
    else:
        problem.get_by_role("button", name="Close").click()
    expect(problem).to_have_count(0)
    # The browser itself complains of such answers, and should.
    browser_problems.clear()


def test_a_broken_connection_keeps_what_was_typed(
    things: Page, browser_problems: list[str]
) -> None:
    open_dialog(things)
    things.get_by_label("Name").fill("Lamp")
    things.get_by_label("Red").check()
    things.route("**/add/", lambda route: route.abort())
    things.get_by_role("button", name="Add").click()
    expect(things.get_by_role("dialog")).to_contain_text("The console cannot be reached.")

    things.unroute("**/add/")
    things.get_by_role("button", name="Try again").click()

    expect(things.get_by_role("rowheader", name="Lamp")).to_be_visible()
    browser_problems.clear()


def test_an_ended_session_leads_to_signing_in_and_back(things: Page) -> None:
    page_url = things.url
    things.context.clear_cookies()
    things.get_by_role("link", name="Add a thing").click()

    things.get_by_label("Email address").fill("mei@example.com")
    things.get_by_label("Password").fill("a-long-password")
    things.get_by_role("button", name="Sign in", exact=True).click()

    expect(things).to_have_url(page_url)


#: Width, theme, and what axe looks for. Light and dark differ in colors alone.
LOOKS: list[tuple[int, Any, dict[str, Any]]] = [
    (360, "light", WCAG),
    (1280, "light", WCAG),
    (360, "dark", CONTRAST),
]


def _faults_in_every_look(page: Page) -> list[str]:
    wrong = []
    for width, scheme, options in LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        wrong += [f"{width} {scheme}: {fault}" for fault in faults(page, options)]
    return wrong


def test_the_page_and_its_dialog_are_accessible_in_every_look(things: Page) -> None:
    assert _faults_in_every_look(things) == []

    open_dialog(things)
    things.get_by_role("button", name="Add").click()
    expect(things.locator("dialog .errornote")).to_be_visible()
    assert _faults_in_every_look(things) == []


def test_a_menu_opens_and_closes_by_keyboard(things: Page) -> None:
    summary = things.locator("summary", has_text="Appearance")
    summary.press("Enter")
    expect(things.get_by_role("button", name="Dark")).to_be_visible()

    things.keyboard.press("Tab")
    things.keyboard.press("Escape")

    expect(things.get_by_role("button", name="Dark")).to_be_hidden()
    expect(summary).to_be_focused()


def test_the_theme_changes_at_once_and_for_good(things: Page, user: User) -> None:
    def background() -> str:
        return str(things.evaluate("getComputedStyle(document.body).backgroundColor"))

    light = background()
    things.locator("summary", has_text="Appearance").click()
    with things.expect_response("**/theme/"):
        things.get_by_role("button", name="Dark").click()

    dark = background()
    assert dark != light
    user.refresh_from_db()
    assert user.theme == Theme.DARK
    things.reload()
    assert background() == dark


def test_the_navigation_is_at_hand_on_a_telephone(things: Page) -> None:
    things.set_viewport_size({"width": 360, "height": 740})
    start = things.get_by_role("navigation", name="Account").get_by_role("link", name="Start")
    expect(start).to_be_hidden()

    things.get_by_role("button", name="Navigation").click()
    expect(start).to_be_visible()
    things.keyboard.press("Escape")

    expect(start).to_be_hidden()


def test_the_first_stop_leads_past_the_navigation(things: Page) -> None:
    things.keyboard.press("Tab")
    expect(things.get_by_role("link", name="Skip to main content")).to_be_focused()

    things.keyboard.press("Enter")
    things.keyboard.press("Tab")

    expect(things.get_by_role("link", name="Add a thing")).to_be_focused()


def test_a_page_is_small(things: Page) -> None:
    sizes: list[int] = []
    requests: list[str] = []
    things.on("response", lambda response: sizes.append(len(response.body())))
    things.on("request", lambda request: requests.append(request.url))
    things.reload()
    things.wait_for_load_state("networkidle")

    assert len(requests) <= 10
    # As they lie on disk; compressed for the way they are a fourth of it.
    assert sum(sizes) <= 200_000
