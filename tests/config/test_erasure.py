"""Erasing a person: nothing personal stays where it can be changed, and history stands."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.enums import Role
from accounts.errors import Refused
from accounts.models import (
    Account,
    AuditEvent,
    Invitation,
    Membership,
    Notification,
    OutgoingMail,
    PendingAccount,
    Proposal,
    User,
)
from accounts.services import people
from accounts.services.erasure import erase_person, find_erasure_obstacles, neutral_address
from accounts.services.invitations import accept_invitation, invite_member
from accounts.services.members import add_member
from accounts.services.notifications import News, notify_members
from accounts.services.personal_data import export_person
from accounts.services.preferences import introduce
from accounts.services.proposals import approve_proposal, propose
from billing.models import LedgerEntry, Order
from config.verification import find_all_breaches
from tests.approving import by_two
from tests.factories import (
    HOUR,
    NOW,
    PASSWORD,
    Customer,
    buy,
    make_account,
    make_customer,
    make_member,
    make_staff,
    make_user,
    membership_of,
    signed_in,
)

pytestmark = pytest.mark.django_db

NAME = "Zebulon Quirke"
EMAIL = "zebulon@example.com"
SECOND_EMAIL = "quirke.second@example.com"
#: What no table may hold afterward, in small letters.
PERSONAL = ("zebulon", "quirke")

#: Columns that are append-only, so that what they said of the person stays until the trail keeps
#: personal text in rows of its own (docs/decisions/0062-data-of-people.md).
UNCHANGEABLE = {
    # How an object was called when the event happened: addresses of sign-ins and invitations.
    "accounts_auditevent.target_label",
}


@pytest.fixture(autouse=True)
def _quiet(settings: Any) -> None:
    settings.MAIL_AT_ONCE = False
    settings.STAFF_SECOND_FACTOR = False
    cache.clear()


@pytest.fixture
def customer() -> Customer:
    """A company in which the person can work."""
    return make_customer(cash="1000", now=NOW)


@pytest.fixture
def person(customer: Customer) -> User:
    """Someone who has left a trace wherever a person can."""
    user = make_user(EMAIL, name=NAME)
    EmailAddress.objects.create(user=user, email=SECOND_EMAIL, verified=True)
    client = Client()
    client.post(reverse("account_login"), {"login": EMAIL, "password": PASSWORD})
    client.post(reverse("account_reset_password"), {"email": EMAIL})
    Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
    introduce(name=NAME, language="en", by=user)
    # A member by invitation, of which the other members were told by name.
    invited = invite_member(
        account=customer.account, email=EMAIL, role=Role.OWNER, by=customer.owner, now=NOW
    )
    accept_invitation(token=invited.token, by=user, now=NOW)
    # One more by staff, of which the owner was told by address.
    by_two(
        "member.add",
        account=(other := make_account()),
        user=user.pk,
        role=Role.VIEWER,
        by=make_staff(),
        now=NOW,
    )
    invite_member(
        account=make_account(),
        email=SECOND_EMAIL,
        role=Role.VIEWER,
        by=make_user(),
        now=NOW,
    )
    # What the person did to others.
    invite_member(
        account=customer.account, email="new@example.com", role=Role.VIEWER, by=user, now=NOW
    )
    OutgoingMail.objects.filter(to="new@example.com").update(
        sent_at=NOW, next_attempt_at=None, text="", html=""
    )
    notify_members([News(other, "role_changed", {"role": "owner"}, to=[user])], now=NOW)
    buy(customer.application, by=user, now=NOW + HOUR)
    PendingAccount.objects.create(
        user=user,
        entity_name=NAME,
        kind="individual",
        registration_number="Z1",
        account_name=NAME,
        created_at=NOW,
    )
    export_person(user=user, by=user, now=NOW)
    return user


def erase(user: User, **options: Any) -> None:
    by_two(
        "user.erase",
        target=user,
        user=user.pk,
        reason="Asked for by letter.",
        by=options.pop("by", None) or make_staff(),
        now=options.pop("now", NOW + 2 * HOUR),
        **options,
    )


def found_in() -> set[str]:
    """Return every column of every table that holds something of the person."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type IN"
            " ('text', 'character varying', 'character', 'json', 'jsonb', 'bytea', 'ARRAY')"
        )
        found = set()
        for table, column in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*) FROM "{table}" WHERE "{column}"::text ILIKE ANY (%s)',
                [[f"%{word}%" for word in PERSONAL]],
            )
            if cursor.fetchone()[0]:
                found.add(f"{table}.{column}")
        return found


def codes(user: User) -> list[str]:
    return [str(reason) for reason in find_erasure_obstacles(user, NOW)]


# --- What is gone, and what stands -------------------------------------------------------------


def test_no_text_that_can_be_changed_names_the_person_afterward(person: User) -> None:
    assert found_in() > UNCHANGEABLE | {
        "accounts_user.name",
        "account_emailaddress.email",
        "accounts_invitation.email",
        "accounts_notification.params",
        "accounts_outgoingmail.to",
        "accounts_outgoingmail.subject",
        "accounts_pendingaccount.entity_name",
    }

    erase(person)

    assert found_in() == UNCHANGEABLE


