"""Promotions and coupons."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import AddThroughService, LeanAdmin, ReasonForm, object_action, person
from accounts.errors import Refused
from accounts.forms.fields import (
    AccountField,
    CodeField,
    DecimalNumberField,
    LineField,
    PlainDateTimeField,
    WholeNumberField,
)
from accounts.models import Proposal
from accounts.services.proposals import propose
from billing.catalog.queries import list_currencies
from billing.enums import CouponKind, Edition, OrderKind, PromotionRefundRule, TermUnit
from billing.grants.coupons import give_coupon, withdraw_coupon
from billing.grants.daily_limit import daily_limit_words
from billing.offers.models import Coupon, Limits, Promotion


class LimitsForm(ReasonForm):
    """Dates and limits of an offer; nothing chosen limits nothing."""

    starts_at = PlainDateTimeField(label=_("From"))
    ends_at = PlainDateTimeField(label=_("Until"))
    editions = forms.MultipleChoiceField(
        label=_("Editions"), choices=Edition.choices, required=False
    )
    term_units = forms.MultipleChoiceField(
        label=_("Terms"), choices=TermUnit.choices, required=False
    )
    order_kinds = forms.MultipleChoiceField(
        label=_("Kinds of order"), choices=OrderKind.choices, required=False
    )

    def clean(self) -> dict[str, Any]:
        """Check that the offer ends after it starts."""
        data = super().clean() or {}
        starts_at, ends_at = data.get("starts_at"), data.get("ends_at")
        if starts_at and ends_at and ends_at <= starts_at:
            self.add_error("ends_at", _("It must end after it starts."))
        return data


class PromotionForm(LimitsForm):
    """A promotion's price effect and its refund rule."""

    code = forms.SlugField(label=_("Code"), max_length=40)
    name = LineField(label=_("Name"), max_length=100)
    terms = forms.CharField(
        label=_("Terms shown to the customer"),
        widget=forms.Textarea(attrs={"rows": 4}),
        required=False,
    )
    percent_off = DecimalNumberField(
        label=_("Percent off"),
        min_value=Decimal(0),
        max_value=Decimal("99.99"),
        max_digits=5,
        decimal_places=2,
    )
    minimum_terms = WholeNumberField(
        label=_("Minimum number of terms"), min_value=1, max_value=12, initial=1
    )
    refund_rule = forms.ChoiceField(
        label=_("Refund"),
        choices=PromotionRefundRule.choices,
        help_text=_(
            "A promotion that leaves the refund as usual, or gives more days, is "
            "suggested for every order that it fits. Any other applies only when the "
            "customer chooses it."
        ),
    )
    refund_window_days = WholeNumberField(
        label=_("Refund window in days"), min_value=0, max_value=366, required=False
    )

    def clean(self) -> dict[str, Any]:
        """Check that a window of its own has days, and that nothing else has."""
        data = super().clean()
        has_window = data.get("refund_rule") == PromotionRefundRule.WINDOW
        if has_window and data.get("refund_window_days") is None:
            self.add_error(
                "refund_window_days", _("Enter the number of days of the refund window.")
            )
        if not has_window:
            data["refund_window_days"] = None
        return data


class LimitedAdmin(AddThroughService, LeanAdmin):
    """Offers, the codes of their limits in words."""

    exclude = ("editions", "term_units", "order_kinds")
    readonly_fields = ("limits",)

    @admin.display(description=_("For"))
    def limits(self, offer: Limits) -> str:
        return offer.describe_limits()


@admin.register(Promotion)
class PromotionAdmin(LimitedAdmin):
    list_display = ("code", "name", "percent_off", "refund_rule", "starts_at", "ends_at")
    search_fields = ("=code",)
    add_form = PromotionForm
    add_label = _("Define a promotion")
    add_proposes = True

    def add_object(self, request: HttpRequest, data: Mapping[str, Any], now: datetime) -> Proposal:
        """Prepare the promotion."""
        return propose(
            "promotion.define",
            payload={name: value for name, value in data.items() if name != "reason"},
            reason=data["reason"],
            by=person(request),
            now=now,
        )

    @object_action(
        label=_("End now"),
        permission="billing.change_promotion",
        consequence=_("It no longer applies to new quotes. Orders made under it keep its terms."),
        proposes=True,
        is_danger=True,
    )
    def end_now(
        self, request: HttpRequest, obj: Promotion, data: Mapping[str, Any], now: datetime
    ) -> Proposal:
        return propose(
            "promotion.end",
            target=obj,
            reason=data["reason"],
            by=person(request),
            now=now,
        )


