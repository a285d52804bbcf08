"""Sessions: how long they live, which factor they gave, and which person a tab acts for."""

import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.middleware import SessionLimitMiddleware
from accounts.models import User
from tests.factories import PASSWORD, make_account, make_user

pytestmark = pytest.mark.django_db
LOGIN = "/auth/login/"
OWN_PAGE = "/profile/"


@pytest.fixture(autouse=True)
def _no_earlier_attempts(transactional_db: None) -> Any:
    cache.clear()
    yield
    cache.clear()


def sign_in(email: str, password: str = PASSWORD, **kwargs: Any) -> Client:
    client = Client(**kwargs)
    client.post(LOGIN, {"login": email, "password": password})
    return client


def is_in(client: Client, url: str = OWN_PAGE) -> bool:
    return bool(client.get(url).status_code == 200)


def make_administrator() -> User:
    user = make_user(is_staff=True)
    user.is_superuser = True
    user.save()
    return user


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


def enroll(client: Client) -> str:
    """Set up an authenticator app on the page, and return the code that proved it."""
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    code = code_of(page.context["form"].secret)
    answer = client.post(reverse("mfa_activate_totp"), {"code": code})
    assert answer.status_code == 302
    return code


# --- How long ------------------------------------------------------------------------------


def age(client: Client, seconds: float) -> None:
    session = client.session
    session[SessionLimitMiddleware.KEY] = int(time.time() - seconds)
    session.save()


@pytest.mark.parametrize(
    ("is_staff", "hours", "goes_on"),
    [
        pytest.param(False, 7 * 24 - 1, True, id="customer-within-seven-days"),
        pytest.param(False, 7 * 24 + 1, False, id="customer-after-seven-days"),
        pytest.param(True, 11, True, id="staff-within-twelve-hours"),
        pytest.param(True, 13, False, id="staff-after-twelve-hours"),
    ],
)
def test_a_session_ends_however_busy_it_is(
    settings: Any, is_staff: bool, hours: int, goes_on: bool
) -> None:
    settings.STAFF_SECOND_FACTOR = False
    user = make_user(is_staff=is_staff)
    client = sign_in(user.email)
    assert is_in(client)

    age(client, hours * 3600)

    answer = client.get(OWN_PAGE)
    assert (answer.status_code == 200) is goes_on
    if not goes_on:
        assert answer.headers["Location"] == f"{LOGIN}?next={OWN_PAGE}"
        assert not is_in(client)


