"""How long the pages about money take as the tables grow, beside Django's own list of the rows.

For a program that has set Django up: `measure()` makes a database for each size, in which one
account has a tenth of all orders and ledger transactions. Each page is asked for in turn with an
empty view and with a plain change list of Django's admin over the same account's rows.
"""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import clear_url_caches, reverse

from accounts.models import Account, Application, Membership, User
from billing.models import Package
from tests.bench.admin_lists import Side
from tests.bench.admin_rows import BIG_ACCOUNT
from tests.bench.agents_page import medians
from tests.bench.databases import migrated

SIZES = (10_000, 100_000, 1_000_000)
#: Page, whose account, and the plain list of the same rows.
PAGES = {
    "orders": (BIG_ACCOUNT, "bench:billing_order_changelist"),
    "statement": (BIG_ACCOUNT, "bench:billing_ledgertransaction_changelist"),
    "buy": (BIG_ACCOUNT, "bench-long:billing_order_changelist"),
}
LABELS = (
    *("accounts.membership", "billing.order", "billing.orderline", "billing.payment"),
    *("billing.ledgertransaction", "billing.ledgerentry", "billing.fund"),
)
GOAL = 1.0


@dataclass(frozen=True)
class MoneyFigure:
    """Medians in milliseconds: the page, an empty view, and the plain list of as many rows."""

    page: str
    rows: int
    milliseconds: float
    empty: float
    plain_list: float
    queries: int

    @property
    def ratio(self) -> float:
        """How many times as long as the plain list."""
        return self.milliseconds / self.plain_list


def _client(user: User) -> Client:
    # The oldest of the copied people are kept out, for the lists that look for such.
    User.objects.filter(pk=user.pk).update(is_active=True)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def _calls(page: str) -> list[Callable[[], HttpResponse]]:
    """The page, the empty view and the plain list, ready to be asked for."""
    uin, plain = PAGES[page]
    account = Account.objects.get(uin=uin)
    member = _client(Membership.objects.filter(account=account).earliest("pk").user)
    staff = _client(User.objects.filter(is_superuser=True).latest("pk"))
    session = staff.session
    session["account"] = account.pk
    session.save()
    urls = reverse(f"billing:{page}", kwargs={"uin": uin}), reverse("healthz")
    return [
        lambda: member.get(urls[0]),  # type: ignore[list-item,return-value]
        lambda: member.get(urls[1]),  # type: ignore[list-item,return-value]
        lambda: staff.get(reverse(plain)),  # type: ignore[list-item,return-value]
    ]


def _leave_few_applications() -> None:
    """Give the measured accounts as many applications as an account may have at most.

    The others move to another account, their packages too, and nothing is left of them to read.
    """
    for uin in {uin for uin, _plain in PAGES.values()}:
        own = Application.objects.filter(account__uin=uin).order_by("pk")
        kept = list(own.values_list("pk", flat=True)[: settings.APPLICATION_LIMIT])
        elsewhere = Account.objects.latest("pk")
        moved = Package.objects.filter(account__uin=uin).exclude(application__in=kept)
        moved.update(account=elsewhere)
        own.exclude(pk__in=kept).update(account=elsewhere)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE accounts_application, billing_package")


def _time(side: Side, page: str) -> MoneyFigure:
    with side.using():
        calls = _calls(page)
        found = medians(*calls)
        with CaptureQueriesContext(connection) as captured:
            calls[0]()
        queries = len([query for query in captured if "usersession" not in query["sql"]])
    return MoneyFigure(page, side.rows, found[0], found[1], found[2], queries)


def measure(sizes: tuple[int, ...] = SIZES) -> list[MoneyFigure]:
    """Build a database of each size, time the pages in it, and drop it; takes some minutes."""
    settings.DEBUG = False
    settings.ROOT_URLCONF = "tests.bench.urls"
    clear_url_caches()
    settings.ALLOWED_HOSTS = ["testserver"]
    logging.disable(logging.WARNING)
    figures = []
    for rows in sizes:
        with ExitStack() as stack:
            stack.enter_context(migrated("bench_money"))
            side = Side("bench_money")
            stack.callback(side.close)
            side.prepare(rows, LABELS)
            with side.using():
                _leave_few_applications()
            figures += [_time(side, page) for page in PAGES]
    return figures


def goals_missed(figures: list[MoneyFigure]) -> list[str]:
    """Return in words which goals these figures miss."""
    missed = [
        f"{figure.page} with {figure.rows} rows: {figure.ratio:.2f} × Django's own list"
        for figure in figures
        if figure.ratio > GOAL
    ]
    for page in PAGES:
        counts = {figure.queries for figure in figures if figure.page == page}
        if len(counts) > 1:
            missed.append(f"{page}: {sorted(counts)} queries, wanted the same at each size")
    return missed
