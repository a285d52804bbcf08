"""From signing up to an account of one's own, without telling anyone who has a sign-in."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.enums import Role
from accounts.models import Account, Entity, Membership, PendingAccount, User
from accounts.services.people import register_person
from tests.factories import NOW, PASSWORD, make_account, make_member, make_user

pytestmark = pytest.mark.django_db

FORM = {
    "name": "Nora New",
    "email": "nora@example.com",
    "password1": PASSWORD,
    "password2": PASSWORD,
    "entity_name": "Nora Ltd",
    "kind": "enterprise",
    "registration_number": "hrb  77 ",
    "account_name": "Main",
}


@pytest.fixture(autouse=True)
def _many_attempts(settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = False


def sign_up(client: Client, **changes: str) -> Any:
    return client.post(reverse("account_signup"), {**FORM, **changes})


def link_in_mail() -> str:
    found = re.search(r"https?://[^/]+(/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_the_account_is_opened_once_the_address_is_confirmed(client: Client) -> None:
    sign_up(client)
    assert (Entity.objects.count(), Account.objects.count()) == (0, 0)

    client.get(link_in_mail())
    assert Account.objects.count() == 0, "looking at a link changes nothing"
    page = client.post(link_in_mail(), follow=True)

    membership = Membership.objects.get(user__email="nora@example.com")
    entity = membership.account.entity
    assert (membership.role, membership.account.name) == (Role.OWNER, "Main")
    assert (entity.name, entity.registration_number) == ("Nora Ltd", "HRB 77")
    assert membership.user.name == "Nora New"
    assert PendingAccount.objects.count() == 0
    assert page.redirect_chain[-1][0] == reverse("start", kwargs={"uin": membership.account.uin})


def test_nobody_signs_in_before_the_address_is_confirmed(client: Client) -> None:
    sign_up(client)
    other = Client()

    other.post(reverse("account_login"), {"login": FORM["email"], "password": PASSWORD})

    assert "_auth_user_id" not in other.session


def test_a_known_address_gets_the_same_answer_and_a_message(client: Client) -> None:
    make_user("known@example.com")
    unknown = sign_up(client)
    known = sign_up(Client(), email="known@example.com", registration_number="other")

    assert (known.status_code, known.headers["Location"]) == (
        unknown.status_code,
        unknown.headers["Location"],
    )
    assert [message.to for message in mail.outbox] == [["nora@example.com"], ["known@example.com"]]
    assert User.objects.filter(email="known@example.com").count() == 1
    assert Account.objects.count() == 0


def test_a_registered_company_is_told_beside_its_field(client: Client) -> None:
    taken = make_account().entity.registration_number

    answer = sign_up(client, registration_number=f" {taken.lower()} ")

    assert list(answer.context["form"].errors) == ["registration_number"]
    assert "Ask an owner of its account" in answer.content.decode()
    assert not User.objects.filter(email=FORM["email"]).exists()


def test_a_company_registered_meanwhile_leaves_a_form_to_mend(client: Client) -> None:
    sign_up(client)
    taken = make_account().entity
    PendingAccount.objects.update(registration_number=taken.registration_number)

    page = client.post(link_in_mail(), follow=True)

    assert page.redirect_chain[-1][0] == reverse("accounts:open")
    assert "is already registered" in page.content.decode()
    assert page.context["form"]["entity_name"].value() == "Nora Ltd"
    client.post(reverse("accounts:open"), {**FORM, "registration_number": "HRB 78"})
    assert Account.objects.get(memberships__user__email=FORM["email"]).name == "Main"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a\x00b"),
        ("entity_name", "a\nb"),
        ("entity_name", "x" * 201),
        ("kind", "club"),
        ("registration_number", "   "),
        ("account_name", ""),
        ("password2", "something else"),
        ("email", "no address"),
    ],
)
def test_bad_entries_are_told_beside_their_field(client: Client, field: str, value: str) -> None:
    answer = sign_up(client, **{field: value})

    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]
    assert User.objects.count() == 0


# --- Further accounts ----------------------------------------------------------------------


def test_an_owner_opens_a_further_account_of_the_same_company(client: Client) -> None:
    owner = make_user()
    first = make_account(owner=owner)
    client.force_login(owner)

    client.post(reverse("accounts:open"), {"entity": first.entity_id, "account_name": "Second"})

    second = Account.objects.exclude(pk=first.pk).get()
    assert (second.entity, second.name) == (first.entity, "Second")
    assert second.uin != first.uin


def test_a_mere_member_cannot_open_an_account_of_the_company(client: Client) -> None:
    first = make_account()
    client.force_login(make_member(first, Role.FINANCE))

    answer = client.post(
        reverse("accounts:open"), {"entity": first.entity_id, "account_name": "Second"}
    )

    assert answer.status_code == 422
    assert Account.objects.count() == 1


def test_a_company_has_no_more_accounts_than_it_may(client: Client, settings: Any) -> None:
    settings.ACCOUNT_LIMIT = 1
    owner = make_user()
    first = make_account(owner=owner)
    client.force_login(owner)

    answer = client.post(
        reverse("accounts:open"), {"entity": first.entity_id, "account_name": "Second"}
    )

    assert "at most 1 accounts" in answer.content.decode()
    assert Account.objects.count() == 1


def test_a_person_made_by_staff_gets_in_by_choosing_a_password(client: Client) -> None:
    user = register_person(email="Staff-Made@example.com", name="", by=None, now=NOW)

    client.post(reverse("account_reset_password"), {"email": user.email})
    page = client.get(link_in_mail(), follow=True)
    client.post(page.redirect_chain[-1][0], {"password1": PASSWORD, "password2": PASSWORD})
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})

    assert client.session["_auth_user_id"] == str(user.pk)
