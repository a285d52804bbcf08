"""What takes two people in billing: prices, offers, and facts about packages."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Max, Model
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Proposal, User
from accounts.services.proposals import Facts, ProposalKind, register_proposal
from accounts.services.turns import fingerprint
from accounts.templatetags.console import money
from billing.catalog.models import FeatureTable, PriceBook, PriceBookWithdrawal
from billing.catalog.publishing import (
    publish_feature_table,
    publish_price_book,
    read_feature_table,
    read_price_book,
)
from billing.catalog.queries import find_feature_table, find_price_book
from billing.enums import CouponKind, PromotionRefundRule
from billing.grants.coupons import (
    coupon_code_known,
    define_promotion,
    end_promotion,
    give_coupon,
    promotion_code_known,
    require_running,
)
from billing.offers.labels import limits_of
from billing.offers.models import Coupon, Limits, Promotion
from billing.packages.models import Package
from billing.packages.services import extend_package, mark_switched_from_postpaid


def _approved(proposal: Proposal, by: User, now: datetime) -> dict[str, Any]:
    return {"reason": proposal.reason, "approval": proposal, "by": by, "now": now}


def _instant(text: Any) -> datetime:
    """Return an instant that JSON keeps as text; before it was stored, it is one already."""
    found = parse_datetime(text) if isinstance(text, str) else text
    if not isinstance(found, datetime):
        raise TypeError(f"{text!r} is no instant")
    return found


def _when(instant: datetime) -> str:
    return date_format(localtime(instant), "DATETIME_FORMAT")


# --- Offers ------------------------------------------------------------------------------------


def _terms(proposal: Proposal, model: type[Model]) -> dict[str, Any]:
    """Return the terms of an offer as the model's own values."""
    return {
        name: model._meta.get_field(name).to_python(value)  # type: ignore[union-attr]
        for name, value in proposal.payload.items()
    }


def _limits(offer: Limits) -> Facts:
    return [
        (_("For"), limits_of(offer)),
        (_("From"), _when(offer.starts_at)),
        (_("Until"), _when(offer.ends_at)),
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
    return define_promotion(terms=_terms(proposal, Promotion), **_approved(proposal, by, now))


def _check_end(proposal: Proposal, now: datetime) -> None:
    require_running(proposal.target, now)


def _end_promotion(proposal: Proposal, by: User, now: datetime) -> Promotion:
    return end_promotion(promotion=proposal.target, **_approved(proposal, by, now))


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
        **_approved(proposal, by, now),
    )


# --- Catalog -----------------------------------------------------------------------------------


def _published_state(proposal: Proposal) -> str:
    """Return what changes as soon as another person publishes or withdraws something."""
    versions = [
        model._default_manager.aggregate(newest=Max("pk"))["newest"]
        for model in (PriceBook, PriceBookWithdrawal, FeatureTable)
    ]
    return fingerprint(Group(), versions)


def _was(old: Any, new: Any) -> str:
    """Return `120.00 → 150.00`, or what stays as it is."""
    return str(new) if old == new else f"{old} → {new}"


def _price_facts(proposal: Proposal) -> Facts:
    """Show the whole book, with what it changes of the one that would hold until then."""
    effective_at = _instant(proposal.payload["effective_at"])
    book, items = read_price_book(
        data=proposal.payload["file"], effective_at=effective_at, now=proposal.made_at
    )
    old = find_price_book(effective_at)
    before = {(item.edition, item.item): item for item in old.items.all()}
    facts: list[Any] = [
        (_("In force from"), _when(effective_at)),
        (_("Compared with"), old),
        (_("Currency"), _was(old.currency, book.currency)),
        (_("Note"), book.note),
        (
            _("Trial edition"),
            _was(old.get_trial_edition_display(), book.get_trial_edition_display()),
        ),
        (_("Trial agent licenses"), _was(old.trial_agents, book.trial_agents)),
        (_("Trial days"), _was(old.trial_days, book.trial_days)),
    ]
    for item in items:
        was = before[item.edition, item.item]
        text = gettext("%(monthly)s a month, %(annual)s a year") % {
            "monthly": _was(was.monthly, item.monthly),
            "annual": _was(was.annual, item.annual),
        }
        if item.included_agents or item.included_sip or was.included_agents or was.included_sip:
            text += "; " + gettext("included: %(agents)s agents, %(sip)s SIP") % {
                "agents": _was(was.included_agents, item.included_agents),
                "sip": _was(was.included_sip, item.included_sip),
            }
        facts.append((str(item), text))
    return facts


