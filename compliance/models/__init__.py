"""What compliance stores."""

from compliance.models.appeals import Appeal
from compliance.models.connections import ConnectionRequest
from compliance.models.evidence import Evidence
from compliance.models.rule_book import Behaviour, RuleBook
from compliance.models.screening import FlagWord, Industry, ScreeningEntry
from compliance.models.violations import Violation, ViolationEvent

__all__ = [
    "Appeal",
    "Behaviour",
    "ConnectionRequest",
    "Evidence",
    "FlagWord",
    "Industry",
    "RuleBook",
    "ScreeningEntry",
    "Violation",
    "ViolationEvent",
]
