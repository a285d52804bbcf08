"""The five-day full refund's rules, each asked whatever the others say."""

import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from billing.enums import PackageKind, PackageState, PromotionRefundRule, RefundStatus
from billing.refunds.policy import (
    EntityRefund,
    PromotionFacts,
    RefundConfig,
    RefundFacts,
    ViolationFacts,
    evaluate,
)
from billing.refunds.trace import POLICY_VERSION, RefundRule, RefundTrace
from tests.billing.acts import SHANGHAI, at
from tests.factories import DAY, HOUR, SECOND

CONFIG = RefundConfig(window_days=5, review_asks=2)
BOUGHT = at("2026-03-10 10:00:00")
ASKED = at("2026-03-12 09:00:00")
PASS, FAIL, REVIEW = "pass", "fail", "review"

#: Facts with which every rule passes.
GOOD = RefundFacts(
    kind=PackageKind.PAID,
    state=PackageState.ACTIVE,
    purchased_at=BOUGHT,
    excluded=timedelta(0),
    is_switched_from_postpaid=False,
    entity_refunds=[],
    promotions=[],
    account_status="active",
    violations=[],
    recent_asks=0,
    has_hold=False,
    open_orders=[],
    open_refunds=[],
)


def _ask(asked_at: datetime = ASKED, *, tz: ZoneInfo = SHANGHAI, **facts: Any) -> RefundTrace:
    return evaluate(replace(GOOD, **facts), asked_at=asked_at, tz=tz, config=CONFIG)


def _promotion(
    rule: str, days: int | None = None, *, of_package: bool = True, name: str = "Spring"
) -> PromotionFacts:
    return PromotionFacts(name, PromotionRefundRule(rule), days, of_package)


def _violation(severity: str, *, standing: bool = True, number: str = "V1") -> ViolationFacts:
    return ViolationFacts(number, severity, standing)


def _earlier(
    status: str, *, same: bool = True, number: str = "R1", zero: bool = False
) -> EntityRefund:
    return EntityRefund(number, RefundStatus(status), same, is_zero=zero)


@dataclass(frozen=True)
class Case:
    """Facts that differ from the good ones, and what the one rule says to them."""

    rule: RefundRule
    name: str
    outcome: str
    code: str
    facts: dict[str, Any]
    asked_at: datetime = ASKED


def _case(rule: RefundRule, name: str, outcome: str, code: str, **facts: Any) -> Case:
    return Case(rule, name, outcome, code, facts)


def _at(text: str, outcome: str, name: str, **facts: Any) -> Case:
    code = "inside" if outcome == PASS else "over"
    return Case(RefundRule.WINDOW, f"{name}: {text}", outcome, code, facts, at(text))


OWN_3 = [_promotion("window", 3)]
OWN_0 = [_promotion("window", 0)]
OWN_30 = [_promotion("window", 30)]

