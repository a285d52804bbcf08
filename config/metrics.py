"""`/metrics` for Prometheus: requests as the processes of this host count them, and `figures`.

Every web process counts for itself, in files of a folder that they share, so that whichever of
them is asked answers for all (ADR 0060). Without that folder, as in tests, there is one process.
"""

import logging
import os
import secrets
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.utils import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector

from accounts.row_security import DatabaseRole, Scope, acting_for
from config.addresses import client_address
from config.figures import Figure, read_figures

logger = logging.getLogger(__name__)

#: What the names of all metrics begin with.
PREFIX = "console_"
#: Seconds: what a page may take, and what a person notices.
BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
if _FOLDER:
    # The library names files by process ids, of which there are ever more; see `pre_fork`.
    values.ValueClass = values.MultiProcessValue(  # type: ignore[no-untyped-call]
        lambda: os.environ.get("WORKER_NUMBER", "master")
    )

_IN_PROCESS = CollectorRegistry()
_REQUESTS = Counter(
    f"{PREFIX}requests_total",
    "Requests that were answered.",
    ["view", "method", "status"],
    registry=_IN_PROCESS,
)
_SECONDS = Histogram(
    f"{PREFIX}request_seconds",
    "How long they took.",
    ["view"],
    buckets=BUCKETS,
    registry=_IN_PROCESS,
)


def count_request(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Count one answered request by the name of its view, which no client can make up."""
    view = (request.resolver_match.view_name if request.resolver_match else "") or "none"
    method = request.method if request.method in _METHODS else "other"
    try:
        _REQUESTS.labels(view, method, response.status_code).inc()
        _SECONDS.labels(view).observe(seconds)
    except OSError:
        # Someone has cleaned the temporary directory. That is no reason to refuse requests.
        logger.warning("A request could not be counted.", exc_info=True)


class _Figures:
    """Reads the figures of the database when it is asked; those alone that can be read now."""

    def collect(self) -> Iterator[Metric]:
        try:
            with acting_for(Scope(DatabaseRole.STAFF)):
                figures = read_figures(timezone.now())
        except Error:
            figures = []
        yield from _families(figures)
        complete = Figure(
            "figures_complete",
            "1 where the database answered in time, 0 where its figures are missing here.",
            {"": float(bool(figures))},
        )
        yield from _families([complete])


def _families(figures: Iterable[Figure]) -> Iterator[Metric]:
    for figure in figures:
        family = GaugeMetricFamily(
            PREFIX + figure.name, figure.meaning, labels=[figure.label] if figure.label else []
        )
        for value, number in figure.values.items():
            family.add_metric([value] if figure.label else [], number)
        yield family


@never_cache
@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """All metrics as text, for a collector that fits what is set; 404 for everyone else."""
    if not _may_read(request):
        raise Http404
    figures = CollectorRegistry()
    figures.register(_Figures())
    text = generate_latest(_counted()) + generate_latest(figures)
    return HttpResponse(text, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _counted() -> CollectorRegistry:
    """Return what all processes of this host have counted."""
    if not _FOLDER:
        return _IN_PROCESS
    registry = CollectorRegistry()
    MultiProcessCollector(registry, _FOLDER)  # type: ignore[no-untyped-call]
    return registry


def _may_read(request: HttpRequest) -> bool:
    """Whether the request fits the token and the networks, of which one at least must be set."""
    token, networks = settings.METRICS_TOKEN, settings.METRICS_NETWORKS
    if token:
        given = request.headers.get("Authorization", "")
        if not secrets.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return False
    if networks:
        address = client_address(request)
        if not address or not any(ip_address(address) in network for network in networks):
            return False
    return bool(token or networks)
