"""The refund's trace in words: complete, in the billing zone, and discreet."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from billing.enums import PackageKind, PackageState, PromotionRefundRule, RefundStatus
from billing.refunds.labels import RuleWords, describe_rule, describe_trace
from billing.refunds.policy import (
    EntityRefund,
    PromotionFacts,
    RefundConfig,
    RefundFacts,
    ViolationFacts,
    evaluate,
)
from billing.refunds.trace import RefundRule, RefundTrace
from tests.billing.acts import SHANGHAI, at
from tests.billing.test_refund_policy import ASKED, CASES, CONFIG, GOOD

OTHER_ACCOUNT = EntityRefund("R-OTHER", RefundStatus.DONE, is_same_account=False)
OWN = EntityRefund("R-OWN", RefundStatus.PENDING, is_same_account=True)


def _trace(**facts: Any) -> RefundTrace:
    return evaluate(replace(GOOD, **facts), asked_at=ASKED, tz=SHANGHAI, config=CONFIG)


def _words(rule: RefundRule, *, for_staff: bool = False, **facts: Any) -> RuleWords:
    return describe_rule(_trace(**facts).of(rule), tz=SHANGHAI, for_staff=for_staff)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}: {case.name}")
def test_every_result_has_words_of_its_own(case: Any) -> None:
    trace = evaluate(
        replace(GOOD, **case.facts), asked_at=case.asked_at, tz=SHANGHAI, config=CONFIG
    )
    found = describe_rule(trace.of(case.rule), tz=SHANGHAI)
    assert found.rule == case.rule.value
    assert found.outcome == case.outcome
    assert found.title
    assert found.source
    assert (found.fact == "This could not be established.") == (case.code == "unknown")
    assert bool(found.needed) == (case.outcome != "pass")
    assert "%(" not in found.fact + found.needed
    assert found.staff_note == ""


def test_a_trace_is_told_in_the_order_of_its_rules() -> None:
    assert [words.rule for words in describe_trace(_trace(), tz=SHANGHAI)] == list(RefundRule)


def test_deadlines_name_their_zone_and_the_last_second_that_counts() -> None:
    words = _words(RefundRule.WINDOW)
    assert words.fact == (
        "Bought on 10 Mar 2026, 10:00:00 UTC+8. "
        "The window is open until 15 Mar 2026, 23:59:59 UTC+8 (5 days)."
    )
    late = evaluate(GOOD, asked_at=at("2026-03-16 00:00:00"), tz=SHANGHAI, config=CONFIG)
    there = describe_rule(late.of(RefundRule.WINDOW), tz=ZoneInfo("America/New_York"))
    assert there.fact == (
        "Bought on 9 Mar 2026, 22:00:00 UTC−4. "
        "The window of 5 days ended at 15 Mar 2026, 11:59:59 UTC−4."
    )


@pytest.mark.parametrize(
    ("rule", "facts", "part"),
    [
        (RefundRule.ONE_PER_ENTITY, {"entity_refunds": [OWN]}, "R-OWN"),
        (
            RefundRule.PROMOTION,
            {"promotions": [PromotionFacts("Spring", PromotionRefundRule.NONE, None, True)]},
            "Spring",
        ),
        (RefundRule.GUIDELINES, {"violations": [ViolationFacts("V-7", "severe", True)]}, "V-7"),
        (RefundRule.GUIDELINES, {"account_status": "suspended"}, "suspended"),
        (RefundRule.NOTHING_IN_FLIGHT, {"open_orders": ["O-2", "O-1"]}, "O-1, O-2"),
        (
            RefundRule.NOTHING_IN_FLIGHT,
            {"open_orders": ["O-1"], "open_refunds": ["R-1"]},
            "O-1, R-1",
        ),
    ],
)
def test_the_fact_that_decided_is_named(rule: RefundRule, facts: dict[str, Any], part: str) -> None:
    assert part in _words(rule, **facts).fact


# --- What a customer never reads -------------------------------------------------------------


def test_a_customer_does_not_read_which_account_used_the_right() -> None:
    words = _words(RefundRule.ONE_PER_ENTITY, entity_refunds=[OTHER_ACCOUNT])
    assert words.fact == "The company has used its one full refund."
    assert "R-OTHER" not in repr(words)


@pytest.mark.parametrize(("hold", "asks"), [(True, 0), (False, 2), (False, 7), (True, 7)], ids=str)
def test_a_customer_reads_the_same_of_a_hold_and_of_many_refunds(hold: bool, asks: int) -> None:
    words = _words(RefundRule.NOT_ABNORMAL, has_hold=hold, recent_asks=asks)
    assert words.fact == "This request needs a check by our staff."
    assert words == _words(RefundRule.NOT_ABNORMAL, has_hold=True, recent_asks=2)
    text = repr(words).lower()
    assert "hold" not in text
    assert not any(digit in text for digit in "0123456789")


def test_staff_read_why_a_check_is_needed_and_whose_the_other_refunds_are() -> None:
    abnormal = _words(RefundRule.NOT_ABNORMAL, for_staff=True, has_hold=True, recent_asks=3)
    assert abnormal.staff_note == "Recent refund requests: 3. Refund hold: yes."
    one = _words(RefundRule.ONE_PER_ENTITY, for_staff=True, entity_refunds=[OTHER_ACCOUNT])
    assert one.staff_note == "Refunds of the company: R-OTHER."


def test_no_words_of_a_full_trace_tell_what_only_staff_may_know() -> None:
    trace = evaluate(
        RefundFacts(
            kind=PackageKind.PAID,
            state=PackageState.ACTIVE,
            purchased_at=at("2026-03-10 10:00:00"),
            excluded=timedelta(0),
            entity_refunds=[OTHER_ACCOUNT],
            recent_asks=41,
            has_hold=True,
        ),
        asked_at=ASKED,
        tz=SHANGHAI,
        config=RefundConfig(window_days=5, review_asks=37),
    )
    text = repr(describe_trace(trace, tz=SHANGHAI))
    for secret in ("R-OTHER", "41", "37", "hold"):
        assert secret not in text
    assert "R-OTHER" in repr(describe_trace(trace, tz=SHANGHAI, for_staff=True))


def test_a_stored_trace_is_told_as_it_was() -> None:
    trace = _trace(has_hold=True, entity_refunds=[OWN], open_orders=["O-1"])
    again = RefundTrace.from_json(trace.to_json())
    assert describe_trace(again, tz=SHANGHAI) == describe_trace(trace, tz=SHANGHAI)
