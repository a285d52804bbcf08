"""Every list of the administration can be searched and narrowed down by an index.

Asked of the models as they are, so that a new list is looked at on its own: whatever it searches
or filters by must be what some index begins with, or its table must be one that stays small.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.postgres.indexes import OpClass
from django.db import connection, models
from django.db.models.functions import Upper
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.admin.base import LeanAdmin
from accounts.admin.paginator import LeanPaginator
from accounts.admin.search import SearchableField
from accounts.models import Account
from agents.services.agents import AgentDetails, add_agent
from tests import factories
from tests.factories import make_staff, signed_in

#: Never long: kept by hand by a few members of staff, or deleted once it is done.
SMALL = {
    "accounts.job",
    "billing.featuretable",
    "billing.pricebook",
    "billing.promotion",
    "compliance.flagword",
    "compliance.industry",
    "compliance.rulebook",
    "compliance.screeningentry",
}
OURS = {"accounts", "agents", "billing", "compliance"}


def _lists() -> Iterator[LeanAdmin]:
    found: dict[Any, Any] = dict(admin.site._registry)
    for model, listing in found.items():
        if model._meta.app_label in OURS and model._meta.label_lower not in SMALL:
            yield listing


def _begins(model: type[models.Model], name: str) -> bool:
    """Whether an index over the whole table has this field first."""
    field: Any = model._meta.get_field(name)
    if field.unique or field.db_index:
        return True
    return any(columns[:1] == [name] for columns in _columns(model))


def _columns(model: type[models.Model]) -> Iterator[list[str]]:
    """The plain columns of each index over the whole table, in their order."""
    constraints = model._meta.constraints
    unique: list[Any] = [row for row in constraints if isinstance(row, models.UniqueConstraint)]
    for index in [*model._meta.indexes, *unique]:
        if not index.condition:
            names = [name.lstrip("-") for name in index.fields]
            yield names or [getattr(term, "name", "") for term in index.expressions]


def _is_found(model: type[models.Model], relation: str) -> bool:
    """Whether rows are found by what they refer to, with the account in front if need be."""
    of_tenant = any(columns[:2] == ["account", relation] for columns in _columns(model))
    return of_tenant or _begins(model, relation)


def _has_beginnings(model: type[models.Model], name: str) -> bool:
    """Whether the beginning of this text can be looked up in any case."""
    wanted = OpClass(Upper(name), name="text_pattern_ops")
    return any(wanted in index.expressions for index in model._meta.indexes)


def _problems(listing: LeanAdmin) -> Iterator[str]:
    model = listing.model
    for text in listing.search_fields:
        field = SearchableField.parse(text)
        relation, _sep, name = field.path.partition("__")
        if name and not _is_found(model, relation):
            yield f"{text}: no index of {relation}"
        found: Any = model._meta.get_field(relation).related_model if name else model
        is_indexed = _begins if field.is_exact else _has_beginnings
        if not is_indexed(found, name or relation):
            yield f"{text}: no index of {name or relation}"
    for choice in listing.list_filter:
        if not _begins(model, str(choice)):
            yield f"filter {choice}: no index"


LISTS = {listing.model._meta.label_lower: listing for listing in _lists()}


@pytest.mark.parametrize("listing", LISTS.values(), ids=LISTS.keys())
def test_what_a_list_looks_for_has_an_index(listing: LeanAdmin) -> None:
    assert list(_problems(listing)) == []


@pytest.mark.parametrize("listing", LISTS.values(), ids=LISTS.keys())
def test_a_list_counts_and_sorts_no_more_than_it_shows(listing: LeanAdmin) -> None:
    assert isinstance(listing, LeanAdmin)
    assert not listing.show_full_result_count
    assert listing.list_max_show_all == 0
    assert not listing.date_hierarchy
    assert listing.sortable_by == ()
    assert list(listing.ordering) == ["-pk"]
    shown = {name for name in listing.list_display if isinstance(name, str)}
    names = {field.name for field in listing.model._meta.fields if field.is_relation}
    read: Any = listing.list_select_related or ()
    related = set(read)
    # A relation that is shown is read with the list, not row by row.
    assert (shown & names) <= related


def test_a_list_without_an_index_is_found() -> None:
    """The examination itself sees what is missing."""

    class Careless(LeanAdmin):
        search_fields = ("^reason", "=reason", "^account__status")
        list_filter = ("measure",)

    model = LISTS["accounts.restriction"].model
    assert list(_problems(Careless(model, admin.site))) == [
        "^reason: no index of reason",
        "=reason: no index of reason",
        "^account__status: no index of status",
        "filter measure: no index",
    ]


# --- Pages -----------------------------------------------------------------------------------


@pytest.fixture
def restrictions(db: None) -> list[str]:
    """Case numbers of seven restrictions, the newest first."""
    customer = factories.make_customer()
    rows = [factories.restrict(customer.account) for _ in range(7)]
    return [row.case_number for row in reversed(rows)]


def _numbers(url: str) -> list[str]:
    """What the list shows, in its order."""
    page = signed_in(make_staff()).get(url)
    return [row.case_number for row in page.context["cl"].result_list]


@pytest.mark.parametrize("limit", [3, 10_000], ids=["many rows", "few rows"])
@pytest.mark.parametrize("query", ["", "&q={uin}", "&q={uin0}"], ids=["all", "whole", "beginning"])
def test_pages_hold_each_row_once_and_in_order(
    restrictions: list[str], monkeypatch: pytest.MonkeyPatch, limit: int, query: str
) -> None:
    uin = Account.objects.get().uin
    monkeypatch.setattr(LeanPaginator, "limit", limit)
    monkeypatch.setattr(LISTS["accounts.restriction"], "list_per_page", 2)
    found = query.format(uin=uin, uin0=uin[:11])
    urls = [
        f"{reverse('admin:accounts_restriction_changelist')}?p={number}{found}"
        for number in range(1, 3 if limit == 3 else 5)
    ]
    shown = [number for url in urls for number in _numbers(url)]
    # Pages lead no further than the limit.
    assert shown == restrictions[: min(limit, 7)]


def test_fewer_rows_are_counted_where_they_were_looked_for(
    restrictions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LeanPaginator, "found_limit", 3)
    uin = Account.objects.get().uin
    client = signed_in(make_staff())
    url = reverse("admin:accounts_restriction_changelist")
    everything, found = client.get(url), client.get(f"{url}?q={uin}")
    assert everything.context["cl"].result_count == len(restrictions) == 7
    assert found.context["cl"].result_count == 3
    assert "More than 3 restrictions" in found.content.decode()


@pytest.mark.parametrize("count", [0, 1, 30], ids=["no row", "one row", "thirty"])
def test_a_page_reads_keys_first_and_then_only_its_own_rows(count: int, db: None) -> None:
    customer = factories.make_customer()
    for _ in range(count):
        factories.restrict(customer.account)
    client = signed_in(make_staff())
    url = f"{reverse('admin:accounts_restriction_changelist')}?q={customer.account.uin}"
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        client.get(url)
    read = [q["sql"] for q in queries if 'FROM "accounts_restriction"' in q["sql"]]
    joined = [sql for sql in read if "JOIN" in sql]
    # Counted, keys, rows; the rows by their keys alone.
    assert len(read) == (3 if count else 1)
    assert len(joined) == (1 if count else 0)
    assert all('"accounts_restriction"."id" IN (' in sql for sql in joined)


def test_an_agent_is_found_by_its_application_within_the_account(db: None) -> None:
    """An agent's indexes begin with the account, so the search names it too."""
    customers = [factories.make_customer(), factories.make_customer()]
    for customer in customers:
        add_agent(
            application=customer.application,
            details=AgentDetails(name="Ann", staff_number="1", email="ann@example.com"),
            with_license=False,
            by=customer.owner,
            now=factories.NOW,
        )
    client = signed_in(make_staff())
    wanted = customers[1]
    url = f"{reverse('admin:agents_agent_changelist')}?q={wanted.application.sdkappid}"
    with CaptureQueriesContext(connection) as queries:
        page = client.get(url)
    shown = [agent.application_id for agent in page.context["cl"].result_list]
    assert shown == [wanted.application.pk]
    found = [q["sql"] for q in queries if '"agents_agent"."application_id" IN' in q["sql"]]
    assert found
    assert all('"agents_agent"."account_id" IN' in sql for sql in found)
