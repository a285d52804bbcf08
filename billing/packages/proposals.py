"""What takes two people in packages: giving time back, and facts that bar a full refund."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Proposal, User
from accounts.services.proposals import (
    Facts,
    ProposalKind,
    approval_of,
    register_proposal,
    show_instant,
)
from billing.packages.models import Package
from billing.packages.services import extend_package, mark_switched_from_postpaid


def _package_facts(package: Package) -> list[Any]:
    return [
        (_("Application"), package.application),
        (_("Package"), package),
        (_("Expires"), show_instant(package.expires_at)),
    ]


def _lost_time(proposal: Proposal) -> timedelta:
    return timedelta(days=proposal.payload["days"], hours=proposal.payload["hours"])


def _extension_facts(proposal: Proposal) -> Facts:
    return [
        *_package_facts(proposal.target),
        (_("Days"), proposal.payload["days"]),
        (_("Hours"), proposal.payload["hours"]),
    ]


def _extend(proposal: Proposal, by: User, now: datetime) -> Package:
    return extend_package(
        package=proposal.target,
        by_time=_lost_time(proposal),
        **approval_of(proposal, by, now),
    )


def _postpaid_facts(proposal: Proposal) -> Facts:
    is_switched = proposal.payload["is_switched"]
    answer = gettext("Yes") if is_switched else gettext("No")
    return [*_package_facts(proposal.target), (_("Switched from postpaid"), answer)]


def _mark_postpaid(proposal: Proposal, by: User, now: datetime) -> Package:
    return mark_switched_from_postpaid(
        package=proposal.target,
        is_switched=proposal.payload["is_switched"],
        **approval_of(proposal, by, now),
    )


register_proposal(
    ProposalKind(
        name="package.extend",
        label=_("Give time back"),
        permission="billing.change_package",
        consequence=_(
            "The expiry moves by this time, to make up for time lost to an overturned measure."
        ),
        describe=_extension_facts,
        carry_out=_extend,
    ),
    ProposalKind(
        name="package.postpaid",
        label=_("Record a switch from postpaid"),
        permission="billing.change_package",
        consequence=_("A package that was switched from postpaid has no full refund."),
        describe=_postpaid_facts,
        carry_out=_mark_postpaid,
    ),
)
