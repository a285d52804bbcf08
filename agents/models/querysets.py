"""What holders of licenses are at an instant: the querysets' half of `agents.policy`."""

from datetime import datetime
from typing import ClassVar, Self, TypeVar

from django.db import models
from django.db.models import Case, CharField, Exists, OuterRef, Q, Value, When

from accounts.enums import AccountStatus
from agents.enums import ServiceState
from billing.enums import OVER_STATES, RUNNING_STATES
from billing.models import Package

Holder = TypeVar("Holder", bound=models.Model)

#: Only a package that is over can have been followed by another; this spares asking for most.
_OVER = Q(license__package__state__in=OVER_STATES)
_RUNNING = Q(license__package__state__in=RUNNING_STATES)


def _superseded() -> Exists:
    """Return whether the application has a newer package than that of the holder's license."""
    return Exists(
        Package.objects.filter(
            account=OuterRef("account"),
            application=OuterRef("application"),
            pk__gt=OuterRef("license__package"),
        )
    )


class HolderQuerySet(models.QuerySet[Holder]):
    """Holders of licenses (agents, telephones) by what they are at an instant."""

    can_be_disabled: ClassVar[bool] = False

    def _obstacles(self, now: datetime) -> dict[ServiceState, tuple[Q, Q]]:
        """For each obstacle, in order: which rows have it, and which do not.

        Both are written out, since `NOT (…)` over joined columns could use no index. An
        obstacle after "no license" is only asked of rows that hold one.
        """
        # A license whose package was followed by another is void. It cannot be live, so only
        # those obstacles that such a license has as well ask for it.
        held = ~_OVER | ~Q(_superseded())
        own = {ServiceState.DISABLED: (Q(is_enabled=False), Q(is_enabled=True))}
        return {
            **(own if self.can_be_disabled else {}),
            ServiceState.NO_LICENSE: (
                Q(license__isnull=True) | (_OVER & Q(_superseded())),
                Q(license__isnull=False),
            ),
            ServiceState.LICENSE_ENDED: (
                Q(license__ends_at__lte=now) & held,
                Q(license__ends_at__isnull=True) | Q(license__ends_at__gt=now),
            ),
            ServiceState.PACKAGE_ENDED: (
                (Q(license__package__expires_at__lte=now) | ~_RUNNING) & held,
                Q(_RUNNING, license__package__expires_at__gt=now),
            ),
            ServiceState.ACCOUNT_RESTRICTED: (
                ~Q(account__status=AccountStatus.ACTIVE),
                Q(account__status=AccountStatus.ACTIVE),
            ),
        }

    def with_licenses(self) -> Self:
        """Read the licenses with their packages, and whether these were superseded."""
        return self.select_related("license__package").annotate(is_superseded=_superseded())

    def in_state(self, state: str, now: datetime) -> Self:
        """Return those whose derived state at `now` is `state`."""
        condition = Q()
        for obstacle, (present, absent) in self._obstacles(now).items():
            if obstacle == state:
                return self.filter(condition & present)
            condition &= absent
        return self.filter(condition)

    def in_service(self, now: datetime) -> Self:
        """Return those that work at `now`."""
        return self.in_state(ServiceState.IN_SERVICE, now)

    def with_state(self, now: datetime) -> Self:
        """Annotate `state`, a `ServiceState` value, as it is at `now`."""
        cases = [
            When(present, then=Value(obstacle.value))
            for obstacle, (present, _absent) in self._obstacles(now).items()
        ]
        return self.annotate(
            state=Case(
                *cases, default=Value(ServiceState.IN_SERVICE.value), output_field=CharField()
            )
        )

    def licensed(self, now: datetime) -> Self:
        """Return those that hold a license that counts at `now`: not ended, its package live."""
        return self.filter(self._licensed(now))

    def unlicensed(self, now: datetime) -> Self:
        """Return those that hold no license, or only one that has ended."""
        return self.filter(
            Q(license__isnull=True)
            | Q(license__ends_at__lte=now)
            | Q(license__package__expires_at__lte=now)
            | (Q(license__isnull=False) & ~_RUNNING)
        )

    def _licensed(self, now: datetime) -> Q:
        obstacles = self._obstacles(now)
        return (
            obstacles[ServiceState.NO_LICENSE][1]
            & obstacles[ServiceState.LICENSE_ENDED][1]
            & obstacles[ServiceState.PACKAGE_ENDED][1]
        )
