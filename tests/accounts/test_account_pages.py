"""A person's profile, and the pages of an account."""

import re
from typing import Any

import pytest
from django.urls import reverse

from accounts.enums import Measure, Role, Theme
from accounts.models import Account, AuditEvent, User
from accounts.services.restrictions import restrict_account
from accounts.services.standings import Standing
from tests.factories import (
    NOW,
    make_account,
    make_application,
    make_member,
    make_user,
    owner_of,
    signed_in,
)
from tests.queries import FRAME

pytestmark = pytest.mark.django_db


def url(account: Account, name: str) -> str:
    return reverse(f"accounts:{name}", kwargs={"uin": account.uin})


# --- Profile -------------------------------------------------------------------------------


def test_the_profile_is_kept_and_speaks_at_once() -> None:
    user = make_user()
    client = signed_in(user)

    page = client.post(
        reverse("accounts:profile"),
        {"name": "Anna", "language": "zh-hans", "theme": "dark"},
        follow=True,
    )

    user.refresh_from_db()
    assert (user.name, user.language, user.theme) == ("Anna", "zh-hans", Theme.DARK)
    assert '<html lang="zh-hans" data-theme="dark">' in page.content.decode()


@pytest.mark.parametrize(
    ("chosen", "browser", "spoken"),
    [("zh-hans", "en", "zh-hans"), ("", "zh-cn", "zh-hans"), ("", "en", "en"), ("", "fr", "en")],
)
def test_the_persons_language_comes_before_the_browsers(
    chosen: str, browser: str, spoken: str
) -> None:
    user = make_user()
    User.objects.filter(pk=user.pk).update(language=chosen)

    page = signed_in(user).get(reverse("accounts:profile"), headers={"Accept-Language": browser})

    assert f'<html lang="{spoken}"' in page.content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", "x" * 65), ("name", "a\x00"), ("language", "xx"), ("theme", "pink"), ("theme", "")],
)
def test_bad_entries_of_the_profile_are_told_beside_their_field(field: str, value: str) -> None:
    data = {"name": "Anna", "language": "en", "theme": "auto", field: value}

    answer = signed_in(make_user()).post(reverse("accounts:profile"), data)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]


def test_the_profile_leads_to_password_and_second_factor() -> None:
    page = signed_in(make_user()).get(reverse("accounts:profile")).content.decode()

    for name in ("account_change_password", "mfa_index", "usersessions_list", "account_email"):
        assert reverse(name) in page


def test_the_tab_of_the_addresses_has_the_name_of_their_page() -> None:
    page = signed_in(make_user()).get(reverse("account_email")).content.decode()

    heading = re.search(r"<h1>\s*(.+?)\s*</h1>", page)
    tab = re.search(r'aria-current="page">\s*(.+?)\s*</a>', page)
    assert heading
    assert tab
    assert tab[1] == heading[1]


# --- Applications --------------------------------------------------------------------------


def test_applications_are_listed_with_what_higher_storeys_tell_of_them(settings: Any) -> None:
    settings.APPLICATION_STANDINGS = f"{__name__}.standings"
    account = make_account()
    make_application(account, "Beta")
    make_application(account, "Alpha")
    make_application(make_account(), "Foreign")

    page = signed_in(owner_of(account)).get(url(account, "applications"))

    rows = page.context["rows"]
    assert [row["application"].name for row in rows] == ["Alpha", "Beta"]
    assert "Expires in 3 days" in page.content.decode()


def standings(account: Account, now: Any) -> dict[int, Standing]:
    alpha = account.applications.get(name="Alpha")
    return {alpha.pk: Standing("active", "Premium", "Expires in 3 days")}


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("is_suspended", [False, True])
def test_activation_is_offered_to_owners_of_accounts_in_good_standing(
    role: str, is_suspended: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account()
    user = make_member(account, role)
    if is_suspended:
        restrict_account(
            account=account, measure=Measure.SUSPEND, case_number="V", reason="r", by=None, now=NOW
        )
    monkeypatch.setattr(
        "accounts.views.account._address",
        lambda name, **kwargs: "/activate-here/" if name == "billing:activate" else "",
    )

    page = signed_in(user).get(url(account, "applications"))

    is_offered = "/activate-here/" in page.content.decode()
    assert page.status_code == 200
    assert is_offered is (role == Role.OWNER and not is_suspended)


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_takes_the_same_number_of_queries(
    count: int, django_assert_num_queries: Any, settings: Any
) -> None:
    settings.APPLICATION_STANDINGS = ""
    account = make_account()
    for _number in range(count):
        make_application(account)
    client = signed_in(owner_of(account))
    client.get(url(account, "applications"))

    # Session, person, membership, the list; applications, accounts and news of the header.
    with django_assert_num_queries(FRAME + 7):
        client.get(url(account, "applications"))


# --- Name ----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("method", ["get", "post"])
def test_only_owners_rename_the_account(method: str, role: str) -> None:
    account = make_account(name="Before")

    answer = getattr(signed_in(make_member(account, role)), method)(
        url(account, "rename"), {"name": "After"}
    )

    account.refresh_from_db()
    is_done = method == "post" and role == Role.OWNER
    assert account.name == ("After" if is_done else "Before")
    assert AuditEvent.objects.filter(verb="account.renamed").count() == int(is_done)
    if role != Role.OWNER:
        assert answer.status_code == 403


def test_a_name_is_needed() -> None:
    account = make_account()

    answer = signed_in(owner_of(account)).post(
        url(account, "rename"), {"name": " "}, headers={"HX-Request": "true"}
    )

    assert answer.status_code == 422
    assert "<html" not in answer.content.decode()
