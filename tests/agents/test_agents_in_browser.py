"""The Agent Management page in a real browser: its looks, and a day's work without a reload."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from agents.models import Agent
from agents.services import import_turns
from billing.enums import LicenseKind
from tests.agents.test_pages import url
from tests.bench.agents_page import fill
from tests.factories import (
    Customer,
    licenses_of,
    make_agent,
    make_customer,
    make_package,
    make_telephone,
    signed_in,
)
from tests.looks import CONTRAST, WCAG, faults
from tests.tiers import sample

#: Width, theme and what axe looks for, for each language: one load of the page each.
#: More than a list counts.
MANY = sample(10_500, 100_000)
LOOKS: dict[str, list[tuple[int, Any, dict[str, Any]]]] = {
    "en": [(1280, "light", WCAG), (1280, "dark", CONTRAST), (360, "light", WCAG)],
    "zh-hans": [(1280, "light", WCAG), (360, "dark", CONTRAST)],
}
ADD_AGENT = re.compile("^(Add (agent|the first agent)|添加(首个)?座席)$")


@pytest.fixture
def customer(transactional_db: None) -> Customer:
    return make_customer(trial=False)


@pytest.fixture
def visit(page: Page, live_server: LiveServer, customer: Customer) -> Page:
    """A window of the signed-in owner."""
    name = django_settings.SESSION_COOKIE_NAME
    value = signed_in(customer.owner).cookies[name].value
    page.context.add_cookies([{"name": name, "value": value, "url": live_server.url}])
    return page


def populate(customer: Customer, count: int) -> None:
    if count > 5:
        fill(customer, count)
        return
    package = make_package(customer.application, agents=4, sip=1, now=timezone.now())
    for number, license in zip(range(count), [*licenses_of(package), None], strict=False):
        agent = make_agent(
            customer.application,
            name=f"Agent {number}",
            license=license,
            is_enabled=number != 2,
            phone="+8613800138000",
        )
        if number == 0:
            sip = licenses_of(package, LicenseKind.SIP)[0]
            make_telephone(customer.application, license=sip, agent=agent)


def _faults_in_every_look(page: Page, language: str, folder: Path, name: str) -> list[str]:
    wrong = []
    for width, scheme, options in LOOKS[language]:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        wrong += [f"{name} {width} {scheme}: {fault}" for fault in faults(page, options)]
        if os.environ.get("SCREENSHOTS"):
            name_of_look = f"{name}-{language}-{width}-{scheme}.png"
            page.screenshot(path=folder / name_of_look, full_page=True)
    return wrong


@pytest.mark.parametrize("count", [0, 5, MANY])
def test_the_page_is_accessible_in_every_look(
    visit: Page, customer: Customer, count: int, output_path: str
) -> None:
    populate(customer, count)
    wrong = []
    for language in LOOKS:
        User.objects.update(language=language)
        visit.set_viewport_size({"width": 1280, "height": 900})
        visit.goto(url(customer, "management"))
        wrong += _faults_in_every_look(visit, language, Path(output_path), f"agents-{count}")
        if count > 10_000:
            total = {"en": "10,000+ agents", "zh-hans": "10,000+ 个座席"}[language]
            expect(visit.get_by_text(total).first).to_be_visible()
            continue
        visit.get_by_role("link", name=ADD_AGENT).first.click()
        expect(
            visit.get_by_role("dialog", name=re.compile("Add an agent|添加座席"))
        ).to_be_visible()
        wrong += _faults_in_every_look(visit, language, Path(output_path), f"add-agent-{count}")
    assert wrong == []


def test_a_selection_is_licensed_and_the_search_kept_without_a_reload(
    visit: Page, customer: Customer
) -> None:
    make_package(customer.application, agents=2, now=timezone.now())
    for number in range(3):
        make_agent(customer.application, name=f"Ada {number}", staff_number=f"A{number}")
    make_agent(customer.application, name="Bob")
    visit.goto(url(customer, "management"))
    visit.evaluate("window.isSamePage = true")

    visit.get_by_role("searchbox").fill("ada")
    expect(visit).to_have_url(re.compile(r"\?search=ada$"))
    expect(visit.get_by_role("row")).to_have_count(4)
    visit.get_by_label("Choose Ada 0 (A0)").check()
    visit.get_by_label("Choose Ada 2 (A2)").check()
    expect(visit.get_by_text("2 selected")).to_be_visible()
    visit.get_by_role("button", name="Assign licenses").click()
    dialog = visit.get_by_role("dialog", name="Assign licenses")
    expect(dialog.get_by_text("2 agents get a license.")).to_be_visible()
    dialog.get_by_role("button", name="Assign", exact=True).click()

    expect(visit.get_by_text("2 agents got a license.")).to_be_visible()
    expect(visit.get_by_text("2 / 2")).to_be_visible()
    expect(visit.get_by_role("cell", name="In service")).to_have_count(2)
    expect(visit.get_by_role("row")).to_have_count(4)
    assert visit.evaluate("window.isSamePage") is True

    visit.get_by_role("link", name="Staff number").click()
    expect(visit).to_have_url(re.compile(r"\?search=ada&sort=staff_number$"))
    visit.go_back()
    expect(visit).to_have_url(re.compile(r"\?search=ada$"))
    expect(visit.get_by_role("searchbox")).to_have_value("ada")
    expect(visit.get_by_role("row")).to_have_count(4)


def test_a_file_is_checked_and_imported_before_one_s_eyes(
    visit: Page, customer: Customer, tmp_path: Path
) -> None:
    rows = [f"Imported {n},I{n},i{n}@example.com" for n in range(300)]
    file = tmp_path / "agents.csv"
    file.write_text("\n".join(["name,staff_number,email", *rows]))
    visit.goto(url(customer, "import"))
    visit.get_by_label("File").set_input_files(file)
    visit.get_by_role("button", name="Upload and check").click()
    visit.get_by_role("button", name="Import 300 rows").click()
    expect(visit.get_by_text("300 rows were imported.")).to_be_visible()
    assert Agent.objects.count() == 300
    assert faults(visit) == []


def test_an_import_that_stops_midway_is_continued_on_its_page(
    visit: Page, customer: Customer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_turns, "TURN", 100)
    write_turn = import_turns.write_turn
    takers: list[Agent] = []

    def turn(*args: Any, **options: Any) -> Any:
        if Agent.objects.count() == 200 and not takers:
            takers.append(make_agent(customer.application, name="Ada", staff_number="I250"))
        return write_turn(*args, **options)

    monkeypatch.setattr(import_turns, "write_turn", turn)
    rows = [f"Imported {n},I{n},i{n}@example.com" for n in range(300)]
    file = tmp_path / "agents.csv"
    file.write_text("\n".join(["name,staff_number,email", *rows]))
    visit.goto(url(customer, "import"))
    visit.get_by_label("File").set_input_files(file)
    visit.get_by_role("button", name="Upload and check").click()
    visit.get_by_role("button", name="Import 300 rows").click()
    expect(visit.get_by_text("200 of 300 rows are imported.")).to_be_visible()
    expect(visit.get_by_role("row", name="252 Staff number I250")).to_be_visible()
    assert faults(visit) == []

    takers[0].delete()
    visit.get_by_role("button", name="Check and import the remaining 100 rows").click()
    expect(visit.get_by_text("300 rows were imported.")).to_be_visible()
    assert Agent.objects.count() == 300
