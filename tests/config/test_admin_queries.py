"""Odd values in the administration's addresses: a list, no list, or no page, and never a fault."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(settings: object) -> Client:
    settings.STAFF_SECOND_FACTOR = False  # type: ignore[attr-defined]
    client = Client()
    client.force_login(User.objects.create_superuser("every.right@example.com", "a-long-password"))
    return client


@pytest.mark.parametrize(
    "query",
    [
        "billing_order_changelist?status__exact=%00",
        "billing_order_changelist?kind__exact=a%00b",
        "billing_credit_changelist?fund_kind__exact=%00",
        "compliance_violation_changelist?state__exact=%00",
        "compliance_connectionrequest_changelist?state__exact=%00",
        "compliance_screeningentry_changelist?kind__exact=%00&rule__exact=%00",
        "accounts_account_changelist?status__exact=active&status__exact=%00",
        "accounts_auditevent_changelist?target_type=%00&target_id=1",
        "accounts_account_changelist?created_at__year=-0",
        "accounts_account_changelist?created_at__year=10000",
        "accounts_account_changelist?created_at__gte=nosuchday",
    ],
)
def test_what_is_no_value_of_a_filter_leads_to_the_whole_list(staff: Client, query: str) -> None:
    name, _mark, query = query.partition("?")
    url = reverse(f"admin:{name}")

    answer = staff.get(f"{url}?{query}")

    assert (answer.status_code, answer.headers["Location"]) == (302, f"{url}?e=1")


@pytest.mark.parametrize(
    "name", ["accounts_user", "accounts_account", "billing_order", "agents_agent"]
)
@pytest.mark.parametrize("text", ["%ED%A0%80", "9" * 5_000])
def test_what_no_row_can_hold_is_not_found_by_searching(
    staff: Client, name: str, text: str
) -> None:
    answer = staff.get(f"{reverse(f'admin:{name}_changelist')}?q={text}")

    assert answer.status_code == 200
    assert list(answer.context["cl"].result_list) == []


@pytest.mark.parametrize("name", ["accounts_user", "billing_order"])
def test_nul_in_a_search_is_told(staff: Client, name: str) -> None:
    answer = staff.get(f"{reverse(f'admin:{name}_changelist')}?q=a%00b")

    assert answer.status_code == 200
    assert "Null characters are not allowed." in answer.text


@pytest.mark.parametrize("page", ["change/", "history/", "delete/", "act/rename/"])
@pytest.mark.parametrize("key", ["%00", "1%00", "9" * 40, "-1", "x", "_00"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_key_that_is_none_has_no_page(staff: Client, method: str, key: str, page: str) -> None:
    url = f"{reverse('admin:accounts_account_changelist')}{key}/{page}"

    answer = getattr(staff, method)(url, {"reason": "x", "name": "New"})

    assert answer.status_code in {302, 403, 404}
    assert answer.status_code != 302 or answer.headers["Location"] == reverse("admin:index")


@pytest.mark.parametrize(("length", "is_kept"), [(1_000, True), (100_000, False)])
def test_a_long_query_is_not_written_into_every_row(
    staff: Client, length: int, is_kept: bool
) -> None:
    query = f"?q={'+' * length}"

    answer = staff.get(reverse("admin:accounts_user_changelist") + query)

    assert ("_changelist_filters" in answer.text) is is_kept
