"""The account's page: packages and agents, with the numbers of licenses."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.templatetags.console import badge, instant
from agents.enums import ServiceState
from agents.models import Agent
from billing.enums import LicenseKind, RefundStatus
from billing.models import License, Package
from billing.packages.lifecycle import derive_states
from config.staff.sections import SHOWN, Cell, DeskTable, Note, Reader, words


def _packages(reader: Reader) -> list[Package]:
    found = list(
        Package.objects.filter(account=reader.account)
        .select_related("application")
        .order_by("-pk")[: SHOWN + 1]
    )
    claim = reader.facts["claim"]
    is_pending = claim is not None and claim.status == RefundStatus.PENDING
    under_review = {claim.package_id} if is_pending else set()
    reader.facts["states"] = derive_states(found, reader.now, under_review=under_review)
    return found


def _package_state(reader: Reader, row: Package) -> Cell:
    now = reader.facts["states"][row.pk]
    return badge(now.value, now.label)


def _licenses(reader: Reader) -> Iterator[Note]:
    rows: Any = (
        License.objects.filter(account=reader.account)
        .live(reader.now)
        .values("kind")
        .annotate(total=Count("pk"), held=Count("agent") + Count("telephone"))
    )
    numbers = {row["kind"]: row for row in rows}
    sentences = {
        LicenseKind.AGENT: _("Agent licenses: %(held)d of %(total)d used."),
        LicenseKind.SIP: _("SIP licenses: %(held)d of %(total)d used."),
    }
    for kind, sentence in sentences.items():
        yield Note("quiet", sentence % numbers.get(kind.value, {"held": 0, "total": 0}))


def _agent_state(reader: Reader, row: Any) -> Cell:
    return badge(row.state, ServiceState(row.state).label)


SERVICE = [
    DeskTable(
        name="packages",
        title=gettext_lazy("Packages"),
        model="billing.package",
        find=_packages,
        columns={
            gettext_lazy("Package"): lambda reader, row: reader.link(row, row.application.name),
            gettext_lazy("Edition"): words("edition"),
            gettext_lazy("State"): _package_state,
            gettext_lazy("Expires"): lambda reader, row: instant(row.expires_at),
            gettext_lazy("Renewal"): words("renewal_mode"),
        },
        empty=gettext_lazy("No packages yet."),
        notes=_licenses,
    ),
    DeskTable(
        name="agents",
        title=gettext_lazy("Agents"),
        model="agents.agent",
        find=lambda reader: (
            Agent.objects.filter(account=reader.account)
            .with_state(reader.now)
            .select_related("application")
            .order_by("application_id", "pk")
        ),
        columns={
            gettext_lazy("Agent"): lambda reader, row: reader.link(row, row.name),
            gettext_lazy("Staff number"): lambda reader, row: row.staff_number,
            gettext_lazy("Application"): lambda reader, row: row.application.name,
            gettext_lazy("License"): lambda reader, row: (
                f"#{row.license_id}" if row.license_id else "–"
            ),
            gettext_lazy("Service"): _agent_state,
        },
        empty=gettext_lazy("No agents yet."),
    ),
]
