"""What takes two people in the catalog: publishing prices and features."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Max
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Proposal, User
from accounts.services.proposals import (
    Facts,
    ProposalKind,
    approval_of,
    register_proposal,
    show_instant,
)
from accounts.services.turns import fingerprint
from billing.catalog.files import read_feature_table, read_price_book
from billing.catalog.models import FeatureTable, PriceBook, PriceBookWithdrawal
from billing.catalog.publishing import publish_feature_table, publish_price_book
from billing.catalog.queries import find_feature_table, find_price_book


def _instant(text: Any) -> datetime:
    """Return an instant that JSON keeps as text; before it was stored, it is one already."""
    found = parse_datetime(text) if isinstance(text, str) else text
    if not isinstance(found, datetime):
        raise TypeError(f"{text!r} is no instant")
    return found


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
        (_("Effective from"), show_instant(effective_at)),
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
        **approval_of(proposal, by, now),
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
        (_("Effective from"), show_instant(effective_at)),
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
        **approval_of(proposal, by, now),
    )


register_proposal(
    ProposalKind(
        name="price_book.publish",
        label=_("Publish a price book"),
        permission="billing.add_pricebook",
        consequence=_(
            "All customers buy and renew at these prices from then on. You can withdraw "
            "it until it takes effect."
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
        consequence=_("From then on, it decides what each edition can do."),
        describe=_feature_facts,
        carry_out=_publish_features,
        check=_check_features,
        state=_published_state,
    ),
)
