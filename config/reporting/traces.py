"""Traces of requests for a collector that speaks OTLP."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Status

from config.logs import HIDDEN
from config.reporting.masks import masked

#: Asked for every few seconds by machines.
_QUIET = "healthz,readyz,metrics"


class _MaskingExporter(OTLPSpanExporter):
    """Sends spans without the secrets that addresses and messages of errors may hold."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return super().export([_without_secrets(span) for span in spans])


def _without_secrets(span: ReadableSpan) -> ReadableSpan:
    attributes = masked(span.attributes or {})
    if attributes.get("url.query"):
        attributes["url.query"] = HIDDEN
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        events=[
            Event(event.name, masked(event.attributes or {}), event.timestamp)
            for event in span.events
        ],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code, masked(span.status.description)),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def report_traces(address: str) -> None:
    """Trace a share of all requests; one that the proxy has begun to trace is traced further."""
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(settings.TRACES_SHARE)),
        resource=Resource.create({"service.name": "tccc-console"}),
    )
    provider.add_span_processor(BatchSpanProcessor(_MaskingExporter(endpoint=address)))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(response_hook=_name_request, excluded_urls=_QUIET)


def _name_request(span: Any, request: HttpRequest, response: HttpResponse) -> None:
    """Write the id by which the request is found in the log."""
    span.set_attribute("console.request_id", request.META.get("REQUEST_ID", "-"))
