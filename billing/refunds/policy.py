"""Whether a package may be refunded in full: pure, every rule asked, none short-circuits.

Facts go in as a frozen value, together with the time; out comes the whole trace. A fact that
could not be had (None) gives review, never pass. Results keep codes and plain numbers, so that a
stored trace can be read years later, in any language: see `describe`.

Source: Refund Guide, "Five-Day Unconditional Full Refund" and "Refund Instructions"; Telephone
Service Connect Guidelines for the rule on violations. What the guide leaves open is marked
"decided" beside the rule.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from billing.calendar import refund_window_ends
from billing.enums import (
    OVER_STATES,
    PackageKind,
    PackageState,
    PromotionRefundRule,
    RefundRuleOutcome,
    RefundStatus,
)
from billing.refunds.trace import FAIL, PASS, REVIEW, RefundRule, RefundTrace, RuleResult


@dataclass(frozen=True)
class EntityRefund:
    """A refund that the legal entity made or asked for, on any of its accounts.

    `is_zero`: coupons paid for everything, so no money comes back.
    """

    number: str
    status: RefundStatus
    is_same_account: bool
    is_zero: bool = False

    @property
    def uses_right(self) -> bool:
        """Whether it uses, or holds, the entity's one full refund; one of zero does not."""
        return not self.is_zero and self.status in {RefundStatus.PENDING, RefundStatus.DONE}


@dataclass(frozen=True)
class PromotionFacts:
    """The promotion of one order on the package."""

    name: str
    rule: PromotionRefundRule
    window_days: int | None
    is_of_package_order: bool


@dataclass(frozen=True)
class ViolationFacts:
    """A violation of the account, as far as a refund cares."""

    number: str
    severity: str
    is_standing: bool

    @property
    def bars_refund(self) -> bool:
        """Whether it stands and is Serious or Severe (guide: used or unused, no refund)."""
        return self.is_standing and self.severity in {"serious", "severe"}


@dataclass(frozen=True)
class RefundFacts:
    """All that the rules ask for; None where a fact could not be had.

    `state` is the package's derived state, `excluded` the time since the purchase under measures
    that were overturned, `recent_asks` the refunds that the entity asked for before this one in
    the days that the configuration names.
    """

    kind: PackageKind | None = None
    state: PackageState | None = None
    purchased_at: datetime | None = None
    excluded: timedelta | None = None
    is_switched_from_postpaid: bool | None = None
    entity_refunds: Sequence[EntityRefund] | None = None
    promotions: Sequence[PromotionFacts] | None = None
    account_status: str | None = None
    violations: Sequence[ViolationFacts] | None = None
    recent_asks: int | None = None
    has_hold: bool | None = None
    open_orders: Sequence[str] | None = None
    open_refunds: Sequence[str] | None = None


@dataclass(frozen=True)
class RefundConfig:
    """The policy's numbers, which are settings."""

    window_days: int
    review_asks: int


@dataclass(frozen=True)
class _Question:
    facts: RefundFacts
    config: RefundConfig
    asked_at: datetime
    tz: ZoneInfo


Answer = tuple[RefundRuleOutcome, str, Mapping[str, Any]]
_UNKNOWN: Answer = (REVIEW, "unknown", {})


#: The account's statuses under which its packages are over: blocked is as terminated.
_TERMINATED = frozenset({"terminated", "blocked"})


def _paid_package(question: _Question) -> Answer:
    """Fail for a trial and for a package that is over (ADR 0031).

    That a package is terminated follows from its account's status.
    """
    kind, state = question.facts.kind, question.facts.state
    if kind is None or state is None:
        return _UNKNOWN
    if kind == PackageKind.TRIAL:
        return FAIL, "trial", {}
    if state in OVER_STATES:
        return FAIL, state.value, {}
    if question.facts.account_status is None:
        return _UNKNOWN
    if question.facts.account_status in _TERMINATED:
        return FAIL, "terminated", {}
    return PASS, "paid", {}


def find_window_days(promotions: Sequence[PromotionFacts], usual: int) -> int:
    """Return the days of the window: the package order's promotion may set its own (guide)."""
    own = [
        promotion.window_days
        for promotion in promotions
        if promotion.is_of_package_order
        and promotion.rule == PromotionRefundRule.WINDOW
        and promotion.window_days is not None
    ]
    return own[0] if own else usual


def _window(question: _Question) -> Answer:
    """Fail once the local day is later than the last day of the window (guide: five days).

    ADR 0032: the day of payment is day 0 and the fifth day after it counts to its end; time under
    an overturned measure moves the end.
    """
    facts = question.facts
    if facts.kind == PackageKind.TRIAL:
        return FAIL, "no_purchase", {}
    if facts.purchased_at is None or facts.excluded is None or facts.promotions is None:
        return _UNKNOWN
    days = find_window_days(facts.promotions, question.config.window_days)
    ends_at = refund_window_ends(facts.purchased_at, days, question.tz, facts.excluded)
    numbers = {
        "days": days,
        "purchased_at": facts.purchased_at.isoformat(),
        "ends_at": ends_at.isoformat(),
        "excluded_seconds": int(facts.excluded.total_seconds()),
    }
    return (PASS, "inside", numbers) if question.asked_at < ends_at else (FAIL, "over", numbers)


