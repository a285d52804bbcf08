"""What `/metrics` tells, and which clients."""

import os
import re
import signal
import socket
import tempfile
import time
from datetime import datetime, timedelta
from io import StringIO
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.jobs import defer
from accounts.models import CommandRun, Job, Notification, OutgoingMail
from accounts.queries import call_function
from accounts.services.runs import record_run
from billing.models import SweepRun
from config import figures, metrics
from config.figures import read_figures
from tests import factories as make
from tests.config.servers import Server, serving
from tests.factories import DAY, NOW
from tests.places import as_url

TOKEN = "a-token-of-monitoring"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
HOUR = timedelta(hours=1)


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Every sample of an answer, by its name and its labels' values in the order of their names."""
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def read(client: Client) -> dict[tuple[str, ...], float]:
    answer = client.get("/metrics", headers=BEARER)
    assert answer.status_code == 200
    return samples(answer.text)


@pytest.fixture
def collector(settings: Settings) -> Client:
    """A client that may read the metrics."""
    settings.METRICS_TOKEN = TOKEN
    return Client()


# --- Who may read ---------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("token", "networks", "headers", "address", "status"),
    [
        pytest.param("", [], BEARER, "127.0.0.1", 404, id="nothing is set"),
        pytest.param("", [], {"Authorization": "Bearer "}, "127.0.0.1", 404, id="an empty token"),
        pytest.param(TOKEN, [], {}, "127.0.0.1", 404, id="no token is sent"),
        pytest.param(TOKEN, [], {"Authorization": "Bearer no"}, "127.0.0.1", 404, id="another"),
        pytest.param(TOKEN, [], {"Authorization": "Bearer é"}, "127.0.0.1", 404, id="no ASCII"),
        pytest.param(TOKEN, [], BEARER, "192.0.2.1", 200, id="the token"),
        pytest.param("", ["10.0.0.0/8"], {}, "10.1.2.3", 200, id="the network"),
        pytest.param("", ["10.0.0.0/8"], {}, "11.1.2.3", 404, id="another network"),
        pytest.param("", ["10.0.0.0/8"], {}, "::1", 404, id="the other family"),
        pytest.param("", ["::1/128", "10.0.0.0/8"], {}, "10.0.0.1", 200, id="one of two"),
        pytest.param("", ["10.0.0.0/8"], {}, "", 404, id="no address"),
        pytest.param(TOKEN, ["10.0.0.0/8"], BEARER, "10.0.0.1", 200, id="both"),
        pytest.param(TOKEN, ["10.0.0.0/8"], BEARER, "11.0.0.1", 404, id="the token alone"),
        pytest.param(TOKEN, ["10.0.0.0/8"], {}, "10.0.0.1", 404, id="the network alone"),
    ],
)
def test_metrics_answer_those_alone_that_settings_name(
    settings: Settings,
    token: str,
    networks: list[str],
    headers: dict[str, str],
    address: str,
    status: int,
) -> None:
    settings.METRICS_TOKEN = token
    settings.METRICS_NETWORKS = [ip_network(text) for text in networks]

    answer = Client(REMOTE_ADDR=address).get("/metrics", headers=headers)

    assert answer.status_code == status
    assert ("console_" in answer.text) == (status == 200)


@pytest.mark.django_db
@pytest.mark.parametrize(("proxies", "status"), [(0, 404), (1, 200)])
def test_an_address_that_is_only_claimed_opens_nothing(
    settings: Settings, proxies: int, status: int
) -> None:
    settings.METRICS_NETWORKS = [ip_network("10.0.0.0/8")]
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies

    client = Client(REMOTE_ADDR="192.0.2.1")
    answer = client.get("/metrics", headers={"X-Forwarded-For": "10.0.0.1"})

    assert answer.status_code == status


