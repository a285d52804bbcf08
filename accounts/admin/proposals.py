"""Acts that wait for a second person: shown whole, then approved, rejected or withdrawn."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.actions import page_of
from accounts.admin.base import LeanAdmin, object_action, person
from accounts.admin.object_action import ObjectAction
from accounts.enums import ProposalState
from accounts.models import Proposal
from accounts.services.proposals import (
    KINDS,
    approve_proposal,
    kinds_of,
    reject_proposal,
    withdraw_proposal,
)

Data = Mapping[str, Any]


def _is_waiting(proposal: Proposal) -> bool:
    return proposal.state_at(timezone.now()) == ProposalState.WAITING


#: An act on a proposal that waits; `ProposalAdmin._may` adds the permission of the proposed act.
_act_while_waiting = partial(
    object_action, permission="accounts.view_proposal", is_available=_is_waiting
)
#: One of a person other than who made the proposal.
_decision = partial(_act_while_waiting, maker=lambda proposal: proposal.made_by_id)


@admin.register(Proposal)
class ProposalAdmin(LeanAdmin):
    """What one member of staff has prepared, and what another one made of it."""

    list_display = ["act", "account", "made_by", "made_at", "status"]
    list_select_related = ["account", "made_by"]
    list_filter = ["state"]
    search_fields = ["^account__uin", "^account__name", "^made_by__email"]
    fields = [
        "act",
        "customer",
        "about",
        "whole",
        "effect",
        "reason",
        "made_by",
        "made_at",
        "expires_at",
        "status",
        "decided_by",
        "decided_at",
        "decision_reason",
    ]
    readonly_fields = ["act", "customer", "about", "whole", "effect", "status"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Show what this person may decide on, has prepared, or reads of customers."""
        user = person(request)
        mine = Q(kind__in=kinds_of(user)) | Q(made_by=user)
        if user.has_perm("accounts.view_account"):
            mine |= Q(account__isnull=False)
        found = super().get_queryset(request).select_related("account__entity", "made_by")
        return found.filter(mine)

    @admin.display(description=_("act"))
    def act(self, proposal: Proposal) -> str:
        return str(KINDS[proposal.kind].label)

    @admin.display(description=_("customer"))
    def customer(self, proposal: Proposal) -> str:
        account = proposal.account
        return f"{account} · {account.entity}" if account is not None else "–"

    @admin.display(description=_("object"))
    def about(self, proposal: Proposal) -> str | SafeString:
        target = proposal.target
        if target is None:
            return "–"
        return format_html('<a href="{}">{}</a>', page_of(target), target)

    @admin.display(description=_("what will be done"))
    def whole(self, proposal: Proposal) -> SafeString:
        """List every detail of the act."""
        facts = KINDS[proposal.kind].describe(proposal)
        return render_to_string("admin/accounts/proposal/_facts.html", {"facts": facts})

    @admin.display(description=_("effect"))
    def effect(self, proposal: Proposal) -> str:
        return str(KINDS[proposal.kind].consequence)

    @admin.display(description=_("state"))
    def status(self, proposal: Proposal) -> str:
        return str(proposal.state_at(timezone.now()).label)

    def act_facts(self, obj: Proposal) -> list[tuple[str | Promise, Any]]:
        return [
            (_("Act"), self.act(obj)),
            *super().act_facts(obj),
            (_("Object"), self.about(obj)),
            *KINDS[obj.kind].describe(obj),
            (_("Effect"), self.effect(obj)),
            (_("Reason"), obj.reason),
            (_("Prepared by"), obj.made_by),
        ]

    def _may(self, request: HttpRequest, action: ObjectAction, obj: Proposal) -> bool:
        if action.name == "withdraw":
            return action.is_available(obj) and obj.made_by_id == request.user.pk
        return super()._may(request, action, obj) and request.user.has_perm(
            KINDS[obj.kind].permission
        )

    def _act(self, request: HttpRequest, object_id: str, name: str) -> HttpResponseBase:
        obj = self.get_object(request, unquote(object_id))
        action = self.object_actions.get(name)
        if action is not None and (
            obj is None or (action.is_available(obj) and not self._may(request, action, obj))
        ):
            raise PermissionDenied
        return super()._act(request, object_id, name)

    @_decision(
        label=_("Approve"),
        consequence=_("It is carried out immediately."),
        is_danger=True,
    )
    def approve(
        self, request: HttpRequest, obj: Proposal, data: Data, now: datetime
    ) -> str | Promise:
        """Carry it out."""
        approve_proposal(proposal=obj, reason=data["reason"], by=person(request), now=now)
        return _("Approved and carried out.")

    @_decision(
        label=_("Reject"),
        consequence=_("Nothing is carried out."),
    )
    def reject(
        self, request: HttpRequest, obj: Proposal, data: Data, now: datetime
    ) -> str | Promise:
        """Turn it down."""
        reject_proposal(proposal=obj, reason=data["reason"], by=person(request), now=now)
        return _("Rejected. Nothing was changed.")

    @_act_while_waiting(label=_("Withdraw"), consequence=_("Nothing is carried out."))
    def withdraw(
        self, request: HttpRequest, obj: Proposal, data: Data, now: datetime
    ) -> str | Promise:
        """Take it back."""
        withdraw_proposal(proposal=obj, reason=data["reason"], by=person(request), now=now)
        return _("Withdrawn. Nothing was changed.")
