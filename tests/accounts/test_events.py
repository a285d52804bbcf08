"""Recording what a transaction did: the audit trail and the news, in few statements."""

from typing import Any

import pytest

from accounts.access import Permission
from accounts.enums import Role
from accounts.models import Account, AuditEvent, Notification
from accounts.services.audit import Event, record
from accounts.services.notifications import News
from tests.factories import NOW, make_account, make_member, make_user

pytestmark = pytest.mark.django_db


def joined(target: Account, **changes: Any) -> Event:
    return Event(verb="member.added", target=target, **changes)


def told(account: Account, kind: str = "role_changed", **changes: Any) -> News:
    return News(account, kind, {"role": Role.VIEWER}, **changes)


def test_an_event_enters_the_trail_with_all_it_says() -> None:
    account, user = make_account(name="Harbour"), make_user()
    event = Event(
        verb="account.renamed",
        target=account,
        from_state="active",
        to_state="suspended",
        data={"was": "Haven"},
        reason="New brand",
    )
    record([event], account=account, by=user, now=NOW)

    (row,) = AuditEvent.objects.filter(verb="account.renamed").values()
    assert row == {
        "id": row["id"],
        "account_id": account.pk,
        "at": NOW,
        "actor_id": user.pk,
        "verb": "account.renamed",
        "target_type": "accounts.account",
        "target_id": account.pk,
        "target_label": f"Harbour ({account.uin})",
        "from_state": "active",
        "to_state": "suspended",
        "reason": "New brand",
        "data": {"was": "Haven"},
    }


def test_events_are_kept_in_the_order_in_which_they_happened() -> None:
    account = make_account()
    states = [str(number) for number in range(30)]

    record([joined(account, to_state=state) for state in states], account=account, by=None, now=NOW)

    rows = AuditEvent.objects.filter(verb="member.added", to_state__in=states).order_by("pk")
    assert list(rows.values_list("to_state", flat=True)) == states


def test_an_event_may_belong_to_another_account_or_to_none() -> None:
    account, other = make_account(), make_account()
    events = [joined(account, to_state="own"), joined(other, to_state="other", account=other)]

    record(events, account=account, by=None, now=NOW)
    record([joined(account, to_state="none")], account=None, by=None, now=NOW)

    rows = AuditEvent.objects.filter(to_state__in=["own", "other", "none"]).order_by("pk")
    assert list(rows.values_list("to_state", "account_id")) == [
        ("own", account.pk),
        ("other", other.pk),
        ("none", None),
    ]


def test_the_news_of_an_event_reach_the_members_whom_they_concern() -> None:
    account, payer = make_account(), make_account()
    make_member(account, Role.VIEWER)
    news = [
        told(account, to=Permission.SPEND),
        told(payer, "payment_asked", to=Permission.SPEND),
    ]

    record([joined(account, news=news)], account=account, by=None, now=NOW)

    found = Notification.objects.order_by("pk").values_list("account_id", "user_id", "kind")
    assert list(found) == [
        (account.pk, account.memberships.get(role=Role.OWNER).user_id, "role_changed"),
        (payer.pk, payer.memberships.get().user_id, "payment_asked"),
    ]


@pytest.mark.parametrize("count", [1, 40])
@pytest.mark.parametrize(("is_told", "statements"), [(False, 1), (True, 4)])
def test_many_events_take_as_many_statements_as_one(
    count: int, is_told: bool, statements: int, django_assert_num_queries: Any
) -> None:
    account = make_account()
    event = joined(account, news=[told(account)] if is_told else [])

    with django_assert_num_queries(statements):
        record([event] * count, account=account, by=None, now=NOW)


def test_nothing_happened_is_nothing_to_write(django_assert_num_queries: Any) -> None:
    account = make_account()
    with django_assert_num_queries(0):
        record([], account=account, by=None, now=NOW)
