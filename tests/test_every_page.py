"""Every page of the console in a real browser, on the demo's data.

No page may offend the Content-Security-Policy, ask another host, be wider than the window, or
fail WCAG 2.2 A or AA, in light and in dark, at 1280 and at 360 pixels. The pages are taken from
the URL configuration, so a new one is looked at by itself.
"""

import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from accounts.models import Application, User
from billing.models import Order, Refund
from compliance.models import ConnectionRequest, Violation
from tests.looks import CONTRAST, WCAG, faults
from tests.test_tenancy import ADDRESSES, Address

pytestmark = [pytest.mark.django_db(transaction=True)]

#: Where screenshots go, if somewhere: `SCREENSHOTS=<folder>`.
SHOTS = os.environ.get("SCREENSHOTS", "")


def _samples(owner: User) -> Iterator[tuple[str, str]]:
    """Name and address of every page that this owner can open by a GET."""
    client = Client()
    client.force_login(owner)
    accounts = [membership.account for membership in owner.memberships.order_by("pk")]
    numbers = {
        "billing:order": Order.objects.filter(account__in=accounts),
        "billing:receipt": Order.objects.filter(account__in=accounts, status="paid"),
        "billing:refund": Refund.objects.filter(account__in=accounts),
        "compliance:violation": Violation.objects.filter(account__in=accounts),
        "compliance:connection_request": ConnectionRequest.objects.filter(account__in=accounts),
    }
    for address in ADDRESSES:
        for url in _urls(address, accounts, numbers.get(address.name)):
            answer = client.get(url)
            if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
                yield address.name, url


def _urls(address: Address, accounts: list, rows: object) -> Iterator[str]:
    names = {name for _converter, name in address.parts}
    if rows is not None:
        row = rows.order_by("pk").first()  # type: ignore[attr-defined]
        if row is not None:
            yield reverse(address.name, kwargs={"uin": row.account.uin, "number": row.number})
    elif names <= {"uin", "sdkappid"}:
        for account in accounts:
            applications = Application.objects.filter(account=account)
            for application in applications if "sdkappid" in names else applications[:1]:
                known = {"uin": account.uin, "sdkappid": application.sdkappid}
                yield reverse(address.name, kwargs={name: known[name] for name in names})


@pytest.fixture
def pages(transactional_db: None) -> dict[str, list[tuple[str, str]]]:
    """The pages of two owners of the demo, the first address of each name that shows something."""
    call_command("load_demo_data", stdout=StringIO())
    found: dict[str, list[tuple[str, str]]] = {}
    seen: set[str] = set()
    for email in ("olivia.owner@example.com", "mei.owner@example.com"):
        for name, url in _samples(User.objects.get(email=email)):
            if name not in seen:
                seen.add(name)
                found.setdefault(email, []).append((name, url))
    return found


def sign_in(page: Page, email: str, url: str) -> None:
    client = Client()
    client.force_login(User.objects.get(email=email))
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])


LOOKS = [(1280, "light", WCAG), (1280, "dark", CONTRAST), (360, "light", WCAG)]


def look_at(page: Page, name: str, url: str) -> list[str]:
    """Look at the page in every way; keep pictures where somebody wants them."""
    wrong = []
    for width, scheme, options in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        # Before the page is loaded, or axe would measure colours halfway from light to dark.
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        answer = page.goto(url)
        assert answer is not None
        assert answer.status == 200, url
        wrong += [f"{width} {scheme}: {fault}" for fault in faults(page, options)]
        if SHOTS:
            file = Path(SHOTS) / f"{name.replace(':', '-')}-{width}-{scheme}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=file, full_page=True)
    return wrong


@pytest.mark.parametrize("half", [0, 1])
def test_every_page_is_sound(
    page: Page, live_server: LiveServer, pages: dict[str, list[tuple[str, str]]], half: int
) -> None:
    wrong: dict[str, list[str]] = {}
    looked = 0
    for email, listed in pages.items():
        sign_in(page, email, live_server.url)
        for name, url in listed[half::2]:
            looked += 1
            if found := look_at(page, name, url):
                wrong[f"{name} {url}"] = found
    report = "\n".join(f"{name}\n  " + "\n  ".join(found) for name, found in wrong.items())
    assert not wrong, report
    assert looked > 20
