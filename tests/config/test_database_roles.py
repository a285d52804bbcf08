"""The console as production runs it: web and worker log in as roles that own nothing."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from config.embedded_postgres import PORT, ROLE
from config.embedded_postgres import Server as Cluster
from tests import factories as make
from tests.clusters import direct_url, dump_into, own_cluster
from tests.config.servers import Answer, Server, serving

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

FORM_TOKEN = "a" * 32
SIGN_UP = {
    "name": "Nora New",
    "email": "nora@example.com",
    "password1": make.PASSWORD,
    "password2": make.PASSWORD,
    "entity_name": "Nora Ltd",
    "kind": "enterprise",
    "registration_number": "HRB 77",
    "account_name": "Main",
}
#: Pages of an account, with a text that comes from its rows.
PAGES = {
    "start": "Sales line",
    "accounts:applications": "Sales line",
    "accounts:members": "Olivia",
    "accounts:audit": "",
    "billing:orders": "Sales line",
    "billing:payment_requests": "Paid For",
    "billing:funds": "500.00",
    "billing:statement": "",
    "billing:refunds": "",
    "compliance:violations": "",
    "compliance:connection_requests": "",
}


@pytest.fixture
def customer() -> make.Customer:
    """An account that has bought something, and is asked to pay for another."""
    owner = make.make_user(name="Olivia Owner")
    account = make.make_account(owner=owner)
    make.fund_account(account, cash="500")
    application = make.make_application(account, "Sales line")
    make.make_agent(application, name="Anna Agent")
    other = make.make_account(name="Paid For")
    make.buy(make.make_application(other, "Secret line"), payer=account.uin)
    return make.Customer(owner=owner, account=account, application=application)


def session_of(person: User) -> str:
    """The cookies of a person who has signed in."""
    client = Client()
    client.force_login(person)
    return f"__Host-session={client.session.session_key}; __Host-csrf={FORM_TOKEN}"


class Console:
    """The server, asked by one person after the other."""

    def __init__(self, server: Server, cluster: Cluster) -> None:
        self.server = server
        self.cluster = cluster

    def become(self, cookies: str) -> None:
        self.server.headers["Cookie"] = cookies

    def show(self, path: str) -> str:
        answer = self.server.ask(path)
        assert answer.status == 200, (path, answer.status)
        return answer.text

    def send(self, path: str, **data: str) -> Answer:
        answer = self.server.ask(path, {"csrfmiddlewaretoken": FORM_TOKEN, **data})
        assert answer.status in {200, 302}, (path, answer.status, answer.text)
        return answer

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Ask the database as the owner of the tables."""
        with psycopg.connect(
            host=str(self.cluster.socket_folder), port=PORT, dbname=ROLE, user=ROLE
        ) as connection:
            return connection.execute(statement).fetchall()


def url_of(cluster: Cluster, role: str) -> str:
    return direct_url(cluster).replace(f"//{ROLE}@", f"//{role}@")


@pytest.fixture
def cookies(customer: make.Customer) -> tuple[str, str]:
    """Those of the customer and of staff."""
    return session_of(customer.owner), session_of(make.make_staff())


@pytest.fixture
def console(cookies: tuple[str, str], tmp_path: Path) -> Iterator[Console]:
    """A server that logs in as `tccc_web`, on a copy of the rows."""
    with own_cluster(tmp_path / "cluster") as cluster:
        dump_into(cluster, str(tmp_path / "dump"))
        server = Server(tmp_path, url_of(cluster, "tccc_web"))
        # The sessions were signed with it.
        server.variables |= {"SECRET_KEY": settings.SECRET_KEY, "STAFF_SECOND_FACTOR": "0"}
        server.headers["Referer"] = "https://console.example/"
        with serving(server):
            yield Console(server, cluster)


def test_web_and_worker_need_no_more_than_their_roles(
    console: Console, customer: make.Customer, cookies: tuple[str, str]
) -> None:
    place = {"uin": customer.account.uin}
    console.become(cookies[0])
    for name, words in PAGES.items():
        assert words in console.show(reverse(name, kwargs=place)), name
    agents = {**place, "sdkappid": customer.application.sdkappid}
    assert "Anna Agent" in console.show(reverse("agents:management", kwargs=agents))
    assert "Anna Agent" in console.show(reverse("agents:export", kwargs=agents))

    console.send(reverse("accounts:rename", kwargs=place), name="Renamed")
    assert console.ask("SELECT count(*) FROM accounts_account WHERE name = 'Renamed'") == [(1,)]

    console.become(cookies[1])
    assert "Paid For" in console.show("/admin/accounts/account/")
    _sign_up(console)
    _run_commands(console.cluster)


def _sign_up(console: Console) -> None:
    console.become(f"__Host-csrf={FORM_TOKEN}")
    answer = console.send("/auth/signup/", **SIGN_UP)
    assert answer.status == 302
    taken = console.ask("SELECT min(registration_number) FROM accounts_entity")[0][0]
    refused = console.send("/auth/signup/", **SIGN_UP | {"registration_number": str(taken)})
    assert "Ask an owner of its account" in refused.text
    [(text,)] = console.ask("SELECT text FROM accounts_outgoingmail")
    link = re.search(r"https?://[^/]+(/\S+)", str(text))
    assert link is not None
    console.send(link[1])
    console.send("/auth/login/", login="nora@example.com", password=make.PASSWORD)
    assert console.ask("SELECT count(*) FROM accounts_account WHERE name = 'Main'") == [(1,)]


def _run_commands(cluster: Cluster) -> None:
    variables = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "SECRET_KEY": settings.SECRET_KEY,
        "ALLOWED_HOSTS": "console.example",
        "EMAIL_URL": "dummymail://",
        "DATABASE_URL": url_of(cluster, "tccc_worker"),
        "DATABASE_OWNER_URL": direct_url(cluster),
    }
    for command in (
        ["migrate", "--no-input"],
        ["sweep_expirations"],
        ["send_expiry_reminders"],
        ["send_notifications"],
        ["purge_old_data"],
        ["verify_ledger"],
        ["run_worker", "--drain"],
    ):
        run = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=settings.BASE_DIR,
            env=variables,
            check=False,
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, (command, run.stdout, run.stderr)
