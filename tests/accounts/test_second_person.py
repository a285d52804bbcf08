"""Who is another person: not the maker, not a member, not someone created by the maker."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from accounts.enums import Role
from accounts.models import Account, User
from accounts.services.audit import Event, record
from accounts.services.members import remove_member
from accounts.services.second_person import refusal_for
from tests.factories import DAY, HOUR, NOW, make_account, make_member, make_user, membership_of

pytestmark = pytest.mark.django_db


def code(by: User, *makers: User, account: Account | None = None, now: datetime = NOW) -> str:
    """Return the code of the refusal; empty where `by` may decide."""
    ids = [maker.pk for maker in makers]
    refusal = refusal_for(by=by, maker_ids=ids, account=account, now=now)
    return refusal.code if refusal else ""


def made(user: User, by: User, at: datetime = NOW - HOUR) -> None:
    happened("user.registered", user, by, at)


def gave_rights(user: User, by: User, at: datetime = NOW - HOUR, **data: object) -> None:
    happened("user.rights_changed", user, by, at, **{"from": [], "to": ["Catalog"], **data})


def happened(verb: str, user: User, by: User, at: datetime, **data: object) -> None:
    event = Event(verb=verb, target=user, from_state="staff", to_state="staff", data=data)
    record([event], account=None, by=by, now=at)


def test_a_stranger_is_a_second_person_and_the_maker_is_none() -> None:
    one, two = make_user(), make_user()
    assert (code(two, one), code(one, one), code(one)) == ("", "same_person", "")


@pytest.mark.parametrize("bring_about", [made, gave_rights], ids=["made", "gave rights"])
def test_whoever_was_brought_about_within_a_day_is_no_second_person(
    bring_about: Callable[[User, User], None],
) -> None:
    boss, puppet, other = make_user(), make_user(), make_user()
    bring_about(puppet, boss)
    # By its maker's work, by anyone's, and the maker by the puppet's work.
    assert code(puppet, boss) == "too_new"
    assert code(puppet, other) == "too_new"
    assert code(boss, puppet) == "linked_person"
    assert code(other, puppet) == ""


def test_the_link_goes_through_others() -> None:
    boss, puppet, grandchild = make_user(), make_user(), make_user()
    made(puppet, boss)
    made(grandchild, puppet)
    assert code(boss, grandchild) == "linked_person"
    assert code(puppet, grandchild) == "too_new"


def test_two_made_by_the_same_person_do_not_decide_on_each_other() -> None:
    boss, one, two = make_user(), make_user(), make_user()
    made(one, boss)
    made(two, boss)
    assert (code(one, two), code(two, one)) == ("too_new", "too_new")


def test_rights_given_by_two_link_to_both() -> None:
    maker, decider, new = make_user(), make_user(), make_user()
    gave_rights(new, decider, proposed_by=maker.pk)
    assert (code(maker, new), code(decider, new)) == ("linked_person", "linked_person")


def test_taking_rights_away_links_nobody() -> None:
    boss, other = make_user(), make_user()
    taken = {"from": ["Catalog", "Support"], "to": ["Support"]}
    happened("user.rights_changed", other, boss, NOW - HOUR, **taken)
    assert (code(other, boss), code(boss, other)) == ("", "")


@pytest.mark.parametrize("verb", ["user.reactivated", "user.second_factor_reset"])
def test_letting_somebody_into_a_sign_in_is_a_link(verb: str) -> None:
    boss, old = make_user(), make_user()
    happened(verb, old, boss, NOW - HOUR)
    assert (code(old, boss), code(boss, old)) == ("too_new", "linked_person")


def test_the_link_ends_after_a_day_to_the_second() -> None:
    boss, puppet = make_user(), make_user()
    made(puppet, boss, at=NOW)
    second = timedelta(seconds=1)
    assert code(boss, puppet, now=NOW + DAY - second) == "linked_person"
    assert code(puppet, boss, now=NOW + DAY - second) == "too_new"
    assert (code(boss, puppet, now=NOW + DAY), code(puppet, boss, now=NOW + DAY)) == ("", "")


@pytest.mark.parametrize("role", Role.values)
def test_members_never_act_on_their_own_company(role: str) -> None:
    account = make_account()
    member = make_member(account, role)
    sister = Account.objects.create(
        uin="999999999999", entity=account.entity, name="Sister", created_at=NOW
    )
    assert code(member, account=account) == "own_company"
    assert code(member, account=sister) == "own_company"
    assert code(member, account=make_account()) == ""


def test_leaving_the_company_to_act_on_it_takes_a_day() -> None:
    account = make_account()
    member = make_member(account, Role.VIEWER)
    remove_member(membership=membership_of(account, member), by=member, now=NOW)
    assert code(member, account=account, now=NOW + HOUR) == "own_company"
    assert code(member, account=account, now=NOW + DAY) == ""


def test_the_system_may() -> None:
    account = make_account()
    assert refusal_for(by=None, maker_ids=[None], account=account, now=NOW) is None
