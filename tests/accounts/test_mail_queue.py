"""Mail about signing in: queued with what it tells, sent later, whatever the mail server does."""

import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.enums import MailState, Role
from accounts.errors import Refused
from accounts.models import OutgoingMail, User
from accounts.services.mail import queue_mail, repeat_mail
from accounts.services.notifications import News, notify_members
from accounts.services.outbox import PAUSES, send_due
from config.staff.watch import _mails
from tests.factories import PASSWORD, make_account, make_user
from tests.races import race, values

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _queueing(settings: Any) -> Iterator[None]:
    """As in production: nothing is sent in a request, and links lead to the console's address."""
    settings.MAIL_AT_ONCE = False
    settings.CONSOLE_URL = "https://console.example"
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def away(settings: Any) -> None:
    """A mail server that refuses every connection."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = probe.getsockname()[1]
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture
def back(settings: Any) -> Any:
    """Call it to have the mail server back."""

    def restore() -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

    return restore


def queued() -> list[tuple[str, str]]:
    return list(OutgoingMail.objects.order_by("pk").values_list("kind", "to"))


def signed_in(user: User) -> Client:
    client = Client()
    client.post("/auth/login/", {"login": user.email, "password": PASSWORD})
    return client


def sign_up(client: Client) -> Any:
    form = {
        "name": "New Person",
        "email": "new@example.com",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "entity_name": "New Ltd",
        "kind": "enterprise",
        "registration_number": "NEW 1",
        "account_name": "Main",
    }
    return client.post(reverse("account_signup"), form)


def test_a_sign_up_waits_for_no_mail_server(away: None, back: Any) -> None:
    started = time.monotonic()
    answer = sign_up(Client())
    assert time.monotonic() - started < 3
    assert answer.headers["Location"] == reverse("account_email_verification_sent")
    assert queued() == [("email_confirmation_signup", "new@example.com")]

    # A run without the server changes nothing, and one with it delivers once.
    with pytest.raises(CommandError) as failure:
        call_command("send_notifications", stdout=StringIO())
    assert failure.value.returncode == 2
    back()
    for _run in range(2):
        call_command("send_notifications", stdout=StringIO())
    (message,) = mail.outbox
    assert message.to == ["new@example.com"]
    assert "https://console.example/auth/confirm-email/" in message.body


@pytest.mark.django_db(transaction=True)
def test_a_sign_up_that_fails_half_way_leaves_nothing_and_can_be_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(**_kwargs: object) -> None:
        raise RuntimeError("no")

    client = Client(raise_request_exception=False)
    with monkeypatch.context() as patch:
        patch.setattr("accounts.services.sign_in_mail.queue_mail", fail)
        assert sign_up(client).status_code == 500
    assert not User.objects.filter(email="new@example.com").exists()
    assert queued() == []

    answer = sign_up(Client())
    assert answer.headers["Location"] == reverse("account_email_verification_sent")
    assert queued() == [("email_confirmation_signup", "new@example.com")]


@pytest.mark.parametrize("is_known", [True, False])
def test_a_reset_waits_for_no_mail_server(away: None, is_known: bool) -> None:
    if is_known:
        make_user("someone@example.com")
    answer = Client().post(reverse("account_reset_password"), {"email": "someone@example.com"})
    assert answer.headers["Location"] == reverse("account_reset_password_done")
    assert queued() == [
        ("password_reset_key" if is_known else "unknown_account", "someone@example.com")
    ]


def test_a_change_of_password_waits_for_no_mail_server(away: None) -> None:
    user = make_user()
    client = signed_in(user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    new = "another good battery"
    client.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )
    assert queued() == [("password_changed", user.email)]


def test_a_new_address_waits_for_no_mail_server(away: None) -> None:
    user = make_user()
    client = signed_in(user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.post(reverse("account_email"), {"action_add": "", "email": "second@example.com"})
    assert EmailAddress.objects.filter(email="second@example.com", verified=False).exists()
    assert ("email_confirmation", "second@example.com") in queued()


def test_an_invitation_waits_for_no_mail_server(away: None) -> None:
    owner = make_user()
    account = make_account(owner=owner)
    answer = signed_in(owner).post(
        reverse("accounts:member_invite", kwargs={"uin": account.uin}),
        {"email": "guest@example.com", "role": Role.VIEWER},
    )
    assert answer.status_code == 302
    (row,) = OutgoingMail.objects.all()
    assert (row.kind, row.to) == ("invitation", "guest@example.com")
    assert "https://console.example/invitations/" in row.text
    assert row.expires_at == account.invitations.get().expires_at


@pytest.mark.parametrize("host", ["testserver:99999", "testserver:22"])
def test_links_never_come_from_the_requests_host(host: str) -> None:
    make_user("someone@example.com")
    Client().post(
        reverse("account_reset_password"), {"email": "someone@example.com"}, headers={"host": host}
    )
    (row,) = OutgoingMail.objects.all()
    assert host not in row.text + row.html + row.subject
    assert "testserver" not in row.text + row.html + row.subject
    assert "https://console.example/auth/password/reset/key/" in row.text


# --- Sending -------------------------------------------------------------------------------


def put(to: str = "a@example.com", **kwargs: Any) -> OutgoingMail:
    now = timezone.now()
    values: dict[str, Any] = {"kind": "test", "subject": "S", "text": "secret", "html": "<p>s</p>"}
    return queue_mail(**{**values, **kwargs}, to=to, now=kwargs.pop("now", now))


def send(at: Any = None) -> Any:
    now = at or timezone.now()
    return send_due(now=now, clock=lambda: now)


def test_words_are_erased_once_they_are_sent() -> None:
    row = put()
    assert send().sent == 1
    row.refresh_from_db()
    assert (row.text, row.html, row.state_at(timezone.now())) == ("", "", MailState.SENT)
    (message,) = mail.outbox
    assert message.body == "secret\n"
    assert isinstance(message, mail.EmailMultiAlternatives)
    assert [part[0] for part in message.alternatives] == ["<p>s</p>"]


def test_a_link_that_no_longer_works_is_not_sent() -> None:
    now = timezone.now()
    row = put(expires_at=now + MINUTE)
    assert send(now + 2 * MINUTE).expired == 1
    row.refresh_from_db()
    assert (mail.outbox, row.text, row.state_at(now + 2 * MINUTE)) == ([], "", MailState.EXPIRED)


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any, fail_silently: bool = False) -> int:
        raise OSError("550 no such person")

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", fail)


def test_what_fails_is_tried_again_later_and_then_by_staff(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    staff = make_user(is_staff=True)
    row = put()
    at = timezone.now()
    with monkeypatch.context() as patch:
        refuse(patch)
        for pause in PAUSES:
            assert (send(at).failed, send(at).failed) == (1, 0)
            assert list(_mails(staff, at)) == [row]
            at += pause
        assert send(at).given_up == 1
    row.refresh_from_db()
    assert row.state_at(at) == MailState.GIVEN_UP
    assert list(_mails(staff, at)) == [row]

    repeat_mail(mail=row, reason="Address is right", by=staff, now=at)
    assert send(at).sent == 1
    assert list(_mails(staff, at)) == []
    with pytest.raises(Refused):
        repeat_mail(mail=row, reason="Again", by=staff, now=at)


def test_mail_that_nobody_sends_is_shown_to_staff() -> None:
    row = put()
    now = timezone.now()
    staff = make_user(is_staff=True)
    assert list(_mails(staff, now)) == []
    assert list(_mails(staff, now + 11 * MINUTE)) == [row]


def test_staff_see_no_words() -> None:
    row = put(text="https://console.example/auth/password/reset/key/secret")
    root = User.objects.create_superuser("root@example.com", "a good password")
    client = Client()
    client.force_login(root)
    page = client.get(reverse("admin:accounts_outgoingmail_change", args=[row.pk])).text
    listed = client.get(reverse("admin:accounts_outgoingmail_changelist")).text
    assert "a@example.com" in page
    assert "key/secret" not in page + listed


def test_sign_in_mail_goes_before_news() -> None:
    owner = make_user()
    account = make_account(owner=owner)
    notify_members([News(account, "role_changed", {"role": "owner"})] * 3, now=timezone.now())
    put()
    result = send_due(now=timezone.now(), clock=timezone.now, batch_size=1)
    assert result.sent == 4
    assert mail.outbox[0].to == ["a@example.com"]


def test_mail_that_comes_during_a_run_does_not_wait_for_its_end() -> None:
    owner = make_user()
    account = make_account(owner=owner)
    notify_members([News(account, "role_changed", {"role": "owner"})] * 3, now=timezone.now())
    calls: list[int] = []

    def progress(number: int) -> None:
        calls.append(number)
        if len(calls) == 1:
            put("late@example.com")

    send_due(now=timezone.now(), clock=timezone.now, batch_size=1, progress=progress)
    assert [message.to[0] for message in mail.outbox].index("late@example.com") == 1


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_several_senders_deliver_each_message_once() -> None:
    for number in range(12):
        put(f"a{number}@example.com")
    outcomes = race(*[send for _sender in range(4)])
    assert sum(result.sent for result in values(outcomes)) == 12
    assert sorted(message.to[0] for message in mail.outbox) == sorted(
        f"a{number}@example.com" for number in range(12)
    )


def test_following_sends_what_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(_seconds: float) -> None:
        if not OutgoingMail.objects.exists():
            put()

    monkeypatch.setattr(connection, "close", lambda: None)
    monkeypatch.setattr("accounts.management.commands.send_notifications.time.sleep", sleep)
    monkeypatch.setattr("accounts.management.commands.send_notifications.PAUSE_SECONDS", 0.2)
    call_command("send_notifications", "--follow", "1", stdout=StringIO())
    assert [message.to for message in mail.outbox] == [["a@example.com"]]


def test_on_a_developers_machine_mail_goes_at_once(settings: Any) -> None:
    settings.MAIL_AT_ONCE = True
    row = put()
    row.refresh_from_db()
    assert (len(mail.outbox), row.state_at(timezone.now())) == (1, MailState.SENT)