CASES = [
    # --- Active paid package
    _case(RefundRule.PAID_PACKAGE, "active", PASS, "paid"),
    _case(RefundRule.PAID_PACKAGE, "isolated", PASS, "paid", state=PackageState.ISOLATED),
    _case(RefundRule.PAID_PACKAGE, "trial", FAIL, "trial", kind=PackageKind.TRIAL, state="trial"),
    _case(
        RefundRule.PAID_PACKAGE,
        "trial that is over",
        FAIL,
        "trial",
        kind=PackageKind.TRIAL,
        state=PackageState.RELEASED,
    ),
    _case(RefundRule.PAID_PACKAGE, "released", FAIL, "released", state=PackageState.RELEASED),
    _case(RefundRule.PAID_PACKAGE, "refunded", FAIL, "refunded", state=PackageState.REFUNDED),
    _case(RefundRule.PAID_PACKAGE, "terminated", FAIL, "terminated", account_status="terminated"),
    _case(
        RefundRule.PAID_PACKAGE,
        "blocked, as terminated",
        FAIL,
        "terminated",
        account_status="blocked",
    ),
    _case(
        RefundRule.PAID_PACKAGE, "suspended is not over", PASS, "paid", account_status="suspended"
    ),
    _case(RefundRule.PAID_PACKAGE, "kind unknown", REVIEW, "unknown", kind=None),
    _case(RefundRule.PAID_PACKAGE, "state unknown", REVIEW, "unknown", state=None),
    _case(
        RefundRule.PAID_PACKAGE, "account's status unknown", REVIEW, "unknown", account_status=None
    ),
    # --- The window: bought on 10 March at 10:00, the fifth day after is 15 March
    _at("2026-03-10 10:00:00", PASS, "the instant of buying"),
    _at("2026-03-10 23:59:59", PASS, "the same day"),
    _at("2026-03-15 00:00:00", PASS, "the fifth day begins"),
    _at("2026-03-15 10:00:01", PASS, "more than 5 x 24 hours, still the fifth day"),
    _at("2026-03-15 23:59:59", PASS, "the last second"),
    _at("2026-03-15 23:59:59.999999", PASS, "the last microsecond"),
    _at("2026-03-16 00:00:00", FAIL, "one second later"),
    _at("2026-04-10 10:00:00", FAIL, "a month later"),
    _at("2026-03-13 23:59:59", PASS, "own window of 3 days, last second", promotions=OWN_3),
    _at("2026-03-14 00:00:00", FAIL, "own window of 3 days, one second later", promotions=OWN_3),
    _at("2026-03-10 23:59:59", PASS, "own window of the day itself", promotions=OWN_0),
    _at("2026-03-11 00:00:00", FAIL, "the day after it", promotions=OWN_0),
    _at("2026-04-09 23:59:59", PASS, "own window of 30 days, last second", promotions=OWN_30),
    _at("2026-04-10 00:00:00", FAIL, "own window of 30 days, one second later", promotions=OWN_30),
    _at(
        "2026-03-16 00:00:00",
        FAIL,
        "an own window of another order does not count",
        promotions=[_promotion("window", 30, of_package=False)],
    ),
    _at("2026-03-16 00:00:00", FAIL, "a usual promotion", promotions=[_promotion("policy")]),
    _at("2026-03-16 00:00:00", PASS, "2 days were lost", excluded=2 * DAY),
    _at("2026-03-17 23:59:59", PASS, "2 days lost, last second", excluded=2 * DAY),
    _at("2026-03-18 00:00:00", FAIL, "2 days lost, one second later", excluded=2 * DAY),
    _at("2026-03-16 00:59:59", PASS, "an hour was lost, last second", excluded=HOUR),
    _at("2026-03-16 01:00:00", FAIL, "an hour was lost, one second later", excluded=HOUR),
    _case(
        RefundRule.WINDOW,
        "bought at the last second of the day, 5 days ago",
        PASS,
        "inside",
        purchased_at=at("2026-03-07 23:59:59"),
    ),
    _case(
        RefundRule.WINDOW,
        "bought at the last second of the day before",
        FAIL,
        "over",
        purchased_at=at("2026-03-06 23:59:59"),
    ),
    _case(
        RefundRule.WINDOW,
        "a trial was not bought",
        FAIL,
        "no_purchase",
        kind=PackageKind.TRIAL,
        purchased_at=None,
        excluded=None,
    ),
    _case(RefundRule.WINDOW, "purchase unknown", REVIEW, "unknown", purchased_at=None),
    _case(RefundRule.WINDOW, "lost time unknown", REVIEW, "unknown", excluded=None),
    _case(RefundRule.WINDOW, "promotions unknown", REVIEW, "unknown", promotions=None),
    # --- Prepaid from the start
    _case(RefundRule.PREPAID, "from the start", PASS, "from_the_start"),
    _case(RefundRule.PREPAID, "switched", FAIL, "switched", is_switched_from_postpaid=True),
    _case(RefundRule.PREPAID, "unknown", REVIEW, "unknown", is_switched_from_postpaid=None),
    # --- One per entity
    _case(RefundRule.ONE_PER_ENTITY, "unused", PASS, "unused"),
    _case(RefundRule.ONE_PER_ENTITY, "done", FAIL, "used", entity_refunds=[_earlier("done")]),
    _case(
        RefundRule.ONE_PER_ENTITY,
        "done by another account",
        FAIL,
        "used",
        entity_refunds=[_earlier("done", same=False)],
    ),
    _case(RefundRule.ONE_PER_ENTITY, "pending", FAIL, "held", entity_refunds=[_earlier("pending")]),
    _case(
        RefundRule.ONE_PER_ENTITY,
        "pending at another account",
        FAIL,
        "held",
        entity_refunds=[_earlier("pending", same=False)],
    ),
    _case(
        RefundRule.ONE_PER_ENTITY,
        "rejected gives it back",
        PASS,
        "unused",
        entity_refunds=[_earlier("rejected")],
    ),
    _case(
        RefundRule.ONE_PER_ENTITY,
        "withdrawn gives it back",
        PASS,
        "unused",
        entity_refunds=[_earlier("withdrawn")],
    ),
    _case(
        RefundRule.ONE_PER_ENTITY,
        "one rejected, one done",
        FAIL,
        "used",
        entity_refunds=[_earlier("rejected"), _earlier("done", number="R2")],
    ),
    _case(
        RefundRule.ONE_PER_ENTITY,
        "a refund of zero does not use it",
        PASS,
        "unused",
        entity_refunds=[_earlier("done", zero=True), _earlier("pending", number="R2", zero=True)],
    ),
    _case(
        RefundRule.ONE_PER_ENTITY,
        "one of zero, one of money",
        FAIL,
        "used",
        entity_refunds=[_earlier("done", zero=True), _earlier("done", number="R2")],
    ),
    _case(RefundRule.ONE_PER_ENTITY, "unknown", REVIEW, "unknown", entity_refunds=None),
    # --- Promotions
    _case(RefundRule.PROMOTION, "none", PASS, "none_against"),
    _case(
        RefundRule.PROMOTION, "as usual", PASS, "none_against", promotions=[_promotion("policy")]
    ),
    _case(RefundRule.PROMOTION, "own window", PASS, "none_against", promotions=OWN_3),
    _case(
        RefundRule.PROMOTION,
        "not refundable",
        FAIL,
        "not_refundable",
        promotions=[_promotion("none")],
    ),
    _case(
        RefundRule.PROMOTION,
        "not refundable, of a later order",
        FAIL,
        "not_refundable",
        promotions=[_promotion("policy"), _promotion("none", of_package=False, name="Autumn")],
    ),
    _case(RefundRule.PROMOTION, "unknown", REVIEW, "unknown", promotions=None),
    # --- Guidelines
    _case(RefundRule.GUIDELINES, "clean", PASS, "clean"),
    _case(RefundRule.GUIDELINES, "serious", FAIL, "violation", violations=[_violation("serious")]),
    _case(RefundRule.GUIDELINES, "severe", FAIL, "violation", violations=[_violation("severe")]),
    _case(
        RefundRule.GUIDELINES,
        "severe beside an investigation",
        FAIL,
        "violation",
        violations=[_violation("violation", standing=False), _violation("severe", number="V2")],
    ),
    _case(RefundRule.GUIDELINES, "suspended", FAIL, "restricted", account_status="suspended"),
    _case(RefundRule.GUIDELINES, "terminated", FAIL, "restricted", account_status="terminated"),
    _case(RefundRule.GUIDELINES, "blocked", FAIL, "restricted", account_status="blocked"),
    _case(
        RefundRule.GUIDELINES,
        "lifted, but the violation stands",
        FAIL,
        "violation",
        violations=[_violation("serious")],
        account_status="active",
    ),
    _case(
        RefundRule.GUIDELINES,
        "a severe one under investigation",
        REVIEW,
        "investigated",
        violations=[_violation("severe", standing=False)],
    ),
    _case(
        RefundRule.GUIDELINES,
        "a mild one under investigation",
        REVIEW,
        "investigated",
        violations=[_violation("violation", standing=False)],
    ),
    _case(
        RefundRule.GUIDELINES,
        "a standing warning",
        REVIEW,
        "warned",
        violations=[_violation("violation")],
    ),
    _case(RefundRule.GUIDELINES, "status unknown", REVIEW, "unknown", account_status=None),
    _case(RefundRule.GUIDELINES, "violations unknown", REVIEW, "unknown", violations=None),
    # --- Nothing out of the ordinary
    _case(RefundRule.NOT_ABNORMAL, "first", PASS, "usual"),
    _case(RefundRule.NOT_ABNORMAL, "one before", PASS, "usual", recent_asks=1),
    _case(RefundRule.NOT_ABNORMAL, "two before", REVIEW, "needs_check", recent_asks=2),
    _case(RefundRule.NOT_ABNORMAL, "nine before", REVIEW, "needs_check", recent_asks=9),
    _case(RefundRule.NOT_ABNORMAL, "a hold", REVIEW, "needs_check", has_hold=True),
    _case(RefundRule.NOT_ABNORMAL, "asks unknown", REVIEW, "unknown", recent_asks=None),
    _case(RefundRule.NOT_ABNORMAL, "hold unknown", REVIEW, "unknown", has_hold=None),
    # --- Nothing in flight
    _case(RefundRule.NOTHING_IN_FLIGHT, "nothing", PASS, "nothing_open"),
    _case(RefundRule.NOTHING_IN_FLIGHT, "an order", FAIL, "open", open_orders=["O1"]),
    _case(RefundRule.NOTHING_IN_FLIGHT, "a refund", FAIL, "open", open_refunds=["R1"]),
    _case(RefundRule.NOTHING_IN_FLIGHT, "orders unknown", REVIEW, "unknown", open_orders=None),
    _case(RefundRule.NOTHING_IN_FLIGHT, "refunds unknown", REVIEW, "unknown", open_refunds=None),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.name}")
