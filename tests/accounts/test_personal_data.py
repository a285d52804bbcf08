"""What is stored about a person, handed out to the person and, on request, by staff."""

import io
import json
import zipfile
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.enums import Role
from accounts.models import AuditEvent, User
from accounts.services import personal_data
from accounts.services.audit import Event, record
from accounts.services.invitations import invite_member
from accounts.services.notifications import News, notify_members
from accounts.services.personal_data import FILE_NAME, LISTS, export_person
from tests.factories import (
    NOW,
    PASSWORD,
    make_account,
    make_member,
    make_staff,
    make_user,
    signed_in,
)

pytestmark = pytest.mark.django_db
URL = "/profile/data/"


def unpack(content: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == [FILE_NAME]
        return json.loads(archive.read(FILE_NAME))


def export(user: User) -> Any:
    return unpack(export_person(user=user, by=user, now=NOW).read())


def content_of(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def admin_url(user: User) -> str:
    return reverse("admin:accounts_user_act", args=[user.pk, "export"])


# --- What is in it -----------------------------------------------------------------------------


def test_it_holds_all_that_is_stored_and_instants_with_their_zone() -> None:
    user = make_user("ann@example.com", name="Ann 安")
    other = make_account(name="Other")
    account = make_account(owner=user, name="Ann's")
    EmailAddress.objects.create(user=user, email="second@example.com", verified=False)
    owner = other.memberships.get().user
    invite_member(account=other, email="second@example.com", role=Role.VIEWER, by=owner, now=NOW)
    notify_members([News(account, "role_changed", {"role": "owner"}, to=[user])], now=NOW)
    record(
        [Event(verb="account.renamed", target=account, reason="Why not", data={"n": 1})],
        account=account,
        by=user,
        now=NOW,
    )

    found = export(user)

    assert list(found) == ["format", "exported_at", "profile", *LISTS]
    assert (found["format"], found["exported_at"]) == (1, "2026-03-10T02:00:00+00:00")
    assert found["profile"] == {
        "number": user.pk,
        "email": "ann@example.com",
        "name": "Ann 安",
        "language": "",
        "theme": "auto",
        "is_active": True,
        "is_staff": False,
        "groups": [],
        "joined_at": user.date_joined.isoformat(),
        "last_sign_in_at": None,
    }
    assert found["addresses"] == [
        {"email": "ann@example.com", "verified": True, "primary": True},
        {"email": "second@example.com", "verified": False, "primary": False},
    ]
    assert found["memberships"] == [
        {"account": account.uin, "name": "Ann's", "role": "owner", "since": NOW.isoformat()}
    ]
    (invitation,) = found["invitations"]
    assert (invitation["account"], invitation["email"]) == (other.uin, "second@example.com")
    (news,) = found["notifications"]
    assert (news["kind"], news["details"]) == ("role_changed", {"role": "owner"})
    # The export itself is the last thing that the person did.
    assert [act["what"] for act in found["acts"]] == ["account.renamed", "user.exported"]
    assert found["acts"][0] == {
        "at": NOW.isoformat(),
        "account": account.uin,
        "what": "account.renamed",
        "object": "accounts.account",
        "object_id": account.pk,
        "object_name": str(account),
        "from": "",
        "to": "",
        "reason": "Why not",
        "details": {"n": 1},
    }


def test_it_holds_nothing_of_others() -> None:
    user, other = make_user(), make_user("bob@example.com", name="Bob")
    account = make_account(owner=other)
    notify_members([News(account, "role_changed", {"role": "x"}, to=[other])], now=NOW)
    export_person(user=other, by=other, now=NOW)

    found = export(user)

    assert "bob@example.com" not in json.dumps(found)
    assert [name for name in LISTS if found[name]] == ["addresses", "acts"]


def test_it_holds_no_secret() -> None:
    user = make_user()
    secret = "JBSWY3DPEHPK3PXP"
    Authenticator.objects.create(user=user, type="totp", data={"secret": secret})
    RecoveryCodes.activate(user)
    client = Client()
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    client.force_login(user)

    text = json.dumps(found := export(user))

    assert [sorted(factor) for factor in found["second_factors"]] == [
        ["created_at", "last_used_at", "type"],
        ["created_at", "last_used_at", "type"],
    ]
    for hidden in (secret, user.password, "seed", str(client.session.session_key)):
        assert hidden not in text


def test_sessions_name_their_browser() -> None:
    user = make_user()
    client = Client(headers={"User-Agent": "A browser"})
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    (session,) = export(user)["sessions"]
    assert (session["ip"], session["user_agent"]) == ("127.0.0.1", "A browser")


def test_a_long_history_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    user = make_user()
    events = [Event(verb="account.renamed", target=user, data={"n": n}) for n in range(7)]
    record(events, account=None, by=user, now=NOW)
    monkeypatch.setattr(personal_data, "_CHUNK", 3)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = export(user)
    assert [act["details"].get("n") for act in found["acts"]] == [*range(7), None]
    reads = [query for query in queries if "LIMIT 3" in query["sql"]]
    # Three full or partial parts of the trail and an empty one; one of the notifications.
    assert len(reads) == 5


# --- Who gets it -------------------------------------------------------------------------------


def test_a_person_downloads_their_own_and_it_is_recorded() -> None:
    user = make_user()
    client = signed_in(user)
    page = client.get(URL)
    assert page.status_code == 200
    assert not AuditEvent.objects.filter(verb="user.exported").exists()

    response = client.post(URL)

    assert response["Content-Type"] == "application/zip"
    assert response["Content-Disposition"] == (
        f'attachment; filename="personal-data-{user.pk}.zip"'
    )
    assert unpack(content_of(response))["profile"]["number"] == user.pk
    event = AuditEvent.objects.get(verb="user.exported")
    assert (event.actor, event.target_id, event.account) == (user, user.pk, None)


def test_the_anonymous_get_none() -> None:
    assert Client().post(URL).status_code == 302
    assert not AuditEvent.objects.filter(verb="user.exported").exists()


@pytest.fixture
def _without_factors(settings: Any) -> None:
    settings.STAFF_SECOND_FACTOR = False


def of_group(name: str) -> User:
    user = make_user(is_staff=True)
    user.groups.add(Group.objects.get(name=name))
    return user


@pytest.mark.usefixtures("_without_factors")
@pytest.mark.parametrize(
    ("group", "may"),
    [
        ("Support", True),
        ("Administrators", True),
        ("Billing operations", False),
        ("Refund review", False),
        ("Compliance", False),
        ("Catalog", False),
    ],
)
def test_support_and_administrators_hand_it_out_for_a_reason(group: str, may: bool) -> None:
    user, helper = make_user(), of_group(group)
    client = signed_in(helper)

    response = client.post(admin_url(user), {"reason": "Asked by letter"})

    events = AuditEvent.objects.filter(verb="user.exported")
    if not may:
        assert (response.status_code, events.count()) == (403, 0)
        return
    assert unpack(content_of(response))["profile"]["email"] == user.email
    event = events.get()
    assert (event.actor, event.target_id, event.reason) == (helper, user.pk, "Asked by letter")
    assert client.post(admin_url(user), {"reason": ""}).status_code == 422


@pytest.mark.usefixtures("_without_factors")
def test_support_does_not_hand_out_what_is_stored_about_staff() -> None:
    answer = signed_in(of_group("Support")).post(admin_url(make_staff()), {"reason": "x"})
    assert answer.status_code == 403


def test_members_of_the_same_account_do_not_get_each_others() -> None:
    account = make_account()
    member = make_member(account)
    found = unpack(content_of(signed_in(member).post(URL)))
    assert found["profile"]["email"] == member.email
