"""What takes two people about a person: roles in an account, the rights of staff, a sign-in."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Role
from accounts.models import Membership, Proposal, User
from accounts.services.erasure import erase_person, require_erasable
from accounts.services.members import (
    add_member,
    change_role,
    remove_member,
    require_another_owner,
    require_no_member,
)
from accounts.services.people import change_staff_rights, reactivate_user
from accounts.services.proposals import Facts, ProposalKind, approval_of, register_proposal
from accounts.services.turns import fingerprint


def user_of(proposal: Proposal) -> User:
    """Return the person the act is about."""
    return User.objects.get(pk=proposal.payload["user"])


def about_user(proposal: Proposal) -> set[int]:
    """Return the id of that person, as one that the act concerns."""
    return {proposal.payload["user"]}


# --- Members -----------------------------------------------------------------------------------


def _member_facts(proposal: Proposal) -> Facts:
    payload = proposal.payload
    facts: list[Any] = [(_("Person"), user_of(proposal))]
    if "from" in payload:
        facts.append((_("Current role"), Role(payload["from"]).label))
    if "role" in payload:
        facts.append((_("Role"), Role(payload["role"]).label))
    return facts


def _check_new_member(proposal: Proposal, now: datetime) -> None:
    if proposal.account is not None:
        require_no_member(proposal.account, user_of(proposal))


def _check_owner_stays(proposal: Proposal, now: datetime) -> None:
    if proposal.payload.get("role") != Role.OWNER:
        require_another_owner(proposal.target)


def _add_member(proposal: Proposal, by: User, now: datetime) -> Membership:
    return add_member(
        account=proposal.account,  # type: ignore[arg-type]
        user=user_of(proposal),
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
    user = user_of(proposal)
    return [
        (_("Person"), user),
        (_("Name"), user.name),
        (_("Joined"), user.date_joined),
        (_("Current groups"), _named(user.groups.all())),
        (_("Groups"), _named(_groups(proposal))),
    ]


def _sign_in_facts(proposal: Proposal) -> Facts:
    user = user_of(proposal)
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
    user = user_of(proposal)
    groups = list(user.groups.order_by("pk").values_list("pk", flat=True))
    return fingerprint(Group(), user.pk, user.email, user.is_staff, user.is_active, groups)


def _change_rights(proposal: Proposal, by: User, now: datetime) -> None:
    change_staff_rights(
        user=user_of(proposal),
        is_staff=True,
        groups=_groups(proposal),
        **approval_of(proposal, by, now),
    )


def _reactivate(proposal: Proposal, by: User, now: datetime) -> None:
    reactivate_user(user=user_of(proposal), **approval_of(proposal, by, now))


def _check_erasable(proposal: Proposal, now: datetime) -> None:
    require_erasable(user_of(proposal), now)


def _erase(proposal: Proposal, by: User, now: datetime) -> None:
    erase_person(user=user_of(proposal), **approval_of(proposal, by, now))


register_proposal(
    ProposalKind(
        name="member.add",
        label=_("Add a member"),
        permission="accounts.add_membership",
        consequence=_("The person can act in the account with this role. Its owners are notified."),
        describe=_member_facts,
        carry_out=_add_member,
        check=_check_new_member,
        concerned=about_user,
    ),
    ProposalKind(
        name="member.role",
        label=_("Change a member's role"),
        permission="accounts.change_membership",
        consequence=_(
            "The member gets the new role immediately. The account's owners are notified."
        ),
        describe=_member_facts,
        carry_out=_change_role,
        check=_check_owner_stays,
        concerned=about_user,
    ),
    ProposalKind(
        name="member.remove",
        label=_("Remove a member"),
        permission="accounts.delete_membership",
        consequence=_("The person can no longer open this account. Its owners are notified."),
        describe=_member_facts,
        carry_out=_remove_member,
        check=_check_owner_stays,
        concerned=about_user,
    ),
    ProposalKind(
        name="staff.rights",
        label=_("Give staff rights"),
        permission="auth.change_permission",
        consequence=_("The person can act in the administration with the rights of the groups."),
        describe=_rights_facts,
        carry_out=_change_rights,
        state=_rights_state,
        concerned=about_user,
    ),
    ProposalKind(
        name="user.reactivate",
        label=_("Reactivate a sign-in"),
        permission="auth.change_permission",
        consequence=_("The person can sign in again, with all their roles and groups."),
        describe=_sign_in_facts,
        carry_out=_reactivate,
        state=_rights_state,
        concerned=about_user,
    ),
    ProposalKind(
        name="user.erase",
        label=_("Erase a person"),
        permission="auth.change_permission",
        consequence=_(
            "The name, the addresses, the roles and everything else about the person "
            "are permanently deleted. What they did stays, under a neutral name."
        ),
        describe=_sign_in_facts,
        carry_out=_erase,
        check=_check_erasable,
        state=_rights_state,
        concerned=about_user,
    ),
)
