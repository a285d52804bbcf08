"""Members of an account: who may change them, and that an owner always remains."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.enums import Role
from accounts.errors import Refused
from accounts.models import Account, AuditEvent, Invitation, Membership, Notification, User
from accounts.services import members as services
from accounts.services.invitations import (
    accept_invitation,
    find_invitation,
    invite_member,
    resend_invitation,
    withdraw_invitation,
)
from tests.factories import (
    NOW,
    PASSWORD,
    make_account,
    make_member,
    make_user,
    membership_of,
    owner_of,
    signed_in,
)
from tests.queries import FRAME
from tests.races import errors, race

pytestmark = pytest.mark.django_db

MEMBER_PAGES = ["member_role", "member_remove"]
INVITATION_ACTS = ["invitation_resend", "invitation_withdraw"]


def url(account: Account, name: str, **kwargs: Any) -> str:
    return reverse(f"accounts:{name}", kwargs={"uin": account.uin, **kwargs})


# --- Who may do what -----------------------------------------------------------------------


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", ["member_invite", *MEMBER_PAGES])
def test_only_owners_change_members(name: str, method: str, role: str) -> None:
    account = make_account()
    actor = make_member(account, role)
    other = membership_of(account, make_member(account))
    kwargs = {} if name == "member_invite" else {"pk": other.pk}

    answer = getattr(signed_in(actor), method)(url(account, name, **kwargs))

    # A POST without its fields is refused as such: removing has none.
    done = {"member_remove": 302}.get(name, 422) if method == "post" else 200
    assert answer.status_code == (done if role == Role.OWNER else 403)


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("name", INVITATION_ACTS)
def test_only_owners_touch_invitations(name: str, role: str) -> None:
    account = make_account()
    invitation = invite_member(
        account=account,
        email="new@example.com",
        role=Role.VIEWER,
        by=owner_of(account),
        now=timezone.now() - timedelta(minutes=5),
    ).invitation

    answer = signed_in(make_member(account, role)).post(url(account, name, pk=invitation.pk))

    assert answer.status_code == (302 if role == Role.OWNER else 403)


@pytest.mark.parametrize("role", Role.values)
def test_everybody_sees_the_members_and_only_owners_the_ways_to_change_them(role: str) -> None:
    account = make_account()
    make_member(account, user=make_user("colleague@example.com"))
    page = signed_in(make_member(account, role)).get(url(account, "members")).content.decode()

    assert "colleague@example.com" in page
    assert ("member_role" in page or "/role/" in page) is (role == Role.OWNER)
    assert ("/invite/" in page) is (role == Role.OWNER)


@pytest.mark.parametrize("name", [*MEMBER_PAGES, *INVITATION_ACTS])
def test_rows_of_another_account_are_not_found(name: str) -> None:
    account, other = make_account(), make_account()
    foreign = invite_member(
        account=other, email="x@example.com", role=Role.VIEWER, by=owner_of(other), now=NOW
    ).invitation
    pk = other.memberships.get().pk if name in MEMBER_PAGES else foreign.pk

    answer = signed_in(owner_of(account)).post(url(account, name, pk=pk), {"role": "viewer"})

    assert answer.status_code == 404
    assert other.memberships.get().role == Role.OWNER


@pytest.mark.parametrize("members", [1, 30])
def test_the_page_takes_the_same_number_of_queries(
    members: int, django_assert_num_queries: Any
) -> None:
    account = make_account()
    owner = owner_of(account)
    for number in range(members):
        make_member(account)
        invite_member(
            account=account,
            email=f"new{number}@example.com",
            role=Role.VIEWER,
            by=owner,
            now=NOW,
        )
    client = signed_in(owner)
    client.get(url(account, "members"))

    with django_assert_num_queries(FRAME + 8):
        client.get(url(account, "members"))


# --- Roles and leaving ---------------------------------------------------------------------


def test_a_new_role_is_written_told_and_kept_in_the_audit_trail() -> None:
    account = make_account()
    user = make_member(account, Role.VIEWER)
    member = membership_of(account, user)

    signed_in(owner_of(account)).post(
        url(account, "member_role", pk=member.pk), {"role": Role.FINANCE}
    )

    member.refresh_from_db()
    assert member.role == Role.FINANCE
    event = AuditEvent.objects.get(verb="member.role_changed")
    assert (event.from_state, event.to_state, event.target_label) == (
        Role.VIEWER,
        Role.FINANCE,
        user.email,
    )
    assert Notification.objects.get(user=user).kind == "role_changed"


def test_a_removed_member_finds_no_account_any_more() -> None:
    account = make_account()
    user = make_member(account)
    client = signed_in(user)
    assert client.get(url(account, "members")).status_code == 200

    signed_in(owner_of(account)).post(
        url(account, "member_remove", pk=membership_of(account, user).pk)
    )

    assert client.get(url(account, "members")).status_code == 404
    assert AuditEvent.objects.filter(verb="member.removed", account=account).count() == 1


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.OWNER])
def test_every_member_may_leave(role: str) -> None:
    account = make_account()
    user = make_member(account, role)

    answer = signed_in(user).post(url(account, "member_leave"))

    assert answer.headers["Location"] == "/"
    assert not Membership.objects.filter(account=account, user=user).exists()
    assert AuditEvent.objects.get(verb="member.left").actor == user


@pytest.mark.parametrize("act", ["demote", "remove", "leave"])
def test_the_last_owner_stays(act: str) -> None:
    account = make_account()
    owner = owner_of(account)
    pk = membership_of(account, owner).pk
    address, data = {
        "demote": (url(account, "member_role", pk=pk), {"role": Role.VIEWER}),
        "remove": (url(account, "member_remove", pk=pk), {}),
        "leave": (url(account, "member_leave"), {}),
    }[act]

    answer = signed_in(owner).post(address, data, headers={"HX-Request": "true"})

    assert answer.status_code == 422
    assert "The account needs an owner" in answer.content.decode()
    assert membership_of(account, owner).role == Role.OWNER


def test_an_owner_who_cannot_sign_in_does_not_count_as_the_other_one() -> None:
    account = make_account()
    asleep = make_member(account, Role.OWNER)
    User.objects.filter(pk=asleep.pk).update(is_active=False)

    with pytest.raises(Refused, match="needs an owner"):
        services.remove_member(
            membership=membership_of(account, owner_of_active(account)), by=None, now=NOW
        )


def owner_of_active(account: Account) -> User:
    return account.memberships.get(role=Role.OWNER, user__is_active=True).user


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_guarded", [True, False])
def test_two_owners_who_leave_at_once_leave_one_behind(
    is_guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the account's lock both go: the race is real."""
    rounds = 10 if is_guarded else 1
    if not is_guarded:
        monkeypatch.setattr(services, "lock_account", lambda pk: Account.objects.get(pk=pk))
        _let_both_look_first(monkeypatch)
    for _round in range(rounds):
        account = make_account()
        make_member(account, Role.OWNER)
        both = list(account.memberships.all())

        outcomes = race(*(leaving(member) for member in both))

        assert account.memberships.count() == (1 if is_guarded else 0)
        assert [str(error.code) for error in errors(outcomes) if isinstance(error, Refused)] == (
            ["last_owner"] if is_guarded else []
        )


