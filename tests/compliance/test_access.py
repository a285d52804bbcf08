"""Who may open the pages of compliance, and how much they ask of the database."""

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from accounts.models import Account, User
from compliance.enums import CaseState, ConnectionState
from compliance.models import ConnectionRequest, ScreeningEntry, Violation
from compliance.services.evidence import attach_evidence
from tests.compliance.builders import (
    NOW,
    PNG,
    ROLES,
    Tenant,
    make_case,
    make_file,
    make_member,
    make_request,
    make_staff,
    make_tenant,
    make_user,
)
from tests.compliance.pages import HEADERS, address, count_queries, signed_in

pytestmark = [pytest.mark.usefixtures("clock"), pytest.mark.slow]

# --- Who may open what ---------------------------------------------------------------------

ALL = {str(role) for role in ROLES}
OWNERS = {"owner"}
DECLARERS = {"owner", "agent_manager"}


def _pages(tenant: Tenant) -> dict[str, tuple[str, set[str]]]:
    case = make_case(tenant)
    request = make_request_of(tenant, ConnectionState.REVIEW)
    file = attach_evidence(
        violation=case, upload=make_file(), is_disclosed=True, by=make_staff(), now=NOW
    )
    return {
        "violations": (address("violations", tenant), ALL),
        "violation": (address("violation", tenant, number=case.number), ALL),
        "evidence": (address("evidence", tenant, public_id=file.public_id), ALL),
        "connection_requests": (address("connection_requests", tenant), ALL),
        "connection_request": (address("connection_request", tenant, number=request.number), ALL),
        "appeal": (address("appeal", tenant, number=case.number), OWNERS),
        "request_connection": (address("request_connection", tenant), DECLARERS),
        "withdraw_connection": (
            address("withdraw_connection", tenant, number=request.number),
            DECLARERS,
        ),
    }


def make_request_of(tenant: Tenant, state: ConnectionState) -> ConnectionRequest:
    """A request as a row, whatever the state of its account."""
    return ConnectionRequest.objects.create(
        account=tenant.account,
        application=tenant.application,
        number=f"C-{uuid.uuid4().int % 10**9}",
        request_key=uuid.uuid4(),
        description="Answers questions.",
        direction="inbound",
        is_cold_calling=False,
        number_source="none",
        expected_volume=1,
        state=state,
        submitted_at=NOW,
    )


NAMES = [
    "violations",
    "violation",
    "evidence",
    "connection_requests",
    "connection_request",
    "appeal",
    "request_connection",
    "withdraw_connection",
]


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
@pytest.mark.parametrize("name", NAMES)
def test_each_role_opens_what_is_its_own(
    tenant: Tenant, name: str, headers: dict[str, str]
) -> None:
    url, allowed = _pages(tenant)[name]
    for role in ROLES:
        status = signed_in(make_member(tenant.account, role)).get(url, headers=headers).status_code
        assert (role, status) == (role, 200 if role in allowed else 403)


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
@pytest.mark.parametrize("name", NAMES)
def test_outsiders_find_nothing(tenant: Tenant, name: str, headers: dict[str, str]) -> None:
    url, _allowed = _pages(tenant)[name]
    other = make_tenant()
    assert signed_in(other.owner).get(url, headers=headers).status_code == 404
    assert signed_in(make_staff()).get(url, headers=headers).status_code == 404
    foreign = url.replace(tenant.account.uin, other.account.uin)
    has_number = name not in {"violations", "connection_requests", "request_connection"}
    expected = 404 if has_number else 200
    assert signed_in(other.owner).get(foreign, headers=headers).status_code == expected


@pytest.mark.parametrize("name", NAMES)
def test_the_anonymous_are_asked_to_sign_in(tenant: Tenant, name: str) -> None:
    url, _allowed = _pages(tenant)[name]
    response = Client().get(url)
    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("account_login"))


def test_there_is_a_page_for_every_address() -> None:
    _base, found = get_resolver().namespace_dict["compliance"]
    names = {name for name in found.reverse_dict if isinstance(name, str)}
    assert names == {*NAMES, "guidelines"}


FORGED = ["V-0", "V-99999999999999", "V-1%00", "W-1", "V-１", "../V-1"]


@pytest.mark.parametrize("number", FORGED)
def test_a_forged_number_is_no_page(tenant: Tenant, number: str) -> None:
    client = signed_in(tenant.owner)
    assert client.get(f"/console/{tenant.account.uin}/violations/{number}/").status_code == 404


# --- How much is asked of the database -----------------------------------------------------


def test_the_list_of_cases_costs_the_same_at_30_rows(tenant: Tenant) -> None:
    client, url = signed_in(tenant.owner), address("violations", tenant)
    make_case(tenant, CaseState.UPHELD)
    one = count_queries(client, url)
    handler = make_staff()
    for _ in range(29):
        make_case(tenant, handler=handler)
    assert Violation.objects.count() == 30
    assert count_queries(client, url) == one


def test_a_case_costs_the_same_with_many_files(tenant: Tenant, staff: User) -> None:
    case = make_case(tenant, CaseState.APPEALED)
    client, url = signed_in(tenant.owner), address("violation", tenant, number=case.number)
    attach_evidence(violation=case, upload=make_file(), is_disclosed=True, by=staff, now=NOW)
    one = count_queries(client, url)
    for number in range(29):
        attach_evidence(
            violation=case,
            upload=make_file(content=PNG + bytes([number])),
            is_disclosed=True,
            by=staff,
            now=NOW,
        )
    assert count_queries(client, url) == one


def test_the_list_of_requests_costs_the_same_at_30_rows(tenant: Tenant, settings: Any) -> None:
    settings.CONNECTION_REQUEST_DAILY_LIMIT = 30
    client, url = signed_in(tenant.owner), address("connection_requests", tenant)
    entry = ScreeningEntry.objects.filter(name="Gambling").first()
    make_request(tenant, entry=entry)
    one = count_queries(client, url)
    for _ in range(29):
        make_request(tenant, entry=entry)
    assert count_queries(client, url) == one


def test_signed_in_pages_need_an_account_that_is_mine(tenant: Tenant) -> None:
    stranger = signed_in(make_user())
    assert stranger.get(address("violations", tenant)).status_code == 404
    assert Account.objects.count() == 1
