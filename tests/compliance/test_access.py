"""Who may open the pages of compliance, and how much they ask of the database."""

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from accounts.enums import Role
from accounts.models import Account, User
from compliance.enums import CaseState, ConnectionState
from compliance.models import ConnectionRequest, ScreeningEntry, Violation
from compliance.services.evidence import attach_evidence
from tests.compliance.pages import HEADERS, address, count_queries
from tests.factories import (
    NOW,
    PNG,
    Customer,
    make_case,
    make_connection_request,
    make_customer,
    make_file,
    make_member,
    make_staff,
    make_user,
    signed_in,
)

pytestmark = [pytest.mark.usefixtures("clock"), pytest.mark.slow]

# --- Who may open what ---------------------------------------------------------------------

ALL = {str(role) for role in Role}
OWNERS = {"owner"}
DECLARERS = {"owner", "agent_manager"}


def _pages(customer: Customer) -> dict[str, tuple[str, set[str]]]:
    case = make_case(customer)
    request = make_request_of(customer, ConnectionState.REVIEW)
    file = attach_evidence(
        violation=case, upload=make_file(), is_disclosed=True, by=make_staff(), now=NOW
    )
    return {
        "violations": (address("violations", customer), ALL),
        "violation": (address("violation", customer, number=case.number), ALL),
        "evidence": (address("evidence", customer, public_id=file.public_id), ALL),
        "connection_requests": (address("connection_requests", customer), ALL),
        "connection_request": (address("connection_request", customer, number=request.number), ALL),
        "appeal": (address("appeal", customer, number=case.number), OWNERS),
        "request_connection": (address("request_connection", customer), DECLARERS),
        "withdraw_connection": (
            address("withdraw_connection", customer, number=request.number),
            DECLARERS,
        ),
    }


def make_request_of(customer: Customer, state: ConnectionState) -> ConnectionRequest:
    """A request as a row, whatever the state of its account."""
    return ConnectionRequest.objects.create(
        account=customer.account,
        application=customer.application,
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
    customer: Customer, name: str, headers: dict[str, str]
) -> None:
    url, allowed = _pages(customer)[name]
    for role in Role:
        status = (
            signed_in(make_member(customer.account, role)).get(url, headers=headers).status_code
        )
        assert (role, status) == (role, 200 if role in allowed else 403)


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
@pytest.mark.parametrize("name", NAMES)
def test_outsiders_find_nothing(customer: Customer, name: str, headers: dict[str, str]) -> None:
    url, _allowed = _pages(customer)[name]
    other = make_customer()
    assert signed_in(other.owner).get(url, headers=headers).status_code == 404
    assert signed_in(make_staff()).get(url, headers=headers).status_code == 404
    foreign = url.replace(customer.account.uin, other.account.uin)
    has_number = name not in {"violations", "connection_requests", "request_connection"}
    expected = 404 if has_number else 200
    assert signed_in(other.owner).get(foreign, headers=headers).status_code == expected


@pytest.mark.parametrize("name", NAMES)
def test_the_anonymous_are_asked_to_sign_in(customer: Customer, name: str) -> None:
    url, _allowed = _pages(customer)[name]
    response = Client().get(url)
    assert response.status_code == 302
    assert response.headers["Location"].startswith(reverse("account_login"))


def test_there_is_a_page_for_every_address() -> None:
    _base, found = get_resolver().namespace_dict["compliance"]
    names = {name for name in found.reverse_dict if isinstance(name, str)}
    assert names == {*NAMES, "guidelines"}


FORGED = ["V-0", "V-99999999999999", "V-1%00", "W-1", "V-１", "../V-1"]


@pytest.mark.parametrize("number", FORGED)
def test_a_forged_number_is_no_page(customer: Customer, number: str) -> None:
    client = signed_in(customer.owner)
    assert client.get(f"/console/{customer.account.uin}/violations/{number}/").status_code == 404


# --- How much is asked of the database -----------------------------------------------------


def test_the_list_of_cases_costs_the_same_at_30_rows(customer: Customer) -> None:
    client, url = signed_in(customer.owner), address("violations", customer)
    make_case(customer, CaseState.UPHELD)
    one = count_queries(client, url)
    handler = make_staff()
    for _ in range(29):
        make_case(customer, handler=handler)
    assert Violation.objects.count() == 30
    assert count_queries(client, url) == one


def test_a_case_costs_the_same_with_many_files(customer: Customer, staff: User) -> None:
    case = make_case(customer, CaseState.APPEALED)
    client, url = signed_in(customer.owner), address("violation", customer, number=case.number)
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


def test_the_list_of_requests_costs_the_same_at_30_rows(customer: Customer, settings: Any) -> None:
    settings.CONNECTION_REQUEST_DAILY_LIMIT = 30
    client, url = signed_in(customer.owner), address("connection_requests", customer)
    entry = ScreeningEntry.objects.filter(name="Gambling").first()
    make_connection_request(customer, entry=entry)
    one = count_queries(client, url)
    for _ in range(29):
        make_connection_request(customer, entry=entry)
    assert count_queries(client, url) == one


def test_signed_in_pages_need_an_account_that_is_mine(customer: Customer) -> None:
    stranger = signed_in(make_user())
    assert stranger.get(address("violations", customer)).status_code == 404
    assert Account.objects.count() == 1
