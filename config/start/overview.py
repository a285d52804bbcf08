"""How an account's applications stand: packages, licences and expiries.

Three queries, the same however many packages there are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse

from accounts.models import Account, Application
from billing.enums import LicenceKind, PackageState
from billing.models import Licence, Package
from billing.services.lifecycle import derive_states


@dataclass(frozen=True)
class PackageRow:
    """One application with its package, as it is now; `package` is None where there is none."""

    application: Application
    package: Package | None
    state: PackageState | None
    agents: int
    agents_used: int
    sip: int
    sip_used: int

    @property
    def agents_free(self) -> int:
        """Licences that nobody holds."""
        return self.agents - self.agents_used

    @property
    def is_live(self) -> bool:
        """Whether licences work."""
        return self.state in {PackageState.TRIAL, PackageState.ACTIVE}

    @property
    def manage_url(self) -> str:
        """Where the application's agents are managed."""
        return address_of("agents:management", self.application)


def address_of(name: str, application: Application) -> str:
    """Return the address of an application's page."""
    return reverse(name, kwargs={"uin": application.account.uin, "sdkappid": application.sdkappid})


_NO_LICENCES = {"agents": 0, "agents_used": 0, "sip": 0, "sip_used": 0}


def _current_packages(account: Account, now: datetime) -> dict[int, tuple[Package, PackageState]]:
    packages = list(Package.objects.current().filter(account=account))
    states = derive_states(packages, now)
    return {
        each.application_id: (each, states[each.pk])
        for each in packages
        if states[each.pk] != PackageState.RELEASED
    }


def _licence_counts(account: Account, now: datetime) -> dict[int, dict[str, int]]:
    """Return for each package its licences and how many are held, by kind."""
    agent, sip = Q(kind=LicenceKind.AGENT), Q(kind=LicenceKind.SIP)
    rows: Iterable[Mapping[str, Any]] = (
        Licence.objects.filter(account=account)
        .not_ended(now)
        .values("package")
        .annotate(
            agents=Count("pk", filter=agent),
            agents_used=Count("agent", filter=agent),
            sip=Count("pk", filter=sip),
            sip_used=Count("telephone", filter=sip),
        )
    )
    return {row["package"]: {name: row[name] for name in _NO_LICENCES} for row in rows}


def read_packages(account: Account, now: datetime) -> list[PackageRow]:
    """Return the account's applications with their packages, what expires first on top."""
    packages, counts = _current_packages(account, now), _licence_counts(account, now)
    rows = []
    for application in Application.objects.filter(account=account).select_related("account"):
        package, state = packages.get(application.pk, (None, None))
        numbers = counts.get(package.pk, _NO_LICENCES) if package else _NO_LICENCES
        rows.append(PackageRow(application=application, package=package, state=state, **numbers))
    far = now + timedelta(days=36_500)
    return sorted(rows, key=lambda row: row.package.expires_at if row.package else far)