@pytest.mark.django_db
def test_neither_customers_nor_staff_read_them(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    for user in (make.make_user(), make.make_staff()):
        assert make.signed_in(user).get("/metrics").status_code == 404


@pytest.mark.django_db
def test_reading_them_is_no_line_in_the_log_and_counts_nothing(
    collector: Client, caplog: pytest.LogCaptureFixture
) -> None:
    before = read(collector)

    assert read(collector).keys() == before.keys()
    assert [r for r in caplog.records if r.name == "console.request"] == []
    assert [key for key in before if "metrics" in key] == []


# --- Requests -------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("GET", "/auth/login/", ("GET", "200", "account_login")),
        ("POST", "/language/", ("POST", "302", "set_language")),
        ("GET", "/no/such/page/of/4711", ("GET", "404", "none")),
        ("BREW", "/auth/login/", ("other", "405", "account_login")),
    ],
)
def test_a_request_is_counted_by_view_method_and_status(
    collector: Client, method: str, path: str, key: tuple[str, ...]
) -> None:
    before = read(collector)
    collector.generic(method, path)
    after = read(collector)

    requests = ("console_requests_total", *key)
    assert after[requests] == before.get(requests, 0) + 1
    timed = ("console_request_seconds_count", key[-1])
    assert after[timed] == before.get(timed, 0) + 1
    longest = ("console_request_seconds_bucket", "+Inf", key[-1])
    assert after[longest] == after[timed]
    assert after[("console_request_seconds_sum", key[-1])] > 0


@pytest.mark.django_db
def test_a_request_that_cannot_be_counted_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*labels: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(metrics._REQUESTS, "labels", fail)

    assert Client().get("/auth/login/").status_code == 200


# --- Figures of the database ------------------------------------------------------------------


def value(name: str, label: str = "") -> float | None:
    """One figure as of `NOW`."""
    (figure,) = [figure for figure in read_figures(NOW) if figure.name == name]
    return figure.values.get(label)


def queue_mail(**fields: Any) -> OutgoingMail:
    fields = {"created_at": NOW, "expires_at": NOW + HOUR, "next_attempt_at": NOW, **fields}
    return OutgoingMail.objects.create(kind="x", to="a@example.com", subject="x", **fields)


@pytest.mark.django_db
def test_mail_is_counted_by_what_becomes_of_it() -> None:
    queue_mail(next_attempt_at=NOW - HOUR)
    queue_mail(next_attempt_at=NOW + HOUR, attempts=1)
    queue_mail(next_attempt_at=None, sent_at=NOW, attempts=1)
    queue_mail(next_attempt_at=None, attempts=1, last_error="expired")
    queue_mail(next_attempt_at=None, attempts=7, last_error="refused")
    queue_mail(
        next_attempt_at=None,
        attempts=7,
        last_error="refused",
        created_at=NOW - timedelta(days=31),
    )
    account = make.make_account()
    news = {"user": make.owner_of(account), "account": account, "kind": "x", "created_at": NOW}
    Notification.objects.create(**news)
    Notification.objects.create(**news, next_attempt_at=NOW - 2 * HOUR)

    assert (value("mail_waiting", "sign_in"), value("mail_waiting", "news")) == (2, 1)
    assert value("mail_overdue_seconds", "sign_in") == 3600
    assert value("mail_overdue_seconds", "news") == 7200
    assert (value("mail_failed", "sign_in"), value("mail_failed", "news")) == (1, 0)


@pytest.mark.django_db
def test_mail_that_is_not_due_yet_is_not_overdue() -> None:
    queue_mail(next_attempt_at=NOW + HOUR)

    assert value("mail_overdue_seconds", "sign_in") == 0


@pytest.mark.django_db
def test_reviews_tell_how_long_the_oldest_has_waited() -> None:
    customer = make.make_customer()
    make.report_case(customer, now=NOW - 2 * HOUR)
    make.report_case(customer, now=NOW - HOUR)

    assert value("reviews_waiting", "violation") == 2
    assert value("reviews_oldest_seconds", "violation") == 7200
    assert value("reviews_waiting", "refund") == 0
    assert value("reviews_oldest_seconds", "refund") == 0


