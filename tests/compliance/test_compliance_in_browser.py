"""A case and a connection request as both sides live them, in a real browser."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from compliance.models import Violation
from compliance.services.standing import annulled_time, has_approved_connection
from tests.factories import (
    PDF,
    Customer,
    make_case,
    make_connection_request,
    make_customer,
    make_member,
    make_staff,
    signed_in,
)
from tests.looks import CONTRAST, WCAG, faults, width_fault

pytestmark = pytest.mark.django_db(transaction=True)


class Stage:
    """One browser window that people take turns at."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._url = url

    def enter(self, user: User) -> None:
        """Let `user` sit down."""
        name = settings.SESSION_COOKIE_NAME
        value = signed_in(user).cookies[name].value
        self.page.context.add_cookies([{"name": name, "value": value, "url": self._url}])

    def click(self, name: str, role: Any = "link") -> None:
        """Use the one link or button of this name."""
        self.page.get_by_role(role, name=name, exact=True).click()

    def sees(self, text: str) -> None:
        """Expect a text in the page's main part."""
        expect(self.page.get_by_role("main").get_by_text(text).first).to_be_visible()


@pytest.fixture
def stage(page: Page, live_server: LiveServer) -> Stage:
    return Stage(page, live_server.url)


@pytest.fixture
def customer() -> Customer:
    return make_customer(name="Harbour Retail", now=timezone.now())


def _report(stage: Stage, customer: Customer) -> None:
    stage.page.goto("/admin/compliance/violation/")
    stage.click("Add violation")
    stage.page.get_by_label("Account (UIN)").fill(customer.account.uin)
    stage.page.get_by_label("Application (SDKAppID)").fill(str(customer.application.sdkappid))
    stage.page.get_by_label("Alleged behavior").select_option(
        label="2. Harassment (Serious violation)"
    )
    stage.page.get_by_label("What happened").fill("Someone was called nine times in an hour.")
    stage.page.get_by_label("Complaint number").fill("CP-2041")
    stage.click("Report a violation", "button")


def test_from_complaint_to_suspension_to_appeal_to_overturn(
    stage: Stage, customer: Customer, tmp_path: Path
) -> None:
    handler, colleague = make_staff(), make_staff()
    console = f"/console/{customer.account.uin}"

    stage.enter(handler)
    _report(stage, customer)
    stage.click("Start the investigation")
    stage.click("Start the investigation", "button")
    stage.click("Verify")
    stage.page.get_by_label("What was found").fill("The call records show nine calls.")
    stage.click("Verify", "button")
    stage.click("Take the measure")
    stage.page.get_by_label("Measure").select_option(label="Service suspended")
    stage.page.get_by_label("Reason").fill("Repeated calls after a clear no.")
    stage.click("Take the measure", "button")
    expect(stage.page.get_by_text("Nothing was changed yet.").first).to_be_visible()
    stage.click("Take a measure: awaiting approval")
    stage.sees("You recorded or handled this, so another person must decide it.")
    case = Violation.objects.get()
    assert case.state == "verified"

    stage.enter(make_staff())
    stage.page.goto("/admin/")
    stage.page.get_by_role("link", name="Take a measure").first.click()
    for fact in ("Harbour Retail", customer.account.uin, "Service suspended", "The call records"):
        stage.sees(fact)
    stage.click("Approve")
    stage.sees("Repeated calls after a clear no.")
    stage.page.get_by_label("Reason").fill("I read the records too.")
    stage.click("Approve", "button")
    expect(stage.page.get_by_text("Approved and carried out.").first).to_be_visible()

    stage.enter(customer.owner)
    stage.page.goto(f"{console}/")
    stage.page.get_by_role("navigation", name="Account").get_by_role(
        "link", name="Violations"
    ).click()
    stage.sees("This account is suspended.")
    stage.page.get_by_role("main").get_by_role("link", name=case.number).last.click()
    stage.sees("Refunds of packages and agents, used or unused")
    stage.sees("The call records show nine calls.")
    stage.click("Appeal")
    dialog = stage.page.get_by_role("dialog", name=f"Appeal violation {case.number}")
    expect(dialog).to_be_visible()
    stage.click("Send the appeal", "button")
    expect(dialog.get_by_text("This field is required.").first).to_be_visible()
    proof = tmp_path / "call log.pdf"
    proof.write_bytes(PDF)
    dialog.get_by_label("Your statement").fill("Another company uses a number like ours.")
    dialog.get_by_label("Files").set_input_files(proof)
    stage.click("Send the appeal", "button")
    stage.sees("Your appeal was received.")
    stage.sees("Another company uses a number like ours.")
    stage.sees("call log.pdf")

    stage.enter(handler)
    appeal = case.appeals.get()
    stage.page.goto(f"/admin/compliance/appeal/{appeal.pk}/change/")
    stage.sees("You recorded or handled this, so another person must decide it.")

    stage.enter(colleague)
    stage.page.goto("/admin/compliance/appeal/")
    stage.click(case.number)
    stage.click("Overturn the violation")
    stage.page.get_by_label("Reason").fill("The number was indeed another one.")
    stage.click("Overturn the violation", "button")
    stage.sees("The violation was overturned, and the customer was notified.")

    stage.enter(customer.owner)
    stage.page.goto(f"{console}/violations/{case.number}/")
    stage.sees("The violation was overturned.")
    stage.sees("The number was indeed another one.")
    stage.page.goto(f"{console}/violations/")
    expect(stage.page.get_by_text("This account is suspended.")).to_have_count(0)
    now = timezone.now()
    assert annulled_time(customer.account, since=now - timedelta(1), until=now) > timedelta(0)


