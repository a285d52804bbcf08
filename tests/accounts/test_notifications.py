"""News in the console, and the outbox that sends it."""

import json
import threading
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language

from accounts.access import Permission
from accounts.enums import Role
from accounts.models import Account, Membership, Notification, User
from accounts.services import letters, outbox
from accounts.services.notifications import News, notify_members
from accounts.services.outbox import PAUSES, Delivery, send_due
from tests.factories import NOW, make_account, make_member, make_user, membership_of, signed_in
from tests.queries import FRAME
from tests.races import race, values

pytestmark = pytest.mark.django_db


def tell(account: Account, *, now: datetime = NOW, **changes: Any) -> None:
    values = {
        "account": account,
        "kind": "role_changed",
        "params": {"role": Role.FINANCE},
        "to": Permission.READ,
        "path": f"/console/{account.uin}/members/",
    }
    notify_members([News(**{**values, **changes})], now=now)


def send(now: Any = NOW, **options: Any) -> Delivery:
    return send_due(now=now, clock=lambda: now, **options)


# --- Who is told ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        (Permission.READ, [Role.OWNER, Role.FINANCE, Role.AGENT_MANAGER, Role.VIEWER]),
        (Permission.SPEND, [Role.OWNER, Role.FINANCE]),
        (Permission.MANAGE_AGENTS, [Role.OWNER, Role.AGENT_MANAGER]),
        (Permission.MANAGE_MEMBERS, [Role.OWNER]),
    ],
)
def test_news_reaches_those_whose_role_concerns_it(
    permission: Permission, roles: list[str]
) -> None:
    account = make_account()
    for role in (Role.FINANCE, Role.AGENT_MANAGER, Role.VIEWER):
        make_member(account, role)
    make_account()

    tell(account, to=permission)

    told = Membership.objects.filter(user__notifications__account=account, account=account)
    assert sorted(told.values_list("role", flat=True)) == sorted(roles)


def test_people_without_a_place_in_the_account_are_never_told() -> None:
    account, stranger = make_account(), make_user()
    asleep = make_member(account)
    User.objects.filter(pk=asleep.pk).update(is_active=False)

    tell(account, to=[stranger, asleep])

    assert Notification.objects.count() == 0


def test_the_same_news_reaches_each_person_once() -> None:
    account = make_account()
    for _repeat in range(3):
        tell(account, dedupe_key="package:1:-3")
        tell(account, dedupe_key="package:1:-1")

    assert Notification.objects.count() == 2


def test_much_news_takes_as_many_statements_as_little(django_assert_num_queries: Any) -> None:
    accounts = [make_account() for _number in range(30)]
    for some in (accounts[:1], accounts):
        news = [News(account, "role_changed", {"role": "viewer"}) for account in some]
        with django_assert_num_queries(3):
            notify_members(news, now=NOW)

    assert Notification.objects.count() == 31


# --- In the console ------------------------------------------------------------------------


def test_the_header_counts_what_is_unread_and_reading_lowers_it() -> None:
    account = make_account()
    user = make_member(account)
    for _number in range(3):
        tell(account, to=[user])
    client = signed_in(user)

    def shown() -> str:
        page = client.get(reverse("accounts:profile")).content.decode()
        _before, found, after = page.partition('<span class="unread">')
        return after.partition("<")[0] if found else ""

    assert shown() == "3"
    row = Notification.objects.filter(user=user).first()
    assert row is not None
    client.post(reverse("accounts:notification_read", kwargs={"pk": row.pk}))
    assert shown() == "2"
    client.post(reverse("accounts:notifications_read"))
    assert shown() == ""


def test_opening_leads_to_its_page_and_marks_it_read() -> None:
    account = make_account()
    user = make_member(account)
    tell(account, to=[user])
    row = Notification.objects.get()

    answer = signed_in(user).post(
        reverse("accounts:notification_read", kwargs={"pk": row.pk}), {"follow": "1"}
    )

    row.refresh_from_db()
    assert answer.headers["Location"] == f"/console/{account.uin}/members/"
    assert row.read_at is not None


