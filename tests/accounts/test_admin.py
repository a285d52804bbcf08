"""The administration of tenants and people, and what every app's administration builds on."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.admin.paginator import LeanPaginator
from accounts.admin.search import SearchableField
from accounts.enums import AccountStatus, Measure, Role
from accounts.models import (
    Account,
    Application,
    AuditEvent,
    Entity,
    Invitation,
    Membership,
    Notification,
    Restriction,
    User,
)
from accounts.services.restrictions import restrict_account
from tests.approving import approve_waiting
from tests.factories import (
    NOW,
    make_account,
    make_application,
    make_member,
    make_staff,
    make_user,
    membership_of,
)
from tests.queries import FRAME

pytestmark = pytest.mark.django_db
MODELS = [
    Account,
    Application,
    AuditEvent,
    Entity,
    Invitation,
    Membership,
    Notification,
    Restriction,
    User,
]


def staff_client(*permissions: str) -> Client:
    """A browser of a member of staff who may do this much."""
    user = make_user(is_staff=True)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    client = Client()
    client.force_login(user)
    return client


def root_client() -> Client:
    user = make_user(is_staff=True)
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    client = Client()
    client.force_login(user)
    return client


def act_url(obj: Any, name: str) -> str:
    meta = obj._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_act", args=[obj.pk, name])


def change_url(obj: Any) -> str:
    meta = obj._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[obj.pk])


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_lists_and_objects_are_shown_and_cannot_be_edited(model: Any) -> None:
    account = make_account()
    make_application(account)
    restrict_account(
        account=account, measure=Measure.SUSPEND, case_number="V1", reason="r", by=None, now=NOW
    )
    client = root_client()
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"

    page = client.get(reverse(f"{name}_changelist"), {"q": "a"})
    assert page.status_code == 200
    obj = model.objects.first()
    if obj is None:
        return
    assert client.get(change_url(obj)).status_code == 200
    before = list(model.objects.order_by("pk").values())
    assert client.post(change_url(obj), {"name": "Other"}).status_code == 403
    assert client.post(reverse(f"{name}_delete", args=[obj.pk])).status_code == 403
    assert list(model.objects.order_by("pk").values()) == before


def test_reading_alone_offers_no_act() -> None:
    account = make_account()
    client = staff_client("accounts.view_account")

    page = client.get(change_url(account)).content.decode()

    assert "/act/" not in page
    assert client.get(act_url(account, "restrict")).status_code == 403
    assert client.post(act_url(account, "restrict"), {"reason": "x"}).status_code == 403


def test_an_act_needs_the_right_to_see_the_object() -> None:
    account = make_account()

    client = staff_client("accounts.restrict_account")

    assert client.post(act_url(account, "restrict")).status_code == 403


def test_an_act_runs_its_service_and_tells_why_in_the_audit_trail() -> None:
    account = make_account()
    client = staff_client("accounts.view_account", "accounts.restrict_account")
    page = client.get(change_url(account)).content.decode()
    assert act_url(account, "restrict") in page

    answer = client.post(
        act_url(account, "restrict"), {"measure": "suspend", "reason": "Unpaid invoice"}
    )

    assert answer.headers["Location"] == change_url(account)
    account.refresh_from_db()
    assert account.status == AccountStatus.ACTIVE
    second = make_staff()
    approve_waiting(by=second)
    account.refresh_from_db()
    assert account.status == AccountStatus.SUSPENDED
    event = AuditEvent.objects.get(verb="account.restricted", account=account)
    assert (event.reason, event.actor) == ("Unpaid invoice", second)


def test_an_act_without_a_reason_is_refused_beside_the_field() -> None:
    account = make_account()
    client = staff_client("accounts.view_account", "accounts.restrict_account")

    answer = client.post(act_url(account, "restrict"), {"measure": "suspend", "reason": "\0"})

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["reason"]
    account.refresh_from_db()
    assert account.status == AccountStatus.ACTIVE


def test_a_service_refusal_is_shown_and_changes_nothing() -> None:
    account = make_account()
    owner = account.memberships.get()
    client = root_client()

    answer = client.post(act_url(owner, "remove"), {"reason": "Left the company"})

    assert answer.status_code == 422
    assert "The account needs an owner" in answer.content.decode()
    assert Membership.objects.filter(pk=owner.pk).exists()


@pytest.mark.parametrize(("case", "is_offered"), [("V1", False), ("ADM-x-1", True)])
def test_only_measures_without_a_violation_are_lifted_here(case: str, is_offered: bool) -> None:
    account = make_account()
    measure = restrict_account(
        account=account, measure=Measure.SUSPEND, case_number=case, reason="r", by=None, now=NOW
    )
    client = root_client()

    page = client.get(change_url(measure)).content.decode()
    client.post(act_url(measure, "lift"), {"reason": "Settled"})
    approve_waiting()

    assert (act_url(measure, "lift") in page) is is_offered
    measure.refresh_from_db()
    assert (measure.ended_at is not None) is is_offered


def test_nobody_changes_their_own_rights_or_second_factor() -> None:
    client = root_client()
    me = client.get("/admin/").wsgi_request.user

    for name, data in [
        ("staff-rights", {"is_staff": "", "reason": "x"}),
        ("reset-second-factor", {"reason": "x"}),
        ("deactivate", {"reason": "x"}),
    ]:
        assert client.post(act_url(me, name), data).status_code == 422


def test_adding_goes_through_the_services() -> None:
    owner = make_user()
    client = root_client()

    client.post(
        reverse("admin:accounts_entity_add"),
        {"name": "New Ltd", "kind": "enterprise", "registration_number": " reg 77 "},
    )
    client.post(
        reverse("admin:accounts_account_add"),
        {
            "registration_number": "REG 77",
            "name": "Main",
            "owner": owner.email.upper(),
            "reason": "By letter",
        },
    )
    approve_waiting()

    account = Account.objects.get(entity__registration_number="REG 77")
    assert membership_of(account, owner).role == Role.OWNER
    assert AuditEvent.objects.get(account=account).verb == "account.opened"


@pytest.mark.parametrize(
    ("field", "value"),
    [("registration_number", "unknown"), ("owner", "nobody@example.com"), ("name", "a\tb")],
)
def test_bad_entries_are_told_beside_their_field(field: str, value: str) -> None:
    known = make_account()
    data = {
        "registration_number": known.entity.registration_number,
        "name": "Main",
        "owner": make_user().email,
        "reason": "By letter",
        field: value,
    }

    answer = root_client().post(reverse("admin:accounts_account_add"), data)

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]


def test_history_leads_to_the_audit_trail_of_the_object() -> None:
    account = make_account()
    make_account()
    client = root_client()
    url = reverse("admin:accounts_account_history", args=[account.pk])

    page = client.get(url, follow=True)

    assert [event.target_id for event in page.context["cl"].result_list] == [account.pk]


@pytest.mark.parametrize("page", ["change", "delete", "history"])
def test_an_empty_field_to_look_in_is_no_field(page: str) -> None:
    account = make_account()
    url = reverse(f"admin:accounts_account_{page}", args=[account.pk])

    client = root_client()

    plain, empty = (client.get(url + query).status_code for query in ("", "?_to_field="))
    assert empty == plain
    assert plain in {200, 302, 403}


# --- Long lists ----------------------------------------------------------------------------


def test_pages_end_at_the_limit_and_say_that_there_is_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(LeanPaginator, "limit", 2)
    for _number in range(4):
        make_account()

    page = root_client().get(reverse("admin:accounts_account_changelist"))

    assert page.context["cl"].result_count == 2
    assert "More than 2 accounts" in page.content.decode()


@pytest.mark.parametrize("field", ["name", "name__icontains", "^account__entity__name"])
def test_a_search_that_no_index_answers_is_refused(field: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        SearchableField.parse(field)


@pytest.mark.parametrize(
    ("model", "term"),
    [
        (User, "pers"),
        (Entity, "acc"),
        (Account, "1000"),
        (Application, "app"),
        (Application, "1400000000"),
        (Membership, "person"),
        (AuditEvent, "person"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_searches_read_an_index(model: Any, term: str) -> None:
    for _number in range(3):
        make_member(make_account())
    client = root_client()
    url = reverse(f"admin:accounts_{model._meta.model_name}_changelist")
    with CaptureQueriesContext(connection) as queries:
        client.get(url, {"q": term})
    read = [q["sql"] for q in queries if 'FROM "accounts_' in q["sql"]]
    with connection.cursor() as cursor:
        # Of a table believed to hold one row, PostgreSQL takes no bitmap.
        cursor.execute("ANALYZE accounts_account, accounts_entity, accounts_application")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        cursor.execute("SET LOCAL enable_indexonlyscan = off")
        plans = [_plan(cursor, sql) for sql in read]
    # Rows are found by bitmaps over indexes; a scan of a table would show.
    assert not [plan for plan in plans if "Seq Scan" in plan]
    assert [plan for plan in plans if "Bitmap Index Scan" in plan]


def _plan(cursor: Any, sql: str) -> str:
    cursor.execute(f"EXPLAIN {sql}")
    return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize("model", [Entity, Account], ids=["own", "related"])
def test_what_begins_so_is_read_off_the_index(model: Any) -> None:
    """In the index's order, wherever in the table the rows lie; nothing is left to sort."""
    make_account(name="Harbour")
    url = reverse(f"admin:accounts_{model._meta.model_name}_changelist")
    with CaptureQueriesContext(connection) as queries:
        root_client().get(url, {"q": "har"})
    looked = [q["sql"] for q in queries if "LIKE" in q["sql"]]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        plans = [_plan(cursor, sql) for sql in looked]
    assert len(plans) == len(admin.site.get_model_admin(model).search_fields)
    assert all("~<~" in sql and "LIMIT 201" in sql for sql in looked)
    assert all("Index Scan using" in plan and "Sort" not in plan for plan in plans)


def test_a_beginning_of_too_many_rows_shows_some_and_asks_for_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("accounts.admin.search.LIMIT", 3)
    for number in range(4):
        make_account(name=f"Harbour {number}")
    client = root_client()
    url = reverse("admin:accounts_account_changelist")
    many, few = client.get(url, {"q": "harbour"}), client.get(url, {"q": "Harbour 2"})
    assert many.context["cl"].result_count == 3
    assert "Too many matches" in many.content.decode()
    assert [account.name for account in few.context["cl"].result_list] == ["Harbour 2"]
    assert "Too many matches" not in few.content.decode()


@pytest.mark.parametrize("count", [1, 30])
def test_a_list_takes_the_same_number_of_queries(
    count: int, django_assert_num_queries: Any
) -> None:
    for _number in range(count):
        make_account()
    client = root_client()
    client.get(reverse("admin:accounts_account_changelist"))

    with django_assert_num_queries(FRAME + 5):
        client.get(reverse("admin:accounts_account_changelist"))
