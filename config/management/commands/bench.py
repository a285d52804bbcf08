"""Measure what the console's pages cost, beside an empty view measured in the same run."""

import json
import logging
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.models import Count
from django.test import Client
from django.test.utils import (
    CaptureQueriesContext,
    setup_test_environment,
    teardown_test_environment,
)
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from accounts.models import Application, Membership

DATABASE = "bench_tccc"
REFERENCE = "healthz"


@dataclass
class BenchMeasure:
    """One page: median server time in milliseconds, and its queries."""

    page: str
    milliseconds: float
    queries: int
    times_reference: float = 1.0


class Command(BaseCommand):
    help = "Measures the console's pages on data of its own, in a database of its own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--agents", type=int, default=500, help="in the largest application")
        parser.add_argument("--rounds", type=int, default=30, help="requests of each page")
        parser.add_argument("--output", type=Path, default=settings.BASE_DIR / "bench-results.json")

    def handle(self, **options: Any) -> None:
        # A line for each request would be measured, too.
        logging.disable(logging.WARNING)
        with _own_database():
            call_command("load_demo_data", agents=options["agents"], stdout=StringIO())
            measures = _measure(options["rounds"])
        self._print(measures, options["agents"])
        sizes = {"agents": options["agents"], "rounds": options["rounds"]}
        found = {"python": sys.version.split()[0], **sizes, "pages": [asdict(m) for m in measures]}
        options["output"].write_text(json.dumps(found, indent=2) + "\n")

    def _print(self, measures: list[BenchMeasure], agents: int) -> None:
        width = max(len(measure.page) for measure in measures)
        self.stdout.write(f"{'page':{width}}  {'ms':>8}  {'× empty':>8}  {'queries':>7}")
        for measure in measures:
            self.stdout.write(
                f"{measure.page:{width}}  {measure.milliseconds:8.2f}"
                f"  {measure.times_reference:8.1f}  {measure.queries:7}"
            )
        self.stdout.write(f"Median server time with {agents} agents in the application.")


@contextmanager
def _own_database() -> Iterator[None]:
    """Within it, queries go to a fresh database, which is dropped at the end."""
    usual = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"]["NAME"] = DATABASE
    setup_test_environment(debug=False)
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(usual, verbosity=0)
        teardown_test_environment()


def _measure(rounds: int) -> list[BenchMeasure]:
    """Ask for every page in turn, round after round, so that all see the same machine."""
    client, place = _visitor()
    urls = {name: url for name, url in _pages(place).items() if _is_page(client, url)}
    urls = {REFERENCE: reverse(REFERENCE), **urls}
    times: dict[str, list[float]] = {name: [] for name in urls}
    for _ in range(rounds):
        for name, url in urls.items():
            started = time.perf_counter()
            client.get(url)
            times[name].append((time.perf_counter() - started) * 1000)
    measures = []
    for name, url in urls.items():
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        measures.append(BenchMeasure(name, median(times[name]), len(queries)))
    for measure in measures:
        measure.times_reference = measure.milliseconds / measures[0].milliseconds
    return measures


def _visitor() -> tuple[Client, dict[str, Any]]:
    """An owner, signed in, and the names of the application with the most agents."""
    application = Application.objects.annotate(size=Count("agents")).latest("size")
    owner = Membership.objects.filter(account=application.account, role="owner").earliest("pk")
    # Pages are rendered as in production; only HTTPS is left to the proxy.
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(owner.user, backend="django.contrib.auth.backends.ModelBackend")
    return client, {"uin": application.account.uin, "sdkappid": application.sdkappid}


def _pages(place: Mapping[str, Any]) -> dict[str, str]:
    """Every address that needs no more than an account and an application, by name."""
    found = {}
    for name in _names(get_resolver(), ""):
        for wanted in ({"uin"}, {"uin", "sdkappid"}):
            with suppress(NoReverseMatch):
                found[name] = reverse(name, kwargs={key: place[key] for key in wanted})
    return found


def _names(resolver: URLResolver, namespace: str) -> Iterator[str]:
    """The names of all addresses but the admin's."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield f"{namespace}{entry.name}"
        elif entry.namespace != "admin":
            yield from _names(
                entry, f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            )


def _is_page(client: Client, url: str) -> bool:
    """Whether there is something to see now; some addresses only act, or have nothing to do."""
    return client.get(url).status_code == 200
