"""One tenant's row is locked, and many of its requests wait: how long the others' requests take.

gunicorn serves the console as `config/gunicorn.py` says, with 2 × 8 threads. Someone holds the
row of one account while 28 of its people send a form; each sends it again when `Retry-After` says
so. People of other accounts continue reading and writing; their times are compared with those of
the same people before.
"""

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, repeat
from pathlib import Path

import psycopg
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.enums import EntityKind, Role
from accounts.models import User
from accounts.services.members import add_member
from accounts.services.tenants import open_account, register_entity
from config.embedded_postgres import ROLE
from config.embedded_postgres import Server as Cluster
from tests.bench import databases
from tests.clusters import direct_url, dump_into, own_cluster, pooled
from tests.config.servers import HEADERS, Answer, Server, serving

#: People of the tenant whose row is locked, and other tenants.
CROWD, OTHERS = 28, 4
#: The goal: the others' requests take at most so many times as long.
GOAL = 2.0
_TOKEN = "a" * 32
_PAUSE = 0.1
_DATABASE = "bench_fairness"


@dataclass(frozen=True)
class Tenant:
    """An account, the key of its owner's session, and a member whose role can be changed."""

    pk: int
    uin: str
    session: str
    member: int


def make_tenants(count: int) -> list[Tenant]:
    """Make accounts with an owner who is signed in, and one more member."""
    now = timezone.now()
    tenants = []
    for number in range(count):
        name = f"Fair {number}"
        owner, other = (
            User.objects.create_user(f"{who}{number}@fair.example", name=who)
            for who in ("owner", "other")
        )
        entity = register_entity(
            name=name,
            kind=EntityKind.ENTERPRISE,
            registration_number=f"FAIR{number}",
            by=None,
            now=now,
        )
        account = open_account(entity=entity, name=name, owner=owner, by=None, now=now)
        member = add_member(account=account, user=other, role=Role.VIEWER, by=None, now=now)
        client = Client()
        client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
        key = client.cookies[settings.SESSION_COOKIE_NAME].value
        tenants.append(Tenant(account.pk, account.uin, key, member.pk))
    return tenants


def _send(server: Server, tenant: Tenant, url: str, **data: str) -> Answer:
    asking = Server.__new__(Server)
    # The same server, with the cookies of this person.
    asking.__dict__ = {
        **server.__dict__,
        "headers": {
            **HEADERS,
            "Cookie": f"__Host-session={tenant.session}; __Host-csrf={_TOKEN}",
            "Referer": "https://console.example/",
        },
    }
    return asking.ask(url, {"csrfmiddlewaretoken": _TOKEN, **data} if data else None)


def read(server: Server, tenant: Tenant) -> Answer:
    """Open the list of members."""
    return _send(server, tenant, reverse("accounts:members", kwargs={"uin": tenant.uin}))


def write(server: Server, tenant: Tenant, role: str) -> Answer:
    """Give the other member a role, which locks the account."""
    url = reverse("accounts:member_role", kwargs={"uin": tenant.uin, "pk": tenant.member})
    return _send(server, tenant, url, role=role)


@dataclass
class Load:
    """People who send one request after the other until they are stopped."""

    stopped: threading.Event = field(default_factory=threading.Event)
    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int | str] = field(default_factory=Counter)
    threads: list[threading.Thread] = field(default_factory=list)

    def add(self, requests: Iterator[Callable[[], Answer]]) -> None:
        """Let one more person send these."""
        thread = threading.Thread(target=self._send, args=(requests,), daemon=True)
        self.threads.append(thread)
        thread.start()

    def _send(self, requests: Iterator[Callable[[], Answer]]) -> None:
        for request in requests:
            started = time.perf_counter()
            try:
                answer = request()
            except OSError as error:
                self.statuses[repr(error)] += 1
            else:
                self.statuses[answer.status] += 1
                self.seconds.append(time.perf_counter() - started)
                wait = float(answer.headers.get("Retry-After", _PAUSE))
                self.stopped.wait(wait)
            if self.stopped.is_set():
                return

    def stop(self) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join(30)

    def percentile(self, share: float) -> float:
        """Return the time in milliseconds within which this share of the requests was answered."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _work(server: Server, tenant: Tenant) -> Iterator[Callable[[], Answer]]:
    """Yield requests of an ordinary day: two pages, one change."""
    for role in cycle([Role.FINANCE, Role.VIEWER]):
        yield partial(read, server, tenant)
        yield partial(read, server, tenant)
        yield partial(write, server, tenant, role)


@contextmanager
def others_working(server: Server, tenants: list[Tenant]) -> Iterator[Load]:
    """Let the other tenants read, and write now and then."""
    load = Load()
    for tenant in tenants:
        load.add(_work(server, tenant))
    try:
        yield load
    finally:
        load.stop()


def warm_up(server: Server, tenants: list[Tenant]) -> None:
    """Let each process answer each person once, and write down the sessions."""
    for tenant in tenants * 4:
        read(server, tenant)


@contextmanager
def crowd_waiting(server: Server, tenant: Tenant, people: int = CROWD) -> Iterator[Load]:
    """Let so many people of one tenant send a form."""
    load = Load()
    for _person in range(people):
        load.add(repeat(partial(write, server, tenant, Role.FINANCE)))
    try:
        yield load
    finally:
        load.stop()


class Watch:
    """Counts the sessions of the console that wait for a lock."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.most = 0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not self.stopped.wait(0.05):
                (waiting,) = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    # Requests of one session follow each other at its own row for an instant.
                    " AND clock_timestamp() - query_start > interval '0.3 s'"
                ).fetchone()  # type: ignore[misc]
                self.most = max(self.most, waiting)

    def __enter__(self) -> "Watch":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.thread.join()


