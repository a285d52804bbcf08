"""Buying a package for an application: what to choose, what it costs, what follows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from accounts.access import AccountAccess, Permission, account_page
from accounts.http import render_page
from accounts.models import Application
from billing.catalog.advisor import Need, advise, list_needs
from billing.catalog.comparison import edition_columns
from billing.catalog.models import Feature
from billing.catalog.pricing import PriceList
from billing.catalog.queries import find_feature_table, find_prices
from billing.enums import Edition, LicenseSource, OrderKind, PackageState
from billing.offers.models import Promotion
from billing.offers.services import read_promotions
from billing.orders.forms.purchase import PurchaseForm
from billing.orders.quoting import PreloadedFacts
from billing.orders.request import OrderRequest
from billing.orders.snapshots import PackageSnapshot, find_current
from billing.orders.term_comparison import ComparedTerms, compare_choice
from billing.orders.views.checkout import answer_order_form, read_form
from billing.packages.acts import PackageAct
from billing.packages.models import License, Package
from billing.packages.status import PackageStatus, read_status, read_statuses
from billing.places import account_url, application_url

TEMPLATE = "billing/purchase.html"


@account_page(Permission.SPEND)
def buy(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Sell a package for an application that is still to be chosen."""
    applications = _list_applications(access)
    return _sell(request, access, applications, None, account_url("buy", access))


