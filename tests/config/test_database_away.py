"""The database restarts under load, directly and behind PgBouncer: 503, and soon 200 again."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from config.embedded_postgres import ROLE
from config.embedded_postgres import Server as Cluster
from config.outages import RETRY_SECONDS
from tests.clusters import direct_url, dump_into, own_cluster, pooled, start, stop
from tests.config.servers import HEADERS, Load, Server, serving
from tests.factories import make_user
from tests.tiers import NIGHTLY

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
#: A page of a person who is signed in, and what balancers ask.
PAGES = ["/profile/", "/readyz"]
FORM_TOKEN = "a" * 32
END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND usename = %s
"""


@pytest.fixture(scope="module")
def cookie(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    cluster: Cluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The cookies of a person; the cluster gets the console's tables, with the person in them."""
    with django_db_blocker.unblock():
        client = Client()
        user = make_user(email="person@restart.example")
        client.force_login(user)
        session = client.session.session_key
        dump_into(cluster, str(tmp_path_factory.mktemp("dump") / "dump"))
        user.delete()
        Session.objects.all().delete()
    # Named as over HTTPS.
    return f"__Host-session={session}; __Host-csrf={FORM_TOKEN}"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server of the tests' own, which they stop."""
    with own_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def send(server: Server, path: str, **data: str) -> tuple[int, str | None, str]:
    answer = server.ask(path, {"csrfmiddlewaretoken": FORM_TOKEN, **data})
    return answer.status, answer.headers.get("Retry-After"), answer.text


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({}, id="direct"),
        pytest.param({"DATABASE_POOL_SIZE": "4"}, id="pool"),
        pytest.param({"DATABASE_TRANSACTION_POOLING": "1"}, id="PgBouncer"),
    ],
)
def test_a_restart_under_load_is_503_and_over_within_five_seconds(
    cluster: Cluster, cookie: str, tmp_path: Path, variables: dict[str, str]
) -> None:
    is_pooled = "DATABASE_TRANSACTION_POOLING" in variables
    with pooled(cluster, tmp_path) if is_pooled else nullcontext(direct_url(cluster)) as url:
        server = Server(tmp_path, url)
        server.headers = {**HEADERS, "Cookie": cookie, "Referer": "https://console.example/"}
        with serving(server, SECRET_KEY=settings.SECRET_KEY, **variables):
            assert [server.ask(page).status for page in PAGES] == [200, 200]
            with Load(server, PAGES) as load:
                time.sleep(0.3)
                stop(cluster)
                away = [server.ask(page).status for page in PAGES]
                status, retry, text = send(server, "/theme/", theme="dark")
                start(cluster)
                started = time.monotonic()
                good = 0
                while good < 10:
                    answers = [server.ask(page).status for page in PAGES]
                    good = good + 1 if answers == [200, 200] else 0
                    recovered = time.monotonic() - started
                    assert recovered < 30, server.log.read_text()[-3000:]
            log = server.log.read_text()

    assert away == [503, 503]
    assert status == 503
    assert int(retry or 0) in RETRY_SECONDS
    assert "may have been saved or not" in text
    # Beside other tests on the same two cores it may take longer.
    assert recovered < (5 if NIGHTLY else 15)
    assert set(load.answers) == {200, 503}
    assert load.without_retry == 0
    assert "Traceback" not in log
    assert [line for line in log.splitlines() if '"level": "ERROR"' in line] == []


def test_a_locked_row_behind_pgbouncer_is_answered_in_time(
    cluster: Cluster, cookie: str, tmp_path: Path
) -> None:
    with (
        pooled(cluster, tmp_path) as url,
        psycopg.connect(direct_url(cluster), autocommit=True) as owner,
    ):
        server = Server(tmp_path, url)
        server.headers = {**HEADERS, "Cookie": cookie, "Referer": "https://console.example/"}
        server.write(SECRET_KEY=settings.SECRET_KEY, DATABASE_TRANSACTION_POOLING="1")
        before = deploy_check(server)
        owner.execute(f"ALTER ROLE {ROLE} SET lock_timeout = '500ms'")
        # A role's settings hold for its new connections.
        owner.execute(END_OTHERS, [ROLE])
        with serving(server):
            after = deploy_check(server)
            assert server.ask("/profile/").status == 200
            with owner.transaction():
                owner.execute("SELECT 1 FROM accounts_user FOR UPDATE")
                started = time.monotonic()
                status, retry, text = send(server, "/theme/", theme="dark")
                waited = time.monotonic() - started
            again, _, _ = send(server, "/theme/", theme="dark")
        owner.execute(f"ALTER ROLE {ROLE} RESET lock_timeout")

    assert "config.W001" in before
    assert "config.W001" not in after
    assert status == 503
    assert int(retry or 0) in RETRY_SECONDS
    assert "Nothing was changed" in text
    assert 0.4 < waited < 3
    assert again == 302


def deploy_check(server: Server) -> str:
    """What `check --deploy` has to say of the server's settings."""
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy"],
        cwd=settings.BASE_DIR,
        env={"ENV_FILE": str(server.file)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr
