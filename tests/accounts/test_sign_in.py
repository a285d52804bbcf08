"""Sign-in: throttled, telling no one who has a sign-in, with secrets kept encrypted."""

from typing import Any

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.usersessions.models import UserSession
from cryptography.fernet import InvalidToken
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.factories import PASSWORD, make_account, make_user

pytestmark = pytest.mark.django_db
LOGIN = "/auth/login/"


@pytest.fixture(autouse=True)
def _no_earlier_attempts(transactional_db: None) -> Any:
    cache.clear()
    yield
    cache.clear()


def sign_in(client: Client, email: str, password: str = PASSWORD) -> Any:
    return client.post(LOGIN, {"login": email, "password": password})


def test_wrong_passwords_are_throttled_alike_for_known_and_unknown_addresses() -> None:
    make_user("known@example.com")

    def answers(email: str, ip: str) -> list[tuple[int, list[str]]]:
        client = Client(REMOTE_ADDR=ip)
        found = [sign_in(client, email, "wrong") for _attempt in range(6)]
        return [(a.status_code, [*map(str, a.context["form"].non_field_errors())]) for a in found]

    known, unknown = answers("known@example.com", "10.0.0.1"), answers("no@example.com", "10.0.0.2")

    assert known == unknown
    assert known[0][1] != known[5][1]
    assert "Too many failed login attempts" in known[5][1][0]


def test_a_throttled_person_is_not_let_in_by_the_right_password_either() -> None:
    make_user("known@example.com")
    client = Client()
    for _attempt in range(6):
        sign_in(client, "known@example.com", "wrong")

    sign_in(client, "known@example.com")

    assert "_auth_user_id" not in client.session


def test_the_throttle_is_shared_through_the_database(settings: Any) -> None:
    assert settings.CACHES["default"]["BACKEND"] == "django.core.cache.backends.db.DatabaseCache"


def test_the_throttle_forgets_nobody_for_the_sake_of_many_others() -> None:
    cache.set("attempts-of-one", 4)
    # More than Django's own limit, at which it deletes a third of them in their order.
    for number in range(400):
        cache.set(f"attempts-of-others-{number}", 1)

    assert cache.get("attempts-of-one") == 4


def test_the_session_is_a_new_one_after_sign_in(settings: Any) -> None:
    user = make_user()
    client = Client()
    client.get(LOGIN)
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key or ""
    before = session.session_key

    sign_in(client, user.email)

    assert client.session.session_key != before
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_password_reset_answers_alike_for_known_and_unknown_addresses() -> None:
    make_user("known@example.com")
    url = reverse("account_reset_password")

    answers = [
        Client(REMOTE_ADDR=f"10.0.1.{number}").post(url, {"email": email})
        for number, email in enumerate(["known@example.com", "no@example.com"])
    ]

    assert len({(answer.status_code, answer.headers["Location"]) for answer in answers}) == 1
    assert [message.to for message in mail.outbox] == [["known@example.com"], ["no@example.com"]]


def test_the_administration_has_no_sign_in_of_its_own() -> None:
    anonymous = Client().get("/admin/login/?next=/admin/")
    customer = Client()
    customer.force_login(make_user())

    assert anonymous.headers["Location"] == "/auth/login/?next=%2Fadmin%2F"
    assert customer.get("/admin/login/").status_code == 403


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_nobody_is_led_away_after_sign_in(url: str) -> None:
    user = make_user()

    answer = Client().post(LOGIN, {"login": user.email, "password": PASSWORD, "next": url})

    assert answer.headers["Location"] == "/"


# --- Second factors ------------------------------------------------------------------------


def current_code(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return format_hotp_value(hotp_value(secret, counter))


def with_totp(user: User) -> str:
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def test_secrets_of_second_factors_are_encrypted_at_rest() -> None:
    user = make_user()
    secret = with_totp(user)
    RecoveryCodes.activate(user)

    stored = {row.type: row.data for row in Authenticator.objects.filter(user=user)}

    adapter = get_adapter()
    assert adapter.decrypt(stored["totp"]["secret"]) == secret
    assert secret not in str(stored)
    assert len(adapter.decrypt(stored["recovery_codes"]["seed"])) >= 20
    assert stored["recovery_codes"]["seed"].startswith("gAAAA")


def test_a_former_key_still_decrypts_and_a_foreign_one_does_not(settings: Any) -> None:
    hidden = get_adapter().encrypt("secret")
    former = settings.SECRET_KEY

    settings.SECRET_KEY = "another key"
    settings.SECRET_KEY_FALLBACKS = [former]
    assert get_adapter().decrypt(hidden) == "secret"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(InvalidToken):
        get_adapter().decrypt(hidden)


def test_a_second_factor_is_asked_for_and_lets_in() -> None:
    user = make_user()
    make_account(owner=user)
    secret = with_totp(user)
    client = Client()

    asked = sign_in(client, user.email)
    assert asked.headers["Location"].startswith(reverse("mfa_authenticate"))
    assert "_auth_user_id" not in client.session

    client.post(reverse("mfa_authenticate"), {"code": current_code(secret)})
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_recovery_code_lets_in_once() -> None:
    user = make_user()
    with_totp(user)
    code = RecoveryCodes.activate(user).get_unused_codes()[0]

    signed_in = []
    for number in range(2):
        client = Client(REMOTE_ADDR=f"10.0.2.{number}")
        sign_in(client, user.email)
        client.post(reverse("mfa_authenticate"), {"code": code})
        signed_in.append("_auth_user_id" in client.session)

    assert signed_in == [True, False]


def test_setting_up_a_second_factor_asks_for_the_password_again() -> None:
    user = make_user()
    client = Client()
    client.force_login(user)

    answer = client.get(reverse("mfa_activate_totp"))

    assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))


def test_a_code_by_email_does_not_replace_the_password() -> None:
    client = Client()
    client.force_login(make_user())
    url = reverse("account_request_reauthentication_code")

    page = client.get(reverse("account_reauthenticate"))

    assert page.status_code == 200
    assert url not in page.text
    assert client.post(url).status_code == 403


def test_staff_need_a_second_factor_where_it_is_asked_for(settings: Any) -> None:
    settings.STAFF_SECOND_FACTOR = True
    client = Client()
    client.force_login(make_user(is_staff=True))

    answer = client.get("/admin/")

    assert (answer.status_code, answer.headers["Location"]) == (302, reverse("mfa_index"))


# --- Sessions ------------------------------------------------------------------------------


def test_a_person_sees_and_ends_other_sessions() -> None:
    user = make_user()
    here, there = Client(HTTP_USER_AGENT="Here"), Client(HTTP_USER_AGENT="There")
    for client in (here, there):
        sign_in(client, user.email)
        client.get("/profile/")

    agents = {s.user_agent for s in here.get(reverse("usersessions_list")).context["sessions"]}
    here.post(reverse("usersessions_list"))

    assert agents == {"Here", "There"}
    assert there.get("/profile/").headers["Location"].startswith(LOGIN)
    assert here.get("/profile/").status_code == 200


def test_activity_is_noted_without_a_write_for_every_request(
    django_assert_num_queries: Any,
) -> None:
    user = make_user()
    client = Client()
    client.force_login(user)
    client.get("/profile/")
    assert UserSession.objects.filter(user=user).count() == 1

    # Session, person, and in a transaction: its scope, and the number of unread news.
    with django_assert_num_queries(6):
        client.get("/profile/")


def test_pages_of_people_who_are_signed_in_are_not_cached() -> None:
    client = Client()
    client.force_login(make_user())

    assert "no-store" in client.get("/profile/").headers["Cache-Control"]
