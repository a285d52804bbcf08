"""Connection requests, which staff approve or refuse."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import LeanAdmin, object_action, person
from accounts.models import Proposal
from accounts.services.proposals import propose
from compliance.admin.parts import EvidenceInline
from compliance.enums import ConnectionState
from compliance.forms.staff import AnswerForm
from compliance.models import ConnectionRequest
from compliance.screening import Finding
from compliance.services.connections import decide_connection
from compliance.transitions import ConnectionAct

Data = Mapping[str, Any]


def _is_waiting(request: ConnectionRequest) -> bool:
    return request.state == ConnectionState.REVIEW


#: An act of a person other than who submitted the request; the customer reads the reason.
_decision = partial(
    object_action,
    permission="compliance.decide_connection",
    form=AnswerForm,
    maker=lambda request: request.submitted_by_id,
)


@admin.register(ConnectionRequest)
class ConnectionRequestAdmin(LeanAdmin):
    """The queue of requests."""

    list_display = [
        "number",
        "account",
        "application",
        "industry_name",
        "scenario_name",
        "is_cold_calling",
        "state",
        "submitted_at",
    ]
    list_select_related = ["account", "application"]
    list_filter = ["state"]
    search_fields = ["=number", "=application__sdkappid", "^account__uin", "^account__name"]
    inlines = [EvidenceInline]
    readonly_fields = ["findings"]
    fields = [
        "number",
        "state",
        "account",
        "application",
        "findings",
        "industry_name",
        "scenario_name",
        "description",
        "direction",
        "is_cold_calling",
        "number_source",
        "number_source_detail",
        "consent_proof",
        "expected_volume",
        "submitted_by",
        "submitted_at",
        "decided_by",
        "decided_at",
        "decision_reason",
    ]

    @admin.display(description=_("what the screening found"))
    def findings(self, obj: ConnectionRequest) -> SafeString:
        """List all findings in words."""
        texts = [(Finding.from_json(data).staff_text,) for data in obj.screening]
        return format_html_join("", "<p>{}</p>", texts)

    def act_facts(self, obj: ConnectionRequest) -> list[tuple[str | Promise, Any]]:
        return [
            *super().act_facts(obj),
            (_("Industry"), obj.industry_name),
            (_("Scenario"), obj.scenario_name),
            (_("Calls"), obj.get_direction_display()),
            (_("Description"), obj.description),
        ]

    def _decide(
        self,
        request: HttpRequest,
        obj: ConnectionRequest,
        act: ConnectionAct,
        data: Data,
        now: datetime,
    ) -> None:
        decide_connection(request=obj, act=act, reason=data["reason"], by=person(request), now=now)

    @_decision(
        label=_("Approve"),
        consequence=_("The application can make calls from now on, for this business only."),
        is_available=_is_waiting,
    )
    def approve(
        self, request: HttpRequest, obj: ConnectionRequest, data: Data, now: datetime
    ) -> str | Promise:
        """Let the business be connected."""
        self._decide(request, obj, ConnectionAct.APPROVE, data, now)
        return _("The request was approved, and the customer was notified.")

    @_decision(
        label=_("Refuse"),
        is_available=_is_waiting,
        is_danger=True,
    )
    def refuse(
        self, request: HttpRequest, obj: ConnectionRequest, data: Data, now: datetime
    ) -> str | Promise:
        """Leave the business unconnected."""
        self._decide(request, obj, ConnectionAct.REFUSE, data, now)
        return _("The request was refused, and the customer was notified.")

    @_decision(
        label=_("Revoke the approval"),
        consequence=_(
            "The application can no longer make calls, unless another request is approved."
        ),
        is_available=lambda obj: obj.state == ConnectionState.APPROVED,
        proposes=True,
        is_danger=True,
    )
    def revoke(
        self, request: HttpRequest, obj: ConnectionRequest, data: Data, now: datetime
    ) -> Proposal:
        """Take the approval back."""
        return propose(
            "connection.revoke",
            account=obj.account,
            target=obj,
            reason=data["reason"],
            by=person(request),
            now=now,
        )
