"""What the rules of a refund said: codes and plain numbers, so that it can be read years later.

`billing.refunds.labels` puts a stored trace into words, in any language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from billing.enums import RefundRuleOutcome

POLICY_VERSION = "full-refund/2"

PASS = RefundRuleOutcome.PASS
FAIL = RefundRuleOutcome.FAIL
REVIEW = RefundRuleOutcome.REVIEW


class RefundRule(StrEnum):
    """The rules, in the order in which they are shown."""

    PAID_PACKAGE = "paid_package"
    WINDOW = "window"
    PREPAID = "prepaid"
    ONE_PER_ENTITY = "one_per_entity"
    PROMOTION = "promotion"
    GUIDELINES = "guidelines"
    NOT_ABNORMAL = "not_abnormal"
    NOTHING_IN_FLIGHT = "nothing_in_flight"


@dataclass(frozen=True)
class RuleResult:
    """What one rule says: an outcome, a code for the reason, and the facts used.

    `numbers` may be shown to the customer, `staff_numbers` never.
    """

    rule: RefundRule
    outcome: RefundRuleOutcome
    code: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    staff_numbers: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "rule": self.rule.value,
            "outcome": self.outcome.value,
            "code": self.code,
            "numbers": dict(self.numbers),
            "staff_numbers": dict(self.staff_numbers),
        }


@dataclass(frozen=True)
class RefundTrace:
    """All results, in order."""

    results: tuple[RuleResult, ...]
    version: str = POLICY_VERSION

    @cached_property
    def outcome(self) -> RefundRuleOutcome:
        """Fail where any rule fails, else review where any asks for it, else pass."""
        outcomes = {result.outcome for result in self.results}
        return FAIL if FAIL in outcomes else REVIEW if REVIEW in outcomes else PASS

    def of(self, rule: RefundRule) -> RuleResult:
        """Return one rule's result."""
        return next(result for result in self.results if result.rule == rule)

    def failed(self) -> list[RuleResult]:
        """Return the results that stand against the refund."""
        return [result for result in self.results if result.outcome == FAIL]

    def to_json(self) -> dict[str, Any]:
        """Return plain data, to be stored with the refund."""
        return {
            "version": self.version,
            "results": [result.to_json() for result in self.results],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "RefundTrace":
        """Return the trace that `to_json` gave."""
        return cls(
            results=tuple(
                RuleResult(
                    rule=RefundRule(row["rule"]),
                    outcome=RefundRuleOutcome(row["outcome"]),
                    code=row["code"],
                    numbers=row["numbers"],
                    staff_numbers=row["staff_numbers"],
                )
                for row in data["results"]
            ),
            version=data["version"],
        )
