"""Appeals, decided by someone who did not handle the case."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import LeanAdmin, object_action, person
from compliance.admin.parts import EvidenceInline
from compliance.enums import AppealState
from compliance.forms.staff import AnswerForm
from compliance.models import Appeal
from compliance.services.appeals import decide_appeal


def _is_open(appeal: Appeal) -> bool:
    return appeal.state == AppealState.OPEN


#: An act of a person other than who handled the case; the customer reads the reason.
_decision = partial(
    object_action,
    permission="compliance.decide_appeal",
    form=AnswerForm,
    is_available=_is_open,
    maker=lambda appeal: appeal.violation.handler_id,
)


@admin.register(Appeal)
class AppealAdmin(LeanAdmin):
    """The queue of appeals."""

    list_display = ["violation", "round", "account", "state", "submitted_at", "decided_by"]
    list_select_related = ["violation", "account", "decided_by"]
    list_filter = ["state"]
    search_fields = ["=violation__number", "^account__uin", "^account__name"]
    inlines = [EvidenceInline]
    fields = [
        "violation",
        "account",
        "round",
        "state",
        "statement",
        "submitted_by",
        "submitted_at",
        "decided_by",
        "decided_at",
        "decision_reason",
    ]

    def act_facts(self, obj: Appeal) -> list[tuple[str | Promise, Any]]:
        case = obj.violation
        return [
            *super().act_facts(obj),
            (_("Violation"), case),
            (_("Behavior"), case.behaviour.label),
            (_("Severity"), case.get_severity_display()),
            (_("Measure"), case.get_measure_display()),
            (_("Statement"), obj.statement),
        ]

    @_decision(
        label=_("Uphold the violation"),
        consequence=_("Everything stays as it is. The customer may be able to appeal again."),
    )
    def uphold(
        self, request: HttpRequest, obj: Appeal, data: Mapping[str, Any], now: datetime
    ) -> str | Promise:
        """Find the decision right."""
        decide_appeal(
            appeal=obj, is_overturned=False, reason=data["reason"], by=person(request), now=now
        )
        return _("The violation was upheld, and the customer was notified.")

    @_decision(
        label=_("Overturn the violation"),
        consequence=_(
            "The violation no longer counts, and restrictions based on this case alone "
            "are lifted. You can then give lost time back to the account's packages."
        ),
        is_danger=True,
    )
    def overturn(
        self, request: HttpRequest, obj: Appeal, data: Mapping[str, Any], now: datetime
    ) -> str | Promise:
        """Find the decision wrong."""
        decide_appeal(
            appeal=obj, is_overturned=True, reason=data["reason"], by=person(request), now=now
        )
        return _("The violation was overturned, and the customer was notified.")