@pytest.mark.django_db
def test_every_kind_of_work_of_staff_is_among_the_reviews() -> None:
    assert set(figures._REVIEWS) == {
        "refund",
        "credit",
        "violation",
        "appeal",
        "connection_request",
        "proposal",
    }
    assert {find(NOW).count() for find, _since in figures._REVIEWS.values()} == {0}


@pytest.mark.django_db
def test_the_sweep_lags_until_it_has_recorded_what_ended() -> None:
    assert value("sweep_lag_seconds") == 0
    application = make.make_application(make.make_account(), trial=False)
    make.make_package(application, now=NOW - timedelta(days=30) - HOUR)
    assert value("sweep_lag_seconds") == 3600

    call_command("sweep_expirations", as_of=NOW.isoformat(), stdout=StringIO())

    assert value("sweep_lag_seconds") == 0


@pytest.mark.django_db(transaction=True)
def test_each_command_of_the_timetable_leaves_its_run() -> None:
    began = timezone.now().timestamp()
    for command in ("sweep_expirations", "send_expiry_reminders", "send_notifications"):
        call_command(command, stdout=StringIO())
    call_command("verify_ledger", stdout=StringIO())

    commands = [
        "send_expiry_reminders",
        "send_notifications",
        "sweep_expirations",
        "verify_ledger",
    ]
    found = {figure.name: figure.values for figure in read_figures(timezone.now())}
    assert sorted(found["last_run_timestamp_seconds"]) == commands
    assert all(at >= began for at in found["last_run_timestamp_seconds"].values())
    assert found["last_run_failures"] == dict.fromkeys(found["last_run_failures"], 0)


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_is_no_run() -> None:
    call_command("send_expiry_reminders", dry_run=True, stdout=StringIO())

    assert not CommandRun.objects.exists()


@pytest.mark.django_db
def test_a_later_run_takes_the_place_of_the_earlier_one() -> None:
    record_run(command="verify_ledger", failures=3, now=NOW - HOUR)
    record_run(command="verify_ledger", now=NOW)
    SweepRun.objects.create(as_of=NOW, finished_at=NOW - HOUR)

    assert value("last_run_timestamp_seconds", "verify_ledger") == NOW.timestamp()
    assert value("last_run_failures", "verify_ledger") == 0
    assert value("last_run_timestamp_seconds", "sweep_expirations") == NOW.timestamp() - 3600


@pytest.mark.django_db
def test_where_nothing_can_be_written_no_run_is_recorded() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")

    record_run(command="verify_ledger", now=NOW)

    assert not CommandRun.objects.exists()


@pytest.mark.django_db
def test_the_figures_cost_few_queries_and_none_may_take_long(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(26):
        read_figures(NOW)

    assert call_function("current_setting", "statement_timeout") == "1s"


@pytest.mark.django_db
def test_without_the_database_the_requests_are_told_all_the_same(
    collector: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.get("/auth/login/")
    assert read(collector)[("console_figures_complete",)] == 1

    def refuse(now: object) -> None:
        raise OperationalError

    monkeypatch.setattr(metrics, "read_figures", refuse)
    found = read(collector)

    assert found[("console_figures_complete",)] == 0
    assert ("console_requests_total", "GET", "200", "account_login") in found
    assert [key for key in found if key[0].startswith("console_mail")] == []


@pytest.mark.django_db
def test_jobs_that_are_due_are_counted_by_lane() -> None:
    def read_values(at: datetime) -> dict[str, Any]:
        return {figure.name: figure.values for figure in read_figures(at)}

    now = timezone.now()
    assert read_values(now)["jobs_waiting"] == {"quick": 0, "long": 0}
    defer("agents.tasks.carry_on", {"key": 1}, {"key": 2})
    later, failed = Job.objects.order_by("pk")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = %s WHERE id = %s", [now + DAY, later.pk]
        )
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s), (%s)",
            [now, now - timedelta(minutes=1)],
        )

    found = read_values(now + timedelta(seconds=20))
    assert found["jobs_waiting"] == {"quick": 0, "long": 1}
    assert 0 < found["jobs_oldest_seconds"]["long"] <= 20
    assert (found["jobs_failed"], found["workers"]) == ({"": 0}, {"": 1})
    found = read_values(now + 2 * DAY)
    assert found["jobs_waiting"] == {"quick": 0, "long": 2}
    assert found["workers"] == {"": 0}

    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE id = %s", [failed.pk])
    assert read_values(now)["jobs_failed"] == {"": 1}


