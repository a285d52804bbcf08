"""People choose how the console looks and speaks, signed in or not."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.enums import Theme
from accounts.models import User


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("mei@example.com", "a-long-password")


def theme_of(client: Client) -> str:
    page = client.get(reverse("account_login"), follow=True).content.decode()
    return page.partition('data-theme="')[2].partition('"')[0]


@pytest.mark.django_db
def test_a_visitors_theme_lives_in_the_browser(client: Client) -> None:
    assert theme_of(client) == Theme.AUTO

    response = client.post(reverse("set_theme"), {"theme": "dark", "next": "/auth/login/"})

    assert (response.status_code, response["Location"]) == (302, "/auth/login/")
    assert theme_of(client) == Theme.DARK


def test_a_users_theme_is_the_same_in_every_browser(client: Client, user: User) -> None:
    client.force_login(user)
    client.post(reverse("set_theme"), {"theme": "dark"})

    user.refresh_from_db()
    assert user.theme == Theme.DARK

    other = Client()
    other.force_login(user)
    page = other.get(reverse("account_change_password")).content.decode()
    assert 'data-theme="dark"' in page


def test_a_script_gets_no_page(client: Client, user: User) -> None:
    client.force_login(user)

    response = client.post(
        reverse("set_theme"), {"theme": "dark"}, headers={"accept": "application/json"}
    )

    user.refresh_from_db()
    assert (response.status_code, user.theme) == (204, Theme.DARK)


@pytest.mark.parametrize("theme", ["", "pink", "DARK", "\x00"])
def test_what_is_no_theme_changes_nothing(client: Client, user: User, theme: str) -> None:
    client.force_login(user)

    response = client.post(reverse("set_theme"), {"theme": theme, "next": "/auth/login/"})

    user.refresh_from_db()
    assert user.theme == Theme.AUTO
    assert "theme" not in response.cookies


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)", ""]
)
def test_the_way_back_stays_on_this_site(client: Client, url: str) -> None:
    response = client.post(reverse("set_theme"), {"theme": "dark", "next": url})

    assert response["Location"] == "/"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["set_theme", "set_language"])
def test_nothing_is_chosen_by_following_a_link(client: Client, name: str) -> None:
    response = client.get(reverse(name), {"theme": "dark", "language": "zh-hans"})

    assert response.status_code != 200
    assert not {"theme", "django_language"} & set(response.cookies)


def test_a_users_language_is_spoken_in_every_browser(client: Client, user: User) -> None:
    client.force_login(user)
    client.post(reverse("set_language"), {"language": "zh-hans", "next": "/"})

    user.refresh_from_db()
    assert user.language == "zh-hans"

    other = Client(headers={"accept-language": "en"})
    other.force_login(user)
    page = other.get(reverse("account_change_password")).content.decode()
    assert '<html lang="zh-hans"' in page


@pytest.mark.parametrize("language", ["", "fr", "zh", "\x00"])
def test_what_is_no_language_of_ours_changes_nothing(
    client: Client, user: User, language: str
) -> None:
    client.force_login(user)
    client.post(reverse("set_language"), {"language": language, "next": "/"})

    user.refresh_from_db()
    assert user.language == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url", ["nosuchview", "home", "accounts:list", "a/b", "", "\0", "http://["]
)
def test_what_is_no_path_of_this_site_leads_to_the_start(url: str) -> None:
    answer = Client().post("/theme/", {"theme": "dark", "next": url})

    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