def _declare(stage: Stage, scenario: str, description: str) -> None:
    page = stage.page
    page.get_by_label("Industry and scenario").select_option(label=scenario)
    page.get_by_label("Describe the business").fill(description)
    page.get_by_label("Inbound only: people call you").check()
    page.get_by_label("No, we call only people who know us or agreed to it").check()
    page.get_by_label("Calls a day, about").fill("200")
    stage.click("Send the request", "button")


def test_a_request_is_refused_and_another_one_approved(stage: Stage, customer: Customer) -> None:
    manager = make_member(customer.account, "agent_manager")
    console = f"/console/{customer.account.uin}"

    stage.enter(manager)
    stage.page.goto(f"{console}/connections/")
    stage.click("Request a connection")
    expect(stage.page.get_by_role("heading", name="Prohibited and restricted uses")).to_be_visible()
    _declare(stage, "Feudal superstition", "Telling the future by telephone.")
    stage.sees("This business cannot be connected.")
    stage.sees("This service cannot be connected: Feudal superstition.")

    stage.page.goto(f"{console}/connections/")
    stage.click("Request a connection")
    _declare(
        stage,
        "An ordinary business that is not on this list",
        "Answers questions about deliveries.",
    )
    stage.sees("The request was received and is under review.")
    number = stage.page.get_by_role("heading", level=1).inner_text().split()[0]
    assert not has_approved_connection(customer.application.pk)

    stage.enter(make_staff())
    stage.page.goto("/admin/compliance/connectionrequest/?state=review")
    stage.click(number)
    stage.sees("This business is not on the list, so our staff will review it.")
    stage.click("Approve")
    stage.page.get_by_label("Reason").fill("Calls of the company's own customers.")
    stage.click("Approve", "button")
    stage.sees("The request was approved, and the customer was notified.")

    stage.enter(manager)
    stage.page.goto(f"{console}/connections/{number}/")
    stage.sees("This business can be connected.")
    stage.sees("Calls of the company's own customers.")
    assert has_approved_connection(customer.application.pk)


def test_a_request_is_withdrawn_in_a_dialog(stage: Stage, customer: Customer) -> None:
    made = make_connection_request(customer, now=timezone.now())
    stage.enter(customer.owner)
    stage.page.goto(f"/console/{customer.account.uin}/connections/{made.number}/")
    stage.click("Withdraw")
    stage.click("Keep the request")
    expect(stage.page.get_by_role("dialog")).to_have_count(0)
    stage.click("Withdraw")
    stage.click("Withdraw the request", "button")
    stage.sees(f"Request {made.number} was withdrawn.")


def test_the_pages_are_accessible_in_both_themes(stage: Stage, customer: Customer) -> None:
    now = timezone.now()
    case = make_case(customer, now=now)
    other = make_customer(name="Meridian Travel", now=now)
    made = make_connection_request(other, now=now)
    mine = f"/console/{customer.account.uin}"
    theirs = f"/console/{other.account.uin}"
    turns = {
        customer.owner: [
            "/guidelines/",
            f"{mine}/violations/",
            f"{mine}/violations/{case.number}/",
            f"{mine}/violations/{case.number}/appeal/",
        ],
        other.owner: [
            f"{theirs}/violations/",
            f"{theirs}/connections/",
            f"{theirs}/connections/{made.number}/",
            f"{theirs}/connections/new/",
            f"{theirs}/connections/{made.number}/withdraw/",
        ],
    }
    wrong = []
    for user, urls in turns.items():
        stage.enter(user)
        for url in urls:
            stage.page.goto(url)
            # Light and dark differ in colors alone.
            looks: list[tuple[Any, Any]] = [("light", WCAG), ("dark", CONTRAST)]
            for scheme, options in looks:
                stage.page.emulate_media(color_scheme=scheme)
                wrong += [f"{url} {scheme}: {fault}" for fault in faults(stage.page, options)]
    assert wrong == []


def test_no_page_is_wider_than_the_window(stage: Stage, customer: Customer) -> None:
    now = timezone.now()
    case = make_case(customer, now=now)
    console = f"/console/{customer.account.uin}"
    stage.enter(customer.owner)
    wide = []
    for path in (
        "/violations/",
        f"/violations/{case.number}/",
        "/connections/",
        "/connections/new/",
    ):
        stage.page.goto(console + path)
        for width in (360, 768, 1280, 3840):
            stage.page.set_viewport_size({"width": width, "height": 800})
            wide += [f"{path} {width}: {fault}" for fault in width_fault(stage.page)]
    assert wide == []
