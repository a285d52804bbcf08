"""The account's page: violations, appeals and connection requests."""

from django.utils.translation import gettext_lazy as lazy

from accounts.templatetags.console import instant
from compliance.models import Appeal, ConnectionRequest, Violation
from config.staff.sections import Table, state

RULES = [
    Table(
        name="violations",
        title=lazy("Violations"),
        model="compliance.violation",
        find=lambda reader: Violation.objects.filter(account=reader.account).order_by("-pk"),
        columns={
            lazy("Case"): lambda reader, row: reader.link(row),
            lazy("Rule"): lambda reader, row: row.behaviour_name,
            lazy("Severity"): state("severity"),
            lazy("State"): state("state"),
            lazy("Measure"): state("measure"),
            lazy("Reported"): lambda reader, row: instant(row.reported_at),
        },
        empty=lazy("No violation was ever reported."),
    ),
    Table(
        name="appeals",
        title=lazy("Appeals"),
        model="compliance.appeal",
        find=lambda reader: (
            Appeal.objects.filter(account=reader.account)
            .select_related("violation")
            .order_by("-pk")
        ),
        columns={
            lazy("Appeal"): lambda reader, row: reader.link(row),
            lazy("State"): state("state"),
            lazy("Submitted"): lambda reader, row: instant(row.submitted_at),
        },
        empty=lazy("Nobody has appealed."),
    ),
    Table(
        name="connections",
        title=lazy("Connection requests"),
        model="compliance.connectionrequest",
        find=lambda reader: (
            ConnectionRequest.objects.filter(account=reader.account)
            .select_related("application")
            .order_by("-pk")
        ),
        columns={
            lazy("Request"): lambda reader, row: reader.link(row),
            lazy("Application"): lambda reader, row: row.application.name,
            lazy("Business"): lambda reader, row: row.scenario_name or row.description[:80],
            lazy("State"): state("state"),
            lazy("Submitted"): lambda reader, row: instant(row.submitted_at),
        },
        empty=lazy("No business was declared."),
    ),
]
