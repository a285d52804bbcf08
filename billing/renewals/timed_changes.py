"""What time does to packages and orders: which rows are due, and what becomes of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, CharField, Expression, F, Model, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Concat
from django.db.models.lookups import LessThanOrEqual

from accounts.access import Permission
from accounts.services.audit import EventOfEach
from accounts.services.notifications import NewsOfEach
from accounts.transitions import Transitions
from billing.orders.models import Order
from billing.packages.models import Package
from billing.packages.queries import HOLD, RELEASED_AT, UNDER_REVIEW
from billing.transitions import ORDER_TRANSITIONS, PACKAGE_TRANSITIONS, OrderMove, PackageMove

Rows = QuerySet[Any]


@dataclass(frozen=True)
class Kind:
    """The rows that are changed, and the column that changes as `transitions` say.

    The rest are expressions on a row: its name in the audit trail, the details that news of it
    give, and the page that they lead to.
    """

    model: type[Model]
    column: str
    transitions: Transitions[Any, Any]
    label: Expression | F
    details: Mapping[str, Expression | F]
    path: Expression


@dataclass(frozen=True)
class TimedChange:
    """One kind of change: what `due` picks at an instant, of the rows that the move starts from.

    `news` is the kind of what members read of it.
    """

    name: str
    of: Kind
    move: PackageMove | OrderMove
    due: Callable[[datetime], Q]
    news: str

    @property
    def from_state(self) -> str:
        """The state in which rows are due."""
        return str(self.of.transitions.source(self.move))

    @property
    def to_state(self) -> str:
        """The state that rows have afterward."""
        return str(self.of.transitions.target(self.move))

    def find_due(self, now: datetime, *also: str) -> Rows:
        """Return the rows that are due at `now`, or would be in one of the states `also`."""
        states = (self.from_state, *also)
        in_state = Q(**{f"{self.of.column}__in": states})
        return self.of.model._default_manager.filter(in_state, self.due(now))

    @property
    def event(self) -> EventOfEach:
        """What is recorded of each changed row."""
        of = self.of
        return EventOfEach(
            verb=f"{of.model._meta.model_name}.{self.to_state}",
            label=of.label,
            from_state=self.from_state,
            to_state=self.to_state,
            news=NewsOfEach(self.news, of.details, to=Permission.SPEND, path=of.path),
        )


_SDKAPPID = Cast("application__sdkappid", CharField())

PACKAGES = Kind(
    model=Package,
    column="state",
    transitions=PACKAGE_TRANSITIONS,
    label=Concat("application__name", Value(" ("), _SDKAPPID, Value(")")),
    details={
        "application": F("application__name"),
        "edition": F("edition"),
        "expires_at": F("expires_at"),
        "released_at": Case(When(~UNDER_REVIEW, then=RELEASED_AT)),
        "hold": HOLD,
    },
    path=Concat(
        Value("/console/"),
        "account__uin",
        Value("/applications/"),
        _SDKAPPID,
        Value("/agents/"),
    ),
)
ORDERS = Kind(
    model=Order,
    column="status",
    transitions=ORDER_TRANSITIONS,
    label=F("number"),
    details={
        "number": F("number"),
        "total": Cast("total", CharField()),
        "currency": F("currency"),
    },
    path=Concat(Value("/console/"), "account__uin", Value("/orders/"), "number", Value("/")),
)


def _is_expired(now: datetime) -> Q:
    return Q(expires_at__lte=now)


def _is_released(now: datetime) -> Q:
    isolated_until = now - timedelta(days=settings.ISOLATION_DAYS)
    return Q(
        ~UNDER_REVIEW,
        LessThanOrEqual(RELEASED_AT, now),
        # What the rule implies anyway, but an index can tell.
        expires_at__lte=isolated_until,
    )


TIMED_CHANGES = (
    TimedChange(
        name="released_trials",
        of=PACKAGES,
        move=PackageMove.END_TRIAL,
        due=_is_expired,
        news="trial_ended",
    ),
    TimedChange(
        name="isolated",
        of=PACKAGES,
        move=PackageMove.ISOLATE,
        due=_is_expired,
        news="package_isolated",
    ),
    TimedChange(
        name="released",
        of=PACKAGES,
        move=PackageMove.RELEASE,
        due=_is_released,
        news="package_released",
    ),
    TimedChange(
        name="expired_orders",
        of=ORDERS,
        move=OrderMove.EXPIRE,
        due=_is_expired,
        news="order_expired",
    ),
)