def test_an_htmx_request_of_an_ended_session_leads_the_window_to_signing_in() -> None:
    client = sign_in(make_user().email)
    age(client, 8 * 86_400)
    answer = client.get(OWN_PAGE, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"].startswith(LOGIN)


# --- The second factor ---------------------------------------------------------------------


def test_a_session_from_before_enrollment_is_over() -> None:
    user = make_user()
    enrolling, other = sign_in(user.email), sign_in(user.email)
    enroll(enrolling)
    assert (is_in(enrolling), is_in(other)) == (True, False)


def test_a_password_alone_opens_the_administration_to_nobody_with_a_factor(settings: Any) -> None:
    settings.STAFF_SECOND_FACTOR = True
    user = make_administrator()
    enrolling = sign_in(user.email)
    assert enrolling.get("/admin/").headers["Location"] == reverse("mfa_index")
    enroll(enrolling)
    assert is_in(enrolling, "/admin/")

    # However it came about: a session that never gave the factor.
    without = Client()
    without.force_login(user)
    answer = without.get("/admin/accounts/user/")
    assert answer.headers["Location"] == (
        f"{reverse('mfa_reauthenticate')}?next=%2Fadmin%2Faccounts%2Fuser%2F"
    )


def test_giving_the_factor_later_opens_it(settings: Any) -> None:
    settings.STAFF_SECOND_FACTOR = True
    user = make_administrator()
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    client = Client()
    client.force_login(user)
    assert not is_in(client, "/admin/")
    client.post(reverse("mfa_reauthenticate"), {"code": code_of(secret)})
    assert is_in(client, "/admin/")


@pytest.mark.parametrize(
    "name",
    [
        "mfa_deactivate_totp",
        "mfa_generate_recovery_codes",
        "mfa_view_recovery_codes",
        "mfa_add_webauthn",
        "account_email",
        "account_change_password",
        "account_reauthenticate",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_password_alone_does_not_change_how_to_sign_in(name: str, method: str) -> None:
    user = make_user()
    TOTP.activate(user, generate_totp_secret())
    client = Client()
    client.force_login(user)

    answer = getattr(client, method)(reverse(name), {"password": PASSWORD})

    assert answer.headers["Location"].startswith(reverse("mfa_reauthenticate"))
    assert Authenticator.objects.filter(user=user, type="totp").exists()


def test_the_code_that_proved_a_new_app_opens_no_sign_in() -> None:
    user = make_user()
    code = enroll(sign_in(user.email))
    client = sign_in(user.email)
    answer = client.post(reverse("mfa_authenticate"), {"code": code})
    assert answer.status_code == 200
    assert not is_in(client)


def test_removing_the_factor_ends_the_other_sessions() -> None:
    user = make_user()
    owner = sign_in(user.email)
    enroll(owner)
    other = Client()
    other.force_login(user)
    other.get(OWN_PAGE)
    owner.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.filter(user=user, type="totp").exists()
    assert (is_in(owner), is_in(other)) == (True, False)


# --- Strangers who fail on purpose -----------------------------------------------------------


def fail(email: str, ip: str) -> None:
    for _attempt in range(6):
        sign_in(email, "wrong", REMOTE_ADDR=ip)


def test_a_stranger_does_not_lock_a_person_out_of_a_browser_they_use() -> None:
    user = make_user()
    own = sign_in(user.email)
    own.post("/auth/logout/")
    fail(user.email, "10.0.0.9")

    own.post(LOGIN, {"login": user.email, "password": PASSWORD})
    assert is_in(own)
    # A new browser waits, as before.
    assert not is_in(sign_in(user.email))


def test_the_cookie_of_a_browser_is_no_way_round_the_limit() -> None:
    user, other = make_user(), make_user()
    own = sign_in(user.email)
    own.post("/auth/logout/")
    for _attempt in range(6):
        own.post(LOGIN, {"login": user.email, "password": "wrong"})
    own.post(LOGIN, {"login": user.email, "password": PASSWORD})
    assert not is_in(own)

    # Nor does it count for a person who never signed in there.
    fail(other.email, "10.0.0.9")
    thief = sign_in(user.email, REMOTE_ADDR="10.0.0.10")
    thief.post("/auth/logout/")
    thief.post(LOGIN, {"login": other.email, "password": PASSWORD})
    assert not is_in(thief)


# --- Two people, one browser -----------------------------------------------------------------


def test_a_tab_that_shows_somebody_else_acts_for_nobody() -> None:
    first, second = make_user(), make_user()
    client = sign_in(second.email)
    shown = {"HX-Request": "true", "X-Console-Person": str(first.pk)}

    answer = client.post("/profile/", {"name": "Renamed"}, headers=shown)

    assert answer.headers["HX-Redirect"] == "/"
    assert User.objects.get(pk=second.pk).name != "Renamed"
    assert "Another user signed in" in client.get(OWN_PAGE).content.decode()


def test_every_signed_in_page_says_whom_it_was_made_for() -> None:
    user = make_user()
    account = make_account(owner=user)
    page = sign_in(user.email).get(f"/console/{account.uin}/members/").text
    assert f'"X-Console-Person": "{user.pk}"' in page


# --- What a browser is told ----------------------------------------------------------------


def test_answers_are_isolated_and_use_no_device() -> None:
    answer = Client().get(LOGIN)
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
