"""What the forms of all kinds of order share: offers, quantities, terms, and who pays."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.forms.fields import WholeNumberField
from accounts.models import Application
from accounts.templatetags.console import money
from billing.catalog.pricing import TERM_LIMITS
from billing.enums import TermUnit
from billing.offers.services import CouponChoice
from billing.orders.forms.fields import KeyField, UinField
from billing.orders.request import OrderRequest
from billing.orders.suggestions import OfferChoice, PromotionChoice, Suggestion

#: In place of an offer's key: whichever is proposed.
BEST = "best"
Choices = list[tuple[Any, str | Promise]]


class OrderRequestForm(forms.Form):
    """What all orders have in common: offers, and who pays."""

    promotion = KeyField(label=gettext_lazy("Promotion"), words=(BEST,))
    coupon = KeyField(label=gettext_lazy("Coupon"), words=(BEST,))
    payer = UinField(
        label=gettext_lazy("UIN of another account that pays"),
        help_text=gettext_lazy(
            "Leave blank to pay yourself. Otherwise, finance members of the other "
            "account see the order and pay or refuse it. You cannot use coupons then."
        ),
    )

    #: Whether the page opens with nothing chosen, so that there is nothing to price or refuse yet.
    is_blank = False
    #: The application that was chosen in the form, if one is chosen there.
    target: Application | None = None

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """What stands in the form before anyone has chosen."""
        return {"promotion": BEST, "coupon": BEST}

    def order_request(self) -> OrderRequest:
        """Return it; the form is valid. Raises Refused where the parts do not fit."""
        raise NotImplementedError

    @property
    def offer_choice(self) -> OfferChoice:
        """Which offers should be used as they are proposed, whichever they are."""
        return OfferChoice(
            is_best_promotion=self.cleaned_data["promotion"] == BEST,
            is_best_coupon=self.cleaned_data["coupon"] == BEST,
        )

    def _offers(self) -> dict[str, Any]:
        named = {
            name: None if self.cleaned_data[name] == BEST else self.cleaned_data[name]
            for name in ("promotion", "coupon")
        }
        return {**named, "payer": self.cleaned_data["payer"]}

    def refuse(self, refusal: Refused) -> None:
        """Show a service's refusal beside the field that it names, if the form has it."""
        self.add_error(refusal.field if refusal.field in self.fields else None, str(refusal))

    def offer(self, suggestion: Suggestion | None) -> None:
        """List the offers that fit; a field without offers keeps its value unseen."""
        promotions = suggestion.promotions if suggestion else ()
        coupons = suggestion.coupons if suggestion else ()
        self.has_promotions = bool(promotions) or "promotion" in self.errors
        self.has_coupons = bool(coupons) or "coupon" in self.errors
        self.fields["promotion"].widget.choices = _promotion_choices(suggestion)
        self.fields["coupon"].widget.choices = _coupon_choices(coupons)

    def lead_to_fault(self) -> None:
        """Let the browser put the cursor into the first field at fault."""
        for field in self.visible_fields():
            if field.errors:
                field.field.widget.attrs["autofocus"] = True
                return


def _promotion_choices(suggestion: Suggestion | None) -> Choices:
    if suggestion is None or suggestion.quote is None:
        return [(BEST, _("No suggestion")), ("", gettext_lazy("No promotion"))]
    currency = suggestion.quote.currency
    listed: Choices = []
    best = _("No suggestion")
    for choice in suggestion.promotions:
        words = _promotion_words(choice, currency)
        listed.append((choice.promotion.pk, words))
        if choice.promotion == suggestion.best_promotion:
            best = _("Suggested: %(offer)s") % {"offer": words}
    return [(BEST, best), ("", gettext_lazy("No promotion")), *listed]


def _promotion_words(choice: PromotionChoice, currency: str) -> str:
    return _("%(name)s (%(percent)s%% off, %(amount)s)") % {
        "name": choice.promotion.name,
        "percent": f"{choice.promotion.percent_off.normalize():f}",
        "amount": money(-choice.deduction, currency),
    }


def _coupon_choices(coupons: Sequence[CouponChoice]) -> Choices:
    usable = [choice for choice in coupons if choice.is_usable]
    best = _("None available")
    if usable:
        best = _("Suggested: %(offer)s") % {"offer": _coupon_words(usable[0])}
    listed: Choices = [(choice.coupon.pk, _coupon_words(choice)) for choice in usable]
    return [(BEST, best), ("", gettext_lazy("No coupon")), *listed]


def _coupon_words(choice: CouponChoice) -> str:
    amount = money(-choice.deduction, choice.coupon.currency)
    return f"{choice.coupon} ({amount})"


class QuantityForm(OrderRequestForm):
    """An order of additional licenses, alone or with something else."""

    agents = WholeNumberField(
        label=gettext_lazy("Additional agent licenses"),
        required=False,
        min_value=0,
        max_value=settings.ORDER_LICENSE_LIMIT,
    )
    sip = WholeNumberField(
        label=gettext_lazy("Additional SIP telephone licenses"),
        required=False,
        min_value=0,
        max_value=settings.ORDER_LICENSE_LIMIT,
    )


def term_unit_field() -> forms.TypedChoiceField:
    """Return a field for the kind of term."""
    return forms.TypedChoiceField(
        label=gettext_lazy("Billing period"),
        choices=TermUnit.choices,
        coerce=TermUnit,
        widget=forms.RadioSelect,
    )


def _term_help() -> str:
    text = gettext("%(month_min)d to %(month_max)d months, or %(year_min)d to %(year_max)d years.")
    return text % {
        f"{unit}_{name}": limit
        for unit, limits in TERM_LIMITS.items()
        for name, limit in zip(("min", "max"), limits, strict=True)
    }


#: What the number of terms may be.
TERM_HELP = lazy(_term_help, str)()


def term_count_field(**kwargs: Any) -> WholeNumberField:
    """Return a field for the number of terms, up to the most that any kind of term allows."""
    return WholeNumberField(
        label=gettext_lazy("Duration"),
        min_value=min(least for least, _most in TERM_LIMITS.values()),
        max_value=max(most for _least, most in TERM_LIMITS.values()),
        **kwargs,
    )


class TermForm(OrderRequestForm):
    """An order of whole terms."""

    unit = term_unit_field()
    count = term_count_field(help_text=TERM_HELP)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        return {**super().defaults(), "unit": TermUnit.MONTH.value, "count": "1"}