def test_the_trail_that_keeps_these_words_is_indeed_append_only(person: User) -> None:
    event = AuditEvent.objects.filter(target_label__contains="zebulon")
    with pytest.raises(Exception, match="append-only"), transaction.atomic():
        event.update(target_label="")


def test_money_and_history_stand_and_show_the_neutral_name(
    person: User, customer: Customer
) -> None:
    entries = list(LedgerEntry.objects.order_by("pk").values())
    trail = list(AuditEvent.objects.order_by("pk").values())
    order = Order.objects.get(created_by=person)

    erase(person)

    assert list(LedgerEntry.objects.order_by("pk").values()) == entries
    assert list(AuditEvent.objects.order_by("pk").values())[: len(trail)] == trail
    order.refresh_from_db()
    assert order.created_by is not None
    with translation.override("en"):
        assert order.created_by.get_full_name() == "Erased person"
    assert str(order.created_by) == f"erased-{person.pk}@erased.invalid"
    assert [breach.message for breach in find_all_breaches()] == []
    page = signed_in(customer.owner).get(f"/console/{customer.account.uin}/audit/")
    assert "Erased person" in page.content.decode()


def test_sessions_factors_addresses_news_and_places_are_gone(person: User) -> None:
    assert UserSession.objects.filter(user=person).exists()
    assert Session.objects.exists()

    erase(person)

    for rows in (
        EmailAddress.objects.filter(user_id=person.pk),
        Authenticator.objects.filter(user_id=person.pk),
        UserSession.objects.filter(user_id=person.pk),
        Session.objects.all(),
        Membership.objects.filter(user=person),
        Notification.objects.filter(user=person),
        PendingAccount.objects.filter(user=person),
        OutgoingMail.objects.filter(to__in=[EMAIL, SECOND_EMAIL]),
        Invitation.objects.filter(email__in=[EMAIL, SECOND_EMAIL]),
    ):
        assert not rows.exists(), rows.model
    # The invitation that the person accepted is part of the account's history.
    assert Invitation.objects.get(accepted_by=person).email == neutral_address(person)
    removed = AuditEvent.objects.filter(verb="member.removed", data__user=person.pk)
    assert {event.target_label for event in removed} == {neutral_address(person)}
    assert removed.count() == 2
    event = AuditEvent.objects.get(verb="user.erased")
    assert (event.target_id, event.target_label) == (person.pk, neutral_address(person))


def test_news_about_somebody_else_of_the_same_name_elsewhere_stays(person: User) -> None:
    other = make_account()
    namesake = News(other, "member_joined", {"person": NAME, "role": "viewer"})
    notify_members([namesake], now=NOW)

    erase(person)

    assert Notification.objects.get(account=other).params["person"] == NAME


def test_an_invitation_in_the_persons_name_that_waits_is_still_sent(person: User) -> None:
    OutgoingMail.objects.filter(to="new@example.com").update(sent_at=None, next_attempt_at=NOW)
    erase(person)
    assert OutgoingMail.objects.filter(to="new@example.com").exists()


# --- No one comes back by it -------------------------------------------------------------------


def test_nobody_signs_in_or_resets_the_password(person: User) -> None:
    erase(person)
    for address in (EMAIL, neutral_address(person)):
        client = Client()
        client.post(reverse("account_login"), {"login": address, "password": PASSWORD})
        assert "_auth_user_id" not in client.session
        client.post(reverse("account_reset_password"), {"email": address})
    # Anyone who asks is told, as with any unknown address, that no one signs in with it.
    kinds = OutgoingMail.objects.filter(to__in=[EMAIL, neutral_address(person)])
    assert set(kinds.values_list("kind", flat=True)) == {"unknown_account"}
    person.refresh_from_db()
    assert not person.has_usable_password()


def test_a_session_in_use_ends(person: User) -> None:
    client = signed_in(person)
    assert client.get("/profile/").status_code == 200
    erase(person)
    assert client.get("/profile/").status_code == 302


def test_the_same_address_signs_up_anew_as_somebody_else(person: User, customer: Customer) -> None:
    erase(person)
    new = people.register_person(email=EMAIL, name="", by=None, now=NOW + 3 * HOUR)
    assert new.pk != person.pk
    invited = invite_member(
        account=customer.account,
        email=EMAIL,
        role=Role.VIEWER,
        by=customer.owner,
        now=NOW + 3 * HOUR,
    )
    assert accept_invitation(token=invited.token, by=new, now=NOW + 3 * HOUR).user == new
    assert not person.memberships.exists()


def _reactivate(user: User, account: Account) -> object:
    return by_two("user.reactivate", target=user, user=user.pk, by=make_staff(), now=NOW + 3 * HOUR)


def _make_staff(user: User, account: Account) -> object:
    return by_two(
        "staff.rights",
        target=user,
        user=user.pk,
        groups=["Support"],
        by=make_staff(),
        now=NOW + 3 * HOUR,
    )


def _add(user: User, account: Account) -> object:
    return add_member(account=account, user=user, role=Role.VIEWER, by=None, now=NOW + 3 * HOUR)


