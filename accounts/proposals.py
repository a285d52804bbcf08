"""What staff do to customers and colleagues only as two: members, rights, companies, measures."""

from datetime import datetime
from typing import Any, cast

from django.contrib.auth.models import Group
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import EntityKind, Measure, Role
from accounts.models import Entity, Membership, Proposal, Restriction, User
from accounts.services.members import (
    add_member,
    change_role,
    remove_member,
    require_another_owner,
    require_no_member,
)
from accounts.services.people import change_staff_rights, reactivate_user
from accounts.services.proposals import Facts, ProposalKind, approval_of, register_proposal
from accounts.services.restrictions import lift_by_staff, restrict_by_staff
from accounts.services.tenants import correct_entity, open_account
from accounts.services.turns import fingerprint


def _user(proposal: Proposal) -> User:
    """Return the person the act is about."""
    return User.objects.get(pk=proposal.payload["user"])


def _about_user(proposal: Proposal) -> set[int]:
    return {proposal.payload["user"]}


# --- Members -----------------------------------------------------------------------------------


def _member_facts(proposal: Proposal) -> Facts:
    payload = proposal.payload
    facts: list[Any] = [(_("Person"), _user(proposal))]
    if "from" in payload:
        facts.append((_("Role so far"), Role(payload["from"]).label))
    if "role" in payload:
        facts.append((_("Role"), Role(payload["role"]).label))
    return facts


def _check_new_member(proposal: Proposal, now: datetime) -> None:
    if proposal.account is not None:
        require_no_member(proposal.account, _user(proposal))


def _check_owner_stays(proposal: Proposal, now: datetime) -> None:
    if proposal.payload.get("role") != Role.OWNER:
        require_another_owner(proposal.target)


def _add_member(proposal: Proposal, by: User, now: datetime) -> Membership:
    return add_member(
        account=proposal.account,  # type: ignore[arg-type]
        user=_user(proposal),
        role=proposal.payload["role"],
        **approval_of(proposal, by, now),
    )


def _change_role(proposal: Proposal, by: User, now: datetime) -> Membership:
    return change_role(
        membership=proposal.target, role=proposal.payload["role"], **approval_of(proposal, by, now)
    )


def _remove_member(proposal: Proposal, by: User, now: datetime) -> None:
    remove_member(membership=proposal.target, **approval_of(proposal, by, now))


# --- People ------------------------------------------------------------------------------------


def _groups(proposal: Proposal) -> list[Group]:
    return list(Group.objects.filter(name__in=proposal.payload["groups"]).order_by("name"))


def _named(groups: Any) -> str:
    return ", ".join(sorted(gettext(group.name) for group in groups)) or "–"


def _rights_facts(proposal: Proposal) -> Facts:
    user = _user(proposal)
    return [
        (_("Person"), user),
        (_("Name"), user.name),
        (_("Joined"), user.date_joined),
        (_("Groups so far"), _named(user.groups.all())),
        (_("Groups"), _named(_groups(proposal))),
    ]


def _sign_in_facts(proposal: Proposal) -> Facts:
    user = _user(proposal)
    roles = [
        f"{place.account}: {place.get_role_display()}"
        for place in user.memberships.select_related("account").order_by("pk")
    ]
    return [
        (_("Person"), user),
        (_("Name"), user.name),
        (_("Roles"), ", ".join(roles)),
        (_("Groups"), _named(user.groups.all())),
    ]


def _rights_state(proposal: Proposal) -> str:
    # Signing in changes the person's row as well, and is no change of what is decided.
    user = _user(proposal)
    groups = list(user.groups.order_by("pk").values_list("pk", flat=True))
    return fingerprint(Group(), user.pk, user.email, user.is_staff, user.is_active, groups)


def _change_rights(proposal: Proposal, by: User, now: datetime) -> None:
    change_staff_rights(
        user=_user(proposal),
        is_staff=True,
        groups=_groups(proposal),
        **approval_of(proposal, by, now),
    )


def _reactivate(proposal: Proposal, by: User, now: datetime) -> None:
    reactivate_user(user=_user(proposal), **approval_of(proposal, by, now))


