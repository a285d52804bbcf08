"""The application's package and how many of its licenses are held, in few queries."""

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists

from accounts.models import Application
from agents.models import Agent
from agents.queries import count_licenses
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
    agents, agents_used, sip, sip_used = count_licenses(package, now)
    return {
        LicenseKind.AGENT: Seats(agents, agents_used, is_working=status.is_live),
        LicenseKind.SIP: Seats(sip, sip_used, is_working=status.is_live),
    }