def _check_prices(proposal: Proposal, now: datetime) -> None:
    read_price_book(
        data=proposal.payload["file"],
        effective_at=_instant(proposal.payload["effective_at"]),
        now=now,
    )


def _publish_prices(proposal: Proposal, by: User, now: datetime) -> PriceBook:
    return publish_price_book(
        data=proposal.payload["file"],
        effective_at=_instant(proposal.payload["effective_at"]),
        **_approved(proposal, by, now),
    )


def _feature_facts(proposal: Proposal) -> Facts:
    """Show which rows the comparison gains, loses and changes."""
    effective_at = _instant(proposal.payload["effective_at"])
    _table, features = read_feature_table(data=proposal.payload["file"], effective_at=effective_at)
    columns = ("in_essential", "essential_scope", "in_premium", "premium_scope", "is_calling")
    old = {row.key: row for row in find_feature_table(effective_at)}
    new = {row.key: row for row in features}
    changed = [
        row.name
        for key, row in new.items()
        if key in old and any(getattr(row, name) != getattr(old[key], name) for name in columns)
    ]
    return [
        (_("In force from"), _when(effective_at)),
        (_("Rows"), len(features)),
        (_("Added"), ", ".join(row.name for key, row in new.items() if key not in old)),
        (_("Removed"), ", ".join(row.name for key, row in old.items() if key not in new)),
        (_("Changed"), ", ".join(changed)),
    ]


def _check_features(proposal: Proposal, now: datetime) -> None:
    read_feature_table(
        data=proposal.payload["file"], effective_at=_instant(proposal.payload["effective_at"])
    )


def _publish_features(proposal: Proposal, by: User, now: datetime) -> FeatureTable:
    return publish_feature_table(
        data=proposal.payload["file"],
        effective_at=_instant(proposal.payload["effective_at"]),
        **_approved(proposal, by, now),
    )


# --- Packages ----------------------------------------------------------------------------------


def _package_facts(package: Package) -> list[Any]:
    return [
        (_("Application"), package.application),
        (_("Package"), package),
        (_("Expires"), _when(package.expires_at)),
    ]


def _lost_time(proposal: Proposal) -> timedelta:
    return timedelta(days=proposal.payload["days"], hours=proposal.payload["hours"])


def _extension_facts(proposal: Proposal) -> Facts:
    return [
        *_package_facts(proposal.target),
        (_("Days"), proposal.payload["days"]),
        (_("Hours"), proposal.payload["hours"]),
    ]


def _extend(proposal: Proposal, by: User, now: datetime) -> Package:
    return extend_package(
        package=proposal.target, by_time=_lost_time(proposal), **_approved(proposal, by, now)
    )


def _postpaid_facts(proposal: Proposal) -> Facts:
    is_switched = proposal.payload["is_switched"]
    answer = gettext("Yes") if is_switched else gettext("No")
    return [*_package_facts(proposal.target), (_("Switched from postpaid"), answer)]


def _mark_postpaid(proposal: Proposal, by: User, now: datetime) -> Package:
    return mark_switched_from_postpaid(
        package=proposal.target,
        is_switched=proposal.payload["is_switched"],
        **_approved(proposal, by, now),
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
        consequence=_("New quotes no longer get it; orders made under it keep its terms."),
        describe=_promotion_facts,
        carry_out=_end_promotion,
        check=_check_end,
    ),
    ProposalKind(
        name="price_book.publish",
        label=_("Publish a price book"),
        permission="billing.add_pricebook",
        consequence=_(
            "All customers buy and renew at these prices from then on. It can be withdrawn until "
            "it is in force."
        ),
        describe=_price_facts,
        carry_out=_publish_prices,
        check=_check_prices,
        state=_published_state,
    ),
    ProposalKind(
        name="feature_table.publish",
        label=_("Publish a feature table"),
        permission="billing.add_featuretable",
        consequence=_("It decides from then on what each edition can do."),
        describe=_feature_facts,
        carry_out=_publish_features,
        check=_check_features,
        state=_published_state,
    ),
    ProposalKind(
        name="package.extend",
        label=_("Give time back"),
        permission="billing.change_package",
        consequence=_("The expiry moves on by this time, for time lost to an overturned measure."),
        describe=_extension_facts,
        carry_out=_extend,
    ),
    ProposalKind(
        name="package.postpaid",
        label=_("Record a switch from postpaid"),
        permission="billing.change_package",
        consequence=_("A package that was switched from postpaid has no full refund."),
        describe=_postpaid_facts,
        carry_out=_mark_postpaid,
    ),
)
