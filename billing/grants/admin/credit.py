"""Credits, which staff record and decide on, and the ledger, which they read."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import ActionForm, AddThroughService, LeanAdmin, object_action, person
from accounts.forms.fields import AccountField, CodeField, DecimalNumberField, LineField
from accounts.templatetags.console import money
from billing.catalog.queries import list_currencies
from billing.enums import CreditStatus, FundKind
from billing.grants.credits import approve_credit, ask_for_reversal, record_credit, reject_credit
from billing.grants.daily_limit import daily_limit_words
from billing.grants.models import Credit


class CreditForm(ActionForm):
    """A top-up, gift grant or income transfer."""

    account = AccountField(label=_("Account (UIN)"))
    fund_kind = forms.ChoiceField(label=_("Fund"), choices=FundKind.choices)
    amount = DecimalNumberField(
        label=_("Amount"), min_value=Decimal("0.01"), max_digits=14, decimal_places=2
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=list_currencies)
    reference = CodeField(
        label=_("Reference"),
        max_length=64,
        help_text=_(
            "A unique reference, such as the bank's. Each reference can be credited only once."
        ),
    )
    note = LineField(label=_("Note"), max_length=200, required=False)


def _is_waiting(credit: Credit) -> bool:
    return credit.status == CreditStatus.WAITING


def _can_be_reversed(credit: Credit) -> bool:
    is_booked = credit.status == CreditStatus.BOOKED and not credit.reverses_id
    reversals = Credit.objects.filter(reverses=credit).exclude(status=CreditStatus.REJECTED)
    return is_booked and not reversals.exists()


#: An act of the person who decides on a credit that someone else has recorded.
_decision = partial(
    object_action,
    permission="billing.decide_credit",
    is_available=_is_waiting,
    maker=lambda credit: credit.created_by_id,
)


@admin.register(Credit)
class CreditAdmin(AddThroughService, LeanAdmin):
    list_display = (
        "reference",
        "account",
        "fund_kind",
        "amount",
        "currency",
        "status",
        "created_at",
        "created_by",
    )
    list_select_related = ("account", "created_by")
    list_filter = ("status", "fund_kind")
    search_fields = ("=reference", "=account__uin")
    add_form = CreditForm
    add_label = _("Record a credit")

    def add_consequence(self) -> str:
        return daily_limit_words()

    def add_object(self, request: HttpRequest, data: Mapping[str, Any], now: datetime) -> Any:
        """Record the credit; beyond the account's daily limit it waits for a second person."""
        return record_credit(**data, by=person(request), now=now)

    def announce(self, request: HttpRequest, obj: Any) -> None:
        """Say whether the money was credited, or waits for a second person."""
        words = {
            "amount": money(obj.amount, obj.currency),
            "account": obj.account,
            "reference": obj.reference,
        }
        if obj.status == CreditStatus.WAITING:
            text = _(
                "Recorded and awaiting approval. Nothing was credited yet: %(amount)s "
                "for %(account)s (%(reference)s)."
            )
            messages.warning(request, text % words)
        else:
            text = _("Credited: %(amount)s to %(account)s (%(reference)s).")
            messages.success(request, text % words)

    def act_facts(self, obj: Credit) -> list[tuple[str | Promise, Any]]:
        return [
            *super().act_facts(obj),
            (_("Kind"), _("Reversal of a credit") if obj.reverses_id else _("Credit")),
            (_("Fund"), obj.get_fund_kind_display()),
            (_("Amount"), money(obj.amount, obj.currency)),
            (_("Reference"), obj.reference),
            (_("Recorded by"), obj.created_by),
        ]

    @_decision(
        label=_("Approve"),
        consequence=_("The money moves immediately."),
    )
    def approve(
        self, request: HttpRequest, obj: Credit, data: Mapping[str, Any], now: datetime
    ) -> str | Promise:
        approve_credit(credit=obj, reason=data["reason"], by=person(request), now=now)
        return _("Booked.")

    @_decision(
        label=_("Reject"),
        is_danger=True,
    )
    def reject(
        self, request: HttpRequest, obj: Credit, data: Mapping[str, Any], now: datetime
    ) -> str | Promise:
        reject_credit(credit=obj, reason=data["reason"], by=person(request), now=now)
        return _("Rejected. No money moved.")

    @object_action(
        label=_("Reverse"),
        permission="billing.add_credit",
        consequence=_("A contra entry is proposed, and another person approves it."),
        is_available=_can_be_reversed,
        is_danger=True,
    )
    def take_back(
        self, request: HttpRequest, obj: Credit, data: Mapping[str, Any], now: datetime
    ) -> str | Promise:
        ask_for_reversal(credit=obj, reason=data["reason"], by=person(request), now=now)
        return _("The reversal is awaiting approval.")
