"""Lists are read from a real streaming replica, but for what the reader would miss there."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from config.embedded_postgres import PORT, ROLE
from tests import factories as make
from tests.clusters import Standby, direct_url, dump_into, own_cluster, standby_of
from tests.config.servers import Server, serving

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

OLD, NEW = "Named as before", "Named differently"
FORM_TOKEN = "a" * 32
METRICS_TOKEN = "of-a-collector"
#: Connections that have read in a transaction, and not only asked how far the replica is.
READERS = """
    SELECT count(*) FROM pg_stat_activity WHERE usename = 'tccc' AND query = 'COMMIT'
"""


@pytest.fixture
def customer() -> make.Customer:
    customer = make.make_customer(cash="500")
    make.buy(customer.application)
    return customer


def metrics(server: Server) -> str:
    """Return what a collector is told."""
    server.headers["Authorization"] = f"Bearer {METRICS_TOKEN}"
    return server.ask("/metrics").text


class Primary:
    """The database that the replica follows."""

    def __init__(self, socket_folder: Path) -> None:
        self.socket_folder = socket_folder

    def rename(self, name: str) -> None:
        """Change what the list of orders shows."""
        with psycopg.connect(
            host=str(self.socket_folder), port=PORT, dbname=ROLE, user=ROLE
        ) as connection:
            connection.execute("UPDATE accounts_application SET name = %s", [name])


@pytest.fixture
def replicated(
    customer: make.Customer, tmp_path: Path
) -> Iterator[tuple[Server, Primary, Standby]]:
    """The console's server, the database with the customer in it, and its replica."""
    client = Client()
    client.force_login(customer.owner)
    with own_cluster(tmp_path / "cluster") as cluster:
        dump_into(cluster, str(tmp_path / "dump"))
        with standby_of(cluster) as standby:
            server = Server(tmp_path, direct_url(cluster))
            server.variables |= {
                "DATABASE_REPLICA_URL": standby.url,
                "METRICS_TOKEN": METRICS_TOKEN,
                # The session was signed with it.
                "SECRET_KEY": settings.SECRET_KEY,
            }
            session = client.session.session_key
            server.headers["Referer"] = "https://console.example/"
            server.headers["Cookie"] = f"__Host-session={session}; __Host-csrf={FORM_TOKEN}"
            yield server, Primary(cluster.socket_folder), standby


def test_lists_come_from_the_replica_and_nothing_is_missed(
    customer: make.Customer, replicated: tuple[Server, Primary, Standby]
) -> None:
    server, primary, standby = replicated
    place = {"uin": customer.account.uin}
    a_list = reverse("billing:orders", kwargs=place)
    no_list = reverse("accounts:applications", kwargs=place)
    primary.rename(OLD)
    standby.wait_for(f"SELECT name = '{OLD}' FROM accounts_application")
    standby.ask("SELECT pg_wal_replay_pause()")
    primary.rename(NEW)

    with serving(server, REPLICA_MAX_LAG_SECONDS="600"):
        assert OLD in server.ask(a_list).text
        assert NEW in server.ask(no_list).text

        # A person who has just changed something would miss it.
        changed = server.ask("/profile/", {"csrfmiddlewaretoken": FORM_TOKEN})
        assert changed.status == 422
        assert "HttpOnly; Max-Age=602" in changed.headers["Set-Cookie"]
        usual = server.headers["Cookie"]
        server.headers["Cookie"] = f"{usual}; __Host-changed=1"
        assert NEW in server.ask(a_list).text
        server.headers["Cookie"] = usual

        # A replica that is gone is no outage.
        assert OLD in server.ask(a_list).text
        standby.stop()
        answer = server.ask(a_list)
        assert answer.status == 200
        assert NEW in answer.text


def test_a_replica_that_is_too_far_behind_is_not_read(
    customer: make.Customer, replicated: tuple[Server, Primary, Standby]
) -> None:
    server, primary, standby = replicated
    a_list = reverse("billing:orders", kwargs={"uin": customer.account.uin})
    standby.ask("SELECT pg_wal_replay_pause()")
    time.sleep(1.1)
    primary.rename(NEW)

    with serving(server, REPLICA_MAX_LAG_SECONDS="1"):
        assert NEW in server.ask(a_list).text
        assert standby.ask(READERS) == 0

        standby.ask("SELECT pg_wal_replay_resume()")
        standby.wait_for(f"SELECT name = '{NEW}' FROM accounts_application")
        # It has caught up, since nothing has been written meanwhile.
        time.sleep(1.1)
        assert NEW in server.ask(a_list).text
        assert standby.ask(READERS) == 1
        assert "console_replica_answers 1.0" in metrics(server)
        assert re.search(r"^console_replica_lag_seconds \d\.", metrics(server), re.MULTILINE)

        standby.stop()
        assert "console_replica_answers 0.0" in metrics(server)
        assert "console_replica_lag_seconds" not in metrics(server)
