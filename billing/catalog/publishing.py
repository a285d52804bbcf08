"""Publishing new versions of the catalog, and taking back a price book before it takes effect."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Proposal, User
from accounts.services.audit import Event, record
from accounts.services.second_person import require_approval
from accounts.services.versions import publish_version
from billing.catalog.files import read_feature_table, read_price_book
from billing.catalog.models import FeatureTable, PriceBook, PriceBookWithdrawal


@transaction.atomic
def publish_price_book(
    *,
    data: Mapping[str, Any],
    effective_at: datetime,
    reason: str = "",
    approval: Proposal | None = None,
    by: User | None,
    now: datetime,
) -> PriceBook:
    """Publish a new price book; quotes made before `effective_at` keep the one they had.

    It takes two people; `by=None` is the operator of the server. Raises Refused as
    `read_price_book` does.
    """
    approved = require_approval(approval, "price_book.publish", by=by, now=now)
    book, items = read_price_book(data=data, effective_at=effective_at, now=now)
    for item in items:
        item.book = book
    event = Event(verb="price_book.published", target=book, reason=reason, data=approved)
    publish_version(book, items, event=event, by=by, now=now)
    return book


@transaction.atomic
def withdraw_price_book(
    *, book: PriceBook, reason: str, by: User, now: datetime
) -> PriceBookWithdrawal:
    """Take back a price book that is not in effect yet; the present prices continue.

    One person may: it keeps what two had decided before. Raises Refused once it is in effect, or
    where it was withdrawn.
    """
    if book.effective_at <= now:
        raise Refused(
            _("These prices have taken effect and can no longer be withdrawn."), code="in_force"
        )
    withdrawal, is_new = PriceBookWithdrawal.objects.get_or_create(
        book=book, defaults={"reason": reason, "withdrawn_at": now, "withdrawn_by": by}
    )
    if not is_new:
        raise Refused(_("This price book has already been withdrawn."), code="withdrawn")
    event = Event(verb="price_book.withdrawn", target=book, reason=reason)
    record([event], account=None, by=by, now=now)
    return withdrawal


@transaction.atomic
def publish_feature_table(
    *,
    data: Mapping[str, Any],
    effective_at: datetime,
    reason: str = "",
    approval: Proposal | None = None,
    by: User | None,
    now: datetime,
) -> FeatureTable:
    """Publish a new comparison, which takes two people. Raises as `read_feature_table` does."""
    approved = require_approval(approval, "feature_table.publish", by=by, now=now)
    table, features = read_feature_table(data=data, effective_at=effective_at)
    for feature in features:
        feature.table = table
    event = Event(verb="feature_table.published", target=table, reason=reason, data=approved)
    publish_version(table, features, event=event, by=by, now=now)
    return table