def test_nobody_reads_or_marks_the_news_of_others() -> None:
    account = make_account()
    user = make_member(account)
    tell(account, to=[user])
    row = Notification.objects.get()
    client = signed_in(make_member(account))

    page = client.get(reverse("accounts:notifications"))
    answer = client.post(reverse("accounts:notification_read", kwargs={"pk": row.pk}))
    client.post(reverse("accounts:notifications_read"))

    row.refresh_from_db()
    assert (page.context["lines"], answer.status_code, row.read_at) == ([], 404, None)


def test_news_of_an_account_that_one_has_left_is_gone() -> None:
    account = make_account()
    user = make_member(account)
    tell(account, to=[user])
    membership_of(account, user).delete()

    assert signed_in(user).get(reverse("accounts:notifications")).context["lines"] == []


@pytest.mark.parametrize("rows", [1, 20])
def test_the_list_takes_the_same_number_of_queries(
    rows: int, django_assert_num_queries: Any
) -> None:
    account = make_account()
    user = make_member(account)
    for _number in range(rows):
        tell(account, to=[user])
    client = signed_in(user)
    client.get(reverse("accounts:notifications"))

    with django_assert_num_queries(FRAME + 4):
        client.get(reverse("accounts:notifications"))


# --- Sending -------------------------------------------------------------------------------


def test_each_message_goes_out_once_as_text_and_html() -> None:
    account = make_account(name="Harbour & Sons")
    user = make_member(account)
    tell(account, to=[user])

    assert [send(), send()] == [Delivery(sent=1), Delivery()]

    (message,) = mail.outbox
    row = Notification.objects.get()
    assert message.to == [user.email]
    assert message.subject == "Your role in Harbour & Sons has changed"
    assert "Your new role is Finance." in str(message.body)
    assert f"/console/{account.uin}/members/" in str(message.body)
    (html, kind) = message.alternatives[0]  # type: ignore[attr-defined]
    assert kind == "text/html"
    assert "Harbour &amp; Sons" in html
    assert message.extra_headers["Message-ID"] == f"<notification-{row.pk}@localhost>"
    assert (row.sent_at, row.next_attempt_at, row.attempts) == (NOW, None, 1)


def test_what_is_for_the_console_only_is_not_sent() -> None:
    account = make_account()
    tell(account, is_emailed=False)

    assert send() == Delivery()


def test_a_message_speaks_its_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account()
    spoken: list[str | None] = []

    def listen(name: str, context: Any) -> str:
        spoken.append(get_language())
        return "html"

    for language in ("zh-hans", "", "en"):
        user = make_member(account)
        User.objects.filter(pk=user.pk).update(language=language)
        tell(account, to=[user])
    monkeypatch.setattr("accounts.services.letters.render_to_string", listen)

    send()

    assert spoken == ["zh-hans", "en", "en"]


def test_instants_come_back_as_instants() -> None:
    account = make_account()
    tell(account, params={"role": "viewer", "expires_at": NOW})
    row = Notification.objects.select_related("user", "account").get()

    assert letters._context(row)["expires_at"] == NOW


@pytest.mark.parametrize("gone", ["deactivated", "removed"])
def test_people_who_are_gone_get_no_mail(gone: str) -> None:
    account = make_account()
    user = make_member(account)
    tell(account, to=[user])
    if gone == "removed":
        membership_of(account, user).delete()
    else:
        User.objects.filter(pk=user.pk).update(is_active=False)

    assert [send(), send()] == [Delivery(dropped=1), Delivery()]
    assert mail.outbox == []


def test_a_failed_message_is_tried_again_later_and_given_up_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = make_account()
    tell(account)
    refuse(monkeypatch)
    now, outcomes = NOW, []
    for pause in (*PAUSES, timedelta()):
        outcomes.append(send(now))
        assert send(now + pause - timedelta(seconds=1)) == Delivery()
        now += pause

    row = Notification.objects.get()
    assert outcomes == [*[Delivery(failed=1)] * len(PAUSES), Delivery(given_up=1)]
    assert (row.attempts, row.next_attempt_at, row.sent_at) == (len(PAUSES) + 1, None, None)
    assert row.last_error == "ValueError: no"


