"""The application's package and how many of its licences are held, in few queries."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef

from accounts.models import Application
from agents.models import Agent
from agents.services.seats import Seats
from billing.enums import LicenceKind
from billing.models import Package


@dataclass(frozen=True)
class PackageSummary:
    """What the Agent Management page says above the agents; `package` is the newest one."""

    package: Package | None = None
    is_live: bool = False
    agents: Seats = field(default_factory=Seats)
    sip: Seats = field(default_factory=Seats)
    has_unlicensed: bool = False


def read_summary(application: Application, now: datetime) -> PackageSummary:
    """Read the newest package, its licences in use, and whether an agent waits for one.

    `has_unlicensed` is for a proposal: licences that a renewal let end are left out of it, since
    finding them would mean reading all agents.
    """
    place = {"account_id": application.account_id, "application_id": application.pk}
    own = Agent.objects.filter(**place)
    of_earlier = Package.objects.filter(**place, pk__lt=OuterRef(OuterRef("pk")))
    package = (
        Package.objects.filter(**place)
        .annotate(
            has_unlicensed=Exists(own.filter(licence__isnull=True))
            | Exists(own.filter(licence__package__in=of_earlier))
        )
        .order_by("-pk")
        .first()
    )
    if package is None:
        return PackageSummary()
    seats = count_seats(package, now)
    return PackageSummary(
        package=package,
        is_live=package.is_live(now),
        agents=seats[LicenceKind.AGENT],
        sip=seats[LicenceKind.SIP],
        has_unlicensed=package.has_unlicensed,
    )


def count_seats(package: Package, now: datetime) -> dict[str, Seats]:
    """Count a package's licences that live at `now` and those in use, by kind."""
    if not package.is_live(now):
        return dict.fromkeys(LicenceKind.values, Seats())
    with connection.cursor() as cursor:
        cursor.execute(
            _SEATS,
            {
                "account": package.account_id,
                "application": package.application_id,
                "package": package.pk,
                "now": now,
            },
        )
        agents, agents_used, sip, sip_used = cursor.fetchone()
    return {LicenceKind.AGENT: Seats(agents, agents_used), LicenceKind.SIP: Seats(sip, sip_used)}


# A hundred thousand holders are counted by reading an index; joining them with their licences
# would take several times as long. What counts no more, because it has ended or belongs to an
# earlier package, is counted apart and taken off: mostly there is none of it.
_SEATS = """
WITH own AS MATERIALIZED (
    SELECT
        count(*) FILTER (WHERE kind = 'agent' AND (ends_at IS NULL OR ends_at > %(now)s)) AS agent,
        count(*) FILTER (WHERE kind = 'sip' AND (ends_at IS NULL OR ends_at > %(now)s)) AS sip,
        array_agg(id) FILTER (WHERE ends_at <= %(now)s) AS ended
    FROM billing_licence
    WHERE account_id = %(account)s AND package_id = %(package)s
), void AS MATERIALIZED (
    SELECT unnest(ended) AS id FROM own
    UNION ALL
    SELECT licence.id
    FROM billing_package AS package
    JOIN billing_licence AS licence
      ON licence.account_id = package.account_id AND licence.package_id = package.id
    WHERE package.account_id = %(account)s AND package.application_id = %(application)s
      AND package.id <> %(package)s
)
SELECT agent,
    (SELECT count(*) FROM agents_agent WHERE account_id = %(account)s
        AND application_id = %(application)s AND licence_id IS NOT NULL)
    - (SELECT count(*) FROM void JOIN agents_agent ON licence_id = void.id),
    sip,
    (SELECT count(*) FROM agents_siptelephone WHERE account_id = %(account)s
        AND application_id = %(application)s AND licence_id IS NOT NULL)
    - (SELECT count(*) FROM void JOIN agents_siptelephone ON licence_id = void.id)
FROM own
"""