# --- Alarms -----------------------------------------------------------------------------------

OPERATIONS = (Path(django_settings.BASE_DIR) / "docs/operations.md").read_text()
ALARMS = OPERATIONS.partition("## Alarms")[2].partition("## Failed email")[0]
_METRIC = re.compile(r"\b(console_\w+)(?:\{(\w+)=\"(\w+)\"\})?")


@pytest.mark.django_db
def test_every_metric_that_an_alarm_names_exists_and_every_figure_has_one(
    collector: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.DATABASES, "replica", {"ATOMIC_REQUESTS": False})
    monkeypatch.setattr(figures, "measure_lag", lambda: 0.5)
    for command in (
        *("send_notifications", "send_expiry_reminders"),
        *("verify_ledger", "purge_old_data"),
    ):
        record_run(command=command, now=NOW)
    SweepRun.objects.create(as_of=NOW, finished_at=NOW)
    collector.get("/auth/login/")

    text = collector.get("/metrics", headers=BEARER).text
    known: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            known.setdefault(sample.name, []).append(sample.labels)

    named = _METRIC.findall(ALARMS)
    assert len(named) > 15
    assert {name for name, _label, _value in named} - known.keys() == set()
    # A status comes into being with its first answer; commands are all there.
    missing = [
        (name, label, value)
        for name, label, value in named
        if label == "command" and value not in {labels[label] for labels in known[name]}
    ]
    assert missing == []
    assert {label for name, label, _v in named if label and label not in known[name][0]} == set()
    unnamed = {f"console_{figure.name}" for figure in read_figures(NOW)} - {n for n, *_ in named}
    assert unnamed == set()


# --- Several processes ------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_every_process_answers_for_all_and_goes_on_counting_for_one_that_died(
    tmp_path: Path,
) -> None:
    server = Server(tmp_path, as_url(str(connection.settings_dict["NAME"])))
    key = ("console_requests_total", "GET", "404", "accounts:invitation")

    def counted() -> float:
        answer = server.ask("/metrics")
        assert answer.status == 200, answer.text
        return samples(answer.text).get(key, 0)

    def ask(times: int) -> None:
        for _ in range(times):
            assert server.ask("/invitations/no-such-token/").status == 404

    server.headers |= BEARER
    with serving(server, METRICS_TOKEN=TOKEN):
        assert server.process is not None
        ask(40)
        assert {counted() for _ in range(10)} == {40}

        workers = set(children(server.process.pid))
        os.kill(min(workers), signal.SIGKILL)
        until = time.monotonic() + 20
        while len(workers | set(children(server.process.pid))) < 3 and time.monotonic() < until:
            time.sleep(0.1)
        server.wait()
        ask(40)

        assert {counted() for _ in range(10)} == {80}
        (folder,) = Path(tempfile.gettempdir()).glob(f"console-metrics-{server.process.pid}-*")
        numbers = {re.sub(r"\D", "", file.name) for file in folder.iterdir()}
        assert numbers <= {"0", "1", "2"}
    assert not folder.exists()


@pytest.mark.slow
def test_a_master_that_cannot_serve_leaves_no_folder(tmp_path: Path) -> None:
    server = Server(tmp_path, "postgres://nobody@127.0.0.1:9/none")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", server.port))
        taken.listen()
        server.write()
        server.start()
        assert server.process is not None
        assert server.process.wait(30) != 0

    name = f"console-metrics-{server.process.pid}-*"
    assert list(Path(tempfile.gettempdir()).glob(name)) == []


def children(pid: int) -> list[int]:
    """The processes that a process has started and that live."""
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
