"""What takes two people in what staff give: promotions, and coupons beyond a day's limit."""

from datetime import datetime
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from accounts.models import Proposal, User
from accounts.services.proposals import (
    Facts,
    ProposalKind,
    approval_of,
    register_proposal,
    show_instant,
)
from accounts.templatetags.console import money
from billing.enums import CouponKind, PromotionRefundRule
from billing.grants.coupons import (
    coupon_code_known,
    define_promotion,
    end_promotion,
    give_coupon,
    promotion_code_known,
    require_running,
)
from billing.offers.models import Coupon, Limits, Promotion


def _terms(proposal: Proposal, model: type[Model]) -> dict[str, Any]:
    """Return the terms of an offer as the model's own values."""
    return {
        name: model._meta.get_field(name).to_python(value)  # type: ignore[union-attr]
        for name, value in proposal.payload.items()
    }


def _limits(offer: Limits) -> Facts:
    return [
        (_("For"), offer.describe_limits()),
        (_("From"), show_instant(offer.starts_at)),
        (_("Until"), show_instant(offer.ends_at)),
    ]


def _promotion_facts(proposal: Proposal) -> Facts:
    promotion = proposal.target or Promotion(**_terms(proposal, Promotion))
    rule = PromotionRefundRule(promotion.refund_rule).label
    days = promotion.refund_window_days
    return [
        (_("Code"), promotion.code),
        (_("Name"), promotion.name),
        (_("Percent off"), promotion.percent_off),
        (_("Minimum number of terms"), promotion.minimum_terms),
        (_("Refund"), rule if days is None else f"{rule}: {days}"),
        *_limits(promotion),
        (_("Terms shown to the customer"), promotion.terms),
    ]


def _check_promotion(proposal: Proposal, now: datetime) -> None:
    if Promotion.objects.filter(code=proposal.payload["code"]).exists():
        raise promotion_code_known()


def _define_promotion(proposal: Proposal, by: User, now: datetime) -> Promotion:
    return define_promotion(terms=_terms(proposal, Promotion), **approval_of(proposal, by, now))


def _check_end(proposal: Proposal, now: datetime) -> None:
    require_running(proposal.target, now)


def _end_promotion(proposal: Proposal, by: User, now: datetime) -> Promotion:
    return end_promotion(promotion=proposal.target, **approval_of(proposal, by, now))


def _coupon_facts(proposal: Proposal) -> Facts:
    coupon = Coupon(account=proposal.account, **_terms(proposal, Coupon))
    facts: list[Any] = [
        (_("Code"), coupon.code),
        (_("Kind"), CouponKind(coupon.kind).label),
    ]
    amounts = (
        (_("Amount"), coupon.amount),
        (_("At most"), coupon.cap),
        (_("Minimum spend"), coupon.minimum_spend),
    )
    if coupon.percent_off is not None:
        facts.append((_("Percent off"), coupon.percent_off))
    facts += [(name, money(value, coupon.currency)) for name, value in amounts if value]
    return [*facts, *_limits(coupon)]


def _check_coupon(proposal: Proposal, now: datetime) -> None:
    if Coupon.objects.filter(code=proposal.payload["code"]).exists():
        raise coupon_code_known()


def _give_coupon(proposal: Proposal, by: User, now: datetime) -> Coupon:
    return give_coupon(
        account=proposal.account,  # type: ignore[arg-type]
        terms=_terms(proposal, Coupon),
        **approval_of(proposal, by, now),
    )


register_proposal(
    ProposalKind(
        name="coupon.give",
        label=_("Give a coupon"),
        permission="billing.add_coupon",
        consequence=_("The account can pay with it immediately."),
        describe=_coupon_facts,
        carry_out=_give_coupon,
        check=_check_coupon,
    ),
    ProposalKind(
        name="promotion.define",
        label=_("Define a promotion"),
        permission="billing.add_promotion",
        consequence=_("All customers can buy at this price while it lasts."),
        describe=_promotion_facts,
        carry_out=_define_promotion,
        check=_check_promotion,
    ),
    ProposalKind(
        name="promotion.end",
        label=_("End a promotion"),
        permission="billing.change_promotion",
        consequence=_("It no longer applies to new quotes. Orders made under it keep its terms."),
        describe=_promotion_facts,
        carry_out=_end_promotion,
        check=_check_end,
    ),
)
