"""Prices and editions, for members and for everyone else."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import AccountAccess, account_page
from billing.calendar import billing_zone, refund_window_ends
from billing.catalog.comparison import edition_columns, grouped
from billing.catalog.queries import find_feature_table, find_price_book, read_price_list
from billing.enums import FundKind
from billing.refunds.terms import list_terms
from billing.refunds.trace import POLICY_VERSION


@require_safe
@login_not_required
def editions(request: HttpRequest) -> HttpResponse:
    """Compare the editions, feature by feature."""
    return _compare(request)


@account_page()
@require_safe
def account_editions(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Compare the editions, inside the console."""
    return _compare(request)


def _compare(request: HttpRequest) -> HttpResponse:
    features = find_feature_table(timezone.now())
    context = {"groups": grouped(features), "number": len(features)}
    return render(request, "billing/editions.html", context)


@require_safe
@login_not_required
def prices(request: HttpRequest) -> HttpResponse:
    """List every price of the current price book."""
    book = find_price_book(timezone.now())
    prices = read_price_list(book)
    context = {"book": book, "prices": prices, "columns": edition_columns(prices)}
    return render(request, "billing/prices.html", context)


@require_safe
@login_not_required
def refund_policy(request: HttpRequest) -> HttpResponse:
    """Say who gets a full refund, until when, and where the money goes, by the policy's tables."""
    now, days = timezone.now(), settings.REFUND_WINDOW_DAYS
    context = {
        "now": now,
        "days": days,
        "ends_at": refund_window_ends(now, days, billing_zone()),
        "terms": list_terms(days),
        "funds": list(FundKind),
        "version": POLICY_VERSION,
    }
    return render(request, "billing/refund_policy.html", context)
