"""The account's page: violations, appeals and connection requests."""

from django.utils.translation import gettext_lazy

from accounts.templatetags.console import instant
from compliance.models import Appeal, ConnectionRequest, Violation
from config.staff.sections import DeskTable, state

RULES = [
    DeskTable(
        name="violations",
        title=gettext_lazy("Violations"),
        model="compliance.violation",
        find=lambda reader: Violation.objects.filter(account=reader.account).order_by("-pk"),
        columns={
            gettext_lazy("Case"): lambda reader, row: reader.link(row),
            gettext_lazy("Rule"): lambda reader, row: row.behaviour_name,
            gettext_lazy("Severity"): state("severity"),
            gettext_lazy("State"): state("state"),
            gettext_lazy("Measure"): state("measure"),
            gettext_lazy("Reported"): lambda reader, row: instant(row.reported_at),
        },
        empty=gettext_lazy("No violations reported."),
    ),
    DeskTable(
        name="appeals",
        title=gettext_lazy("Appeals"),
        model="compliance.appeal",
        find=lambda reader: (
            Appeal.objects.filter(account=reader.account)
            .select_related("violation")
            .order_by("-pk")
        ),
        columns={
            gettext_lazy("Appeal"): lambda reader, row: reader.link(row),
            gettext_lazy("State"): state("state"),
            gettext_lazy("Submitted"): lambda reader, row: instant(row.submitted_at),
        },
        empty=gettext_lazy("No appeals."),
    ),
    DeskTable(
        name="connections",
        title=gettext_lazy("Connection requests"),
        model="compliance.connectionrequest",
        find=lambda reader: (
            ConnectionRequest.objects.filter(account=reader.account)
            .select_related("application")
            .order_by("-pk")
        ),
        columns={
            gettext_lazy("Request"): lambda reader, row: reader.link(row),
            gettext_lazy("Application"): lambda reader, row: row.application.name,
            gettext_lazy("Business"): lambda reader, row: row.scenario_name or row.description[:80],
            gettext_lazy("State"): state("state"),
            gettext_lazy("Submitted"): lambda reader, row: instant(row.submitted_at),
        },
        empty=gettext_lazy("No business declared."),
    ),
]