def test_what_one_rule_says(case: Case) -> None:
    result = _ask(case.asked_at, **case.facts).of(case.rule)
    assert (result.outcome, result.code) == (case.outcome, case.code)


def test_every_rule_is_asked_in_the_order_of_the_list() -> None:
    assert [result.rule for result in _ask().results] == list(RefundRule)
    assert _ask().outcome == PASS
    assert _ask().version == POLICY_VERSION


#: For each rule, facts that fail it and no other rule.
BREAKS: dict[RefundRule, dict[str, Any]] = {
    RefundRule.PAID_PACKAGE: {"state": PackageState.RELEASED},
    RefundRule.WINDOW: {"purchased_at": BOUGHT - 40 * DAY},
    RefundRule.PREPAID: {"is_switched_from_postpaid": True},
    RefundRule.ONE_PER_ENTITY: {"entity_refunds": [_earlier("done")]},
    RefundRule.PROMOTION: {"promotions": [_promotion("none")]},
    RefundRule.GUIDELINES: {"violations": [_violation("serious")]},
    RefundRule.NOTHING_IN_FLIGHT: {"open_orders": ["O1"]},
}


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(set(pair), id="+".join(pair))
        for size in (1, 2, len(BREAKS))
        for pair in itertools.combinations(BREAKS, size)
    ],
)
def test_no_rule_silences_another(broken: set[RefundRule]) -> None:
    facts: dict[str, Any] = {}
    for rule in broken:
        facts |= BREAKS[rule]
    trace = _ask(**facts)
    assert {result.rule for result in trace.failed()} == broken
    assert trace.outcome == FAIL
    assert len(trace.results) == len(RefundRule)


