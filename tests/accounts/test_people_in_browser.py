"""People and their accounts in a real browser, found by visible words only."""

import re
from typing import Any

import pytest
from django.core import mail
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.enums import Role
from accounts.models import Account, Membership, User
from tests.factories import PASSWORD, make_account, make_member, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def sign_in(page: Page, user: User) -> None:
    page.goto("/")
    page.get_by_label("Email address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in")).to_have_count(0)


def link_in_mail() -> str:
    found = re.search(r"https?://\S+", str(mail.outbox[-1].body))
    assert found
    return found[0]


def test_from_sign_up_to_an_account_with_a_second_member(
    page: Page, live_server: LiveServer, settings: Any
) -> None:
    settings.CONSOLE_URL = live_server.url
    page.goto("/")
    page.get_by_role("link", name="Create an account").click()
    for label, value in [
        ("Your name", "Nora New"),
        ("Email address", "nora@example.com"),
        ("Password", PASSWORD),
        ("Password (again)", PASSWORD),
        ("Company name", "Nora Ltd"),
        ("Registration number", "HRB 77"),
        ("Account name", "Harbour"),
    ]:
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Create an account").click()
    page.wait_for_url("**/confirm-email/")
    page.goto(link_in_mail())
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/console/*/")
    assert Account.objects.get().name == "Harbour"

    page.get_by_role("link", name="Members").click()
    page.get_by_role("link", name="Invite a member").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Send the invitation").click()
    expect(dialog.get_by_text("This field is required.")).to_be_visible()
    dialog.get_by_label("Email address").fill("felix@example.com")
    dialog.get_by_role("radio", name=re.compile("Finance")).check()
    dialog.get_by_role("button", name="Send the invitation").click()
    expect(page.get_by_text("An invitation was sent to felix@example.com.")).to_be_visible()

    felix = make_user("felix@example.com")
    page.context.clear_cookies()
    page.goto(link_in_mail())
    page.get_by_role("link", name="Sign in", exact=True).last.click()
    page.get_by_label("Email address").fill(felix.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("button", name="Accept the invitation").click()
    page.wait_for_url("**/console/*/")
    assert Membership.objects.get(user=felix).role == Role.FINANCE


def test_a_passkey_is_added_and_signs_in_without_a_password(page: Page) -> None:
    user = make_user(name="Olivia Owner")
    make_account(name="Harbour", owner=user)
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    sign_in(page, user)

    page.goto("/auth/2fa/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name").fill("Laptop")
    page.get_by_label(re.compile("[Pp]asskey|[Pp]asswordless")).check()
    page.get_by_role("button", name=re.compile("Add|Create")).click()
    page.wait_for_url("**/auth/2fa/**")
    expect(page.get_by_text("Recovery", exact=False).first).to_be_visible()
    page.context.clear_cookies()

    page.goto("/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/console/*/")
    expect(page.get_by_text("Olivia Owner").first).to_be_attached()


def test_the_last_owner_is_told_in_the_dialog(page: Page) -> None:
    account = make_account(name="Harbour", owner=make_user("olivia@example.com"))
    make_member(account)
    sign_in(page, User.objects.get(email="olivia@example.com"))
    page.get_by_role("link", name="Members").click()
    page.wait_for_url("**/members/")

    page.get_by_role("link", name="Leave the account").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Leave the account").click()

    expect(dialog.get_by_text("The account needs an owner")).to_be_visible()
    assert account.memberships.count() == 2
