"""Rules about packages as expressions, and SQL where a measurement speaks for it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import (
    Case,
    DurationField,
    Exists,
    F,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)

from accounts.enums import AccountStatus
from accounts.models import Restriction
from billing.enums import LicenseKind, RefundStatus
from billing.packages.models import Package
from billing.packages.release import ReleaseHold

# --- Release ---------------------------------------------------------------------------------


class _Days(Value):
    """The days that a setting of this name says when the query is executed."""

    def __init__(self, setting: str) -> None:
        super().__init__(setting, output_field=DurationField())

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        days = timedelta(days=getattr(settings, self.value))
        return Value(days, output_field=DurationField()).as_sql(compiler, connection)


_GRACE = _Days("SUSPENSION_GRACE_DAYS")
_ISOLATION = _Days("ISOLATION_DAYS")


def _holds(at: Any) -> Exists:
    """Return whether the account of a row is restricted at an instant, or was shortly before."""
    own = Restriction.objects.filter(account=OuterRef("account"), started_at__lte=at)
    return Exists(own.filter(Q(ended_at=None) | Q(ended_at__gt=at - _GRACE)))


#: Whether a refund of a package is under review.
UNDER_REVIEW = Exists(
    Package.objects.filter(pk=OuterRef("pk"), refunds__status=RefundStatus.PENDING)
)

#: The `ReleaseHold` of a package.
HOLD = Case(
    When(~Q(account__status=AccountStatus.ACTIVE), then=Value(ReleaseHold.RESTRICTION.value)),
    When(UNDER_REVIEW, then=Value(ReleaseHold.REVIEW.value)),
    default=Value(ReleaseHold.NONE.value),
)

#: When the package of the outer row is released where no restriction holds it.
_USUAL = OuterRef("expires_at") + _ISOLATION
#: The first later instant at which no restriction of its account holds it any more.
_LATER = (
    Restriction.objects.filter(account=OuterRef("account"))
    .annotate(free_at=F("ended_at") + _GRACE)
    .filter(~_holds(OuterRef("ended_at") + _GRACE), free_at__gt=_USUAL)
    .order_by("free_at")
    .values("free_at")[:1]
)
#: The rule of `find_release` for a paid package: when it is released, or NULL while its account is
#: restricted. A refund under review is asked for apart (`UNDER_REVIEW`), so that it can be looked
#: up for many rows together.
RELEASED_AT = Case(
    When(_holds(_USUAL), then=Subquery(_LATER)), default=F("expires_at") + _ISOLATION
)


# --- Licenses --------------------------------------------------------------------------------

_INSERT = """
    INSERT INTO billing_license (account_id, package_id, kind, source, order_line_id, created_at)
    SELECT %s, %s, n.kind, CASE WHEN n.line IS NULL THEN 'included' ELSE 'bought' END, n.line, %s
    FROM unnest(%s::text[], %s::int[], %s::bigint[]) AS n (kind, quantity, line),
        generate_series(1, n.quantity)
"""


class NewLicenses(NamedTuple):
    """So many licenses of a kind: included ones, or those that an order line bought."""

    kind: LicenseKind
    quantity: int
    line_id: int | None = None


def add_licenses(package: Package, added: Sequence[NewLicenses], *, now: datetime) -> None:
    """Add licenses to a package, in one statement however many there are.

    Ten thousand took 3.1 s by `bulk_create` and 0.3 s by this; one took 0.9 ms and 0.4 ms.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                package.account_id,
                package.pk,
                now,
                [each.kind.value for each in added],
                [each.quantity for each in added],
                [each.line_id for each in added],
            ],
        )