def test_nothing_known_is_review_and_never_a_grant() -> None:
    trace = evaluate(RefundFacts(), asked_at=ASKED, tz=SHANGHAI, config=CONFIG)
    assert {(result.outcome, result.code) for result in trace.results} == {(REVIEW, "unknown")}
    assert trace.outcome == REVIEW


UNKNOWABLE = list(RefundFacts.__dataclass_fields__)


@pytest.mark.parametrize("name", UNKNOWABLE)
def test_no_single_unknown_fact_is_waved_through(name: str) -> None:
    facts: dict[str, Any] = {name: None}
    assert _ask(**facts).outcome == REVIEW


@pytest.mark.parametrize("name", UNKNOWABLE)
def test_a_failure_beside_an_unknown_fact_still_fails(name: str) -> None:
    is_prepaid = name == "is_switched_from_postpaid"
    facts = BREAKS[RefundRule.NOTHING_IN_FLIGHT if is_prepaid else RefundRule.PREPAID]
    assert _ask(**{**facts, name: None}).outcome == FAIL


def test_a_failure_outweighs_a_review() -> None:
    assert _ask(has_hold=True).outcome == REVIEW
    assert _ask(has_hold=True, is_switched_from_postpaid=True).outcome == FAIL


def test_thresholds_are_the_configurations() -> None:
    config = RefundConfig(window_days=1, review_asks=1)
    trace = evaluate(
        replace(GOOD, recent_asks=1), asked_at=at("2026-03-12 00:00:00"), tz=SHANGHAI, config=config
    )
    assert trace.of(RefundRule.WINDOW).code == "over"
    assert trace.of(RefundRule.NOT_ABNORMAL).code == "needs_check"


# --- Zones -----------------------------------------------------------------------------------


@pytest.fixture
def server_zone(request: pytest.FixtureRequest, settings: Any) -> Iterator[str]:
    """The zone of the machine and of the server's settings, which must not matter."""
    was = os.environ.get("TZ")
    os.environ["TZ"] = settings.TIME_ZONE = request.param
    time.tzset()
    yield request.param
    os.environ.pop("TZ") if was is None else os.environ.update(TZ=was)
    time.tzset()


