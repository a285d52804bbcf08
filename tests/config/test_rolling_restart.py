"""Two hosts are restarted one after the other, as docs/operations.md says, and no request fails."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from tests import factories as make
from tests.clusters import dump_into, own_cluster, pooled
from tests.config.proxy import Proxy, proxying
from tests.config.rig import on_cluster
from tests.config.servers import Server, serving
from tests.places import as_url
from tests.tiers import NIGHTLY

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
FORM_TOKEN = "a" * 32


@pytest.fixture(params=["direct", pytest.param("PgBouncer", marks=pytest.mark.nightly)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Where the hosts find the database, to which Django's own connection goes meanwhile."""
    if request.param == "direct":
        yield {"DATABASE_URL": as_url(str(connection.settings_dict["NAME"]))}
        return
    with own_cluster(tmp_path) as cluster:
        dump_into(cluster, str(tmp_path / "dump"))
        with on_cluster(cluster), pooled(cluster, tmp_path) as url:
            yield {"DATABASE_URL": url, "DATABASE_TRANSACTION_POOLING": "1"}


@pytest.fixture
def hosts(tmp_path: Path, database: dict[str, str]) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(serving(_host(tmp_path / name), **database))
            for name in ("one", "two")
        ]


def _host(folder: Path) -> Server:
    folder.mkdir()
    server = Server(folder, "")
    server.variables |= {
        "ALLOWED_HOSTS": "console.example.com",
        # The session was signed with it.
        "SECRET_KEY": settings.SECRET_KEY,
        "WEB_CONCURRENCY": "1",
    }
    server.headers["Host"] = "console.example.com"
    return server


@pytest.fixture
def headers(database: dict[str, str]) -> dict[str, str]:
    """Those of a person who has signed in and may send forms."""
    client = Client()
    client.force_login(make.make_user())
    return {
        "Cookie": f"__Host-session={client.session.session_key}; __Host-csrf={FORM_TOKEN}",
        "Referer": "https://console.example.com/",
        "X-CSRFToken": FORM_TOKEN,
    }


class Visitors:
    """People who read a page and send a form in turn, each without a pause."""

    def __init__(self, proxy: Proxy, headers: dict[str, str], *, count: int = 4) -> None:
        self.proxy = proxy
        self.headers = headers
        self.answers: Counter[tuple[str, int | str]] = Counter()
        self.are_gone = threading.Event()
        self.threads = [threading.Thread(target=self._visit) for _visitor in range(count)]

    def _visit(self) -> None:
        while not self.are_gone.is_set():
            for method in ("GET", "POST"):
                answer = self.proxy.ask("/profile/", method, **self.headers)
                self.answers[method, answer] += 1

    def __enter__(self) -> "Visitors":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.are_gone.set()
        for thread in self.threads:
            thread.join()


def test_hosts_that_are_restarted_in_turn_lose_no_request(
    hosts: list[Server], headers: dict[str, str], tmp_path: Path
) -> None:
    with (
        proxying(tmp_path, hosts, "/auth/login/") as proxy,
        Visitors(proxy, headers) as visitors,
    ):
        for _round in range(3 if NIGHTLY else 1):
            for host in hosts:
                proxy.leave_out(host)
                assert host.stop() == 0
                host.start()
                host.wait("/readyz", 90)
            proxy.leave_out(None)

    # The form is incomplete, so that it changes nothing.
    assert set(visitors.answers) == {("GET", 200), ("POST", 422)}
    assert min(visitors.answers.values()) > 20
