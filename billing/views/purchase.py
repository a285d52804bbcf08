"""Buying a package for an application: what to choose, what it costs, what follows."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.access import AccountAccess, Permission, account_page
from accounts.models import Application
from billing.enums import PackageKind
from billing.forms.asks import PurchaseForm
from billing.models import Package
from billing.services.catalog import find_feature_table, find_price_book, read_price_list
from billing.views.asking import answer_ask, read_form
from billing.views.comparison import differing_rows, edition_columns
from billing.views.places import account_url, application_url, load_application
from compliance.services.guidelines import guidelines_summary

TEMPLATE = "billing/purchase.html"


@account_page(Permission.SPEND)
def buy(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Sell a package for an application that is still to be chosen."""
    return _sell(request, access, None, account_url("buy", access))


@account_page(Permission.SPEND)
def purchase(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Sell a package for this application."""
    application = load_application(access, sdkappid)
    return _sell(request, access, application, application_url("purchase", access, application))


def _sell(
    request: HttpRequest, access: AccountAccess, application: Application | None, url: str
) -> HttpResponse:
    now = timezone.now()
    applications = _list_applications(access)
    prices = read_price_list(find_price_book(now))
    form = PurchaseForm(
        read_form(request, _defaults(application, applications)),
        applications=applications,
        included={edition: price.agents for edition, price in prices.packages.items()},
    )
    context = {
        "url": url,
        "activate_url": account_url("activate", access),
        "application": application,
        "applications": applications,
        "prices": prices,
        "price_columns": edition_columns(prices),
        "differences": lambda: differing_rows(find_feature_table(now)),
        "guidelines": lambda: guidelines_summary(now)["guidelines"],
    }
    return answer_ask(request, access, form, TEMPLATE, context, now=now)


def _list_applications(access: AccountAccess) -> list[Any]:
    """Return the account's applications, each with `has_package`: those cannot buy another."""
    paid = Package.objects.current().filter(application=OuterRef("pk"), kind=PackageKind.PAID)
    applications = Application.objects.filter(account=access.account)
    return list(applications.annotate(has_package=Exists(paid)).order_by("sdkappid"))


def _defaults(application: Application | None, applications: Sequence[Any]) -> dict[str, Any]:
    free = [each for each in applications if not each.has_package]
    chosen = application or next(iter(free or applications), None)
    return {**PurchaseForm.defaults(), "application": str(chosen.sdkappid) if chosen else ""}
