"""What a package is reads the same on every page, whether or not a sweep has run.

One set-up has an application in each state that an account can have at one instant; accounts
whose refund is under review, done, or that are suspended stand beside it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import Account, Application
from tests import factories as make
from tests.billing.acts import ask_for_review, at, bought, fresh, package_of, refund, sweep
from tests.factories import DAY, make_agent

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

NOW = at("2026-04-20 09:00:00")


@dataclass(frozen=True)
class Expected:
    """What every page says of an application: badges, licenses used and kept, dates, buttons."""

    badges: tuple[str, ...]
    seats: str = ""
    sip: int = 0
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """Applications by name, with what is expected of each."""

    account: Account
    applications: dict[str, Application]


def _application(account: Account, name: str, bought_at: datetime, **order: Any) -> Application:
    """An application with a monthly package and two licensed agents."""
    application = make.make_application(account, name, now=bought_at)
    package = package_of(make.buy(application, now=bought_at, **order))
    for license in make.licenses_of(package)[:2]:
        make_agent(application, license=license)
    return application


EXPECTED = {
    "Running": Expected(
        ("Active",),
        "2 / 6",
        sip=1,
        says=("10 May 2026",),
        acts=("Add licenses", "Renew", "Upgrade"),
    ),
    "Ending": Expected(("Active",), "2 / 5", says=("16 Jun 2026",), acts=("Add licenses",)),
    "Expiring": Expected(("Active",), "2 / 3", says=("22 Apr 2026",), acts=("Renew",)),
    # Bought on 17 March: expired on 17 April, kept until 24 April.
    "Isolated": Expected(
        ("Isolated",),
        "2 / 6",
        sip=1,
        says=("17 Apr 2026", "24 Apr 2026, 09:00:00"),
        never=("0 / 0",),
        acts=("Renew",),
    ),
    # Bought on 13 March: expired on 13 April, released at this very instant.
    "Released": Expected(("Released",), "0 / 0", acts=("Buy",)),
}


@pytest.fixture
def scene() -> Scene:
    """The account with an application in each state, bought as the calendar demands."""
    account = make.make_account(now=at("2026-01-01 09:00:00"))
    make.fund_account(account, cash="20000", now=at("2026-01-01 09:00:00"))
    running = _application(account, "Running", at("2026-04-10 09:00:00"), agents=3, sip=1)
    ending = _application(account, "Ending", at("2026-04-16 09:00:00"), agents=2)
    package = make.current_package(ending)
    make.renew(package, ending=(bought(package)[0],), now=NOW - DAY)
    return Scene(
        account,
        {
            "Running": running,
            "Ending": ending,
            "Expiring": _application(account, "Expiring", at("2026-03-22 09:00:00")),
            "Isolated": _application(
                account, "Isolated", at("2026-03-17 09:00:00"), agents=3, sip=1
            ),
            "Released": _application(account, "Released", at("2026-03-13 09:00:00"), agents=1),
        },
    )


# --- What the pages say -----------------------------------------------------------------------


def _words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).replace("\u202f", " ").split())


def _badges(html: str) -> tuple[str, ...]:
    found = re.findall(r'<span class="badge [^>]*>(.*?)</span></span>', html, re.DOTALL)
    return tuple(_words(each) for each in found)


@dataclass(frozen=True)
class Seen:
    """A part of a page: its badges, its words, its buttons."""

    badges: tuple[str, ...]
    words: str
    buttons: tuple[str, ...] = ()


def _part(html: str, pattern: str) -> Seen:
    found = re.search(pattern, html, re.DOTALL)
    assert found is not None, pattern
    part = found[0]
    buttons = re.findall(r'<a class="button[^>]*>(.*?)</a>', part, re.DOTALL)
    return Seen(_badges(part), _words(part), tuple(_words(each) for each in buttons))


def _row(html: str, name: str) -> Seen:
    rows = re.findall(r"<tr>.*?</tr>", html, re.DOTALL)
    (row,) = [row for row in rows if re.search(rf">{name}<", row)]
    return Seen(_badges(row), _words(row))


def _read_pages(client: Client, account: Account, application: Application) -> dict[str, Seen]:
    """Read each page's part about the application."""
    base = f"/console/{account.uin}/"
    own = f"{base}applications/{application.sdkappid}/"
    management = client.get(f"{own}agents/").content.decode()
    overview = client.get(own).content.decode()
    start = client.get(base).content.decode()
    listed = client.get(f"{base}applications/").content.decode()
    return {
        "management": _part(management, r'<section id="package".*?</section>'),
        "overview": _part(overview, r"<div id=\"content\".*?<section class=\"module\""),
        "start": _row(start, application.name),
        "list": _row(listed, application.name),
    }


@pytest.fixture
def client() -> Client:
    return Client()


def _look(client: Client, account: Account) -> None:
    client.force_login(account.memberships.get(role="owner").user)


