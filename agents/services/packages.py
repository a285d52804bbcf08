"""The application's package and how many of its licences are held, in few queries."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import Application
from agents.models import Agent, SipTelephone
from agents.services.seats import Seats
from billing.enums import LicenceKind
from billing.models import Licence, Package


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
    seats = dict.fromkeys(LicenceKind.values, Seats())
    if not package.is_live(now):
        return seats
    place = {"account_id": package.account_id, "application_id": package.application_id}
    is_held = Q(pk__in=_held(Agent.objects.filter(**place))) | Q(
        pk__in=_held(SipTelephone.objects.filter(**place))
    )
    counted = (
        Licence.objects.filter(account_id=package.account_id, package=package)
        .not_ended(now)
        .values("kind")
        .annotate(total=Count("pk"), used=Count("pk", filter=is_held))
        .order_by()
    )
    return seats | {row["kind"]: Seats(row["total"], row["used"]) for row in counted}


def _held(holders: QuerySet[Any]) -> QuerySet[Any]:
    return holders.filter(licence__isnull=False).values("licence")
