"""What takes two people about a company or its accounts: opening, correcting, and measures."""

from datetime import datetime
from typing import Any, cast

from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from accounts.enums import EntityKind, Measure
from accounts.models import Entity, Membership, Proposal, Restriction, User
from accounts.proposals.people import about_user, user_of
from accounts.services.proposals import Facts, ProposalKind, approval_of, register_proposal
from accounts.services.restrictions import lift_by_staff, restrict_by_staff
from accounts.services.tenants import correct_entity, open_account
from accounts.services.turns import fingerprint

# --- Companies and accounts --------------------------------------------------------------------


def _entity(proposal: Proposal) -> Entity:
    return cast(Entity, proposal.target)


def _account_facts(proposal: Proposal) -> Facts:
    entity = _entity(proposal)
    return [
        (_("Company"), entity),
        (_("Registration number"), entity.registration_number),
        (_("Account name"), proposal.payload["name"]),
        (_("Owner"), user_of(proposal)),
    ]


def _open_account(proposal: Proposal, by: User, now: datetime) -> Any:
    return open_account(
        entity=_entity(proposal),
        name=proposal.payload["name"],
        owner=user_of(proposal),
        **approval_of(proposal, by, now),
    )


def _members_of_company(proposal: Proposal) -> set[int]:
    members = Membership.objects.filter(account__entity=proposal.target)
    return set(members.values_list("user_id", flat=True))


def _members_and_owner(proposal: Proposal) -> set[int]:
    return _members_of_company(proposal) | about_user(proposal)


def _correction_facts(proposal: Proposal) -> Facts:
    entity, new = _entity(proposal), proposal.payload
    return [
        (_("Company"), entity),
        (_("Name"), new["name"]),
        (_("Current kind"), entity.get_kind_display()),
        (_("Kind"), EntityKind(new["kind"]).label),
        (_("Current registration number"), entity.registration_number),
        (_("Registration number"), new["registration_number"]),
        (_("Accounts"), ", ".join(map(str, entity.accounts.all()))),
    ]


def _correct_entity(proposal: Proposal, by: User, now: datetime) -> Entity:
    return correct_entity(
        entity=_entity(proposal), **proposal.payload, **approval_of(proposal, by, now)
    )


# --- Measures ----------------------------------------------------------------------------------


def _measure_facts(proposal: Proposal) -> Facts:
    return [(_("Measure"), Measure(proposal.payload["measure"]).label)]


def _measures_state(proposal: Proposal) -> str:
    measures = Restriction.objects.filter(account=proposal.account).order_by("pk")
    return fingerprint(Group(), list(measures.values_list("pk", "ended_at")))


def _restrict(proposal: Proposal, by: User, now: datetime) -> Restriction:
    return restrict_by_staff(
        account=proposal.account,  # type: ignore[arg-type]
        measure=proposal.payload["measure"],
        **approval_of(proposal, by, now),
    )


def _lifting_facts(proposal: Proposal) -> Facts:
    restriction: Restriction = proposal.target
    return [
        (_("Measure"), restriction.get_measure_display()),
        (_("Case"), restriction.case_number),
        (_("Effective since"), restriction.started_at),
        (_("Reason for the measure"), restriction.reason),
    ]


def _lift(proposal: Proposal, by: User, now: datetime) -> bool:
    return lift_by_staff(restriction=proposal.target, **approval_of(proposal, by, now))


register_proposal(
    ProposalKind(
        name="account.open",
        label=_("Open an account"),
        permission="accounts.add_account",
        consequence=_("The company gets another account, owned by this person."),
        describe=_account_facts,
        carry_out=_open_account,
        concerned=_members_and_owner,
    ),
    ProposalKind(
        name="entity.correct",
        label=_("Correct a company"),
        permission="accounts.change_entity",
        consequence=_("The company's record changes for all its accounts."),
        describe=_correction_facts,
        carry_out=_correct_entity,
        concerned=_members_of_company,
    ),
    ProposalKind(
        name="account.restrict",
        label=_("Restrict an account"),
        permission="accounts.restrict_account",
        consequence=_(
            "All agents of the account go out of service immediately, and it cannot "
            "pay, buy, renew, refund or activate. If an account is blocked, no account "
            "of its company can activate applications."
        ),
        describe=_measure_facts,
        carry_out=_restrict,
        state=_measures_state,
    ),
    ProposalKind(
        name="restriction.lift",
        label=_("Lift a measure"),
        permission="accounts.restrict_account",
        consequence=_("The account gets back what this measure took away."),
        describe=_lifting_facts,
        carry_out=_lift,
    ),
)