@pytest.mark.parametrize(
    "server_zone",
    ["UTC", "America/New_York", "Europe/Berlin", "Pacific/Auckland", "America/St_Johns"],
    indirect=True,
)
@pytest.mark.parametrize(
    ("bought", "last"),
    [
        # Each spans a change of the clocks of one of the zones above.
        ("2026-03-05 10:00:00", "2026-03-10 23:59:59"),
        ("2026-03-27 00:00:00", "2026-04-01 23:59:59"),
        ("2026-10-22 23:59:59", "2026-10-27 23:59:59"),
        ("2026-10-29 12:00:00", "2026-11-03 23:59:59"),
    ],
)
def test_the_machines_zone_does_not_move_the_window(
    server_zone: str, bought: str, last: str
) -> None:
    facts: dict[str, Any] = {"purchased_at": at(bought)}
    assert _ask(at(last), **facts).of(RefundRule.WINDOW).outcome == PASS
    assert _ask(at(last) + SECOND, **facts).of(RefundRule.WINDOW).outcome == FAIL


@pytest.mark.parametrize(
    ("zone", "bought", "last"),
    [
        pytest.param("America/New_York", "2026-03-06 12:00:00", "2026-03-11 23:59:59", id="spring"),
        pytest.param("America/New_York", "2026-10-30 12:00:00", "2026-11-04 23:59:59", id="autumn"),
        pytest.param("Europe/Berlin", "2026-03-24 12:00:00", "2026-03-29 23:59:59", id="last day"),
        pytest.param("Europe/Berlin", "2026-10-20 12:00:00", "2026-10-25 23:59:59", id="25 hours"),
        pytest.param(
            "Africa/Cairo", "2026-04-19 12:00:00", "2026-04-24 23:59:59", id="no midnight"
        ),
        # The fifth day ends 23:59:59 after an hour that comes twice.
        pytest.param("Australia/Lord_Howe", "2026-04-01 01:00:00", "2026-04-06 23:59:59", id="½ h"),
    ],
)
def test_the_billing_zones_days_count_when_its_clocks_change(
    zone: str, bought: str, last: str
) -> None:
    tz = ZoneInfo(zone)
    facts: dict[str, Any] = {"purchased_at": at(bought, tz)}
    assert _ask(at(last, tz), tz=tz, **facts).of(RefundRule.WINDOW).outcome == PASS
    assert _ask(at(last, tz) + SECOND, tz=tz, **facts).of(RefundRule.WINDOW).outcome == FAIL


def test_one_purchase_has_other_last_seconds_in_other_zones() -> None:
    # 10 March 23:30 in Shanghai is 10 March 11:30 in New York.
    bought = at("2026-03-10 23:30:00")
    asked = at("2026-03-16 11:00:00")  # 15 March 23:00 in New York
    assert _ask(asked, purchased_at=bought).of(RefundRule.WINDOW).outcome == FAIL
    there = _ask(asked, tz=ZoneInfo("America/New_York"), purchased_at=bought)
    assert there.of(RefundRule.WINDOW).outcome == PASS


# --- What is kept ----------------------------------------------------------------------------


def test_the_numbers_behind_a_result_are_kept() -> None:
    window = _ask(excluded=2 * DAY, promotions=OWN_3).of(RefundRule.WINDOW)
    assert window.numbers == {
        "days": 3,
        "purchased_at": BOUGHT.isoformat(),
        "ends_at": "2026-03-15T16:00:00+00:00",
        "excluded_seconds": 172_800,
    }
    one = _ask(
        entity_refunds=[_earlier("done", same=False, number="R8"), _earlier("pending", number="R7")]
    ).of(RefundRule.ONE_PER_ENTITY)
    assert (one.numbers, one.staff_numbers) == ({"own": ["R7"]}, {"all": ["R7", "R8"]})
    abnormal = _ask(recent_asks=3, has_hold=True).of(RefundRule.NOT_ABNORMAL)
    assert abnormal.numbers == {}
    assert abnormal.staff_numbers == {"recent_asks": 3, "has_hold": True}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.name}")
def test_a_stored_trace_is_read_back_unchanged(case: Case) -> None:
    trace = _ask(case.asked_at, **case.facts)
    assert RefundTrace.from_json(trace.to_json()) == trace
