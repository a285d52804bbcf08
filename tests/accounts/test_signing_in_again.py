"""Signing in again in another tab does not lose what was typed in a dialog."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from tests import factories
from tests.factories import Customer

HTMX = {"HX-Request": "true"}


@pytest.fixture
def customer(db: None) -> Customer:
    return factories.make_customer()


def rename_url(customer: Customer) -> str:
    return reverse("accounts:rename", kwargs={"uin": customer.account.uin})


def send(customer: Customer, headers: dict[str, str]) -> Any:
    client = Client(enforce_csrf_checks=True)
    client.force_login(customer.owner)
    client.get(rename_url(customer))
    return client.post(rename_url(customer), {"name": "New"}, headers=headers), client


@pytest.mark.django_db
def test_the_same_person_gets_a_token_for_the_next_press(customer: Customer) -> None:
    person = str(customer.owner.pk)

    answer, client = send(customer, HTMX | {"X-Console-Person": person, "X-CSRFToken": "x" * 64})

    assert (answer.status_code, answer.headers["X-Problem"]) == (403, "token")
    customer.account.refresh_from_db()
    assert customer.account.name != "New"
    token = answer.headers["X-CSRFToken"]
    again = client.post(
        rename_url(customer), {"name": "New"}, headers=HTMX | {"X-CSRFToken": token}
    )
    assert again.headers["HX-Redirect"]
    customer.account.refresh_from_db()
    assert customer.account.name == "New"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        pytest.param(HTMX, None, id="a page that does not say whose it is"),
        pytest.param({}, None, id="a plain form"),
    ],
)
def test_anybody_else_gets_none(
    customer: Customer, headers: dict[str, str], problem: str | None
) -> None:
    answer, _client = send(customer, headers)

    assert answer.status_code == 403
    assert answer.headers.get("X-Problem") == problem
    assert "X-CSRFToken" not in answer.headers
    assert "Go back" in answer.text


@pytest.mark.django_db(transaction=True)
def test_a_dialog_keeps_what_was_typed(
    page: Page, context: BrowserContext, live_server: LiveServer, browser_problems: list[str]
) -> None:
    customer = factories.make_customer()

    def sign_in() -> None:
        client = Client()
        client.force_login(customer.owner)
        names = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
        # Signing in rotates the token of forms.
        context.clear_cookies(name=settings.CSRF_COOKIE_NAME)
        for name in names:
            if name in client.cookies:
                value = client.cookies[name].value
                context.add_cookies([{"name": name, "value": value, "url": live_server.url}])

    sign_in()
    page.goto(reverse("accounts:applications", kwargs={"uin": customer.account.uin}))
    page.get_by_role("link", name="Rename the account").click()
    name = page.get_by_role("dialog").get_by_label("Name")
    name.fill("Typed with care")
    save = page.get_by_role("dialog").locator("form button[type=submit]")
    sign_in()

    save.click()

    expect(page.get_by_text("What you typed is still here.")).to_be_visible()
    expect(name).to_have_value("Typed with care")
    assert Account.objects.get(pk=customer.account.pk).name != "Typed with care"
    save.click()
    expect(page.get_by_text("The account was renamed.")).to_be_visible()
    assert Account.objects.get(pk=customer.account.pk).name == "Typed with care"
    browser_problems.clear()
