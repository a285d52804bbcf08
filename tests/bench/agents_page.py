"""How long the Agent Management page takes with 100 agents and with 100,000, side by side.

For a program that has set Django up: `measure()` makes a database of its own with a million
agents, asks for each page many times in turn, and returns medians; `goals_missed()` says in words
where 100,000 agents take too much longer than 100, where the number of queries differs, or where
the page is not fast enough beside Django admin's own list of the same agents.
"""

import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import pgtrigger
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import clear_url_caches, reverse
from django.utils import timezone

from accounts.models import User
from tests.bench.databases import migrated, using
from tests.factories import Customer, make_customer, make_package

SMALL, LARGE, TABLE = 100, 100_000, 1_000_000
ROUNDS = 25
GROWTH_GOAL = 2.5
ADMIN_GOAL = 0.5
#: Nine for the person, the package and the list, two for licenses, and three for the navigation.
QUERY_GOAL = 14

#: What is asked for, by name: the query part of the address.
REQUESTS = {
    "first page": "",
    "prefix search": "?search=ab",
    "long prefix search": "?search=s00004",
    "filter by state": "?state=disabled",
    "filter by role": "?role=inspector",
    "sorted by email": "?sort=-email",
    "last page": "?page=last",
}


@dataclass(frozen=True)
class PageFigure:
    """One request: medians in milliseconds of the reference and of the page with many agents."""

    request: str
    reference: float
    page: float
    goal: float
    queries: tuple[int, ...] = ()

    @property
    def ratio(self) -> float:
        """How many times as long as the reference the page takes."""
        return self.page / self.reference


def fill(customer: Customer, count: int) -> None:
    """Give the customer that many agents: nine of ten licensed, one of twenty disabled."""
    now = timezone.now()
    package = make_package(customer.application, agents=0, now=now)
    place = [customer.account.pk, customer.application.pk]
    with pgtrigger.ignore(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_license (account_id, package_id, kind, source, created_at)"
            " SELECT %s, %s, 'agent', 'included', %s FROM generate_series(1, %s)",
            [customer.account.pk, package.pk, now, count],
        )
        cursor.execute(
            "INSERT INTO agents_agent (account_id, application_id, name, nickname, staff_number,"
            " name_key, staff_number_key, email, email_key, phone, role, extension, is_enabled,"
            " license_id, created_at, updated_at)"
            " SELECT %s, %s, initcap(substr(md5(i::text), 1, 8)) || ' ' || i, 'Nick',"
            " 'S' || lpad(i::text, 7, '0'), substr(md5(i::text), 1, 8) || ' ' || i,"
            " 's' || lpad(i::text, 7, '0'), substr(md5('e' || i), 1, 9) || i || '@example.com',"
            " substr(md5('e' || i), 1, 9) || i || '@example.com',"
            " '', CASE WHEN i %% 50 = 0 THEN 'inspector' ELSE 'agent' END,"
            " CASE WHEN i <= 60000 THEN (i + 9999)::text ELSE '' END, i %% 20 <> 0,"
            " CASE WHEN i %% 10 = 0 THEN NULL ELSE id END, %s, %s"
            " FROM (SELECT row_number() OVER (ORDER BY id) AS i, id FROM billing_license"
            " WHERE package_id = %s) AS license",
            [*place, now, now, package.pk],
        )
        cursor.execute(
            "INSERT INTO agents_skillgroup (account_id, application_id, name, name_key, created_at)"
            " SELECT %s, %s, 'Group ' || i, 'group ' || i, %s FROM generate_series(1, 10) AS i",
            [*place, now],
        )
        cursor.execute(
            "INSERT INTO agents_skillgroupmember (account_id, group_id, agent_id)"
            " SELECT g.account_id, g.id, a.id FROM agents_agent a JOIN agents_skillgroup g"
            " USING (application_id) WHERE application_id = %s AND (a.id + g.id) %% 10 < 2",
            [customer.application.pk],
        )


def ask(customer: Customer, query: str) -> Callable[[], HttpResponse]:
    client = Client()
    client.force_login(customer.owner, backend="django.contrib.auth.backends.ModelBackend")
    place = {"uin": customer.account.uin, "sdkappid": customer.application.sdkappid}
    address = reverse("agents:management", kwargs=place) + query
    return lambda: client.get(address)  # type: ignore[return-value]


def ask_admin(customer: Customer) -> Callable[[], HttpResponse]:
    """The admin's list, by the same way through the middleware as the page."""
    staff = User.objects.create_superuser(
        f"{customer.account.uin}@staff.example", "a good password"
    )
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["account"] = customer.account.pk
    session.save()
    address = reverse("bench:agents_agent_changelist")
    return lambda: client.get(address)  # type: ignore[return-value]


def medians(*calls: Callable[[], HttpResponse]) -> list[float]:
    """Milliseconds of each call; they take turns, so that a busy moment meets all of them."""
    times: list[list[float]] = [[] for _call in calls]
    for turn in range(ROUNDS + 2):
        for place, call in enumerate(calls):
            started = time.perf_counter()
            status = call().status_code
            elapsed = (time.perf_counter() - started) * 1000
            assert status == 200, status
            if turn >= 2:
                times[place].append(elapsed)
    return [statistics.median(each) for each in times]


def count_queries(call: Callable[[], HttpResponse]) -> int:
    with CaptureQueriesContext(connection) as queries:
        call()
    return len([query for query in queries if "usersession" not in query["sql"]])


def build() -> tuple[Customer, Customer]:
    """Fill the database and return the small and the large customer."""
    small, large = (
        make_customer(name="Small", trial=False),
        make_customer(name="Large", trial=False),
    )
    fill(small, SMALL)
    fill(large, LARGE)
    for number in range((TABLE - LARGE) // 90_000):
        fill(make_customer(name=f"Other {number}", trial=False), 90_000)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return small, large


def time_pages(small: Customer, large: Customer) -> list[PageFigure]:
    """Time every request with few agents and with many, and the admin's list."""
    figures = []
    for name, query in REQUESTS.items():
        calls = ask(small, query), ask(large, query)
        reference, page = medians(*calls)
        queries = tuple(count_queries(call) for call in calls)
        figures.append(PageFigure(name, reference, page, GROWTH_GOAL, queries))
    page, changelist = medians(ask(large, ""), ask_admin(large))
    figures.append(PageFigure("first page beside the admin's list", changelist, page, ADMIN_GOAL))
    return figures


def measure() -> list[PageFigure]:
    """Build the database, time all pages, and drop it again; takes some minutes."""
    settings.DEBUG = False
    settings.ROOT_URLCONF = "tests.bench.urls"
    clear_url_caches()
    settings.ALLOWED_HOSTS = ["testserver"]
    logging.disable(logging.WARNING)
    with migrated("bench_agents") as name, using(name):
        return time_pages(*build())


def goals_missed(figures: list[PageFigure]) -> list[str]:
    """Return in words which goals these figures miss."""
    missed = []
    for figure in figures:
        if figure.ratio > figure.goal:
            missed.append(f"{figure.request}: {figure.ratio:.2f} ×, wanted {figure.goal} ×")
        if len(set(figure.queries)) > 1 or max(figure.queries, default=0) > QUERY_GOAL:
            missed.append(f"{figure.request}: {figure.queries} queries, wanted {QUERY_GOAL}")
    return missed