#: The fields that each kind of coupon needs; the others have to stay empty.
_NEEDED = {
    CouponKind.VOUCHER: {"amount"},
    CouponKind.CASH: {"amount"},
    CouponKind.DISCOUNT: {"percent_off"},
}


class CouponForm(LimitsForm):
    """A coupon for one account."""

    account = AccountField(label=_("Account (UIN)"))
    code = CodeField(label=_("Code"), max_length=40)
    kind = forms.ChoiceField(label=_("Kind"), choices=CouponKind.choices)
    currency = forms.ChoiceField(label=_("Currency"), choices=list_currencies)
    amount = DecimalNumberField(
        label=_("Amount"),
        min_value=Decimal("0.01"),
        max_digits=14,
        decimal_places=2,
        required=False,
    )
    percent_off = DecimalNumberField(
        label=_("Percent off"),
        min_value=Decimal("0.01"),
        max_value=Decimal(100),
        max_digits=5,
        decimal_places=2,
        required=False,
    )
    cap = DecimalNumberField(
        label=_("At most"),
        min_value=Decimal("0.01"),
        max_digits=14,
        decimal_places=2,
        required=False,
    )
    minimum_spend = DecimalNumberField(
        label=_("Minimum spend"),
        min_value=Decimal(0),
        max_digits=14,
        decimal_places=2,
        initial=Decimal(0),
    )

    def clean(self) -> dict[str, Any]:
        """Check that the kind's own fields are there, and no others."""
        data = super().clean()
        kind = data.get("kind")
        if kind is None:
            return data
        needed = _NEEDED[CouponKind(kind)]
        for name in ("amount", "percent_off"):
            if name in needed and data.get(name) is None and name not in self.errors:
                self.add_error(name, _("Required for this kind of coupon."))
            if name not in needed and data.get(name) is not None:
                self.add_error(name, _("Not used for this kind of coupon."))
        if kind != CouponKind.DISCOUNT and data.get("cap") is not None:
            self.add_error("cap", _("Not used for this kind of coupon."))
        return data


def _is_withdrawable(coupon: Coupon) -> bool:
    return coupon.withdrawn_at is None and coupon.used_at is None and coupon.remaining != 0


@admin.register(Coupon)
class CouponAdmin(LimitedAdmin):
    list_display = ("code", "account", "kind", "amount", "remaining", "percent_off", "ends_at")
    list_select_related = ("account",)
    list_filter = ("kind",)
    search_fields = ("=code", "=account__uin")
    add_form = CouponForm
    add_label = _("Give a coupon")

    def add_consequence(self) -> str:
        return daily_limit_words()

    def add_object(
        self, request: HttpRequest, data: Mapping[str, Any], now: datetime
    ) -> Coupon | Proposal:
        """Give the coupon to the account, or prepare it where one person may not give it alone."""
        terms = {name: value for name, value in data.items() if name not in {"account", "reason"}}
        who: dict[str, Any] = {"reason": data["reason"], "by": request.user, "now": now}
        try:
            return give_coupon(account=data["account"], terms=terms, **who)
        except Refused as refusal:
            if refusal.code != "second_person_needed":
                raise
        return propose("coupon.give", account=data["account"], payload=terms, **who)

    @object_action(
        label=_("Withdraw"),
        permission="billing.change_coupon",
        consequence=_("The account can no longer pay with it. Past payments are not affected."),
        is_available=_is_withdrawable,
        is_danger=True,
    )
    def withdraw(
        self, request: HttpRequest, obj: Coupon, data: Mapping[str, Any], now: datetime
    ) -> str | Promise:
        """Take back a coupon given by mistake."""
        withdraw_coupon(coupon=obj, reason=data["reason"], by=person(request), now=now)
        return _("The coupon was withdrawn.")
