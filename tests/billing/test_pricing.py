"""What things cost: every amount here was computed by hand, the arithmetic stands beside it."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.calendar import Remaining, remaining, remaining_until
from billing.catalog.labels import explain
from billing.catalog.pricing import (
    ItemPrice,
    PackagePrice,
    PriceList,
    PricingError,
    UpgradedPart,
    check_quantities,
    midterm_unit_price,
    people_to_extra_agents,
    price_additional,
    price_terms,
    price_upgrade,
)
from billing.catalog.queries import find_price_book, read_price_list
from billing.enums import Edition, ItemKind, LicenseKind, TermUnit
from billing.models import PriceBook, PriceItem
from tests.billing.acts import SHANGHAI, at
from tests.factories import NOW

ESSENTIAL, PREMIUM = Edition.ESSENTIAL, Edition.PREMIUM
MONTH, YEAR = TermUnit.MONTH, TermUnit.YEAR
PACKAGE, AGENT, SIP = ItemKind.PACKAGE, ItemKind.AGENT, ItemKind.SIP


def _item(monthly: str, annual: str) -> ItemPrice:
    return ItemPrice(Decimal(monthly), Decimal(annual))


#: The guide's prices, written down here a second time on purpose.
GUIDE = PriceList(
    version=1,
    currency="USD",
    packages={
        ESSENTIAL: PackagePrice(Decimal("120.00"), Decimal("1440.00"), 3, 0),
        PREMIUM: PackagePrice(Decimal("210.00"), Decimal("2520.00"), 3, 0),
    },
    additional={
        (ESSENTIAL, LicenseKind.AGENT): _item("40.00", "480.00"),
        (PREMIUM, LicenseKind.AGENT): _item("70.00", "840.00"),
        (ESSENTIAL, LicenseKind.SIP): _item("15.00", "180.00"),
        (PREMIUM, LicenseKind.SIP): _item("21.00", "252.00"),
    },
)


# --- The price book --------------------------------------------------------------------------

PRICES = [
    (ESSENTIAL, PACKAGE, "monthly", "120.00"),
    (ESSENTIAL, PACKAGE, "annual", "1440.00"),
    (PREMIUM, PACKAGE, "monthly", "210.00"),
    (PREMIUM, PACKAGE, "annual", "2520.00"),
    (ESSENTIAL, AGENT, "monthly", "40.00"),
    (ESSENTIAL, AGENT, "annual", "480.00"),
    (PREMIUM, AGENT, "monthly", "70.00"),
    (PREMIUM, AGENT, "annual", "840.00"),
    (ESSENTIAL, SIP, "monthly", "15.00"),
    (ESSENTIAL, SIP, "annual", "180.00"),
    (PREMIUM, SIP, "monthly", "21.00"),
    (PREMIUM, SIP, "annual", "252.00"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("edition", "item", "term", "price"), PRICES)
def test_the_migrated_price_book_has_the_guides_prices(
    edition: Edition, item: ItemKind, term: str, price: str
) -> None:
    found = PriceItem.objects.get(book__version=1, edition=edition, item=item)
    assert getattr(found, term) == Decimal(price)


@pytest.mark.django_db
def test_the_migrated_price_book_is_the_list_that_is_computed_with() -> None:
    book = find_price_book(NOW)
    assert PriceBook.objects.count() == 1
    assert read_price_list(book) == GUIDE
    assert (book.trial_edition, book.trial_agents, book.trial_days) == ("essential", 3, 14)


# --- Whole terms: 36 combinations ------------------------------------------------------------

TERMS = [
    # Essential by the month: 120, 40 an agent, 15 a SIP license.
    (ESSENTIAL, MONTH, 1, 0, 0, "120.00", "120"),
    (ESSENTIAL, MONTH, 1, 1, 0, "160.00", "120+40"),
    (ESSENTIAL, MONTH, 1, 0, 1, "135.00", "120+15"),
    (ESSENTIAL, MONTH, 1, 2, 3, "245.00", "120+80+45"),
    (ESSENTIAL, MONTH, 1, 7, 0, "400.00", "120+280"),
    (ESSENTIAL, MONTH, 2, 0, 0, "240.00", "2x120"),
    (ESSENTIAL, MONTH, 3, 4, 2, "930.00", "3x(120+160+30)"),
    (ESSENTIAL, MONTH, 5, 1, 1, "875.00", "5x(120+40+15)"),
    (ESSENTIAL, MONTH, 6, 10, 0, "3120.00", "6x(120+400)"),
    (ESSENTIAL, MONTH, 11, 0, 4, "1980.00", "11x(120+60)"),
    (ESSENTIAL, MONTH, 12, 0, 0, "1440.00", "12x120"),
    (ESSENTIAL, MONTH, 12, 97, 3, "48540.00", "12x(120+3880+45)"),
    (ESSENTIAL, MONTH, 1, 9999, 1, "400095.00", "120+399960+15"),
    (ESSENTIAL, MONTH, 1, 0, 10000, "150120.00", "120+150000"),
    # Essential by the year: 1440, 480, 180.
    (ESSENTIAL, YEAR, 1, 0, 0, "1440.00", "1440"),
    (ESSENTIAL, YEAR, 1, 1, 0, "1920.00", "1440+480"),
    (ESSENTIAL, YEAR, 1, 0, 1, "1620.00", "1440+180"),
    (ESSENTIAL, YEAR, 1, 5, 5, "4740.00", "1440+2400+900"),
    (ESSENTIAL, YEAR, 2, 3, 0, "5760.00", "2x(1440+1440)"),
    (ESSENTIAL, YEAR, 3, 0, 0, "4320.00", "3x1440"),
    (ESSENTIAL, YEAR, 3, 12, 7, "25380.00", "3x(1440+5760+1260)"),
    # Premium by the month: 210, 70, 21.
    (PREMIUM, MONTH, 1, 0, 0, "210.00", "210"),
    (PREMIUM, MONTH, 1, 2, 1, "371.00", "210+140+21"),
    (PREMIUM, MONTH, 1, 0, 1, "231.00", "210+21"),
    (PREMIUM, MONTH, 1, 1, 0, "280.00", "210+70"),
    (PREMIUM, MONTH, 4, 3, 3, "1932.00", "4x(210+210+63)"),
    (PREMIUM, MONTH, 7, 0, 2, "1764.00", "7x(210+42)"),
    (PREMIUM, MONTH, 9, 33, 11, "24759.00", "9x(210+2310+231)"),
    (PREMIUM, MONTH, 12, 1, 1, "3612.00", "12x(210+70+21)"),
    (PREMIUM, MONTH, 1, 10000, 0, "700210.00", "210+700000"),
    # Premium by the year: 2520, 840, 252.
    (PREMIUM, YEAR, 1, 0, 0, "2520.00", "2520"),
    (PREMIUM, YEAR, 1, 2, 1, "4452.00", "2520+1680+252"),
    (PREMIUM, YEAR, 2, 0, 4, "7056.00", "2x(2520+1008)"),
    (PREMIUM, YEAR, 3, 1, 0, "10080.00", "3x(2520+840)"),
    (PREMIUM, YEAR, 3, 100, 50, "297360.00", "3x(2520+84000+12600)"),
    (PREMIUM, YEAR, 1, 3333, 6667, "4482324.00", "2520+2799720+1680084"),
]


@pytest.mark.parametrize(
    ("edition", "unit", "count", "agents", "sip", "total", "sum_"),
    TERMS,
    ids=[f"{row[0]}-{row[2]}-{row[1]}-{row[3]}-agents-{row[4]}-sip={row[6]}" for row in TERMS],
)
def test_a_package_with_licenses_costs_the_list_price_by_whole_terms(
    edition: Edition, unit: TermUnit, count: int, agents: int, sip: int, total: str, sum_: str
) -> None:
    lines = price_terms(GUIDE, edition, unit, count, agents, sip)
    assert sum(line.amount for line in lines) == Decimal(total)
    wanted = [(PACKAGE, 1), (AGENT, agents), (SIP, sip)]
    assert [(line.item, line.quantity) for line in lines] == [pair for pair in wanted if pair[1]]
    assert {line.edition for line in lines} == {edition}


@pytest.mark.parametrize(
    ("unit", "count"), [(MONTH, 0), (MONTH, 13), (MONTH, -1), (YEAR, 0), (YEAR, 4), (YEAR, 10**9)]
)
def test_terms_out_of_bounds_have_no_price(unit: TermUnit, count: int) -> None:
    with pytest.raises(PricingError) as refused:
        price_terms(GUIDE, ESSENTIAL, unit, count, 0, 0)
    assert refused.value.field == "count"


@pytest.mark.parametrize(
    ("agents", "sip", "field_"),
    [
        (-1, 0, "agents"),
        (0, -1, "sip"),
        (10_001, 0, "agents"),
        (0, 10_001, "sip"),
        (5_000, 5_001, "agents"),
        (10**9, 0, "agents"),
    ],
)
def test_numbers_of_licenses_out_of_bounds_are_refused(agents: int, sip: int, field_: str) -> None:
    with pytest.raises(PricingError) as refused:
        check_quantities(agents, sip, 10_000)
    assert refused.value.field == field_


@pytest.mark.parametrize(("agents", "sip"), [(0, 0), (10_000, 0), (0, 10_000), (5_000, 5_000)])
def test_numbers_of_licenses_at_the_limit_are_allowed(agents: int, sip: int) -> None:
    check_quantities(agents, sip, 10_000)


@pytest.mark.parametrize(("people", "extra"), [(0, 0), (1, 0), (3, 0), (4, 1), (50, 47)])
def test_people_beyond_the_included_ones_need_additional_licenses(people: int, extra: int) -> None:
    assert people_to_extra_agents(people, 3) == extra


# --- The time that is left: mid-term purchases and upgrades ----------------------------------


@dataclass(frozen=True)
class Case:
    """A package, a time, what is bought, and what is left and paid, by hand."""

    name: str
    now: str
    left: tuple[int, int]
    amounts: tuple[str, ...]
    anchor: str = "2026-03-10 10:00:00"
    months: int = 1
    extension: timedelta = timedelta(0)
    edition: Edition = ESSENTIAL
    unit: TermUnit = MONTH
    agents: int = 1
    sip: int = 0
    zone: ZoneInfo = SHANGHAI

    @property
    def remaining(self) -> Remaining:
        return remaining(
            anchor=at(self.anchor, self.zone),
            months=self.months,
            extension=self.extension,
            now=at(self.now, self.zone),
            tz=self.zone,
        )


def _premium(name: str, now: str, left: tuple[int, int], amounts: Any, **more: Any) -> Case:
    return Case(name, now, left, amounts, edition=PREMIUM, **more)


#: What differs from a month of Essential from 10 March 2026.
Terms = dict[str, Any]

LEAP: Terms = {"anchor": "2028-01-31 12:00:00"}
LEAP_3: Terms = {**LEAP, "months": 3}
ANNUAL: Terms = {"months": 12, "unit": YEAR}
LEAP_DAY: Terms = {"anchor": "2028-02-29 08:00:00", "months": 36, "unit": YEAR}
LATE: Terms = {"anchor": "2026-12-31 23:59:59", "months": 24, "unit": YEAR, "agents": 0, "sip": 1}
FROM_31: Terms = {"anchor": "2026-08-31 00:00:00", "months": 6}
NEW_YORK = ZoneInfo("America/New_York")
EXTENDED: Terms = {"extension": timedelta(days=3)}
EXTENDED_LONG: Terms = {"extension": timedelta(days=60)}

MIDTERM = [
    # 10 March to 10 April 2026, 10:00: 31 days. Essential: 40 an agent, 15 a SIP license.
    Case("at the start: 1 month x 40", "2026-03-10 10:00:00", (1, 0), ("40.00",)),
    Case("1 s on: 31 days, at most a month", "2026-03-10 10:00:01", (0, 31), ("40.00",)),
    Case("1 day on: 30 x 40/30", "2026-03-11 10:00:00", (0, 30), ("40.00",)),
    Case("1 day and 1 s on: still 30", "2026-03-11 10:00:01", (0, 30), ("40.00",)),
    Case("29 x 40/30 = 38.666", "2026-03-12 10:00:00", (0, 29), ("38.67",)),
    Case("15 x 40/30", "2026-03-26 10:00:00", (0, 15), ("20.00",)),
    Case("the last day: 40/30 = 1.333", "2026-04-09 10:00:00", (0, 1), ("1.33",)),
    Case("last day and 1 s: 2 x 40/30 = 2.666", "2026-04-09 09:59:59", (0, 2), ("2.67",)),
    Case("1 s left is a day: 1.333", "2026-04-10 09:59:59", (0, 1), ("1.33",)),
    Case("1 us left is a day: 1.333", "2026-04-10 09:59:59.999999", (0, 1), ("1.33",)),
    Case("SIP, 15/30", "2026-04-09 10:00:00", (0, 1), ("0.50",), agents=0, sip=1),
    Case("3 SIP x 14.50", "2026-03-12 10:00:00", (0, 29), ("43.50",), agents=0, sip=3),
    Case(
        "2 agents x 17.33, 1 SIP x 6.50, 13 days",
        "2026-03-28 10:00:00",
        (0, 13),
        ("34.66", "6.50"),
        agents=2,
        sip=1,
    ),
    # Premium: 70 and 21.
    _premium("70/30 = 2.333", "2026-04-09 10:00:00", (0, 1), ("2.33",)),
    _premium("SIP 13 x 21/30", "2026-03-28 10:00:00", (0, 13), ("9.10",), agents=0, sip=1),
    # 70 x 17/30 = 39.666: rounded for one license, then 5 x 39.67.
    _premium("5 x 39.67, not 198.33", "2026-03-24 10:00:00", (0, 17), ("198.35",), agents=5),
    # February: 31 Jan to 29 Feb 2028, 12:00, and on to 31 Mar and 30 Apr.
    Case("31 Jan, leap: a month", "2028-01-31 12:00:00", (1, 0), ("40.00",), **LEAP),
    Case("29 days less 1 s: 38.666", "2028-01-31 12:00:01", (0, 29), ("38.67",), **LEAP),
    Case("28 x 40/30 = 37.333", "2028-02-01 12:00:00", (0, 28), ("37.33",), **LEAP),
    Case(
        "no leap: 28 days less 1 s: 37.333",
        "2026-01-31 12:00:01",
        (0, 28),
        ("37.33",),
        anchor="2026-01-31 12:00:00",
    ),
    Case("on 29 Feb: 2 x 40", "2028-02-29 12:00:00", (2, 0), ("80.00",), **LEAP_3),
    Case("1 s after: 40 + at most 40", "2028-02-29 12:00:01", (1, 31), ("80.00",), **LEAP_3),
    Case("1 Mar: 40 + 30 x 40/30", "2028-03-01 12:00:00", (1, 30), ("80.00",), **LEAP_3),
    Case("2 Mar: 40 + 38.666", "2028-03-02 12:00:00", (1, 29), ("78.67",), **LEAP_3),
    Case("28 Feb: 80 + 1.333", "2028-02-28 12:00:00", (2, 1), ("81.33",), **LEAP_3),
    Case("on 31 Mar: 40", "2028-03-31 12:00:00", (1, 0), ("40.00",), **LEAP_3),
    Case("1 Apr to 30 Apr: 29 days", "2028-04-01 12:00:00", (0, 29), ("38.67",), **LEAP_3),
    # 31 Aug 2026 to 28 Feb 2027, midnight: 30 Sep, 31 Oct, 30 Nov, 31 Dec, 31 Jan, 28 Feb.
    _premium("4 x 70 + 30 days", "2026-10-01 00:00:00", (4, 30), ("350.00",), **FROM_31),
    _premium("31 Jan: 70", "2027-01-31 00:00:00", (1, 0), ("70.00",), **FROM_31),
    _premium("1 s on: 28 x 70/30 = 65.333", "2027-01-31 00:00:01", (0, 28), ("65.33",), **FROM_31),
    # A year from 10 March 2026: 480/12 = 40 a month.
    Case("a year: 12 x 40", "2026-03-10 10:00:00", (12, 0), ("480.00",), **ANNUAL),
    Case("1 s on: 11 x 40 + 40", "2026-03-10 10:00:01", (11, 31), ("480.00",), **ANNUAL),
    Case("half a year: 6 x 40", "2026-09-10 10:00:00", (6, 0), ("240.00",), **ANNUAL),
    Case("5 x 40 + 20 x 40/30 = 26.666", "2026-09-20 10:00:00", (5, 20), ("226.67",), **ANNUAL),
    Case("a year's last day", "2027-03-09 10:00:00", (0, 1), ("1.33",), **ANNUAL),
    # 3 years from 29 Feb 2028, 08:00, to 28 Feb 2031: 840/12 = 70 a month.
    _premium("2 years: 24 x 70", "2029-02-28 08:00:00", (24, 0), ("1680.00",), **LEAP_DAY),
    # 1 Mar to 29 Mar: 28 days; 23 x 70 = 1610, 28 x 70/30 = 65.333.
    _premium("23 x 70 + 65.333", "2029-03-01 08:00:00", (23, 28), ("1675.33",), **LEAP_DAY),
    _premium("3 years' last day", "2031-02-27 08:00:01", (0, 1), ("2.33",), **LEAP_DAY),
    # 2 years from the last second of 2026: 180/12 = 15 a SIP license and month.
    Case("22 x 15", "2027-02-28 23:59:59", (22, 0), ("330.00",), **LATE),
    Case("1 s on: 21 x 15 + at most 15", "2027-03-01 00:00:00", (21, 31), ("330.00",), **LATE),
    # 3 days more by staff: 13 April, 10:00; boundaries move with it.
    Case("extended: 40 + 3 x 40/30", "2026-03-10 10:00:00", (1, 3), ("44.00",), **EXTENDED),
    Case("extended, on its boundary", "2026-03-13 10:00:00", (1, 0), ("40.00",), **EXTENDED),
    Case("extended, 1 s on: a month", "2026-03-13 10:00:01", (0, 31), ("40.00",), **EXTENDED),
    Case("extended, last day", "2026-04-12 10:00:00", (0, 1), ("1.33",), **EXTENDED),
    # 60 days more: 9 June. Back from there: 9 May, 11 Apr, 11 Mar. 3 x 40 + 1.333.
    Case("60 days more", "2026-03-10 10:00:00", (3, 1), ("121.33",), **EXTENDED_LONG),
    # New York, 10 Feb to 10 Mar 2026, clocks put forward on 8 Mar: 71 hours are 3 days.
    Case(
        "71 hours: 3 x 40/30",
        "2026-03-07 10:00:00",
        (0, 3),
        ("4.00",),
        anchor="2026-02-10 10:00:00",
        zone=NEW_YORK,
    ),
    # 15 Oct to 15 Nov 2026, clocks put back on 1 Nov: 15 days and an hour are 16.
    Case(
        "361 hours: 16 x 40/30 = 21.333",
        "2026-10-31 10:00:00",
        (0, 16),
        ("21.33",),
        anchor="2026-10-15 10:00:00",
        zone=NEW_YORK,
    ),
]


@pytest.mark.parametrize("case", MIDTERM, ids=lambda case: f"{case.edition}: {case.name}")
def test_a_license_costs_the_time_that_its_package_has_left(case: Case) -> None:
    left = case.remaining
    assert (left.months, left.days) == case.left
    lines = price_additional(GUIDE, case.edition, case.unit, left, case.agents, case.sip)
    assert [line.amount for line in lines] == [Decimal(amount) for amount in case.amounts]


#: A trial from 10 to 24 March, 10:00: days alone, 40/30 each.
TRIAL = [
    ("2026-03-10 10:00:00", 14, "18.67"),  # 14 x 40/30 = 18.666
    ("2026-03-10 10:00:01", 14, "18.67"),
    ("2026-03-11 10:00:00", 13, "17.33"),  # 17.333
    ("2026-03-17 10:00:00", 7, "9.33"),  # 9.333
    ("2026-03-23 10:00:00", 1, "1.33"),
    ("2026-03-24 09:59:59", 1, "1.33"),
]


@pytest.mark.parametrize(("now", "days", "amount"), TRIAL)
def test_on_a_trial_days_alone_are_paid(now: str, days: int, amount: str) -> None:
    left = remaining_until(at("2026-03-24 10:00:00"), at(now))
    assert left == Remaining(0, days)
    (line,) = price_additional(GUIDE, ESSENTIAL, MONTH, left, agents=3, sip=0)
    assert line.unit_price == Decimal(amount)
    assert line.amount == 3 * Decimal(amount)


@pytest.mark.parametrize(
    ("monthly", "left", "price"),
    [
        # 0.75/30 = 0.025 and 2.25/30 = 0.075: halves go up, not to the even cent.
        pytest.param("0.75", (0, 1), "0.03", id="half a cent goes up to an odd cent"),
        pytest.param("2.25", (0, 1), "0.08", id="half a cent goes up to an even cent"),
        pytest.param("0.74", (0, 1), "0.02", id="0.0246 goes down"),
        pytest.param("0.10", (0, 1), "0.01", id="0.0033 is one cent"),
        pytest.param("0.01", (0, 29), "0.01", id="0.0096 is one cent"),
        pytest.param("0.14", (0, 1), "0.01", id="0.0046 is one cent"),
        pytest.param("10.00", (2, 31), "30.00", id="31 days are a month"),
        pytest.param("10.00", (2, 32), "30.00", id="32 days are a month"),
        pytest.param("10.00", (2, 30), "30.00", id="30 days are a month"),
        pytest.param("10.00", (0, 29), "9.67", id="29 days: 9.666"),
    ],
)
def test_rounding_of_one_licenses_price(monthly: str, left: tuple[int, int], price: str) -> None:
    assert midterm_unit_price(Decimal(monthly), Remaining(*left)) == Decimal(price)


@pytest.mark.parametrize(
    ("annual", "left", "price", "shown"),
    [
        # 1.01/12 = 0.08416..., 6 months are exactly 0.505.
        pytest.param("1.01", (6, 0), "0.51", "0.0842", id="a half cent of endless twelfths"),
        pytest.param("100.00", (12, 0), "100.00", "8.3333", id="twelve twelfths are the whole"),
        pytest.param("100.00", (3, 15), "29.17", "8.3333", id="25 + 4.1666"),
        pytest.param("1440.00", (3, 0), "360.00", "120.00", id="a whole twelfth"),
    ],
)
def test_an_annual_price_is_spread_over_twelve_months_exactly(
    annual: str, left: tuple[int, int], price: str, shown: str
) -> None:
    prices = PriceList(
        version=2,
        currency="USD",
        packages={},
        additional={(ESSENTIAL, LicenseKind.AGENT): _item("999.00", annual)},
    )
    (line,) = price_additional(prices, ESSENTIAL, YEAR, Remaining(*left), agents=1, sip=0)
    assert line.unit_price == Decimal(price)
    assert line.formula["monthly"] == shown


# --- Upgrades: package 210-120 = 90, agent 70-40 = 30, SIP 21-15 = 6 a month -----------------


@dataclass(frozen=True)
class Upgrade:
    """A time, and what the upgrade of each part costs; `ending` agents have an older expiry."""

    name: str
    now: str
    package: str
    agents: str = ""
    sip: str = ""
    ending: str = ""
    ending_months: int = 0
    base: Terms = field(default_factory=dict)


UPGRADES = [
    Upgrade("at the start: the whole difference", "2026-03-10 10:00:00", "90.00", "60.00", "6.00"),
    Upgrade("1 s on: at most a month", "2026-03-10 10:00:01", "90.00", "60.00", "6.00"),
    Upgrade("15 days: half", "2026-03-26 10:00:00", "45.00", "30.00", "3.00"),
    Upgrade("13 days: 39, 2 x 13, 2.60", "2026-03-28 10:00:00", "39.00", "26.00", "2.60"),
    Upgrade("1 s left: 3, 2 x 1, 0.20", "2026-04-10 09:59:59", "3.00", "2.00", "0.20"),
    Upgrade("leap: 14 days to 29 Feb", "2028-02-15 12:00:00", "42.00", "28.00", "2.80", base=LEAP),
    Upgrade(
        "a year: 5 months and 20 days",
        "2026-09-20 10:00:00",
        "510.00",
        "340.00",
        "34.00",
        base=ANNUAL,
    ),
    Upgrade(
        # 23 months and 28 days: 2070+84, 690+28 each, 138+5.60.
        "3 years from a leap day",
        "2029-03-01 08:00:00",
        "2154.00",
        "1436.00",
        "143.60",
        base=LEAP_DAY,
    ),
    Upgrade(
        "3 days more: 99, 2 x 33, 6.60",
        "2026-03-10 10:00:00",
        "99.00",
        "66.00",
        "6.60",
        base=EXTENDED,
    ),
    Upgrade(
        # Renewed once, to 10 May. The package and 2 agents have a month and 15 days, 90+45 and
        # 30+15 each; the agent that was left out has 15 days, 15.
        "after a renewal with one license fewer",
        "2026-03-26 10:00:00",
        "135.00",
        "90.00",
        "9.00",
        ending="15.00",
        ending_months=1,
        base={"months": 2},
    ),
    Upgrade(
        # On the old expiry's last second: a day for the one left out, 1 month and a day else.
        "1 s before the license left out ends",
        "2026-04-10 09:59:59",
        "93.00",
        "62.00",
        "6.20",
        ending="1.00",
        ending_months=1,
        base={"months": 2},
    ),
]


@pytest.mark.parametrize("case", UPGRADES, ids=lambda case: case.name)
def test_an_upgrade_costs_the_difference_for_the_time_that_each_part_has_left(
    case: Upgrade,
) -> None:
    base = Case("", case.now, (0, 0), (), **case.base)
    parts = [UpgradedPart(PACKAGE, 1, base.remaining), UpgradedPart(AGENT, 2, base.remaining)]
    wanted = [case.package, case.agents]
    if case.ending:
        short = Case("", case.now, (0, 0), (), **{**case.base, "months": case.ending_months})
        parts.append(UpgradedPart(AGENT, 1, short.remaining))
        wanted.append(case.ending)
    parts.append(UpgradedPart(SIP, 1, base.remaining))
    wanted.append(case.sip)
    lines = price_upgrade(GUIDE, ESSENTIAL, PREMIUM, base.unit, parts)
    assert [line.amount for line in lines] == [Decimal(amount) for amount in wanted]
    assert {(line.from_edition, line.edition) for line in lines} == {(ESSENTIAL, PREMIUM)}


def test_parts_of_none_have_no_line() -> None:
    parts = [UpgradedPart(PACKAGE, 1, Remaining(1, 0)), UpgradedPart(SIP, 0, Remaining(1, 0))]
    assert len(price_upgrade(GUIDE, ESSENTIAL, PREMIUM, MONTH, parts)) == 1


# --- The formula, said in words --------------------------------------------------------------


def _explained(left: tuple[int, int], agents: int = 2, unit: TermUnit = MONTH) -> str:
    (line,) = price_additional(GUIDE, ESSENTIAL, unit, Remaining(*left), agents, 0)
    again = json.loads(json.dumps(line.formula))
    assert again == line.formula
    return explain(again, line.amount)


@pytest.mark.parametrize(
    ("left", "words"),
    [
        ((0, 14), "14 days × 40.00 ÷ 30 = 18.67; 2 × 18.67 = 37.34"),
        ((1, 0), "1 month × 40.00 = 40.00; 2 × 40.00 = 80.00"),
        ((2, 1), "2 months × 40.00 + 1 day × 40.00 ÷ 30 = 81.33; 2 × 81.33 = 162.66"),
        ((0, 31), "(31 days × 40.00 ÷ 30, at most 40.00) = 40.00; 2 × 40.00 = 80.00"),
    ],
)
def test_a_midterm_formula_is_shown_with_its_numbers(left: tuple[int, int], words: str) -> None:
    assert _explained(left) == words


def test_a_list_price_is_shown_with_its_numbers() -> None:
    package, agents = price_terms(GUIDE, PREMIUM, YEAR, 2, 3, 0)
    assert explain(package.formula, package.amount) == "2 years × 2,520.00 = 5,040.00"
    assert explain(agents.formula, agents.amount) == "3 × 2 years × 840.00 = 5,040.00"


# --- For any price and time ------------------------------------------------------------------

prices_ = st.decimals(min_value="0.01", max_value="5000", places=2)
lefts = st.builds(Remaining, st.integers(0, 36), st.integers(0, 32)).filter(lambda x: not x.is_over)


@given(monthly=prices_, left=lefts)
def test_a_price_lies_between_its_whole_months_and_one_more(
    monthly: Decimal, left: Remaining
) -> None:
    price = midterm_unit_price(monthly, left)
    assert price == price.quantize(Decimal("0.01"))
    assert price >= Decimal("0.01")
    assert monthly * left.months <= price <= max(monthly * (left.months + 1), Decimal("0.01"))


@given(monthly=prices_, left=lefts)
def test_more_time_never_costs_less(monthly: Decimal, left: Remaining) -> None:
    price = midterm_unit_price(monthly, left)
    assert midterm_unit_price(monthly, Remaining(left.months, left.days + 1)) >= price
    assert midterm_unit_price(monthly, Remaining(left.months + 1, 0)) >= price


@settings(max_examples=50)
@given(
    since=st.integers(0, 4 * 365 * 86_400),
    minutes=st.integers(0, 60 * 24 * 700),
    unit=st.sampled_from([MONTH, YEAR]),
)
def test_waiting_never_makes_a_license_dearer(since: int, minutes: int, unit: TermUnit) -> None:
    start = at("2026-01-01 00:00:00") + timedelta(seconds=since)

    def price_at(now: datetime) -> Decimal:
        left = remaining(anchor=start, months=24, extension=timedelta(0), now=now, tz=SHANGHAI)
        lines = price_additional(GUIDE, PREMIUM, unit, left, 1, 1)
        return sum((line.amount for line in lines), Decimal(0))

    now = start + timedelta(minutes=minutes)
    assert price_at(now + timedelta(hours=7)) <= price_at(now)
