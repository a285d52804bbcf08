"""What templates say about a quote: on the pages that sell, and in the dialog that confirms."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import Application
from accounts.text import mask_name
from billing.enums import RUNNING_STATES
from billing.orders.labels import group_lines, show_quoted_line
from billing.orders.package_changes import PackageChange
from billing.orders.quotes import ChangedExpiry, Quote, RefundTerms, read_refund_terms
from billing.orders.services import QuoteChanged
from billing.orders.snapshots import PackageContents, PackageSnapshot


@dataclass(frozen=True)
class LicensesEnding:
    """How many licenses of a package end at one instant, before the package does."""

    ends_at: datetime
    count: int


@dataclass(frozen=True)
class ShownChange:
    """What a quote does to one package, with its application and refund terms.

    `ending_later` are licenses that an earlier renewal left out and that still work.
    """

    change: PackageChange
    application: Application
    terms: RefundTerms
    ending_later: tuple[LicensesEnding, ...] = ()


def describe_quote(quote: Quote | None) -> dict[str, Any]:
    """Return the context that shows a quote; without one, only that there is none."""
    if quote is None:
        return {"quote": None}
    applications = _applications(quote)
    return {
        "quote": quote,
        "line_groups": group_lines(map(show_quoted_line, quote.lines), applications),
        "changes": [
            ShownChange(
                change,
                applications[change.application],
                read_refund_terms(quote, change),
                _ending_later(quote, change),
            )
            for change in quote.changes
        ],
        "payer_name": "" if quote.is_self_pay else mask_name(quote.payer.name),
    }


def _ending_later(quote: Quote, change: PackageChange) -> tuple[LicensesEnding, ...]:
    """Return when licenses of the package end before it does, as it is before the order."""
    return tuple(
        each
        for snapshot in quote.snapshots
        if snapshot.package.pk == change.package
        for each in _list_ending_later(snapshot)
    )


def _list_ending_later(snapshot: PackageSnapshot) -> list[LicensesEnding]:
    counts = Counter(each.ends_at for each in snapshot.licenses if each.ends_at is not None)
    return [LicensesEnding(ends_at, count) for ends_at, count in sorted(counts.items())]


@dataclass(frozen=True)
class PresentPackage:
    """A package in service as it is before an order, whatever is wrong with the form."""

    contents: PackageContents
    ending_later: list[LicensesEnding]


def describe_present(snapshot: PackageSnapshot | None) -> PresentPackage | None:
    """Return the package that an order would change; None where none is in service."""
    if snapshot is None or snapshot.state not in RUNNING_STATES:
        return None
    return PresentPackage(snapshot.contents, _list_ending_later(snapshot))


def _applications(quote: Quote) -> dict[int, Application]:
    known = {each.package.application_id: each.package.application for each in quote.snapshots}
    missing = {change.application for change in quote.changes} - known.keys()
    return {**known, **(Application.objects.in_bulk(missing) if missing else {})}


def name_expiries(changed: QuoteChanged) -> list[tuple[str, ChangedExpiry]]:
    """Return the dates that alone changed, each with the name of its application."""
    applications = _applications(changed.quote)
    return [(applications[each.application].name, each) for each in changed.change.expiries]
