"""What may be done about a violation, and what follows from it. Pure: facts in, reasons out.

Every function that judges returns all that stands against an act, not just the first; nothing
returned means that it may be done.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from compliance.enums import STANDING_STATES, CaseState, Severity, ViolationMeasure


@dataclass(frozen=True)
class PolicyProblem:
    """One reason against an act; `field` is the form field at fault, if any."""

    code: str
    message: str | Promise
    field: str | None = None


@dataclass(frozen=True)
class ViolationRule:
    """What a rule book says of a behavior, as far as acts depend on it."""

    severity: Severity
    measures: tuple[ViolationMeasure, ...]
    allows_legal_follow_up: bool = False
    refers_to_request: bool = False


def judge_request_reference(
    rule: ViolationRule, *, has_approved_request: bool, is_request_named: bool
) -> tuple[PolicyProblem, ...]:
    """Say what is wrong with naming, or not naming, the connection request of a case.

    A behavior about the declared business refers to the approved request that it deviates from;
    where there never was one, the business was run without any (rule book, behaviors 3 and 4).
    """
    if is_request_named and not rule.refers_to_request:
        return (
            PolicyProblem(
                "request_not_about",
                _("This behavior is not about a declared business. Leave the request empty."),
                "connection",
            ),
        )
    if rule.refers_to_request and has_approved_request and not is_request_named:
        return (
            PolicyProblem(
                "request_missing",
                _("Choose the approved connection request that the calls deviate from."),
                "connection",
            ),
        )
    return ()


def judge_measure(
    rule: ViolationRule, measure: ViolationMeasure, *, consequences: str, is_legal_follow_up: bool
) -> tuple[PolicyProblem, ...]:
    """Say what stands against a measure under the rule that the case is judged by."""
    problems = []
    if measure not in rule.measures:
        problems.append(
            PolicyProblem(
                "measure_not_allowed",
                _("The rule book does not provide this measure for a behavior of this severity."),
                "measure",
            )
        )
    if is_legal_follow_up and not rule.allows_legal_follow_up:
        problems.append(
            PolicyProblem(
                "no_legal_follow_up",
                _("Only a severe violation can be marked for legal follow-up."),
                "is_legal_follow_up",
            )
        )
    if is_legal_follow_up and not consequences.strip():
        problems.append(
            PolicyProblem(
                "consequences_missing",
                _("Legal follow-up requires a serious impact or consequences on record."),
                "consequences",
            )
        )
    return tuple(problems)


#: The states in which a measure that was taken holds.
MEASURE_STATES = (CaseState.ACTIONED, CaseState.APPEALED, CaseState.UPHELD)


def judge_lifting(state: CaseState, measure: str, *, is_lifted: bool) -> tuple[PolicyProblem, ...]:
    """Say what stands against lifting a measure while its violation keeps standing.

    A termination or a block holds permanently; only an overturned appeal ends it (ADR 0045).
    """
    if state not in MEASURE_STATES:
        return (PolicyProblem("no_measure", _("This case has no measure that still applies.")),)
    if measure != ViolationMeasure.SUSPEND:
        return (
            PolicyProblem(
                "not_liftable",
                _(
                    "Only a suspension can be lifted. Other measures can only be "
                    "overturned on appeal."
                ),
            ),
        )
    if is_lifted:
        return (PolicyProblem("lifted_already", _("The suspension has already been lifted.")),)
    return ()


@dataclass(frozen=True)
class AppealFacts:
    """What decides whether a case can be appealed.

    `noticed_at` is when the customer was last told of a decision: of the measure, or of an
    earlier appeal; `rounds` counts the appeals made.
    """

    state: CaseState
    noticed_at: datetime | None
    rounds: int


@dataclass(frozen=True)
class AppealLimits:
    """How long after a notice, and how often, a case can be appealed (settings)."""

    window: timedelta
    rounds: int


def appeal_deadline(facts: AppealFacts, limits: AppealLimits) -> datetime | None:
    """Return the last instant at which an appeal is in time; None where nothing was noticed."""
    return None if facts.noticed_at is None else facts.noticed_at + limits.window


def judge_appeal(
    facts: AppealFacts, limits: AppealLimits, now: datetime
) -> tuple[PolicyProblem, ...]:
    """Say what stands against a new appeal at `now`."""
    if facts.state == CaseState.APPEALED:
        return (PolicyProblem("appeal_open", _("An appeal of this case is awaiting a decision.")),)
    if facts.state not in {CaseState.ACTIONED, CaseState.UPHELD}:
        return (PolicyProblem("not_appealable", _("There is no measure to appeal.")),)
    problems = []
    if facts.rounds >= limits.rounds:
        problems.append(
            PolicyProblem("appeals_used", _("All appeals that this case allows have been made."))
        )
    deadline = appeal_deadline(facts, limits)
    if deadline is None or now > deadline:
        problems.append(PolicyProblem("appeal_late", _("The time to appeal is over.")))
    return tuple(problems)


def judge_appeal_decider(
    decider: int | None, *, handlers: frozenset[int], submitter: int | None
) -> tuple[PolicyProblem, ...]:
    """Say what stands against this person deciding an appeal (user ids).

    Anyone who worked on the case has an opinion of it, and no one decides what they asked for
    themselves.
    """
    if decider is None or decider in handlers:
        return (
            PolicyProblem(
                "same_handler",
                _("An appeal must be decided by someone who did not handle the case."),
            ),
        )
    if decider == submitter:
        return (PolicyProblem("own_appeal", _("You cannot decide your own appeal.")),)
    return ()


class Capability(models.TextChoices):
    """What an account can no longer do because of a violation."""

    REFUND = "refund", _("Refunds of packages and agents, used or unused")
    REFUND_CHECK = "refund_check", _("Refunds without a check by our staff")
    CALLS = "calls", _("Calls: all agents are out of service")
    BUY = "buy", _("Buying, paying, renewing and upgrading, automatic renewal included")
    ACTIVATE = "activate", _("Activating applications")
    ACTIVATE_ENTITY = (
        "activate_entity",
        _("Activating applications, in every account of the company"),
    )


@dataclass(frozen=True)
class CaseFacts:
    """What decides which capabilities a case takes away. `is_standing` heeds faded warnings."""

    state: CaseState
    measure: str
    bars_refund: bool
    is_lifted: bool
    is_standing: bool


def capabilities_off(facts: CaseFacts) -> tuple[Capability, ...]:
    """Return what the case takes away on its own, in the order in which it is shown."""
    if not facts.is_standing or facts.state not in STANDING_STATES:
        return ()
    off = [Capability.REFUND if facts.bars_refund else Capability.REFUND_CHECK]
    restricts = facts.measure not in {"", ViolationMeasure.WARN} and not facts.is_lifted
    if restricts:
        off += [Capability.CALLS, Capability.BUY]
        is_blocked = facts.measure == ViolationMeasure.BLOCK
        off.append(Capability.ACTIVATE_ENTITY if is_blocked else Capability.ACTIVATE)
    return tuple(off)
