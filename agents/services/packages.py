"""The application's package and how many of its licenses are held, in few queries."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models import Exists

from accounts.models import Application
from agents.models import Agent
from agents.services.seats import Seats
from billing.enums import LicenseKind
from billing.models import Package
from billing.packages.status import PackageStatus, read_status


@dataclass(frozen=True)
class PackageSummary:
    """What the Agent Management page says above the agents, about the newest package."""

    status: PackageStatus = field(default_factory=PackageStatus)
    agents: Seats = field(default_factory=Seats)
    sip: Seats = field(default_factory=Seats)
    has_unlicensed: bool = False

    @property
    def package(self) -> Package | None:
        """The newest package; None where the application never had one."""
        return self.status.package

    @property
    def is_live(self) -> bool:
        """Whether its licenses work."""
        return self.status.is_live


def read_newest(application: Application, now: datetime) -> PackageStatus:
    """Read what the application's newest package is at `now`; at most four queries."""
    package = (
        Package.objects.filter(account_id=application.account_id, application_id=application.pk)
        .order_by("-pk")
        .first()
    )
    return read_status(package, application.account, now)


def read_summary(
    application: Application, now: datetime, *, status: PackageStatus | None = None
) -> PackageSummary:
    """Read the newest package, its licenses in use, and whether an agent waits for one.

    `status` is what `read_newest` said, where the caller has asked.
    """
    status = status or read_newest(application, now)
    if status.package is None:
        return PackageSummary(status)
    seats = count_seats(status, now)
    return PackageSummary(
        status=status,
        agents=seats[LicenseKind.AGENT],
        sip=seats[LicenseKind.SIP],
        has_unlicensed=_has_unlicensed(application, status.package),
    )


def _has_unlicensed(application: Application, package: Package) -> bool:
    """Say whether an agent waits for a license, for a proposal.

    Licenses that a renewal let end are left out of it, since finding them would mean reading
    all agents.
    """
    place = {"account_id": application.account_id, "application_id": application.pk}
    own = Agent.objects.filter(**place)
    of_earlier = Package.objects.filter(**place, pk__lt=package.pk)
    waits = Exists(own.filter(license__isnull=True)) | Exists(
        own.filter(license__package__in=of_earlier)
    )
    return Package.objects.filter(waits, pk=package.pk).exists()


def count_seats(status: PackageStatus, now: datetime) -> dict[str, Seats]:
    """Count a package's licenses that have not ended at `now` and those in use, by kind.

    An isolated package keeps them, so they count, but none is free; one that is over has none.
    """
    package = status.package
    if package is None or status.is_over:
        return dict.fromkeys(LicenseKind.values, Seats())
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
    return {
        LicenseKind.AGENT: Seats(agents, agents_used, is_working=status.is_live),
        LicenseKind.SIP: Seats(sip, sip_used, is_working=status.is_live),
    }


# A hundred thousand holders are counted by reading an index; joining them with their licenses
# would take several times as long. What counts no more, because it has ended or belongs to an
# earlier package, is counted apart and taken off: mostly there is none of it.
_SEATS = """
WITH own AS MATERIALIZED (
    SELECT
        count(*) FILTER (WHERE kind = 'agent' AND (ends_at IS NULL OR ends_at > %(now)s)) AS agent,
        count(*) FILTER (WHERE kind = 'sip' AND (ends_at IS NULL OR ends_at > %(now)s)) AS sip,
        array_agg(id) FILTER (WHERE ends_at <= %(now)s) AS ended
    FROM billing_license
    WHERE account_id = %(account)s AND package_id = %(package)s
), void AS MATERIALIZED (
    SELECT unnest(ended) AS id FROM own
    UNION ALL
    SELECT license.id
    FROM billing_package AS package
    JOIN billing_license AS license
      ON license.account_id = package.account_id AND license.package_id = package.id
    WHERE package.account_id = %(account)s AND package.application_id = %(application)s
      AND package.id <> %(package)s
)
SELECT agent,
    (SELECT count(*) FROM agents_agent WHERE account_id = %(account)s
        AND application_id = %(application)s AND license_id IS NOT NULL)
    - (SELECT count(*) FROM void JOIN agents_agent ON license_id = void.id),
    sip,
    (SELECT count(*) FROM agents_siptelephone WHERE account_id = %(account)s
        AND application_id = %(application)s AND license_id IS NOT NULL)
    - (SELECT count(*) FROM void JOIN agents_siptelephone ON license_id = void.id)
FROM own
"""
