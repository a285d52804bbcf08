"""The audit trail of an account: who, what, when, why."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.access import PERMISSIONS_OF_ROLE, Permission
from accounts.enums import Role
from accounts.models import Account, AuditEvent, User
from accounts.paging import PAGE_SIZE
from accounts.services import audit
from accounts.wording import describe_event, visible_verbs
from tests.factories import NOW, make_account, make_member, make_user, owner_of
from tests.queries import FRAME

pytestmark = pytest.mark.django_db


def page(account: Account, query: dict[str, Any] | None = None, *, user: User | None = None) -> Any:
    client = Client()
    client.force_login(user or owner_of(account))
    return client.get(reverse("accounts:audit", kwargs={"uin": account.uin}), query or {})


def record(
    account: Account,
    verb: str = "account.renamed",
    *,
    by: User | None = None,
    now: datetime = NOW,
    **changes: Any,
) -> AuditEvent:
    event = audit.Event(verb=verb, **{"target": account, **changes})
    audit.record([event], account=account, by=by, now=now)
    return AuditEvent.objects.latest("pk")


def shown(answer: Any) -> list[int]:
    return [event.pk for event, _sentence in answer.context["lines"]]


@pytest.mark.parametrize("role", Role.values)
def test_who_may_read_it(role: str) -> None:
    account = make_account()

    answer = page(account, user=make_member(account, role))

    may = Permission.READ_AUDIT in PERMISSIONS_OF_ROLE[role]
    assert answer.status_code == (200 if may else 403)
    assert may is (role in {Role.OWNER, Role.FINANCE})


def test_it_tells_in_sentences_newest_first() -> None:
    account = make_account(name="Harbour")
    make_member(account, Role.FINANCE, user=make_user("felix@example.com"))

    lines = page(account).context["lines"]

    assert [sentence for _event, sentence in lines] == [
        "felix@example.com became a member: Finance",
        f"Account Harbour ({account.uin}) opened",
    ]


def test_it_shows_nothing_of_other_accounts() -> None:
    account, other = make_account(), make_account()
    record(other, reason="Secret of another account")

    assert "Secret" not in page(account).content.decode()


def test_what_only_staff_may_read_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account()
    record(account, "verb.without_a_sentence", reason="Not for customers")

    assert "Not for customers" not in page(account).content.decode()


def test_staff_are_not_named() -> None:
    account = make_account()
    staff = make_user("sam.staff@example.com", name="Sam Staff", is_staff=True)
    event = record(account, by=staff)

    answer = page(account)

    assert event.pk in shown(answer)
    assert "Sam Staff" not in answer.content.decode()
    assert shown(page(account, {"who": "sam"})) == []


@pytest.fixture
def told() -> tuple[Account, dict[str, int]]:
    """An account with four events that differ in everything, and their keys."""
    account = make_account()
    anna, bert = make_user("anna@example.com", name="Anna Abel"), make_user("bert@example.com")
    events = {
        "renamed": record(account, by=anna, reason="New brand, 100% ours"),
        "opened": record(account, "account.opened", by=bert, now=NOW + timedelta(days=1)),
        "joined": record(
            account, "member.added", by=anna, target=bert, now=NOW + timedelta(days=2)
        ),
        "system": record(account, "account.status_changed", now=NOW + timedelta(days=3)),
    }
    return account, {name: event.pk for name, event in events.items()}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"who": "ANNA@"}, ["joined", "renamed"]),
        ({"who": "anna a"}, ["joined", "renamed"]),
        ({"who": "bel"}, []),
        ({"who": "system", "since": "2026-03-13"}, ["system"]),
        ({"what": "member"}, ["joined"]),
        ({"text": "brand"}, ["renamed"]),
        ({"text": "100%"}, ["renamed"]),
        ({"text": "0_ours"}, []),
        ({"text": "bert@"}, ["joined"]),
        ({"since": "2026-03-12", "until": "2026-03-12"}, ["joined"]),
        ({"since": "2026-03-12", "who": "anna"}, ["joined"]),
    ],
    ids=str,
)
def test_it_is_searched_by_who_what_when_and_why(
    told: tuple[Account, dict[str, int]], query: dict[str, str], expected: list[str]
) -> None:
    account, keys = told

    assert shown(page(account, query)) == [keys[name] for name in expected]


def test_a_day_begins_and_ends_in_the_billing_zone() -> None:
    account = make_account()
    zone = timezone.get_default_timezone()
    inside = [
        record(account, now=datetime(2026, 5, 4, 0, 0, tzinfo=zone)),
        record(account, now=datetime(2026, 5, 4, 23, 59, 59, 999999, tzinfo=zone)),
    ]
    record(account, now=datetime(2026, 5, 3, 23, 59, 59, 999999, tzinfo=zone))
    record(account, now=datetime(2026, 5, 5, 0, 0, tzinfo=zone))

    found = shown(page(account, {"since": "2026-05-04", "until": "2026-05-04"}))

    assert sorted(found) == [event.pk for event in inside]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("since", "yesterday"),
        ("since", "0001-01-01"),
        ("until", "9999-12-31"),
        ("who", "a\x00b"),
        ("what", "nonsense"),
        ("text", "x" * 201),
    ],
)
def test_bad_filters_are_told_beside_their_field(field: str, value: str) -> None:
    answer = page(make_account(), {field: value})

    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == [field]


@pytest.mark.parametrize("key", ["-1", "x", "1e9", "٣", "9" * 30, "\x00"])
def test_a_bad_page_key_is_the_first_page(key: str) -> None:
    account = make_account()

    assert shown(page(account, {"before": key})) == shown(page(account))


def test_pages_lead_through_the_whole_trail_and_back() -> None:
    account = make_account()
    everything = [record(account).pk for _number in range(PAGE_SIZE * 2 + 3)]
    everything = [*AuditEvent.objects.filter(account=account).values_list("pk", flat=True)]
    everything.sort(reverse=True)

    forth: list[list[int]] = []
    query: dict[str, int] = {}
    while True:
        answer = page(account, query)
        forth.append(shown(answer))
        if not answer.context["page"].older:
            break
        query = {"before": answer.context["page"].older}
    back = [forth[-1]]
    while newer := answer.context["page"].newer:
        answer = page(account, {"after": newer})
        back.append(shown(answer))

    assert [key for keys in forth for key in keys] == everything
    assert back == forth[::-1]


@pytest.mark.parametrize("rows", [1, 20])
def test_it_takes_the_same_number_of_queries(rows: int, django_assert_num_queries: Any) -> None:
    account = make_account()
    client = Client()
    client.force_login(owner_of(account))
    for _number in range(rows):
        record(account, by=make_user())
    url = reverse("accounts:audit", kwargs={"uin": account.uin})
    client.get(url)

    with django_assert_num_queries(FRAME + 7):
        client.get(url)


def test_every_event_that_this_project_writes_has_a_sentence() -> None:
    """Customers read no verb without one, so a missing sentence would hide history."""
    written = set()
    for app in ("accounts", "agents", "billing", "compliance"):
        for source in Path(apps.get_app_config(app).path).rglob("*.py"):
            found = re.findall(r'verb="([a-z_]+\.[a-z_]+)"', source.read_text())
            written.update(found)

    known = set(visible_verbs()) | internal_verbs()
    assert sorted(written - known) == []


def internal_verbs() -> set[str]:
    from accounts.wording import _gathered  # noqa: PLC0415

    return set(_gathered().internal)


def test_a_sentence_may_hold_a_per_cent_sign_from_a_name() -> None:
    account = make_account(name="100% Harbour")

    assert describe_event(record(account)) == f"Account renamed: now 100% Harbour ({account.uin})"
