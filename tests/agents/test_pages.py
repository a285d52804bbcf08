"""The Agent Management page and its dialogs: who gets in, what they see, what they may send."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.enums import Measure, Role
from accounts.services.restrictions import restrict_account
from agents.models import Agent, SkillGroup
from billing.models import Package
from tests.factories import (
    Customer,
    licenses_of,
    make_agent,
    make_customer,
    make_member,
    make_package,
    signed_in,
)

pytestmark = pytest.mark.slow

HTMX = {"HX-Request": "true"}
WRITERS = (Role.OWNER, Role.AGENT_MANAGER)
READERS = (Role.FINANCE, Role.VIEWER)

FORM = {
    "name": "Ada",
    "nickname": "",
    "staff_number": "S1",
    "email": "ada@example.com",
    "phone": "",
    "role": "agent",
    "extension": "1001",
    "license": "yes",
}


@pytest.fixture
def live(customer: Customer) -> Package:
    """A package of three licenses that lives now."""
    return make_package(customer.application, agents=3, sip=1, now=timezone.now())


def as_role(customer: Customer, role: str) -> Client:
    return signed_in(make_member(customer.account, role))


@pytest.fixture
def owner(customer: Customer) -> Client:
    return signed_in(customer.owner)


def url(customer: Customer, name: str, query: str = "", **kwargs: Any) -> str:
    place = {"uin": customer.account.uin, "sdkappid": customer.application.sdkappid, **kwargs}
    return reverse(f"agents:{name}", kwargs=place) + query


ACTS = ("assign", "free", "move", "change", "enable", "disable", "delete")


def addresses(customer: Customer, agent: Agent) -> dict[str, str]:
    """Every address that changes agents."""
    return {
        "add": url(customer, "add"),
        "edit": url(customer, "edit", pk=agent.pk),
        **{act: url(customer, act, f"?ids={agent.pk}") for act in ACTS},
    }


# --- Who gets in ---------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_strangers_find_nothing(customer: Customer, headers: dict[str, str]) -> None:
    agent = make_agent(customer.application)
    stranger = signed_in(make_customer().owner)
    for address in [
        url(customer, "management"),
        url(customer, "summary"),
        *addresses(customer, agent).values(),
    ]:
        assert stranger.get(address, headers=headers).status_code == 404
        assert stranger.post(address, FORM, headers=headers).status_code == 404
    assert list(Agent.objects.all()) == [agent]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_readers_see_the_list_and_change_nothing(
    customer: Customer, live: Package, headers: dict[str, str]
) -> None:
    agent = make_agent(customer.application, name="Ada")
    for role in READERS:
        reader = as_role(customer, role)
        page = reader.get(url(customer, "management"), headers=headers)
        assert (page.status_code, b"Ada" in page.content) == (200, True)
        assert b"/disable/" not in page.content
        for address in addresses(customer, agent).values():
            assert reader.get(address, headers=headers).status_code == 403
            assert reader.post(address, FORM, headers=headers).status_code == 403
    assert Agent.objects.get() == agent


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize("role", WRITERS)
def test_owners_and_agent_managers_open_every_dialog(
    customer: Customer, live: Package, role: str, headers: dict[str, str]
) -> None:
    agent = make_agent(customer.application, license=licenses_of(live)[0])
    writer = as_role(customer, role)
    for address in addresses(customer, agent).values():
        page = writer.get(address, headers=headers)
        assert page.status_code == 200
        assert (b"<html" in page.content) == (not headers)
        assert page.content.count(b"<form") == (1 if headers else page.content.count(b"<form"))


def test_an_agent_of_another_application_is_not_found(customer: Customer, owner: Client) -> None:
    foreign = make_agent(make_customer(trial=False).application)
    for address in addresses(customer, foreign).values():
        if "add" not in address:
            assert owner.get(address).status_code == 404
            assert owner.post(address, FORM).status_code == 404


def test_in_a_suspended_account_all_is_read_and_nothing_written(
    customer: Customer, live: Package, owner: Client
) -> None:
    agent = make_agent(customer.application, license=licenses_of(live)[0])
    restrict_account(
        account=customer.account,
        measure=Measure.SUSPEND,
        case_number="V1",
        reason="r",
        by=None,
        now=timezone.now(),
    )
    page = owner.get(url(customer, "management"))
    assert page.status_code == 200
    assert b"The account is suspended" in page.content
    assert b"Account restricted" in page.content
    before = Agent.objects.values().get()
    for act, address in addresses(customer, agent).items():
        assert owner.get(address).status_code == 200
        values = FORM | {"expected": "1", "staff_numbers": "X", "role": "inspector"}
        refused = owner.post(address, values)
        assert (act, refused.status_code) == (act, 422)
        assert b"so it cannot do this" in refused.content
    assert Agent.objects.values().get() == before


# --- What they see -------------------------------------------------------------------------


def test_the_package_is_summed_up(customer: Customer, live: Package, owner: Client) -> None:
    make_agent(customer.application, license=licenses_of(live)[0])
    page = owner.get(url(customer, "management")).content.decode()
    assert "Essential package" in page
    assert "1 / 3" in page
    assert "0 / 1" in page
    assert "UTC+8" in page


def test_without_agents_the_page_offers_the_first_step(customer: Customer, owner: Client) -> None:
    page = owner.get(url(customer, "management")).content.decode()
    assert "No agents yet" in page
    assert "No package" in page


def test_htmx_gets_the_list_alone_under_a_clean_address(customer: Customer, owner: Client) -> None:
    make_agent(customer.application, name="Ada")
    address = url(customer, "management", "?search=ad&state=&group=&role=&licensed=&sort=name")
    answer = owner.get(address, headers=HTMX)
    assert b"<html" not in answer.content
    assert b"Ada" in answer.content
    assert answer["HX-Push-Url"] == url(customer, "management", "?search=ad")
    assert "HX-Request" in answer["Vary"]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_a_page_asks_the_database_the_same_number_of_times_for_1_and_30_agents(
    customer: Customer, live: Package, owner: Client, headers: dict[str, str]
) -> None:
    group = SkillGroup.objects.create(
        account=customer.account,
        application=customer.application,
        name="Sales",
        created_at=timezone.now(),
    )
    licenses = licenses_of(live)

    def add(**fields: Any) -> None:
        agent = make_agent(customer.application, **fields)
        agent.groups.add(group, through_defaults={"account": customer.account})

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert owner.get(url(customer, "management"), headers=headers).status_code == 200
        # The record of the session's last activity is not this page's.
        foreign = ("usersession", "SAVEPOINT", "tccc_enter")
        return len([q for q in queries if not any(word in q["sql"] for word in foreign)])

    add(license=licenses[0])
    count()
    with_one = count()
    for number in range(29):
        add(license=licenses[1] if number == 0 else None)
    assert count() == with_one
    assert with_one <= 14


# --- What they send ------------------------------------------------------------------------


def test_adding_an_agent_closes_the_dialog_and_refreshes_the_list(
    customer: Customer, live: Package, owner: Client
) -> None:
    answer = owner.post(url(customer, "add"), FORM, headers=HTMX)
    assert answer.status_code == 200
    assert "agents-changed" in answer["HX-Trigger"]
    assert b"Ada (S1) was added." in answer.content
    agent = Agent.objects.get()
    assert (agent.name, agent.nickname, agent.license_id is not None) == ("Ada", "Ada", True)


def test_without_htmx_adding_leads_back_to_the_list_as_it_was(
    customer: Customer, live: Package, owner: Client
) -> None:
    answer = owner.post(url(customer, "add", "?back=search%3Dad%26sort%3D-email"), FORM)
    assert answer.status_code == 302
    assert answer["Location"] == url(customer, "management", "?search=ad&sort=-email")


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example/", "#x", "\r\nX: y"])
def test_leading_back_leads_nowhere_else(
    customer: Customer, live: Package, owner: Client, back: str
) -> None:
    answer = owner.post(url(customer, "add") + f"?{'back='}{back}", FORM)
    assert answer.status_code == 302
    assert answer["Location"].split("?")[0] == url(customer, "management")


def test_a_refused_form_says_why_and_loses_nothing(
    customer: Customer, live: Package, owner: Client
) -> None:
    make_agent(customer.application, staff_number="s1")
    answer = owner.post(url(customer, "add"), FORM | {"nickname": "The first"}, headers=HTMX)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Another agent of this application has this staff number." in page
    assert 'value="The first"' in page
    assert Agent.objects.count() == 1


def test_the_agent_for_whom_no_license_is_left_is_refused_with_a_way_out(
    customer: Customer, live: Package, owner: Client
) -> None:
    for license in licenses_of(live):
        make_agent(customer.application, license=license)
    answer = owner.post(url(customer, "add"), FORM, headers=HTMX)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "1 agent license is missing: 1 needed, 0 free." in page
    assert Agent.objects.count() == 3
    assert (
        owner.post(url(customer, "add"), FORM | {"license": "no"}, headers=HTMX).status_code == 200
    )
    assert Agent.objects.count() == 4


BAD_VALUES = {
    "NUL": "\0",
    "lone surrogate": "\ud800",
    "line break": "a\nb",
    "too long": "x" * 5000,
    "1e9": "1e9",
    "negative": "-1",
    "fraction": "1.5",
    "NaN": "NaN",
    "Arabic digits": "١٢٣٤",
    "full-width digits": "１２３４",
}


@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=BAD_VALUES.keys())
@pytest.mark.parametrize("field", [*FORM, "groups"])
def test_no_bad_value_breaks_a_form(
    customer: Customer, live: Package, owner: Client, field: str, value: str
) -> None:
    body = value.encode("utf-8", "surrogatepass")
    boundary = "b"
    parts = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (name.encode(), body if name == field else text.encode())
        for name, text in (FORM | {"groups": ""} if field == "groups" else FORM).items()
    )
    answer = owner.generic(
        "POST",
        url(customer, "add"),
        parts + b"--b--\r\n",
        content_type=f"multipart/form-data; boundary={boundary}",
    )
    plain_text = field in {"name", "nickname", "staff_number"}
    is_fine = (plain_text and value in {"1e9", "-1", "1.5", "NaN", "١٢٣٤", "１２３４"}) or (
        field,
        value,
    ) == ("extension", "１２３４")
    assert answer.status_code == (302 if is_fine else 422)


# --- Acts ----------------------------------------------------------------------------------


def test_a_dialog_counts_what_will_happen_and_posting_does_it(
    customer: Customer, live: Package, owner: Client
) -> None:
    license = licenses_of(live)[0]
    one = make_agent(customer.application, name="Ada", staff_number="A", license=license)
    two = make_agent(customer.application, name="Bob", staff_number="B", is_enabled=False)
    address = url(customer, "disable", f"?ids={one.pk}&ids={two.pk}")
    page = owner.get(address, headers=HTMX).content.decode()
    assert "2 agents are selected" in page
    assert "Ada (A), Bob (B)" in page
    assert "1 agent is disabled." in page
    assert "1 of them is in service now and is forced offline." in page
    assert "1 agent is already disabled." in page
    assert "1 license stays with its agent until its date" in page
    answer = owner.post(address, {"expected": "2"}, headers=HTMX)
    assert b"1 agent was disabled." in answer.content
    one.refresh_from_db()
    assert (one.is_enabled, one.license) == (False, license)


def test_a_whole_filter_is_counted_exactly_and_done_only_as_confirmed(
    customer: Customer, live: Package, owner: Client
) -> None:
    for number in range(30):
        make_agent(customer.application, name=f"Temp {number}")
    make_agent(customer.application, name="Perm")
    address = url(customer, "delete", "?all=1&search=temp")
    assert "30 agents match the filter" in owner.get(address).content.decode()
    make_agent(customer.application, name="Temp 31")
    late = owner.post(address, {"expected": "30"}, headers=HTMX)
    assert late.status_code == 409
    assert b"31 agents match now." in late.content
    assert b'name="expected" value="31"' in late.content
    assert Agent.objects.count() == 32
    assert owner.post(address, {"expected": "31"}).status_code == 302
    assert [agent.name for agent in Agent.objects.all()] == ["Perm"]


def test_assigning_says_how_many_licenses_are_missing_and_offers_a_part(
    customer: Customer, live: Package, owner: Client
) -> None:
    for number in range(5):
        make_agent(customer.application, name=f"A{number}")
    address = url(customer, "assign", "?all=1&licensed=no")
    page = owner.get(address).content.decode()
    assert "3 licenses are free." in page
    assert "2 are missing." in page
    refused = owner.post(address, {"expected": "5"})
    assert refused.status_code == 422
    assert "2 agent licenses are missing: 5 needed, 3 free." in refused.content.decode()
    assert owner.post(address, {"expected": "5", "is_partial_allowed": "on"}).status_code == 302
    assert Agent.objects.licensed(timezone.now()).count() == 3


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("?ids=x", 404),
        ("?ids=-1", 404),
        ("?ids=1e9", 404),
        ("?ids=１", 404),
        ("?ids=%00", 404),
        ("?ids=999999999999999999", 404),
        ("?ids=99999999999999999999999", 404),
        ("?all=1&state=nonsense", 422),
        ("?all=1&group=99999999999999999999999", 422),
        ("?all=1&group=%00", 422),
        ("?all=1&search=nobody", 200),
    ],
)
def test_odd_selections_are_answered(
    customer: Customer, owner: Client, query: str, status: int
) -> None:
    for act in ACTS:
        assert owner.get(url(customer, act, query)).status_code == status
        posted = owner.post(url(customer, act, query), {"expected": "0", "staff_numbers": "x"})
        assert posted.status_code == (422 if status == 200 else status)


@pytest.mark.parametrize("expected", ["", "x", "-1", "1e9", "1.5", "9" * 30, "\0", "١"])
def test_a_forged_count_is_no_error(customer: Customer, owner: Client, expected: str) -> None:
    agent = make_agent(customer.application)
    answer = owner.post(url(customer, "disable", f"?ids={agent.pk}"), {"expected": expected})
    assert answer.status_code in {302, 409, 422}
