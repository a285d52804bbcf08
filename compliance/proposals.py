"""What takes two people in compliance: measures, lifting them, and revoking an approval."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Proposal, User
from accounts.services.proposals import (
    Facts,
    ProposalKind,
    approval_of,
    register_proposal,
)
from compliance.enums import ViolationMeasure
from compliance.models import ConnectionRequest, Violation
from compliance.services.connections import decide_connection, require_connection_transition
from compliance.services.measures import (
    act_on_violation,
    check_lifting,
    check_measure,
    lift_measure,
)
from compliance.transitions import ConnectionAct


def _case_facts(case: Violation) -> list[Any]:
    return [
        (_("Violation"), case),
        (_("Behavior"), case.behaviour.label),
        (_("Severity"), case.get_severity_display()),
        (_("What happened"), case.summary),
        (_("Finding"), case.decision),
    ]


def _measure_facts(proposal: Proposal) -> Facts:
    payload = proposal.payload
    legal = gettext("Yes") if payload["is_legal_follow_up"] else gettext("No")
    return [
        *_case_facts(proposal.target),
        (_("Measure"), ViolationMeasure(payload["measure"]).label),
        (_("Serious impact or consequences"), payload["consequences"]),
        (_("Mark for legal follow-up"), legal),
    ]


def _check_measure(proposal: Proposal, now: datetime) -> None:
    payload = proposal.payload
    check_measure(
        proposal.target,
        ViolationMeasure(payload["measure"]),
        consequences=payload["consequences"],
        is_legal_follow_up=payload["is_legal_follow_up"],
    )


def _act(proposal: Proposal, by: User, now: datetime) -> Violation:
    payload = proposal.payload
    return act_on_violation(
        violation=proposal.target,
        measure=ViolationMeasure(payload["measure"]),
        consequences=payload["consequences"],
        is_legal_follow_up=payload["is_legal_follow_up"],
        **approval_of(proposal, by, now),
    )


def _lifting_facts(proposal: Proposal) -> Facts:
    case: Violation = proposal.target
    return [
        *_case_facts(case),
        (_("Measure"), case.get_measure_display()),
        (_("Effective since"), case.actioned_at),
    ]


def _check_lifting(proposal: Proposal, now: datetime) -> None:
    check_lifting(proposal.target)


def _lift(proposal: Proposal, by: User, now: datetime) -> Violation:
    return lift_measure(violation=proposal.target, **approval_of(proposal, by, now))


def _business_facts(proposal: Proposal) -> Facts:
    request: ConnectionRequest = proposal.target
    return [
        (_("Request"), request),
        (_("Application"), request.application),
        (_("Scenario"), request.scenario_name),
        (_("Description"), request.description),
    ]


def _check_revoking(proposal: Proposal, now: datetime) -> None:
    require_connection_transition(proposal.target, ConnectionAct.REVOKE)


def _revoke(proposal: Proposal, by: User, now: datetime) -> ConnectionRequest:
    return decide_connection(
        request=proposal.target, act=ConnectionAct.REVOKE, **approval_of(proposal, by, now)
    )


register_proposal(
    ProposalKind(
        name="violation.measure",
        label=_("Take a measure"),
        permission="compliance.handle_violation",
        consequence=_(
            "The customer is notified immediately, and the time to appeal begins. All "
            "agents go out of service, and buying, renewing, refunding and activating "
            "stop. If an account is blocked, no account of its company can activate "
            "applications."
        ),
        describe=_measure_facts,
        carry_out=_act,
        check=_check_measure,
    ),
    ProposalKind(
        name="violation.lift",
        label=_("Lift the suspension"),
        permission="compliance.handle_violation",
        consequence=_("Service resumes. The violation still stands and still excludes refunds."),
        describe=_lifting_facts,
        carry_out=_lift,
        check=_check_lifting,
    ),
    ProposalKind(
        name="connection.revoke",
        label=_("Revoke the approval"),
        permission="compliance.decide_connection",
        consequence=_(
            "The application can no longer make calls, unless another request is approved."
        ),
        describe=_business_facts,
        carry_out=_revoke,
        check=_check_revoking,
    ),
)