@account_page(Permission.SPEND)
def purchase(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Sell a package for this application."""
    applications = _list_applications(access)
    application = next((each for each in applications if each.sdkappid == sdkappid), None)
    if application is None:
        raise Http404
    url = application_url("purchase", access, application)
    return _sell(request, access, applications, application, url)


def _sell(
    request: HttpRequest,
    access: AccountAccess,
    applications: list[Any],
    application: Application | None,
    url: str,
) -> HttpResponse:
    now = timezone.now()
    statuses = _read_statuses(access, applications, now)
    buyable = [app for app in applications if PackageAct.BUY in statuses[app.pk].acts]
    if request.method == "GET" and "part" not in request.GET:
        chosen = _named(request, applications) or application
        if not buyable or (chosen and chosen not in buyable):
            return _show_alternatives(request, access, applications, chosen, statuses)
    book, prices = find_prices(now)
    form = PurchaseForm(
        _take_suggested(read_form(request, _defaults(application, buyable or applications))),
        applications=applications,
        offered=buyable,
        included={edition: price.agents for edition, price in prices.packages.items()},
        find_trial=lambda found: _find_trial(access, found, now),
    )
    context: dict[str, Any] = {
        "url": url,
        "activate_url": account_url("activate", access),
        "application": application,
        "applications": applications,
        "prices": prices,
        "price_columns": edition_columns(prices),
        "advice": SimpleLazyObject(lambda: show_advice(form, prices, find_feature_table(now))),
    }
    # Cleaning the form reads the trial, if more licenses were bought for it.
    form.is_valid()
    promotions = tuple(read_promotions(now))
    context["compared"] = compare_terms(form, prices, promotions, now)
    preloaded = PreloadedFacts(
        prices=(book, prices),
        snapshots=tuple(snapshot for snapshot, _ending in form.endings),
        promotions=promotions,
    )
    return answer_order_form(request, access, form, TEMPLATE, context, preloaded, now=now)


def _take_suggested(data: Any) -> Any:
    """Return what was sent with the suggested edition chosen, where its button was pressed."""
    if "take" not in data:
        return data
    taken = data.copy()
    taken["edition"] = data["take"]
    return taken


def _list_applications(access: AccountAccess) -> list[Any]:
    """Return the account's applications with what matters to buying for them.

    `has_more_on_trial`: licenses were bought for the trial that runs.
    """
    # The account is named in each part: else all accounts' packages may be gone through.
    account = access.account
    bought = License.objects.filter(
        account=account,
        package__account=account,
        package__application=OuterRef("pk"),
        package__state=PackageState.TRIAL,
        source=LicenseSource.BOUGHT,
        ends_at=None,
    )
    applications = Application.objects.filter(account=account).annotate(
        has_more_on_trial=Exists(bought)
    )
    return list(applications.order_by("sdkappid"))


def _find_trial(access: AccountAccess, application: Any, now: datetime) -> PackageSnapshot | None:
    if not application.has_more_on_trial:
        return None
    snapshot = find_current(access.account, application, now)
    return snapshot if snapshot and snapshot.state == PackageState.TRIAL else None


def _defaults(application: Application | None, buyable: Sequence[Any]) -> dict[str, Any]:
    chosen = application or next(iter(buyable), None)
    return {**PurchaseForm.defaults(), "application": str(chosen.sdkappid) if chosen else ""}


def _read_statuses(
    access: AccountAccess, applications: Sequence[Any], now: datetime
) -> dict[int, PackageStatus]:
    """Return what each application has and may be offered, by the application's key."""
    packages = list(Package.objects.current().filter(account=access.account))
    found = read_statuses(packages, access.account, now) if packages else {}
    of_application = {each.application_id: found[each.pk] for each in packages}
    without = read_status(None, access.account, now)
    return {each.pk: of_application.get(each.pk, without) for each in applications}


def _named(request: HttpRequest, applications: Sequence[Any]) -> Any:
    """Return the application that a link names, if any."""
    named = request.GET.get("application", "")
    return next((each for each in applications if str(each.sdkappid) == named), None)


def _show_alternatives(
    request: HttpRequest,
    access: AccountAccess,
    applications: Sequence[Any],
    chosen: Any,
    statuses: Mapping[int, PackageStatus],
) -> HttpResponse:
    """Say why no package can be bought, and what can be done instead."""
    shown = [chosen] if chosen else applications
    context = {
        "access": access,
        "application": chosen,
        "applications": applications,
        "is_restricted": not access.account.is_in_good_standing,
        "rows": [(each, statuses[each.pk]) for each in shown],
        "activate_url": account_url("activate", access),
    }
    return render_page(request, "billing/purchase_alternatives.html", context)


def compare_terms(
    form: PurchaseForm, prices: PriceList, promotions: Sequence[Promotion], now: datetime
) -> ComparedTerms | None:
    """Compare 12 months with one year for what the form asks; None while it is at fault."""
    data = getattr(form, "cleaned_data", {})
    faults = {"edition", "agents", "sip", "people", "promotion"}
    if form.errors.keys() & faults or not data.get("edition"):
        return None
    choice = OrderRequest(
        kind=OrderKind.NEW,
        edition=data["edition"],
        agents=data.get("agents") or 0,
        sip=data.get("sip") or 0,
    )
    return compare_choice(
        choice, wanted=data["promotion"], prices=prices, promotions=promotions, now=now
    )


def show_advice(
    form: PurchaseForm, prices: PriceList, features: Sequence[Feature]
) -> dict[str, Any]:
    """Return what the page shows of needs, and the edition that suffices for the ticked ones."""
    needs, groups = _read_needs(tuple(features), get_language())
    monthly = {edition: price.monthly for edition, price in prices.packages.items()}
    return {
        "need_groups": groups,
        "extras": _list_extras(needs),
        "wanted": form.wanted,
        "suggestion": advise(needs, form.wanted, monthly),
        "chosen_edition": form["edition"].value(),
    }


#: How many features that only one edition has its card names.
_EXTRAS_SHOWN = 5


def _list_extras(needs: Sequence[Need]) -> list[tuple[Edition, list[str], int]]:
    """Return what only one edition has: the edition, its first features, how many others."""
    found = []
    for edition in Edition:
        names = [str(need.label) for need in needs if need.only == edition]
        if names:
            found.append((edition, names[:_EXTRAS_SHOWN], len(names[_EXTRAS_SHOWN:])))
    return found


Groups = list[tuple[str, list[Need]]]


@lru_cache(maxsize=8)
def _read_needs(features: tuple[Feature, ...], language: str) -> tuple[list[Need], Groups]:
    # Published rows never change, so their words are put together once for each language.
    needs = list_needs(features)
    return needs, [(name, list(rows)) for name, rows in groupby(needs, key=lambda need: need.group)]
