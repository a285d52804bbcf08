"""Months from an anchor, what is left of them, and the refund window's end."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.calendar import (
    Remaining,
    boundary,
    days_until,
    expiry,
    local_date,
    months_in,
    refund_window_ends,
    remaining,
    remaining_until,
    start_of_day,
)
from billing.enums import TermUnit
from tests.billing.acts import SHANGHAI, at, wall
from tests.factories import DAY, HOUR, SECOND

NEW_YORK = ZoneInfo("America/New_York")
SYDNEY = ZoneInfo("Australia/Sydney")
CAIRO = ZoneInfo("Africa/Cairo")
ZONES = [SHANGHAI, NEW_YORK, SYDNEY, CAIRO, ZoneInfo("UTC"), ZoneInfo("America/St_Johns")]
NONE = timedelta(0)


@pytest.mark.parametrize(
    ("unit", "count", "months"),
    [(TermUnit.MONTH, 1, 1), (TermUnit.MONTH, 12, 12), (TermUnit.YEAR, 1, 12), ("year", 3, 36)],
)
def test_terms_are_months(unit: TermUnit, count: int, months: int) -> None:
    assert months_in(unit, count) == months


@pytest.mark.parametrize(
    ("anchor", "n", "expected"),
    [
        pytest.param("2026-03-10 10:00:00", 0, "2026-03-10 10:00:00", id="the anchor itself"),
        pytest.param("2026-03-10 10:00:00", 1, "2026-04-10 10:00:00", id="one month"),
        pytest.param("2026-01-31 10:00:00", 1, "2026-02-28 10:00:00", id="31 Jan to 28 Feb"),
        pytest.param("2028-01-31 10:00:00", 1, "2028-02-29 10:00:00", id="31 Jan to 29 Feb"),
        pytest.param("2026-01-31 10:00:00", 2, "2026-03-31 10:00:00", id="the 31st comes back"),
        pytest.param("2026-01-30 10:00:00", 1, "2026-02-28 10:00:00", id="30 Jan to 28 Feb"),
        pytest.param("2026-01-30 10:00:00", 2, "2026-03-30 10:00:00", id="the 30th comes back"),
        pytest.param("2028-02-29 08:00:00", 12, "2029-02-28 08:00:00", id="leap day, 1 year on"),
        pytest.param("2028-02-29 08:00:00", 48, "2032-02-29 08:00:00", id="leap day, 4 years on"),
        pytest.param("2026-12-31 23:59:59", 2, "2027-02-28 23:59:59", id="over the new year"),
        pytest.param("2026-08-31 00:00:00", 6, "2027-02-28 00:00:00", id="midnight stays"),
        pytest.param("2026-03-31 10:00:00", -1, "2026-02-28 10:00:00", id="backwards"),
        # 30 Mar, 16:30 UTC is already 31 Mar in Shanghai: its calendar counts.
        pytest.param("2026-03-31 00:30:00", 1, "2026-04-30 00:30:00", id="the billing zone's day"),
    ],
)
def test_boundaries_of_months(anchor: str, n: int, expected: str) -> None:
    assert wall(boundary(at(anchor), n, SHANGHAI)) == expected


@pytest.mark.parametrize(
    ("zone", "anchor", "n", "expected"),
    [
        # The wall clock stays at 10:00, so the instant moves by an hour.
        pytest.param(NEW_YORK, "2026-02-10 10:00:00", 0, "2026-02-10T15:00", id="winter"),
        pytest.param(NEW_YORK, "2026-02-10 10:00:00", 1, "2026-03-10T14:00", id="into summer"),
        pytest.param(NEW_YORK, "2026-10-15 10:00:00", 1, "2026-11-15T15:00", id="into winter"),
        # 8 Mar 2026 has no 02:30 in New York: read with the offset before, it is 03:30 EDT.
        pytest.param(NEW_YORK, "2026-02-08 02:30:00", 1, "2026-03-08T07:30", id="skipped hour"),
        pytest.param(NEW_YORK, "2026-02-08 02:30:00", 2, "2026-04-08T06:30", id="and on"),
        # 1 Nov 2026 has 01:30 twice: the first one, EDT.
        pytest.param(NEW_YORK, "2026-10-01 01:30:00", 1, "2026-11-01T05:30", id="doubled hour"),
    ],
)
def test_the_wall_clock_is_kept_when_the_clocks_change(
    zone: ZoneInfo, anchor: str, n: int, expected: str
) -> None:
    assert boundary(at(anchor, zone), n, zone).isoformat()[:16] == expected


def test_thirteen_months_and_four_years_do_not_drift() -> None:
    anchor = at("2027-01-31 12:34:56")
    days = [wall(boundary(anchor, n, SHANGHAI))[:10] for n in range(1, 14)]
    assert days == [
        "2027-02-28",
        "2027-03-31",
        "2027-04-30",
        "2027-05-31",
        "2027-06-30",
        "2027-07-31",
        "2027-08-31",
        "2027-09-30",
        "2027-10-31",
        "2027-11-30",
        "2027-12-31",
        "2028-01-31",
        "2028-02-29",
    ]
    assert wall(boundary(anchor, 48, SHANGHAI)) == "2031-01-31 12:34:56"


def test_an_extension_moves_every_boundary() -> None:
    anchor = at("2026-01-31 10:00:00")
    assert wall(expiry(anchor, 1, SHANGHAI, 3 * DAY + HOUR)) == "2026-03-03 11:00:00"


@pytest.mark.parametrize(
    ("left", "days"),
    [
        (-SECOND, 0),
        (NONE, 0),
        (timedelta(microseconds=1), 1),
        (SECOND, 1),
        (DAY - SECOND, 1),
        (DAY, 1),
        (DAY + timedelta(microseconds=1), 2),
        (14 * DAY, 14),
    ],
    ids=str,
)
def test_a_part_of_a_day_counts_as_one(left: timedelta, days: int) -> None:
    end = at("2026-03-24 10:00:00")
    assert days_until(end, end - left) == days
    assert remaining_until(end, end - left) == Remaining(0, days)


@pytest.mark.parametrize("since_expiry", [NONE, SECOND, 400 * DAY], ids=str)
def test_nothing_is_left_from_the_expiry_on(since_expiry: timedelta) -> None:
    anchor = at("2026-03-10 10:00:00")
    now = boundary(anchor, 1, SHANGHAI) + since_expiry
    left = remaining(anchor=anchor, months=1, extension=NONE, now=now, tz=SHANGHAI)
    assert left == Remaining(0, 0)
    assert left.is_over
    assert not Remaining(0, 1).is_over
    assert not Remaining(1, 0).is_over


@pytest.mark.parametrize(
    ("zone", "bought", "last_second"),
    [
        pytest.param(SHANGHAI, "2026-03-10 00:00:00", "2026-03-15 23:59:59", id="first second"),
        pytest.param(SHANGHAI, "2026-03-10 23:59:59", "2026-03-15 23:59:59", id="last second"),
        pytest.param(SHANGHAI, "2028-02-26 12:00:00", "2028-03-02 23:59:59", id="leap February"),
        pytest.param(SHANGHAI, "2026-12-29 12:00:00", "2027-01-03 23:59:59", id="new year"),
        # 8 Mar 2026 has 23 hours there, 1 Nov 25: days are counted, not hours.
        pytest.param(NEW_YORK, "2026-03-05 23:00:00", "2026-03-10 23:59:59", id="short day"),
        pytest.param(NEW_YORK, "2026-10-30 01:00:00", "2026-11-04 23:59:59", id="long day"),
        # 24 Apr 2026 has no midnight in Cairo, it begins at 01:00.
        pytest.param(CAIRO, "2026-04-18 12:00:00", "2026-04-23 23:59:59", id="no midnight"),
    ],
)
def test_the_last_second_of_the_fifth_day(zone: ZoneInfo, bought: str, last_second: str) -> None:
    ends = refund_window_ends(at(bought, zone), 5, zone)
    assert wall(ends - SECOND, zone) == last_second
    assert local_date(ends, zone) == local_date(ends - SECOND, zone) + DAY


def test_time_that_does_not_count_moves_the_windows_end() -> None:
    ends = refund_window_ends(at("2026-03-10 10:00:00"), 5, SHANGHAI, excluded=2 * DAY + HOUR)
    assert wall(ends) == "2026-03-18 01:00:00"


def test_days_begin_where_the_zone_says() -> None:
    assert start_of_day(date(2026, 3, 10), SHANGHAI) == datetime(2026, 3, 9, 16, tzinfo=UTC)
    assert local_date(datetime(2026, 3, 9, 15, 59, 59, tzinfo=UTC), SHANGHAI).day == 9
    assert local_date(datetime(2026, 3, 9, 16, tzinfo=UTC), SHANGHAI).day == 10


# --- For any anchor, zone and time -----------------------------------------------------------

#: Any second of the years 2024 to 2035.
anchors = st.integers(0, 12 * 365 * 86_400).map(
    lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
zones = st.sampled_from(ZONES)
month_counts = st.integers(1, 48)
extensions = st.sampled_from([NONE, SECOND, 3 * DAY, 40 * DAY + HOUR])


@given(anchor=anchors, zone=zones, n=st.integers(0, 60))
def test_boundaries_rise_by_28_to_31_days(anchor: datetime, zone: ZoneInfo, n: int) -> None:
    step = boundary(anchor, n + 1, zone) - boundary(anchor, n, zone)
    assert 28 * DAY - 2 * HOUR <= step <= 31 * DAY + 2 * HOUR


@given(anchor=anchors, zone=zones, n=st.integers(0, 60))
def test_every_boundary_keeps_the_anchors_day_or_the_months_last(
    anchor: datetime, zone: ZoneInfo, n: int
) -> None:
    first, found = anchor.astimezone(zone), boundary(anchor, n, zone).astimezone(zone)
    months_on = (found.year - first.year) * 12 + found.month - first.month
    assert months_on == n
    is_last_day = (found + DAY).month != found.month
    assert found.day == first.day or (is_last_day and found.day < first.day)


@given(anchor=anchors, zone=zones, months=month_counts, extension=extensions, data=st.data())
def test_what_is_left_ends_at_the_boundary_it_names(
    anchor: datetime, zone: ZoneInfo, months: int, extension: timedelta, data: st.DataObject
) -> None:
    end = expiry(anchor, months, zone, extension)
    seconds = data.draw(st.integers(0, int((end - anchor).total_seconds()) - 1), label="seconds")
    now = anchor + timedelta(seconds=seconds)
    left = remaining(anchor=anchor, months=months, extension=extension, now=now, tz=zone)
    counted_to = boundary(anchor, months - left.months, zone, extension)
    assert counted_to >= now
    assert boundary(anchor, months - left.months - 1, zone, extension) < now
    assert (left.days - 1) * DAY < counted_to - now <= left.days * DAY
    # 31 days, and an hour where the clocks were put back.
    assert left.days <= 32


@given(anchor=anchors, zone=zones, months=month_counts, k=st.integers(0, 48))
def test_exactly_on_a_boundary_whole_months_are_left(
    anchor: datetime, zone: ZoneInfo, months: int, k: int
) -> None:
    now = boundary(anchor, min(k, months), zone)
    left = remaining(anchor=anchor, months=months, extension=NONE, now=now, tz=zone)
    assert left == Remaining(months - min(k, months), 0)


@given(anchor=anchors, zone=zones, months=month_counts, hours=st.integers(0, 20_000))
def test_less_is_left_as_time_goes_on(
    anchor: datetime, zone: ZoneInfo, months: int, hours: int
) -> None:
    def left_at(now: datetime) -> tuple[int, int]:
        left = remaining(anchor=anchor, months=months, extension=NONE, now=now, tz=zone)
        return left.months, left.days

    now = anchor + hours * HOUR
    assert left_at(now + HOUR) <= left_at(now)


@given(bought=anchors, zone=zones, days=st.integers(0, 30))
def test_the_window_ends_as_a_local_day_begins(bought: datetime, zone: ZoneInfo, days: int) -> None:
    ends = refund_window_ends(bought, days, zone)
    assert (local_date(ends, zone) - local_date(bought, zone)).days == days + 1
    assert (local_date(ends - SECOND, zone) - local_date(bought, zone)).days == days