def _prepaid(question: _Question) -> Answer:
    """Fail for a package that was switched from postpaid (guide)."""
    switched = question.facts.is_switched_from_postpaid
    if switched is None:
        return _UNKNOWN
    return (FAIL, "switched", {}) if switched else (PASS, "from_the_start", {})


def _one_per_entity(question: _Question) -> Answer:
    """Fail where the legal entity used, or holds, its one full refund of the product (guide).

    A rejected or withdrawn request gives the right back, and a refund of zero does not use it
    (ADR 0007). The customer never reads which other account used it.
    """
    refunds = question.facts.entity_refunds
    if refunds is None:
        return _UNKNOWN
    claiming = [refund for refund in refunds if refund.uses_right]
    if not claiming:
        return PASS, "unused", {}
    used = any(refund.status == RefundStatus.DONE for refund in claiming)
    own = sorted(refund.number for refund in claiming if refund.is_same_account)
    return FAIL, "used" if used else "held", {"own": own}


def _promotion(question: _Question) -> Answer:
    """Fail where the promotion of any order on the package rules refunds out (guide)."""
    promotions = question.facts.promotions
    if promotions is None:
        return _UNKNOWN
    barred = sorted({p.name for p in promotions if p.rule == PromotionRefundRule.NONE})
    if barred:
        return FAIL, "not_refundable", {"names": barred}
    return PASS, "none_against", {}


def _guidelines(question: _Question) -> Answer:
    """Fail under a standing Serious or Severe violation, or a restricted account (guide).

    Review for a violation still under investigation and for a standing warning, to which the
    guide's table attaches no bar (ADR 0033).
    """
    facts = question.facts
    if facts.account_status is None or facts.violations is None:
        return _UNKNOWN
    barring = sorted(v.number for v in facts.violations if v.bars_refund)
    if barring:
        return FAIL, "violation", {"numbers": barring}
    if facts.account_status != "active":
        return FAIL, "restricted", {"status": facts.account_status}
    open_cases = sorted(v.number for v in facts.violations if not v.is_standing)
    if open_cases:
        return REVIEW, "investigated", {"numbers": open_cases}
    warnings = sorted(v.number for v in facts.violations)
    if warnings:
        return REVIEW, "warned", {"numbers": warnings}
    return PASS, "clean", {}


def _not_abnormal(question: _Question) -> Answer:
    """Review where refunds were asked for too often, or staff put a hold on the account.

    The customer reads only that staff will check; why is in the numbers for staff (ADR 0034).
    """
    facts = question.facts
    if facts.recent_asks is None or facts.has_hold is None:
        return _UNKNOWN
    if facts.has_hold or facts.recent_asks >= question.config.review_asks:
        return REVIEW, "needs_check", {}
    return PASS, "usual", {}


def _nothing_in_flight(question: _Question) -> Answer:
    """Fail while an unpaid order or another refund is open on the package (ADR 0035)."""
    orders, refunds = question.facts.open_orders, question.facts.open_refunds
    if orders is None or refunds is None:
        return _UNKNOWN
    if orders or refunds:
        return FAIL, "open", {"orders": sorted(orders), "refunds": sorted(refunds)}
    return PASS, "nothing_open", {}


_RULES: Mapping[RefundRule, Callable[[_Question], Answer]] = {
    RefundRule.PAID_PACKAGE: _paid_package,
    RefundRule.WINDOW: _window,
    RefundRule.PREPAID: _prepaid,
    RefundRule.ONE_PER_ENTITY: _one_per_entity,
    RefundRule.PROMOTION: _promotion,
    RefundRule.GUIDELINES: _guidelines,
    RefundRule.NOT_ABNORMAL: _not_abnormal,
    RefundRule.NOTHING_IN_FLIGHT: _nothing_in_flight,
}


def _staff_numbers(rule: RefundRule, facts: RefundFacts) -> Mapping[str, Any]:
    if rule == RefundRule.NOT_ABNORMAL:
        return {"recent_asks": facts.recent_asks, "has_hold": facts.has_hold}
    if rule == RefundRule.ONE_PER_ENTITY:
        return {"all": sorted(refund.number for refund in facts.entity_refunds or ())}
    return {}


def evaluate(
    facts: RefundFacts, *, asked_at: datetime, tz: ZoneInfo, config: RefundConfig
) -> RefundTrace:
    """Ask every rule about a refund that the customer asks, or asked, for at `asked_at`."""
    question = _Question(facts, config, asked_at, tz)
    results = []
    for rule, judge in _RULES.items():
        outcome, code, numbers = judge(question)
        results.append(RuleResult(rule, outcome, code, numbers, _staff_numbers(rule, facts)))
    return RefundTrace(tuple(results))
