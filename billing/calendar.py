"""Months, terms, windows and the days between: pure arithmetic on instants.

Instants are aware datetimes; results are in UTC. Calendar months and local days are those of the
billing zone, which is an argument; `billing_zone()` reads it from the settings. The n-th boundary
is always computed from the anchor, never by repeated addition, so the 31st comes back after a
shorter month.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from billing.enums import TermUnit

_DAY = timedelta(days=1)
_NONE = timedelta(0)


def billing_zone() -> ZoneInfo:
    """Return the zone whose days and months count."""
    return ZoneInfo(settings.BILLING_TIME_ZONE)


@dataclass(frozen=True)
class Remaining:
    """Time left: whole months along the anchored boundaries, then 24-hour days (a part is one)."""

    months: int
    days: int

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self.months == 0 and self.days == 0


def months_in(unit: TermUnit | str, count: int) -> int:
    """Return the calendar months of `count` terms."""
    return count * (12 if unit == TermUnit.YEAR else 1)


def boundary(anchor: datetime, n: int, tz: ZoneInfo, extension: timedelta = _NONE) -> datetime:
    """Return the n-th month boundary after `anchor`, moved on by `extension`.

    The wall clock of the anchor in `tz` is kept to the microsecond, the day is the anchor's or
    the last one of a shorter month. A wall clock that a change of the clocks skips is read as
    the zone database does (with the offset before the change); one that comes twice is the first.
    """
    local = anchor.astimezone(tz)
    year, month = divmod(local.year * 12 + local.month - 1 + n, 12)
    day = min(local.day, monthrange(year, month + 1)[1])
    moved = local.replace(year=year, month=month + 1, day=day, fold=local.fold if n == 0 else 0)
    return moved.astimezone(UTC) + extension


def expiry(anchor: datetime, months: int, tz: ZoneInfo, extension: timedelta = _NONE) -> datetime:
    """Return when a package of `months` months from `anchor` expires."""
    return boundary(anchor, months, tz, extension)


def days_until(end: datetime, now: datetime) -> int:
    """Return the 24-hour days from `now` to `end`, a part day counting as one; 0 when past."""
    left = end - now
    return 0 if left <= _NONE else -(-left // _DAY)


def remaining(
    *, anchor: datetime, months: int, extension: timedelta, now: datetime, tz: ZoneInfo
) -> Remaining:
    """Return the time from `now` to the expiry of a package.

    Whole months are counted back from the expiry: the largest number whose boundary is at or
    after `now`. So the days are always fewer than a month has, also where an extension made the
    package longer than its months. Nothing is left at or after the expiry.
    """
    end = boundary(anchor, months, tz, extension)
    if now >= end:
        return Remaining(0, 0)
    whole = 0
    while boundary(anchor, months - whole - 1, tz, extension) >= now:
        whole += 1
    return Remaining(whole, days_until(boundary(anchor, months - whole, tz, extension), now))


def remaining_until(end: datetime, now: datetime) -> Remaining:
    """Return the time left where there are no months, as on a trial: days alone."""
    return Remaining(0, days_until(end, now))


def local_date(instant: datetime, tz: ZoneInfo) -> date:
    """Return the day on which an instant falls in `tz`."""
    return instant.astimezone(tz).date()


def start_of_day(day: date, tz: ZoneInfo) -> datetime:
    """Return the instant at which a local day begins."""
    return datetime.combine(day, time.min, tzinfo=tz).astimezone(UTC)


def refund_window_ends(
    purchased_at: datetime, days: int, tz: ZoneInfo, excluded: timedelta = _NONE
) -> datetime:
    """Return the instant at which a window of `days` local days after the purchase is over.

    The day of purchase is day 0 and the last day counts to its end, so the answer is the local
    midnight after it. `excluded` is time that does not count (under an overturned measure): the
    end moves by as much.
    """
    last = local_date(purchased_at, tz) + timedelta(days=days)
    return start_of_day(last + _DAY, tz) + excluded
