"""The refund queue: staff read the trace and decide; holds on accounts."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import (
    AddThroughService,
    LeanAdmin,
    ReadOnlyInline,
    ReasonForm,
    object_action,
    person,
)
from accounts.forms.fields import AccountField
from accounts.templatetags.console import money
from billing.calendar import billing_zone
from billing.enums import RefundStatus, TenderKind
from billing.orders.models import Order
from billing.refunds.decisions import approve_refund, reject_refund
from billing.refunds.holds import place_refund_hold, release_refund_hold
from billing.refunds.labels import describe_trace
from billing.refunds.models import Refund, RefundHold, RefundLine
from billing.refunds.trace import RefundTrace


class RefundLineInline(ReadOnlyInline):
    model = RefundLine
    fields = ("payment", "account", "amount")


def _is_pending(refund: Refund) -> bool:
    return refund.status == RefundStatus.PENDING


#: An act of the person who decides on a refund that someone else has requested.
_decision = partial(
    object_action,
    permission="billing.decide_refund",
    is_available=_is_pending,
    maker=lambda refund: refund.requested_by_id,
)


@admin.register(Refund)
class RefundAdmin(LeanAdmin):
    list_display = (
        "number",
        "account",
        "application",
        "status",
        "amount",
        "currency",
        "requested_at",
        "decided_at",
    )
    list_select_related = ("account", "application")
    list_filter = ("status",)
    search_fields = ("=number", "=account__uin")
    fields = (
        "number",
        "status",
        "account",
        "entity",
        "application",
        "package",
        "amount",
        "currency",
        "planned",
        "standing_hold",
        "rules",
        "policy_version",
        "requested_at",
        "requested_by",
        "decided_at",
        "decided_by",
        "reason",
    )
    readonly_fields = ("planned", "standing_hold", "rules")

    def get_inlines(
        self, request: HttpRequest, obj: Model | None
    ) -> tuple[type[RefundLineInline], ...]:
        """Lines exist once the money went back; before, the plan says what would."""
        is_done = isinstance(obj, Refund) and obj.status == RefundStatus.DONE
        return (RefundLineInline,) if is_done else ()

    def act_facts(self, obj: Refund) -> list[tuple[str | Promise, Any]]:
        return [
            *super().act_facts(obj),
            (_("Package"), obj.package.get_edition_display()),
            (_("Amount"), money(obj.amount, obj.currency)),
            (_("Amounts"), self.planned(obj)),
            (_("Refund hold"), self.standing_hold(obj)),
            (_("Requested by"), obj.requested_by),
        ]

    @admin.display(description=_("amounts by order and fund"))
    def planned(self, obj: Refund) -> SafeString:
        """List what each payment gets back, or would, with its order and payer."""
        lines = obj.plan["lines"]
        keys = Order.objects.filter(number__in={line["order"] for line in lines})
        pages = {
            order.number: reverse("admin:billing_order_change", args=[order.pk]) for order in keys
        }
        return format_html_join(
            "",
            '<p><a href="{}">{}</a>: {} {} ({})</p>',
            [
                (
                    pages.get(line["order"], ""),
                    line["order"],
                    TenderKind(line["kind"]).label,
                    money(Decimal(line["amount"]), obj.currency),
                    line["payer_uin"],
                )
                for line in lines
            ],
        )

    @admin.display(description=_("refund hold"))
    def standing_hold(self, obj: Refund) -> str:
        """Name the hold that stands on the account, with its reason and a link to it."""
        hold = RefundHold.objects.filter(account=obj.account_id, released_at=None).first()
        if hold is None:
            return str(_("None"))
        url = reverse("admin:billing_refundhold_change", args=[hold.pk])
        return format_html('<a href="{}">{}</a>', url, hold.reason)

    @admin.display(description=_("rules"))
    def rules(self, obj: Refund) -> SafeString:
        """Show the stored trace with the facts that only staff read."""
        trace = RefundTrace.from_json(obj.trace)
        words = describe_trace(trace, tz=billing_zone(), for_staff=True)
        return render_to_string("admin/billing/refund/_rules_staff.html", {"rules": words})

    @_decision(
        label=_("Approve"),
        consequence=_("The package ends, and the money goes back to the funds that paid."),
        is_danger=True,
    )
    def approve(
        self, request: HttpRequest, obj: Refund, data: Mapping[str, Any], now: datetime
    ) -> str | Promise:
        approve_refund(refund=obj, reason=data["reason"], by=person(request), now=now)
        return _("Refunded.")

    @_decision(
        label=_("Reject"),
        consequence=_("The package continues, and the company keeps its one full refund."),
    )
    def reject(
        self, request: HttpRequest, obj: Refund, data: Mapping[str, Any], now: datetime
    ) -> str | Promise:
        reject_refund(refund=obj, reason=data["reason"], by=person(request), now=now)
        return _("Rejected.")


class HoldForm(ReasonForm):
    """An account whose refunds staff want to see first."""

    account = AccountField(label=_("Account (UIN)"))
    reason = forms.CharField(
        label=_("Reason"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("For staff only. Customers never see a hold."),
    )
    field_order = ("account", "reason")


@admin.register(RefundHold)
class RefundHoldAdmin(AddThroughService, LeanAdmin):
    list_display = ("account", "placed_at", "placed_by", "released_at")
    list_select_related = ("account", "placed_by")
    search_fields = ("=account__uin",)
    add_form = HoldForm
    add_label = _("Place a refund hold")

    def add_object(self, request: HttpRequest, data: Mapping[str, Any], now: datetime) -> Any:
        """Send the account's refunds to review."""
        return place_refund_hold(**data, by=person(request), now=now)

    @object_action(
        label=_("Release"),
        permission="billing.change_refundhold",
        is_available=lambda hold: hold.released_at is None,
    )
    def release(
        self, request: HttpRequest, obj: RefundHold, data: Mapping[str, Any], now: datetime
    ) -> str | Promise:
        release_refund_hold(hold=obj, reason=data["reason"], by=person(request), now=now)
        return _("Released.")
