"""Search, filters, sort orders and pages of the list."""

from itertools import pairwise
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import QueryDict
from django.utils import timezone

from accounts.paging import COUNT_LIMIT, PagePosition, count_up_to, read_page
from agents.listing import SORT_ORDERS, AgentFilter, agents_of
from agents.models import Agent, SkillGroup
from agents.services.batches import own_agents
from tests.agents.test_pages import url
from tests.factories import NOW, Customer, make_agent, make_customer, signed_in


def matching(customer: Customer, **fields: object) -> set[str]:
    own = agents_of(customer.account.pk, customer.application.pk)
    found = AgentFilter(**fields).apply(own, NOW)  # type: ignore[arg-type]
    return {agent.name for agent in found}


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("ad", {"Ada", "ADAM"}),
        ("AD", {"Ada", "ADAM"}),
        ("da", set()),
        ("éc", {"École"}),
        ("ÉC", {"École"}),
        ("王", {"王小明"}),
        ("100%", {"100% sure"}),
        ("100_", set()),
        ("%", set()),
        ("_", {"_under"}),
        ("\\", {"\\back"}),
        ("s-7", {"Seven"}),
        ("Seven@", {"Seven"}),
        ("71", {"Seven"}),
        ("７１", {"Seven"}),
        ("'; DROP TABLE", set()),
    ],
)
def test_search_looks_at_beginnings_in_any_case(
    customer: Customer, search: str, names: set[str]
) -> None:
    for name in ("Ada", "ADAM", "Bada", "École", "王小明", "100% sure", "1000", "_under", "\\back"):
        make_agent(customer.application, name=name)
    make_agent(
        customer.application,
        name="Seven",
        staff_number="S-7",
        email="seven@example.com",
        extension="7100",
    )
    make_agent(make_customer(trial=False).application, name="Ada")
    assert matching(customer, search=search) == names