@pytest.mark.parametrize("act", [_reactivate, _make_staff, _add])
def test_no_act_of_staff_brings_the_person_back(
    act: Callable[[User, Account], object], person: User
) -> None:
    erase(person)
    with pytest.raises(Refused) as refused:
        act(User.objects.get(pk=person.pk), make_account())
    assert refused.value.code == "erased"


@pytest.mark.parametrize(
    "change", [{"is_active": True}, {"is_staff": True}, {"is_superuser": True}, {"name": NAME}]
)
def test_the_database_keeps_the_person_out(change: dict[str, Any], person: User) -> None:
    erase(person)
    with pytest.raises(IntegrityError, match="erased_stays_out"), transaction.atomic():
        User.objects.filter(pk=person.pk).update(**change)


# --- When it is refused ------------------------------------------------------------------------


def test_every_reason_against_it_is_told_at_once() -> None:
    user = make_user(is_staff=True)
    account = make_account(owner=user, name="Alone")
    make_account(owner=user, name="Lonely")
    shared = make_account(owner=user)
    make_member(shared, Role.OWNER)
    user.groups.add(Group.objects.get(name="Administrators"))
    user = User.objects.get(pk=user.pk)
    propose(
        "member.add",
        account=make_account(),
        payload={"user": make_user().pk, "role": "viewer"},
        reason="x",
        by=user,
        now=NOW,
    )

    assert [reason.partition(". ")[0].rstrip(".") for reason in codes(user)] == [
        f"The person is the only owner of {account}",
        f"The person is the only owner of {Account.objects.get(name='Lonely')}",
        "The person is staff",
        "A proposal by or about this person is awaiting a decision",
    ]
    with pytest.raises(Refused) as refused:
        erase(user)
    assert refused.value.code == "not_erasable"
    assert "Lonely" in str(refused.value)
    assert User.objects.get(pk=user.pk).email == user.email


def test_an_open_proposal_about_the_person_comes_first() -> None:
    user, staff = make_user(), make_staff()
    payload = {"user": user.pk, "role": "viewer"}
    proposal = propose(
        "member.add", account=make_account(), payload=payload, reason="x", by=staff, now=NOW
    )
    assert len(codes(user)) == 1
    assert find_erasure_obstacles(user, proposal.expires_at) == []
    approve_proposal(proposal=proposal, by=make_staff(), now=NOW)
    assert codes(user) == []


def test_an_owner_who_became_the_only_one_meanwhile_is_not_erased(customer: Customer) -> None:
    user = make_member(customer.account, Role.OWNER)
    proposal = propose(
        "user.erase", target=user, payload={"user": user.pk}, reason="x", by=make_staff(), now=NOW
    )
    membership_of(customer.account, customer.owner).delete()
    with pytest.raises(Refused) as refused:
        approve_proposal(proposal=proposal, by=make_staff(), now=NOW)
    assert refused.value.code == "not_erasable"
    proposal.refresh_from_db()
    assert proposal.state == "waiting"


def test_it_takes_two_people_and_neither_is_the_person() -> None:
    user, staff = make_user(), make_staff()
    with pytest.raises(Refused) as refused:
        erase_person(user=user, reason="x", by=staff, now=NOW)
    assert refused.value.code == "second_person_needed"
    with pytest.raises(Refused) as refused:
        erase(user, by=staff, second=staff)
    assert refused.value.code == "same_person"


def test_a_person_is_erased_once(person: User) -> None:
    erase(person)
    with pytest.raises(Refused, match="already been erased"):
        erase(User.objects.get(pk=person.pk), now=NOW + 3 * HOUR)


# --- In the administration ---------------------------------------------------------------------


def page_of(user: User, act: str = "") -> str:
    name, args = ("act", [user.pk, act]) if act else ("change", [user.pk])
    return reverse(f"admin:accounts_user_{name}", args=args)


def test_two_administrators_erase_and_the_page_shows_it(person: User) -> None:
    first, second = signed_in(make_staff()), signed_in(make_staff())
    assert page_of(person, "erase") in first.get(page_of(person)).content.decode()
    assert first.post(page_of(person, "erase"), {"reason": "Asked for"}).status_code == 302
    proposal = Proposal.objects.get(kind="user.erase")
    waiting = second.get(reverse("admin:accounts_proposal_change", args=[proposal.pk]))
    assert EMAIL in waiting.content.decode()

    approve = reverse("admin:accounts_proposal_act", args=[proposal.pk, "approve"])
    assert second.post(approve, {"reason": "Yes"}).status_code == 302

    person.refresh_from_db()
    assert person.erased_at is not None
    assert timezone.now() - person.erased_at < timedelta(minutes=1)
    page = second.get(page_of(person)).content.decode()
    assert "Erased" in page
    assert EMAIL not in page
    for act in ("erase", "reactivate", "staff-rights", "deactivate"):
        assert page_of(person, act) not in page
    answer = second.get(reverse("admin:accounts_proposal_change", args=[proposal.pk]))
    assert EMAIL not in answer.content.decode()
