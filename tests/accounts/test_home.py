"""Where people arrive, and that two accounts can be worked in side by side."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.access import PERMISSIONS_OF_ROLE, Permission
from accounts.enums import Role
from accounts.models import Account
from tests.factories import make_account, make_application, make_member, make_user

pytestmark = pytest.mark.django_db


def start(account: Account) -> str:
    return reverse("start", kwargs={"uin": account.uin})


def test_strangers_are_asked_to_sign_in(client: Client) -> None:
    assert client.get("/").headers["Location"] == "/auth/login/?next=/"


@pytest.mark.parametrize(
    ("accounts", "is_staff", "where"),
    [
        (0, False, "/accounts/new/"),
        (0, True, "/admin/"),
        (1, False, "start"),
        (1, True, "start"),
        (2, False, "/accounts/"),
    ],
)
def test_people_are_led_to_where_they_work(
    client: Client, accounts: int, is_staff: bool, where: str
) -> None:
    user = make_user(is_staff=is_staff)
    mine = [make_account(owner=user) for _number in range(accounts)]
    client.force_login(user)

    assert client.get("/").headers["Location"] == (start(mine[0]) if where == "start" else where)


def test_the_choice_shows_the_persons_own_accounts_only(client: Client) -> None:
    user = make_user()
    mine = make_account(name="Mine", owner=user)
    shared = make_account(name="Shared")
    make_member(shared, Role.VIEWER, user=user)
    make_account(name="Someone else's")
    client.force_login(user)

    places = client.get(reverse("accounts:list")).context["places"]

    assert [(place.account, place.role) for place in places] == [
        (mine, Role.OWNER),
        (shared, Role.VIEWER),
    ]


def test_two_tabs_show_two_accounts_at_once(client: Client) -> None:
    user = make_user()
    one, other = make_account(name="One", owner=user), make_account(name="Other", owner=user)
    make_application(one, "First desk")
    make_application(other, "Second desk")
    client.force_login(user)
    tabs = [reverse("accounts:applications", kwargs={"uin": a.uin}) for a in (one, other)]

    seen = [client.get(tabs[number]).content.decode() for number in (0, 1, 0, 1)]

    assert ["First desk" in page for page in seen] == [True, False, True, False]
    assert ["Second desk" in page for page in seen] == [False, True, False, True]


def test_the_weakest_role_reads_no_more_than_an_agent_manager() -> None:
    reading = {Permission.READ, Permission.READ_MONEY, Permission.READ_AUDIT}
    reads = {role: PERMISSIONS_OF_ROLE[role] & reading for role in Role.values}
    assert reads == {
        Role.OWNER: reading,
        Role.FINANCE: reading,
        Role.AGENT_MANAGER: {Permission.READ},
        Role.VIEWER: {Permission.READ},
    }
    assert PERMISSIONS_OF_ROLE[Role.VIEWER] < PERMISSIONS_OF_ROLE[Role.AGENT_MANAGER]


@pytest.mark.parametrize("role", Role.values)
def test_money_and_audit_trail_are_in_the_navigation_of_those_who_read_them(role: str) -> None:
    account = make_account()
    client = Client()
    client.force_login(make_member(account, role))
    page = client.get(start(account)).content.decode()
    reads_money = role in {Role.OWNER, Role.FINANCE}
    for name in ("billing:orders", "billing:funds", "billing:refunds", "accounts:audit"):
        url = reverse(name, kwargs={"uin": account.uin})
        assert (f'href="{url}"' in page) is reads_money, name
