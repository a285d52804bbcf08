"""The account's page: packages and agents, with the numbers of licences."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from accounts.templatetags.console import badge, instant
from agents.enums import ServiceState
from agents.models import Agent
from billing.enums import LicenceKind, RefundStatus
from billing.models import Licence, Package
from billing.services.lifecycle import derive_states
from config.staff.sections import SHOWN, Cell, Note, Reader, Table, words


def _packages(reader: Reader) -> list[Package]:
    found = list(
        Package.objects.filter(account=reader.account)
        .select_related("application")
        .order_by("-pk")[: SHOWN + 1]
    )
    claim = reader.facts["claim"]
    is_pending = claim is not None and claim.status == RefundStatus.PENDING
    under_review = {claim.package_id} if is_pending else set()
    reader.facts["states"] = derive_states(
        found, reader.account, reader.now, under_review=under_review
    )
    return found


def _package_state(reader: Reader, row: Package) -> Cell:
    now = reader.facts["states"][row.pk]
    return badge(now.value, now.label)


def _licences(reader: Reader) -> Iterator[Note]:
    rows: Any = (
        Licence.objects.filter(account=reader.account)
        .live(reader.now)
        .values("kind")
        .annotate(total=Count("pk"), held=Count("agent") + Count("telephone"))
    )
    numbers = {row["kind"]: row for row in rows}
    none = {"held": 0, "total": 0}
    for kind in LicenceKind:
        values = {"kind": kind.label, **numbers.get(kind.value, none)}
        yield Note("quiet", _("%(kind)s: %(held)s of %(total)s licences used.") % values)


def _agent_state(reader: Reader, row: Any) -> Cell:
    return badge(row.state, ServiceState(row.state).label)


SERVICE = [
    Table(
        name="packages",
        title=lazy("Packages"),
        model="billing.package",
        find=_packages,
        columns={
            lazy("Package"): lambda reader, row: reader.link(row, row.application.name),
            lazy("Edition"): words("edition"),
            lazy("State"): _package_state,
            lazy("Expires"): lambda reader, row: instant(row.expires_at),
            lazy("Renewal"): words("renewal_mode"),
        },
        empty=lazy("No package was ever bought or tried."),
        notes=_licences,
    ),
    Table(
        name="agents",
        title=lazy("Agents"),
        model="agents.agent",
        find=lambda reader: (
            Agent.objects.filter(account=reader.account)
            .with_state(reader.now)
            .select_related("application")
            .order_by("application_id", "pk")
        ),
        columns={
            lazy("Agent"): lambda reader, row: reader.link(row, row.name),
            lazy("Staff number"): lambda reader, row: row.staff_number,
            lazy("Application"): lambda reader, row: row.application.name,
            lazy("Licence"): lambda reader, row: f"#{row.licence_id}" if row.licence_id else "–",
            lazy("Service"): _agent_state,
        },
        empty=lazy("No agent was added yet."),
    ),
]