# --- Companies and accounts --------------------------------------------------------------------


def _entity(proposal: Proposal) -> Entity:
    return cast(Entity, proposal.target)


def _account_facts(proposal: Proposal) -> Facts:
    entity = _entity(proposal)
    return [
        (_("Company"), entity),
        (_("Registration number"), entity.registration_number),
        (_("Account name"), proposal.payload["name"]),
        (_("Owner"), _user(proposal)),
    ]


def _open_account(proposal: Proposal, by: User, now: datetime) -> Any:
    return open_account(
        entity=_entity(proposal),
        name=proposal.payload["name"],
        owner=_user(proposal),
        **approval_of(proposal, by, now),
    )


def _members_of_company(proposal: Proposal) -> set[int]:
    members = Membership.objects.filter(account__entity=proposal.target)
    return set(members.values_list("user_id", flat=True))


def _members_and_owner(proposal: Proposal) -> set[int]:
    return _members_of_company(proposal) | _about_user(proposal)


def _correction_facts(proposal: Proposal) -> Facts:
    entity, new = _entity(proposal), proposal.payload
    return [
        (_("Company"), entity),
        (_("Name"), new["name"]),
        (_("Kind so far"), entity.get_kind_display()),
        (_("Kind"), EntityKind(new["kind"]).label),
        (_("Registration number so far"), entity.registration_number),
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
        (_("In force since"), restriction.started_at),
        (_("Reason of the measure"), restriction.reason),
    ]


def _lift(proposal: Proposal, by: User, now: datetime) -> bool:
    return lift_by_staff(restriction=proposal.target, **approval_of(proposal, by, now))


register_proposal(
    ProposalKind(
        name="member.add",
        label=_("Add a member"),
        permission="accounts.add_membership",
        consequence=_("The person can act in the account with this role; its owners are told."),
        describe=_member_facts,
        carry_out=_add_member,
        check=_check_new_member,
        concerned=_about_user,
    ),
    ProposalKind(
        name="member.role",
        label=_("Change a member's role"),
        permission="accounts.change_membership",
        consequence=_("The member has the new role immediately; the account's owners are told."),
        describe=_member_facts,
        carry_out=_change_role,
        check=_check_owner_stays,
        concerned=_about_user,
    ),
    ProposalKind(
        name="member.remove",
        label=_("Remove a member"),
        permission="accounts.delete_membership",
        consequence=_("The person can no longer open this account; its owners are told."),
        describe=_member_facts,
        carry_out=_remove_member,
        check=_check_owner_stays,
        concerned=_about_user,
    ),
    ProposalKind(
        name="staff.rights",
        label=_("Give staff rights"),
        permission="auth.change_permission",
        consequence=_("The person can act in the administration with the rights of the groups."),
        describe=_rights_facts,
        carry_out=_change_rights,
        state=_rights_state,
        concerned=_about_user,
    ),
    ProposalKind(
        name="user.reactivate",
        label=_("Reactivate a sign-in"),
        permission="auth.change_permission",
        consequence=_("The person can sign in again, with all their roles and groups."),
        describe=_sign_in_facts,
        carry_out=_reactivate,
        state=_rights_state,
        concerned=_about_user,
    ),
    ProposalKind(
        name="account.open",
        label=_("Open an account"),
        permission="accounts.add_account",
        consequence=_("The company gets a further account, which this person owns."),
        describe=_account_facts,
        carry_out=_open_account,
        concerned=_members_and_owner,
    ),
    ProposalKind(
        name="entity.correct",
        label=_("Correct a company"),
        permission="accounts.change_entity",
        consequence=_("The record of the company changes for all its accounts."),
        describe=_correction_facts,
        carry_out=_correct_entity,
        concerned=_members_of_company,
    ),
    ProposalKind(
        name="account.restrict",
        label=_("Restrict an account"),
        permission="accounts.restrict_account",
        consequence=_(
            "All agents of the account go out of service immediately, and it cannot pay, buy, "
            "renew, refund or activate. A blocked account bars its whole entity from new "
            "applications."
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