def test_search_reads_an_index_for_each_field(customer: Customer) -> None:
    place = {"account": customer.account, "application": customer.application}
    Agent.objects.bulk_create(
        Agent(
            name=f"{number % 97}",
            nickname="N",
            staff_number=f"S{number}",
            email=f"{number}@example.com",
            created_at=NOW,
            updated_at=NOW,
            **place,
        )
        for number in range(1_000)
    )
    searched = AgentFilter(search="96").apply(
        own_agents(customer.application, Agent.objects.all()), NOW
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE agents_agent")
    plan = searched.explain()
    for name in ("name_idx", "staff_number_once", "email_once", "extension_idx"):
        assert f"agents_agent_{name}" in plan


def test_filters_narrow_together(customer: Customer) -> None:
    group = SkillGroup.objects.create(
        account=customer.account, application=customer.application, name="Sales", created_at=NOW
    )
    chosen = make_agent(customer.application, name="A", role="inspector", is_enabled=False)
    chosen.groups.add(group, through_defaults={"account": customer.account})
    make_agent(customer.application, name="B", role="inspector", is_enabled=False)
    make_agent(customer.application, name="C", is_enabled=False)
    make_agent(customer.application, name="D")
    assert matching(customer, state="disabled") == {"A", "B", "C"}
    assert matching(customer, state="disabled", role="inspector") == {"A", "B"}
    assert matching(customer, group=group.pk) == {"A"}
    assert matching(customer, licensed="no") == {"A", "B", "C", "D"}
    assert matching(customer, licensed="yes") == set()
    filtered = AgentFilter("x", "disabled", group.pk, "inspector", "no")
    assert QueryDict(filtered.to_query()).dict() == {
        "search": "x",
        "state": "disabled",
        "group": str(group.pk),
        "role": "inspector",
        "licensed": "no",
    }


def walk(customer: Customer, sort: str, size: int) -> tuple[list[list[int]], list[list[int]]]:
    """All pages forward from the first, and backward from the last."""
    order = SORT_ORDERS[sort.removeprefix("-")].turned(sort.startswith("-"))
    rows = own_agents(customer.application, Agent.objects.all())

    def pages(start: PagePosition, direction: str) -> list[list[int]]:
        found = []
        place = start
        while True:
            page = read_page(rows, order, place, "", size)
            found.append([row.pk for row in page.rows])
            link = getattr(page, direction)
            if not link:
                return found
            place = PagePosition.from_query(QueryDict(link[1:]))

    end = PagePosition.from_query(QueryDict("page=last"))
    return pages(PagePosition(), "next"), pages(end, "previous")


@pytest.mark.parametrize("sort", [f"{sign}{name}" for name in SORT_ORDERS for sign in ("", "-")])
@pytest.mark.parametrize("size", [1, 4, 5, 20])
def test_every_agent_is_on_one_page_in_both_directions(
    customer: Customer, sort: str, size: int
) -> None:
    for number in range(10):
        make_agent(
            customer.application,
            name=["same", "Same", "émile", "Zoë", "王"][number % 5],
            extension="" if number % 2 else str(1000 + number),
        )
    forward, backward = walk(customer, sort, size)
    there = [pk for page in forward for pk in page]
    back = [pk for page in reversed(backward) for pk in page]
    assert there == back
    assert sorted(there) == sorted(Agent.objects.values_list("pk", flat=True))
    field = {"added": "pk"}.get(sort.removeprefix("-"), sort.removeprefix("-"))
    agents = Agent.objects.in_bulk()
    keys = [str(getattr(agents[pk], field)).lower().encode() for pk in there]
    if field != "pk":
        pairs = list(pairwise(keys))
        assert all(a >= b for a, b in pairs) if sort[0] == "-" else all(a <= b for a, b in pairs)


def test_a_page_whose_rows_are_gone_shows_the_first_one(customer: Customer) -> None:
    make_agent(customer.application, name="A")
    order = SORT_ORDERS["name"]
    rows = own_agents(customer.application, Agent.objects.all())
    beyond = PagePosition(key="z", pk=1)
    assert [row.name for row in read_page(rows, order, beyond, "", 5).rows] == ["A"]


@pytest.mark.parametrize(
    "query",
    [
        "after=x",
        "after=%00",
        "after=" + "A" * 5000,
        "after=W10",  # []
        "after=WyJhIiwtMV0",  # ["a",-1]
        "after=WyJhIiwxZTk5XQ",  # ["a",1e99]
        "after=WyJcdTAwMDAiLDFd",  # NUL
        "after=WyJcdWQ4MDAiLDFd",  # half a character
        "before=bnVsbA",
        "page=999999999999999999999",
        "sort=nonsense",
        "sort=%00",
        "search=%00",
        "search=%ED%A0%80",
        "search=" + "x" * 3000,
        "state=nonsense",
        "role=%00",
        "licensed=maybe",
        "group=1e9",
        "group=-1",
        "group=99999999999999999999999999",
        "group=١",
        "search=%25_%5C%27%22",
    ],
)
def test_odd_addresses_are_answered(customer: Customer, query: str) -> None:
    make_agent(customer.application)
    owner = signed_in(customer.owner)
    for headers in ({}, {"HX-Request": "true"}):
        answer = owner.get(url(customer, "management", f"?{query}"), headers=headers)
        assert answer.status_code == 200
    assert owner.get(url(customer, "telephones", f"?{query}")).status_code == 200
    assert owner.get(url(customer, "export", f"?{query}")).status_code in {200, 302}


def test_a_faulty_filter_shows_its_fault_and_nobody(customer: Customer) -> None:
    make_agent(customer.application, name="Ada")
    page = signed_in(customer.owner).get(url(customer, "management", "?state=nonsense"))
    text = page.content.decode()
    assert "nonsense is not one of the available choices" in text
    assert "Ada" not in text


def test_counting_stops_where_it_no_longer_matters(customer: Customer) -> None:
    for _number in range(4):
        make_agent(customer.application)
    rows = own_agents(customer.application, Agent.objects.all())
    assert [count_up_to(rows, limit) for limit in (2, 3, 4, 5)] == [3, 4, 4, 4]
    assert COUNT_LIMIT == 10_000


def test_the_links_of_a_page_keep_search_and_order(customer: Customer) -> None:
    for number in range(60):
        make_agent(customer.application, name=f"Temp {number}", created_at=timezone.now())
    owner = signed_in(customer.owner)
    asked = {"search": "temp", "sort": "-email"}
    first = owner.get(url(customer, "management", f"?{urlencode(asked)}"))
    listing = first.context["listing"]
    assert (len(listing.rows), listing.count_sentence) == (25, "60 agents")
    assert QueryDict(listing.page.next[1:]).dict().items() >= asked.items()
    last = owner.get(url(customer, "management", "") + listing.page.last)
    assert len(last.context["listing"].rows) == 25
    assert last.context["listing"].page.next == ""