def leaving(member: Membership) -> Callable[[], None]:
    return lambda: services.remove_member(membership=member, by=None, now=NOW)


def _let_both_look_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no runner act before both have seen another owner."""
    look, meeting = services.require_another_owner, threading.Barrier(2)

    def look_and_wait(membership: Membership) -> None:
        look(membership)
        meeting.wait(10)

    monkeypatch.setattr(services, "require_another_owner", look_and_wait)


# --- Invitations ---------------------------------------------------------------------------


def invite(account: Account, email: str = "new@example.com", role: str = Role.FINANCE) -> str:
    """Invite through the page, and return the address of the link in the message."""
    answer = signed_in(owner_of(account)).post(
        url(account, "member_invite"), {"email": email, "role": role}
    )
    assert answer.status_code == 302
    return link_in_mail()


def link_in_mail() -> str:
    found = re.search(r"https?://[^/]+(/invitations/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


@pytest.mark.parametrize("twin", ["ada\u200b@example.com", "ADA@EXAMPLE.COM", "ａｄａ@example.com"])
def test_a_member_is_not_invited_under_an_address_that_looks_the_same(twin: str) -> None:
    account = make_account()
    make_member(account, Role.VIEWER, user=make_user("ada@example.com"))
    client = signed_in(owner_of(account))
    answer = client.post(url(account, "member_invite"), {"email": twin, "role": Role.VIEWER})
    assert "This person is already a member." in answer.content.decode()
    assert not Invitation.objects.exists()


def test_an_invitation_with_an_invisible_character_is_sent_to_the_clean_address() -> None:
    account = make_account()
    client = signed_in(owner_of(account))
    client.post(
        url(account, "member_invite"), {"email": "\ufeffnew@b\u00fccher.example", "role": "viewer"}
    )
    assert Invitation.objects.get().email == "new@xn--bcher-kva.example"


def test_somebody_known_accepts_and_gets_the_role() -> None:
    account = make_account()
    user = make_user("new@example.com")
    link = invite(account, "New@Example.com")
    client = signed_in(user)

    assert "Accept the invitation" in client.get(link).content.decode()
    client.post(f"{link}accept/")

    assert membership_of(account, user).role == Role.FINANCE
    assert [message.to for message in mail.outbox] == [["new@example.com"]]
    assert [n.kind for n in Notification.objects.filter(user=owner_of(account))] == [
        "member_joined"
    ]


def test_somebody_new_signs_up_by_the_link_and_accepts() -> None:
    account = make_account()
    link = invite(account)
    client = Client()
    assert "Create an account" in client.get(link).content.decode()

    form = client.post(f"{link}sign-up/", follow=True)
    assert "entity_name" not in form.context["form"].fields
    # Another address than the one that the link proves is not taken.
    page = client.post(
        form.redirect_chain[-1][0],
        {
            "name": "New Person",
            "email": "other@example.com",
            "password1": PASSWORD,
            "password2": PASSWORD,
            "next": link,
        },
        follow=True,
    )
    assert page.redirect_chain[-1][0] == link
    client.post(f"{link}accept/")

    user = User.objects.get(name="New Person")
    assert (user.email, membership_of(account, user).role) == ("new@example.com", Role.FINANCE)


def test_looking_at_the_link_changes_nothing() -> None:
    account = make_account()
    user = make_user("new@example.com")
    link = invite(account)

    signed_in(user).get(link)
    assert signed_in(user).get(f"{link}accept/").status_code == 405

    assert not Membership.objects.filter(user=user).exists()


def test_the_wrong_person_cannot_accept() -> None:
    account = make_account()
    link = invite(account)
    client = signed_in(make_user("other@example.com"))

    assert "the invitation is for new@example.com" in client.get(link).content.decode()
    client.post(f"{link}accept/")

    assert account.memberships.count() == 1


def test_an_address_that_was_never_confirmed_does_not_count() -> None:
    account = make_account()
    link = invite(account)
    user = make_user("new@example.com")
    user.emailaddress_set.update(verified=False)

    signed_in(user).post(f"{link}accept/")

    assert account.memberships.count() == 1


def test_only_the_hash_of_the_secret_is_kept() -> None:
    account = make_account()
    token = invite(account).split("/")[2]
    stored = str(Invitation.objects.values().get())

    assert token.split(":")[0] not in stored
    assert find_invitation(token) == Invitation.objects.get()


@pytest.mark.parametrize("change", ["signature", "secret", "nothing signed", "empty"])
def test_a_made_up_link_leads_nowhere(change: str) -> None:
    token = invite(make_account()).split("/")[2]
    secret, _colon, signature = token.partition(":")
    forged = {
        "signature": f"{secret}:{signature[:-1]}",
        "secret": f"{secret[::-1]}:{signature}",
        "nothing signed": secret,
        "empty": ":",
    }[change]

    for path in ("", "sign-up/"):
        method = Client().post if path else Client().get
        assert method(f"/invitations/{forged}/{path}").status_code == 404


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        ("accept", "invitation_accepted"),
        ("withdraw", "invitation_withdrawn"),
        ("wait", "invitation_expired"),
        ("resend", "invitation_unknown"),
    ],
)
def test_a_link_works_once_and_not_for_ever(spoil: str, code: str) -> None:
    account = make_account()
    owner, user = owner_of(account), make_user("new@example.com")
    sent = invite_member(account=account, email=user.email, role=Role.VIEWER, by=owner, now=NOW)
    later = NOW + timedelta(days=7 if spoil == "wait" else 1)
    if spoil == "accept":
        accept_invitation(token=sent.token, by=user, now=NOW)
    elif spoil == "withdraw":
        withdraw_invitation(invitation=sent.invitation, by=owner, now=NOW)
    elif spoil == "resend":
        resend_invitation(invitation=sent.invitation, by=owner, now=later)

    with pytest.raises(Refused) as refusal:
        accept_invitation(token=sent.token, by=user, now=later)

    assert refusal.value.code == code


def test_the_link_holds_until_its_last_instant() -> None:
    account, user = make_account(), make_user("new@example.com")
    sent = invite_member(
        account=account, email=user.email, role=Role.VIEWER, by=owner_of(account), now=NOW
    )

    accept_invitation(
        token=sent.token, by=user, now=NOW + timedelta(days=7) - timedelta(microseconds=1)
    )

    assert membership_of(account, user).role == Role.VIEWER


def test_an_accepted_invitation_does_not_lower_a_role_given_meanwhile() -> None:
    account, user = make_account(), make_user("new@example.com")
    sent = invite_member(
        account=account, email=user.email, role=Role.VIEWER, by=owner_of(account), now=NOW
    )
    make_member(account, Role.OWNER, user=user)

    accept_invitation(token=sent.token, by=user, now=NOW)

    assert membership_of(account, user).role == Role.OWNER


@pytest.mark.parametrize(
    ("email", "code"),
    [("member@example.com", "already_member"), ("open@example.com", "already_invited")],
)
def test_nobody_is_invited_twice(email: str, code: str) -> None:
    account = make_account()
    owner = owner_of(account)
    make_member(account, user=make_user("member@example.com"))
    invite_member(account=account, email="open@example.com", role=Role.VIEWER, by=owner, now=NOW)

    with pytest.raises(Refused) as refusal:
        invite_member(account=account, email=email.upper(), role=Role.OWNER, by=owner, now=NOW)

    assert (refusal.value.code, refusal.value.field) == (code, "email")


def test_an_expired_invitation_makes_room_for_a_new_one() -> None:
    account = make_account()
    owner = owner_of(account)
    for now in (NOW, NOW + timedelta(days=8)):
        invite_member(account=account, email="x@example.com", role=Role.VIEWER, by=owner, now=now)

    assert Invitation.objects.filter(withdrawn_at=None).count() == 1


def test_messages_are_neither_sent_in_a_row_nor_without_end(settings: Any) -> None:
    account = make_account()
    owner = owner_of(account)
    settings.INVITATION_DAILY_LIMIT = 2
    first = invite_member(
        account=account, email="a@example.com", role=Role.VIEWER, by=owner, now=NOW
    )
    codes = []
    acts: list[Callable[[], Any]] = [
        lambda: resend_invitation(invitation=first.invitation, by=owner, now=NOW),
        lambda: invite_member(
            account=account, email="b@example.com", role=Role.VIEWER, by=owner, now=NOW
        ),
        lambda: invite_member(
            account=account, email="c@example.com", role=Role.VIEWER, by=owner, now=NOW
        ),
    ]
    for act in acts:
        try:
            act()
            codes.append("")
        except Refused as refusal:
            codes.append(refusal.code)

    assert codes == ["just_sent", "", "too_many_invitations"]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_one_link_followed_twice_at_once_makes_one_member() -> None:
    for _round in range(10):
        account, user = make_account(), make_user()
        sent = invite_member(
            account=account, email=user.email, role=Role.VIEWER, by=owner_of(account), now=NOW
        )

        race(
            *(
                lambda token=sent.token, user=user: accept_invitation(token=token, by=user, now=NOW)
                for _runner in range(4)
            )
        )

        events = AuditEvent.objects.filter(account=account)
        assert account.memberships.filter(user=user).count() == 1
        assert events.filter(verb="invitation.accepted").count() == 1
        assert events.filter(verb="member.added").count() == 1
