"""Links in mail begin with CONSOLE_URL, whatever host a request names."""

import re
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.enums import Role
from tests.factories import PASSWORD, make_account, make_user

pytestmark = pytest.mark.django_db

CONSOLE = "https://console.example"
SIGN_UP = {
    "name": "Nora New",
    "email": "nora@example.com",
    "password1": PASSWORD,
    "password2": PASSWORD,
    "entity_name": "Nora Ltd",
    "kind": "enterprise",
    "registration_number": "HRB 77",
    "account_name": "Main",
}


@pytest.mark.parametrize("host", ["127.0.0.1:99999", "evil.example"])
def test_a_forged_host_is_in_no_mail(host: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.CONSOLE_URL = CONSOLE
    owner = make_user("known@example.com")
    account = make_account(owner=owner)
    client, visitor = Client(HTTP_HOST=host), Client(HTTP_HOST=host)
    client.force_login(owner)

    visitor.post(reverse("account_signup"), SIGN_UP)
    visitor.post(reverse("account_signup"), {**SIGN_UP, "email": owner.email})
    for email in (owner.email, "unknown@example.com"):
        visitor.post(reverse("account_reset_password"), {"email": email})
    client.post(
        reverse("accounts:member_invite", kwargs={"uin": account.uin}),
        {"email": "guest@example.com", "role": Role.VIEWER},
    )
    call_command("send_notifications", verbosity=0)

    assert len(mail.outbox) == 5
    for message in mail.outbox:
        html = [str(content) for content, _kind in getattr(message, "alternatives", [])]
        text = "\n".join([str(message.subject), str(message.body), *html])
        links = re.findall(r"https?://[^\s\"<]+", text)
        assert links, message.subject
        assert all(link.startswith(f"{CONSOLE}/") for link in links), links
        assert host not in text or message.subject == "", message.subject