@contextmanager
def row_locked(url: str, tenant: Tenant) -> Iterator[None]:
    """Hold the row of an account, as someone with a client of PostgreSQL can."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT 1 FROM accounts_account WHERE id = %s FOR UPDATE", [tenant.pk])
        yield
        connection.rollback()


@dataclass(frozen=True)
class FairnessFigure:
    """Milliseconds of the others' requests, before and while the row is locked."""

    way: str
    run: int
    normal_p50: float
    normal_p95: float
    locked_p50: float
    locked_p95: float
    locked_max: float
    others: str
    crowd: str
    waiting_at_most: int

    @property
    def ratio(self) -> float:
        """How many times as long as before."""
        return self.locked_p95 / self.normal_p95


def measure_once(
    server: Server, url: str, tenants: list[Tenant], *, way: str, run: int, seconds: float
) -> FairnessFigure:
    """Measure `seconds` without, and as many with the first tenant's row locked."""
    crowded, *others = tenants
    with others_working(server, others) as before:
        time.sleep(seconds)
    with (
        row_locked(url, crowded),
        Watch(url) as watch,
        crowd_waiting(server, crowded) as crowd,
        others_working(server, others) as load,
    ):
        time.sleep(seconds)
    return FairnessFigure(
        way=way,
        run=run,
        normal_p50=before.percentile(0.5),
        normal_p95=before.percentile(0.95),
        locked_p50=load.percentile(0.5),
        locked_p95=load.percentile(0.95),
        locked_max=load.percentile(1),
        others=str(dict(load.statuses)),
        crowd=str(dict(crowd.statuses)),
        waiting_at_most=watch.most,
    )


#: How the console reaches its database: variables, and connections of PgBouncer.
WAYS: dict[str, tuple[dict[str, str], int]] = {
    "direct": ({}, 0),
    "PgBouncer": ({"DATABASE_TRANSACTION_POOLING": "1"}, 20),
    "PgBouncer, pool of 6": ({"DATABASE_TRANSACTION_POOLING": "1"}, 6),
}


@contextmanager
def console(cluster: Cluster, folder: Path, way: str) -> Iterator[Server]:
    """Serve the console with the default number of processes and threads."""
    variables, pool = WAYS[way]
    with pooled(cluster, folder, pool) if pool else nullcontext(direct_url(cluster)) as url:
        server = Server(folder, url)
        with serving(
            server,
            SECRET_KEY=settings.SECRET_KEY,
            WEB_CONCURRENCY="2",
            WEB_THREADS="8",
            LOG_LEVEL="ERROR",
            **variables,
        ):
            yield server


def set_role(url: str) -> None:
    """Give the role the timeout that docs/operations.md asks for where PgBouncer is used."""
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f"ALTER ROLE {ROLE} SET lock_timeout = '2s'")


def measure(*, runs: int = 3, seconds: float = 10) -> list[FairnessFigure]:
    """Measure every way of reaching the database, several times."""
    figures = []
    with tempfile.TemporaryDirectory() as name, own_cluster(Path(name)) as cluster:
        folder = Path(name)
        with databases.migrated(_DATABASE), databases.using(_DATABASE):
            tenants = make_tenants(1 + OTHERS)
            dump_into(cluster, str(folder / "dump"))
        url = direct_url(cluster)
        set_role(url)
        for way in WAYS:
            with console(cluster, folder, way) as server:
                warm_up(server, tenants)
                figures += [
                    measure_once(server, url, tenants, way=way, run=run, seconds=seconds)
                    for run in range(1, runs + 1)
                ]
    return figures


def goals_missed(figures: list[FairnessFigure]) -> list[str]:
    """Return the runs in which the others waited."""
    return [
        f"fairness, {figure.way}, run {figure.run}: the others' p95 is {figure.ratio:.1f} times "
        f"as long, the goal is {GOAL}"
        for figure in figures
        if figure.ratio > GOAL
    ]
