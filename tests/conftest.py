"""What all tests share: the database's cleaning and the browser.

Environment: `TEST_DATABASE_NAME` names the test database, so that several can run side
by side. `REQUIRE_ALL=1` turns the skipping of tests whose program is not installed (Chromium,
nginx, PgBouncer) into failures. `CHROMIUM` names the browser's program.
"""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
import time_machine
from django.db import connection, transaction
from django.test import override_settings
from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError
from pytest_django.live_server_helper import LiveServer
from pytest_django.plugin import DjangoDbBlocker

from tests import cleaning
from tests.factories import NOW
from tests.pages import prepare
from tests.programs import miss
from tests.tiers import NIGHTLY, QUICK

#: Some tests open their windows themselves, and ask for the server to look at alone.
BROWSER_FIXTURES = {"page", "context", "browser", "new_context", "live_server", "browser_page"}


#: The first that is installed runs. The headless shell draws the same pages with less than half
#: of the work, since there is no window around them.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")


def pytest_configure(config: pytest.Config) -> None:
    cleaning.install()
    if not NIGHTLY:
        hypothesis.settings.register_profile("sample", derandomize=True)
        hypothesis.settings.load_profile("sample")
    # Once a browser has been started, Playwright's loop stays in the tests' own thread, where
    # Django would refuse to query. The console itself has no asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


def pytest_sessionstart() -> None:
    """Look for garbage seldom: a fifth of the tests' time went into it.

    What has been imported stays anyway, and a test makes far more objects than the 700 after
    which Python looks by default.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests of the browser, whether they say so or not; in a quick run, leave cases out."""
    for item in items:
        if BROWSER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.browser)
    kept = some_of_each(items) if QUICK else set(items)
    if not NIGHTLY:
        kept = {item for item in kept if item.get_closest_marker("nightly") is None}
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


def some_of_each(items: list[pytest.Item]) -> set[pytest.Item]:
    """The first and the last of each test's cases."""
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    return {case[place] for case in cases.values() for place in (0, -1)}


# --- Database ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Tests need not survive a power cut, so a commit does not wait for the disk."""
    options = connection.settings_dict["OPTIONS"]
    options["options"] = f"{options.get('options', '')} -c synchronous_commit=off".strip()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        cleaning.keep_rows_of_migrations()


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Hashing that is slow on purpose would be most of the tests' time."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(PASSWORD_HASHERS=hashers):
        yield


# --- Data that is made once for the tests of a module ---------------------------------------


@pytest.fixture(scope="module")
def module_transaction(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Keep what a module's own fixtures write until its last test has ended.

    Each test's own transaction is a savepoint in this one, so that what it changes is gone when
    it ends; objects that it may change are copied for it. Not for tests that commit, or that read
    over a second connection.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def demo(module_transaction: None) -> str:
    """Load the demo once for a module's tests; return the token of an open invitation."""
    return prepare()


# --- The clock, for pages and commands that read it -------------------------------------------


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Let the clock stand at `NOW`, and the test move it."""
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


# --- Browser -------------------------------------------------------------------------------


def _chromium() -> str | None:
    given = os.environ.get("CHROMIUM", "")
    if given:
        return given if Path(given).exists() else None
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the machine's own Chromium, and let it call no one."""
    program = _chromium()
    if program is None:
        miss("no Chromium found on this machine")
    arguments = [
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        # No other host is found. Playwright's own interception would turn the cache off.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    ]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    return {**browser_type_launch_args, "executable_path": program, "args": arguments}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "locale": "en-US"}


@pytest.fixture
def browser_problems() -> list[str]:
    """What the browser complained of so far. A test that provokes a complaint clears it."""
    return []


@pytest.fixture
def context(
    live_server: LiveServer,
    browser_problems: list[str],
    request: pytest.FixtureRequest,
) -> Iterator[BrowserContext]:
    """A fresh browser window that the live server's pages, and nothing else, are open to.

    The test fails at its end on any violation of the Content-Security-Policy, any error in the
    browser's console or scripts, any broken asset, any server error, and any request to another
    host.
    """
    context: BrowserContext = request.getfixturevalue("new_context")(base_url=live_server.url)
    _watch(context, urlsplit(live_server.url).netloc, browser_problems)
    yield context
    assert browser_problems == []


def _watch(context: BrowserContext, host: str, problems: list[str]) -> None:
    """Collect what must not happen in any page of the context."""

    def on_console(message: ConsoleMessage) -> None:
        # Answers with an error status are told of below, where their kind is known.
        if message.type == "error" and "Failed to load resource" not in message.text:
            problems.append(f"console: {message.text}")

    def on_error(error: WebError) -> None:
        problems.append(f"script: {error.error}")

    def on_response(response: Response) -> None:
        is_page = response.request.resource_type in {"document", "xhr", "fetch"}
        if response.status >= (500 if is_page else 400):
            problems.append(f"{response.status}: {response.url}")

    def on_request(request: Request) -> None:
        if urlsplit(request.url).netloc not in {host, ""}:
            problems.append(f"request to another host: {request.url}")

    context.on("console", on_console)
    context.on("weberror", on_error)
    context.on("response", on_response)
    context.on("request", on_request)
