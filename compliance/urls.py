"""Addresses of the connect guidelines, violations and connection requests."""

from django.urls import URLPattern, path, register_converter

from compliance.converters import CaseNumberConverter, ConnectionNumberConverter
from compliance.views import connections, evidence, guidelines, violations

app_name = "compliance"

register_converter(CaseNumberConverter, "case")
register_converter(ConnectionNumberConverter, "connection")

ACCOUNT = "console/<uin:uin>"

urlpatterns: list[URLPattern] = [
    path("guidelines/", guidelines.guidelines, name="guidelines"),
    path(f"{ACCOUNT}/violations/", violations.violations, name="violations"),
    path(f"{ACCOUNT}/violations/<case:number>/", violations.violation, name="violation"),
    path(f"{ACCOUNT}/violations/<case:number>/appeal/", violations.appeal, name="appeal"),
    path(f"{ACCOUNT}/evidence/<uuid:public_id>/", evidence.evidence_file, name="evidence"),
    path(f"{ACCOUNT}/connections/", connections.connection_requests, name="connection_requests"),
    path(
        f"{ACCOUNT}/connections/new/",
        connections.request_connection_page,
        name="request_connection",
    ),
    path(
        f"{ACCOUNT}/connections/<connection:number>/",
        connections.connection_request,
        name="connection_request",
    ),
    path(
        f"{ACCOUNT}/connections/<connection:number>/withdraw/",
        connections.withdraw_connection_page,
        name="withdraw_connection",
    ),
]