def refuse(monkeypatch: pytest.MonkeyPatch, only: str = "") -> None:
    original = EmailBackend.send_messages

    def send_messages(self: Any, messages: Any) -> int:
        if only in messages[0].to[0]:
            raise ValueError("no")
        return original(self, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", send_messages)


def test_one_bad_message_does_not_stop_those_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account()
    first, second = make_member(account), make_member(account)
    tell(account, to=[first])
    tell(account, to=[second])
    refuse(monkeypatch, only=first.email)

    assert send(batch_size=1) == Delivery(sent=1, failed=1)
    assert [message.to for message in mail.outbox] == [[second.email]]


def test_news_without_words_is_a_failure_that_is_told() -> None:
    account = make_account()
    tell(account, kind="nobody_wrote_this")

    assert send() == Delivery(failed=1)
    assert Notification.objects.get().last_error.startswith("TemplateDoesNotExist")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_guarded", [True, False])
def test_several_senders_at_once_send_each_message_once(
    is_guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the lock on the row the same message goes out several times."""
    senders = 4
    meeting = threading.Barrier(senders)
    original = outbox._is_reader

    def wait_and_look(notification: Notification) -> bool:
        # Unguarded, all senders hold the same row here; guarded, the others have passed it by.
        if not is_guarded:
            meeting.wait(10)
        return original(notification)

    monkeypatch.setattr(outbox, "_is_reader", wait_and_look)
    if not is_guarded:
        monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self)
    rounds = 10 if is_guarded else 1
    for number in range(rounds):
        account = make_account()
        for _row in range(5 if is_guarded else 1):
            tell(account, dedupe_key="")
        mail.outbox.clear()

        outcomes = race(*([send] * senders))

        sent = sum(delivery.sent for delivery in values(outcomes))
        expected = 5 if is_guarded else senders
        assert (number, sent, len(mail.outbox)) == (number, expected, expected)


@pytest.mark.django_db(transaction=True)
def test_a_sender_that_dies_gives_its_row_back(monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account()
    tell(account)

    def die(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "_message", die)
        with pytest.raises(KeyboardInterrupt):
            send()

    assert Notification.objects.get().attempts == 0
    assert send() == Delivery(sent=1)


# --- The command ---------------------------------------------------------------------------


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("send_notifications", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_command_says_what_it_did() -> None:
    account = make_account()
    tell(account, now=timezone.now())

    done = {"sent": 1, "failed": 0, "given_up": 0, "dropped": 0, "expired": 0}
    assert json.loads(run("--json")) == done
    assert run() == "", "nothing to do is nothing to say"


@pytest.mark.parametrize(
    ("trouble", "status"), [("message", 1), ("server", 2)], ids=["one message", "the mail server"]
)
def test_the_exit_status_tells_of_trouble(
    monkeypatch: pytest.MonkeyPatch, trouble: str, status: int
) -> None:
    tell(make_account(), now=timezone.now())
    if trouble == "message":
        refuse(monkeypatch)
    else:
        monkeypatch.setattr(EmailBackend, "open", unreachable, raising=False)

    with pytest.raises(CommandError) as error:
        run()

    assert error.value.returncode == status
    # An attempt is something that the mail server has seen.
    assert Notification.objects.get().attempts == (1 if trouble == "message" else 0)


def unreachable(self: Any) -> None:
    raise ConnectionRefusedError("no one there")


def test_a_batch_needs_a_size() -> None:
    with pytest.raises(CommandError, match="at least 1"):
        run("--batch-size", "0")


def test_due_rows_are_found_by_their_index() -> None:
    tell(make_account())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = Notification.objects.filter(next_attempt_at__lte=NOW).explain()

    assert "accounts_notification_due" in plan
