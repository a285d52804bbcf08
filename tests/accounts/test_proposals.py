"""What takes two people: prepared by one, decided by another, and carried out once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, IntegrityError, transaction

from accounts.enums import ProposalState, Role
from accounts.errors import Refused
from accounts.models import Account, AuditEvent, Membership, Notification, Proposal, User
from accounts.services import members, people, restrictions, tenants
from accounts.services.erasure import erase_person
from accounts.services.outbox import send_due
from accounts.services.proposals import (
    KINDS,
    approve_proposal,
    propose,
    reject_proposal,
    withdraw_proposal,
)
from tests.approving import by_two
from tests.factories import (
    HOUR,
    NOW,
    make_account,
    make_member,
    make_staff,
    make_user,
    membership_of,
)

pytestmark = pytest.mark.django_db


def code(act: Callable[..., object], *args: object, **options: object) -> str:
    with pytest.raises(Refused) as refused:
        act(*args, **options)
    return refused.value.code


def add_viewer(account: Account, *, by: User, user: User | None = None) -> Proposal:
    return propose(
        "member.add",
        account=account,
        payload={"user": (user or make_user()).pk, "role": Role.VIEWER},
        reason="They asked for it by letter.",
        by=by,
        now=NOW,
    )


# --- From preparing to deciding ----------------------------------------------------------------


def test_nothing_happens_until_a_second_person_approves() -> None:
    account, first, new = make_account(), make_staff(), make_user()
    proposal = add_viewer(account, by=first, user=new)
    assert not account.memberships.filter(user=new).exists()

    approve_proposal(proposal=proposal, reason="Checked.", by=make_staff(), now=NOW + HOUR)

    assert account.memberships.get(user=new).role == Role.VIEWER
    proposal.refresh_from_db()
    assert (proposal.state, proposal.decided_at) == ("approved", NOW + HOUR)


def test_the_first_person_neither_approves_nor_rejects() -> None:
    first = make_staff()
    proposal = add_viewer(make_account(), by=first)
    for decide in (approve_proposal, reject_proposal):
        assert code(decide, proposal=proposal, reason="", by=first, now=NOW) == "same_person"
    proposal.refresh_from_db()
    assert proposal.state == ProposalState.WAITING


@pytest.mark.parametrize("first", ["approve", "reject", "withdraw"])
@pytest.mark.parametrize("second", [approve_proposal, reject_proposal])
def test_what_is_decided_stays_decided(first: str, second: Callable[..., object]) -> None:
    maker, account = make_staff(), make_account()
    proposal = add_viewer(account, by=maker)
    count = account.memberships.count()
    if first == "withdraw":
        withdraw_proposal(proposal=proposal, reason="", by=maker, now=NOW)
    else:
        decide = approve_proposal if first == "approve" else reject_proposal
        decide(proposal=proposal, reason="", by=make_staff(), now=NOW)
    again = code(second, proposal=proposal, reason="", by=make_staff(), now=NOW)
    assert again == "proposal_decided"
    assert account.memberships.count() - count == (first == "approve")


def test_only_the_first_person_withdraws() -> None:
    proposal = add_viewer(make_account(), by=make_staff())
    refused = code(withdraw_proposal, proposal=proposal, reason="", by=make_staff(), now=NOW)
    assert refused == "not_yours"


def test_a_proposal_expires(settings: Any) -> None:
    settings.PROPOSAL_DAYS = 14
    proposal = add_viewer(make_account(), by=make_staff())
    late = NOW + timedelta(days=14)
    assert proposal.state_at(late) == ProposalState.EXPIRED
    assert code(approve_proposal, proposal=proposal, by=make_staff(), now=late) == (
        "proposal_decided"
    )


def test_the_second_person_needs_the_right_for_the_act() -> None:
    proposal = add_viewer(make_account(), by=make_staff())
    clerk = make_user(is_staff=True)
    assert code(approve_proposal, proposal=proposal, by=clerk, now=NOW) == "no_right"
    assert code(reject_proposal, proposal=proposal, reason="", by=clerk, now=NOW) == "no_right"


@pytest.mark.parametrize("loss", [{"is_superuser": False}, {"is_active": False}])
def test_what_somebody_prepared_ends_with_their_rights(loss: dict[str, bool]) -> None:
    account, first = make_account(), make_staff()
    proposal = add_viewer(account, by=first)
    User.objects.filter(pk=first.pk).update(**loss)
    refused = code(approve_proposal, proposal=proposal, by=make_staff(), now=NOW)
    assert (refused, account.memberships.count()) == ("maker_lost_right", 1)


def test_what_changed_meanwhile_is_prepared_again() -> None:
    account, first = make_account(), make_staff()
    member = make_member(account, Role.VIEWER)
    place = membership_of(account, member)
    proposal = propose(
        "member.role",
        account=account,
        target=place,
        payload={"user": member.pk, "from": Role.VIEWER, "role": Role.FINANCE},
        reason="A new job",
        by=first,
        now=NOW,
    )
    members.change_role(membership=place, role=Role.AGENT_MANAGER, by=None, now=NOW)
    assert code(approve_proposal, proposal=proposal, by=make_staff(), now=NOW) == (
        "changed_meanwhile"
    )
    place.refresh_from_db()
    assert place.role == Role.AGENT_MANAGER


def test_an_act_that_is_refused_leaves_the_proposal_waiting() -> None:
    account, new = make_account(), make_user()
    proposal = add_viewer(account, by=make_staff(), user=new)
    members.add_member(account=account, user=new, role=Role.FINANCE, by=None, now=NOW)
    assert code(approve_proposal, proposal=proposal, by=make_staff(), now=NOW) == "already_member"
    proposal.refresh_from_db()
    assert proposal.state == ProposalState.WAITING


def test_what_cannot_be_done_is_not_prepared() -> None:
    account, new = make_account(), make_user()
    members.add_member(account=account, user=new, role=Role.FINANCE, by=None, now=NOW)
    assert code(add_viewer, account, by=make_staff(), user=new) == "already_member"
    assert not Proposal.objects.exists()


def test_a_proposal_says_why() -> None:
    refused = code(
        propose, "member.add", account=make_account(), reason=" ", by=make_staff(), now=NOW
    )
    assert refused == "no_reason"


def test_nobody_prepares_or_decides_what_is_about_themselves() -> None:
    account, own, other = make_account(), make_staff(), make_staff()
    assert code(add_viewer, account, by=own, user=own) == "own_account"
    proposal = add_viewer(account, by=other, user=own)
    assert code(approve_proposal, proposal=proposal, by=own, now=NOW) == "own_account"


def test_customers_read_of_the_act_and_not_of_how_staff_came_to_it() -> None:
    account, first, second = make_account(), make_staff(), make_staff()
    approve_proposal(proposal=add_viewer(account, by=first), by=second, now=NOW)
    events = AuditEvent.objects.filter(account=account, actor=second)
    event = events.get()
    assert (event.verb, event.reason) == ("member.added", "They asked for it by letter.")
    assert event.data == {"proposed_by": first.pk}
    of_staff = AuditEvent.objects.filter(verb__startswith="proposal.")
    assert sorted(of_staff.values_list("verb", flat=True)) == [
        "proposal.approved",
        "proposal.made",
    ]
    assert not of_staff.filter(account__isnull=False).exists()


# --- The database has the last word ------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        lambda p: {"state": "approved", "decided_by": p.made_by, "decided_at": NOW},
        lambda p: {"state": "rejected", "decided_by": p.made_by, "decided_at": NOW},
        lambda p: {"state": "approved"},
        lambda p: {"state": "withdrawn", "decided_by": make_user(), "decided_at": NOW},
        lambda p: {"state": "carried out", "decided_by": make_user(), "decided_at": NOW},
    ],
    ids=["approved alone", "rejected alone", "by no one", "withdrawn by another", "unknown state"],
)
def test_the_database_wants_two_people(changes: Callable[[Proposal], dict[str, Any]]) -> None:
    proposal = add_viewer(make_account(), by=make_staff())
    with pytest.raises(IntegrityError), transaction.atomic():
        Proposal.objects.filter(pk=proposal.pk).update(**changes(proposal))


def test_the_database_keeps_what_was_prepared() -> None:
    proposal = add_viewer(make_account(), by=make_staff())
    rows = Proposal.objects.filter(pk=proposal.pk)
    changes: list[dict[str, Any]] = [
        {"payload": {"user": make_user().pk, "role": "owner"}},
        {"made_by": make_user()},
        {"kind": "staff.rights"},
        {"reason": "Another"},
        {"account": make_account()},
    ]
    for change in changes:
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.delete()


# --- No door past the second person ------------------------------------------------------------


def _alone() -> dict[str, Callable[[User, Proposal | None], object]]:
    """Each service that takes two people, called by one; the setting is made by the system."""
    account = make_account()
    member = make_member(account, Role.VIEWER)
    place = membership_of(account, member)
    asleep, new = make_user(), make_user()
    asleep.is_active = False
    asleep.save()
    support = Group.objects.get(name="Support")
    measure = restrictions.restrict_by_staff(
        account=make_account(),
        measure="suspend",
        reason="Of the test",
        by=None,  # type: ignore[arg-type]
        now=NOW,
    )

    def who(by: User, approval: Proposal | None) -> dict[str, Any]:
        return {"reason": "Why not", "approval": approval, "by": by, "now": NOW}

    return {
        "member.add": lambda by, a: members.add_member(
            account=account, user=new, role="owner", **who(by, a)
        ),
        "member.role": lambda by, a: members.change_role(
            membership=place, role="owner", **who(by, a)
        ),
        "member.remove": lambda by, a: members.remove_member(membership=place, **who(by, a)),
        "staff.rights": lambda by, a: people.change_staff_rights(
            user=member, is_staff=True, groups=[support], **who(by, a)
        ),
        "user.erase": lambda by, a: erase_person(user=new, **who(by, a)),
        "user.reactivate": lambda by, a: people.reactivate_user(user=asleep, **who(by, a)),
        "account.open": lambda by, a: tenants.open_account(
            entity=account.entity, name="Mine", owner=by, **who(by, a)
        ),
        "entity.correct": lambda by, a: tenants.correct_entity(
            entity=account.entity,
            name="Another",
            kind="enterprise",
            registration_number="N-1",
            **who(by, a),
        ),
        "account.restrict": lambda by, a: restrictions.restrict_by_staff(
            account=account, measure="block", **who(by, a)
        ),
        "restriction.lift": lambda by, a: restrictions.lift_by_staff(
            restriction=measure, **who(by, a)
        ),
    }


def test_no_service_acts_for_one_person_of_staff() -> None:
    acts = _alone()
    of_this_app = {
        name for name, kind in KINDS.items() if kind.carry_out.__module__[:8] == "accounts"
    }
    assert set(acts) == of_this_app
    one, other = make_staff(), make_staff()
    # An approval of something else, or of another moment, opens no door either.
    spent = add_viewer(make_account(), by=other)
    approve_proposal(proposal=spent, by=one, now=NOW - HOUR)
    waiting = add_viewer(make_account(), by=other)
    before = _rows()
    for act in acts.values():
        for approval in (None, spent, waiting):
            assert code(act, one, approval) == "second_person_needed"
    assert _rows() == before


def _rows() -> list[Any]:
    return [
        sorted(Membership.objects.values_list("account", "user", "role")),
        sorted(User.objects.values_list("pk", "is_staff", "is_active", "groups")),
        sorted(Account.objects.values_list("pk", "status", "entity__name")),
    ]


# --- Members -----------------------------------------------------------------------------------


def _told() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for kind, email in Notification.objects.values_list("kind", "user__email"):
        found.setdefault(kind, set()).add(email)
    return found


def test_owners_are_told_what_staff_did_to_their_members() -> None:
    owner = make_user()
    account = make_account(owner=owner)
    viewer, first, new = make_member(account, Role.VIEWER), make_staff(), make_user()
    options: dict[str, Any] = {"account": account, "by": first, "now": NOW}

    place = by_two("member.add", user=new.pk, role=Role.FINANCE, **options)
    was: dict[str, Any] = {"user": new.pk, "from": Role.FINANCE}
    by_two("member.role", target=place, role=Role.OWNER, **was, **options)
    place.refresh_from_db()
    by_two("member.remove", target=place, **was, **options)

    told = _told()
    assert told["staff_added_member"] == {owner.email}
    assert told["staff_changed_role"] == {owner.email, new.email}
    assert told["staff_removed_member"] == {owner.email, new.email}
    assert viewer.email not in set().union(*told.values())
    assert Notification.objects.filter(next_attempt_at=None).count() == 0
    verbs = AuditEvent.objects.filter(account=account, reason="As it should be.")
    assert list(verbs.order_by("pk").values_list("verb", flat=True)) == [
        "member.added",
        "member.role_changed",
        "member.removed",
    ]


def test_an_owner_whom_staff_removed_is_told_by_mail(mailoutbox: list[Any]) -> None:
    account = make_account()
    owner = make_member(account, Role.OWNER)
    place = membership_of(account, owner)
    was: dict[str, Any] = {"user": owner.pk, "from": Role.OWNER}
    by_two("member.remove", account=account, target=place, by=make_staff(), now=NOW, **was)
    send_due(now=NOW, clock=lambda: NOW)
    assert owner.email in [address for mail in mailoutbox for address in mail.to]


def test_owners_go_on_managing_members_alone() -> None:
    owner = make_user()
    account = make_account(owner=owner)
    viewer = make_member(account, Role.VIEWER)
    place = membership_of(account, viewer)
    members.change_role(membership=place, role=Role.FINANCE, by=owner, now=NOW)
    members.remove_member(membership=place, by=owner, now=NOW)
    assert not account.memberships.filter(user=viewer).exists()
    assert "staff_removed_member" not in _told()


# --- Rights ------------------------------------------------------------------------------------


def _colleague(*groups: str) -> User:
    user = make_user(is_staff=bool(groups))
    user.groups.set(Group.objects.filter(name__in=groups))
    return user


def _groups(user: User) -> list[str]:
    return sorted(user.groups.values_list("name", flat=True))


def _change(user: User, *groups: str, by: User, at: datetime = NOW) -> None:
    people.change_staff_rights(
        user=user,
        is_staff=bool(groups),
        groups=Group.objects.filter(name__in=groups),
        reason="x",
        by=by,
        now=at,
    )


def test_one_person_takes_rights_away_at_once() -> None:
    boss, colleague = make_staff(), _colleague("Catalog", "Support")
    _change(colleague, "Support", by=boss)
    assert _groups(colleague) == ["Support"]
    _change(colleague, by=boss)
    colleague.refresh_from_db()
    assert (_groups(colleague), colleague.is_staff) == ([], False)
    people.deactivate_user(user=colleague, reason="Left", by=boss, now=NOW)
    colleague.refresh_from_db()
    assert not colleague.is_active


@pytest.mark.parametrize("held", [(), ("Support",), ("Catalog", "Support")])
def test_one_person_gives_no_right(held: tuple[str, ...]) -> None:
    boss, colleague = make_staff(), _colleague(*held)
    # Not in exchange for another one either.
    assert code(_change, colleague, "Compliance", by=boss) == "second_person_needed"
    assert _groups(colleague) == sorted(held)


def test_two_give_rights_which_then_count_for_nothing_for_a_day() -> None:
    first, second, new = make_staff(), make_staff(), make_user()
    by_two(
        "staff.rights",
        target=new,
        by=first,
        second=second,
        now=NOW,
        user=new.pk,
        groups=["Administrators"],
    )
    new.refresh_from_db()
    assert (new.is_staff, _groups(new)) == (True, ["Administrators"])
    proposal = add_viewer(make_account(), by=first)
    for at, expected in ((NOW + 23 * HOUR, "too_new"), (NOW + 24 * HOUR, "")):
        if expected:
            assert code(approve_proposal, proposal=proposal, by=new, now=at) == expected
        else:
            approve_proposal(proposal=proposal, by=new, now=at)
    proposal.refresh_from_db()
    assert proposal.state == ProposalState.APPROVED