@pytest.fixture(autouse=True)
def _at_one_instant() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def _check(pages: dict[str, Seen], expected: Expected) -> None:
    management, overview = pages["management"], pages["overview"]
    start, listed = pages["start"], pages["list"]
    # The list of applications says one word; the others show every badge.
    assert management.badges == overview.badges == start.badges == expected.badges
    assert listed.badges[0] in (*expected.badges, "Out of service")
    assert f"Agent licenses in use {expected.seats} " in management.words
    if expected.seats != "0 / 0":
        used, total = expected.seats.split(" / ")
        assert expected.seats in start.words
        assert f"{used} of {total} agent licenses used" in listed.words
        assert f"Agent licenses {total} SIP licenses {expected.sip}" in overview.words
    for text in expected.says:
        for name in ("management", "overview", "start"):
            assert text in pages[name].words, (name, text)
    for text in expected.never:
        for name in ("management", "overview", "start"):
            assert text not in pages[name].words, (name, text)
    for act in expected.acts:
        assert act in management.buttons
        assert any(act in button for button in overview.buttons)
    if not expected.acts:
        assert management.buttons == ()


def test_each_state_reads_the_same_on_every_page_with_and_without_a_sweep(
    client: Client, scene: Scene
) -> None:
    _look(client, scene.account)
    for is_swept in (False, True):
        if is_swept:
            sweep(NOW)
        for name, expected in EXPECTED.items():
            _check(_read_pages(client, scene.account, scene.applications[name]), expected)


def test_the_pages_that_sell_count_licenses_until_they_end(client: Client, scene: Scene) -> None:
    _look(client, scene.account)
    base = f"/console/{scene.account.uin}/applications/"
    own = f"{base}{scene.applications['Ending'].sdkappid}/"
    for page in ("add", "upgrade"):
        words = _words(client.get(f"{own}{page}/").content.decode())
        assert "Agent licenses 5 SIP licenses 0" in words
        assert "1 license that was left out of a renewal ends on 16 May 2026, 09:00:00" in words


def _lonely(name: str) -> tuple[Account, Application]:
    """An account of its own with one running package."""
    account = make.make_account(now=at("2026-04-18 09:00:00"))
    make.fund_account(account, cash="1000", now=at("2026-04-18 09:00:00"))
    return account, _application(account, name, at("2026-04-18 09:00:00"))


def test_a_refund_under_review_is_shown_and_nothing_is_offered_that_it_locks(
    client: Client,
) -> None:
    account, application = _lonely("Reviewed")
    asked = ask_for_review(fresh(make.current_package(application)), now=NOW)
    _look(client, account)
    pages = _read_pages(client, account, application)
    _check(
        pages,
        Expected(("Active", "Refund under review"), "2 / 3", never=("Change",)),
    )
    for name in ("management", "overview"):
        assert f"See request {asked.number}" in pages[name].words
    assert "a refund is under review" in pages["list"].words


def test_a_refunded_package_has_neither_a_future_expiry_nor_a_renewal(client: Client) -> None:
    account, application = _lonely("Refunded")
    done = refund(make.current_package(application), now=NOW - DAY)
    assert done.status == "done"
    _look(client, account)
    pages = _read_pages(client, account, application)
    _check(
        pages,
        Expected(
            ("Refunded",), "0 / 0", never=("18 May 2026", "Change", "Remind me"), acts=("Buy",)
        ),
    )
    assert "19 Apr 2026, 09:00:00" in pages["management"].words
    assert f"See refund {done.number}" in pages["management"].words


def test_a_suspended_account_reads_that_agents_are_out_of_service(client: Client) -> None:
    account, application = _lonely("Suspended")
    make.restrict(account, now=NOW - DAY)
    _look(client, account)
    pages = _read_pages(client, account, application)
    _check(pages, Expected(("Active", "Out of service"), "2 / 3"))
    assert pages["list"].badges == ("Out of service",)
    start = client.get(f"/console/{account.uin}/").content.decode()
    tasks = re.findall(r'<li class="task-(\w+)">', start)
    assert tasks == ["danger"]
    assert "Declare your business" not in start


def test_a_suspended_customer_reads_no_release_date_of_an_isolated_package(
    client: Client,
) -> None:
    account = make.make_account(now=at("2026-03-17 09:00:00"))
    make.fund_account(account, cash="1000", now=at("2026-03-17 09:00:00"))
    application = _application(account, "Kept", at("2026-03-17 09:00:00"))
    make.restrict(account, now=at("2026-04-10 09:00:00"))
    _look(client, account)
    for is_swept in (False, True):
        if is_swept:
            sweep(NOW)
        pages = _read_pages(client, account, application)
        _check(pages, Expected(("Isolated",), "2 / 3", never=("24 Apr 2026", "renewal starts")))
        for name in ("management", "overview"):
            assert "kept as long as the account is restricted" in pages[name].words
