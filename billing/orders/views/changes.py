"""Adding licenses to a package, renewing packages, and upgrading one."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from accounts.access import AccountAccess, Permission, account_page, load_application
from billing.catalog.comparison import differing_rows
from billing.catalog.queries import find_feature_table
from billing.enums import PackageKind
from billing.orders.forms.changes import AdditionForm, RenewalForm, UpgradeForm
from billing.orders.quoting import PreloadedFacts
from billing.orders.snapshots import PackageSnapshot, find_current, read_snapshots
from billing.orders.views.checkout import answer_order_form, read_form
from billing.orders.views.quote_context import describe_present
from billing.packages.acts import PackageAct, acts_for
from billing.packages.models import Package
from billing.places import account_url, application_url


@account_page(Permission.SPEND)
def additional(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Sell additional licenses for the application's package."""
    now = timezone.now()
    application = load_application(access, sdkappid)
    snapshot = find_current(access.account, application, now)
    form = AdditionForm(read_form(request, AdditionForm.defaults()), application=application.pk)
    context = {
        "application": application,
        "url": application_url("add", access, application),
        "present": describe_present(snapshot),
    }
    preloaded = PreloadedFacts(snapshots=(snapshot,) if snapshot else ())
    return answer_order_form(
        request, access, form, "billing/add.html", context, now=now, preloaded=preloaded
    )


@account_page(Permission.SPEND)
def upgrade(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Sell the upgrade of the application's package to Premium."""
    now = timezone.now()
    application = load_application(access, sdkappid)
    snapshot = find_current(access.account, application, now)
    form = UpgradeForm(read_form(request, UpgradeForm.defaults()), application=application.pk)
    context = {
        "application": application,
        "url": application_url("upgrade", access, application),
        "present": describe_present(snapshot),
        "differences": SimpleLazyObject(lambda: differing_rows(find_feature_table(now))),
    }
    preloaded = PreloadedFacts(snapshots=(snapshot,) if snapshot else ())
    return answer_order_form(
        request, access, form, "billing/upgrade.html", context, now=now, preloaded=preloaded
    )


@account_page(Permission.SPEND)
def renew(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Sell the renewal of one application's package."""
    application = load_application(access, sdkappid)
    context = {
        "application": application,
        "url": application_url("renew", access, application),
        "buy_url": application_url("purchase", access, application),
    }
    return _renew(request, access, context, application_id=application.pk)


@account_page(Permission.SPEND)
def renew_many(request: HttpRequest, access: AccountAccess) -> HttpResponse:
    """Sell the renewal of several of the account's packages, or all, in one order."""
    context = {
        "application": None,
        "url": account_url("renew_many", access),
        "buy_url": account_url("buy", access),
    }
    return _renew(request, access, context)


def _renew(
    request: HttpRequest, access: AccountAccess, context: dict[str, Any], **only: Any
) -> HttpResponse:
    now = timezone.now()
    snapshots = [
        snapshot
        for snapshot in read_snapshots(access.account, _packages(access, **only), now)
        # One application's page says why its package cannot be renewed; a list leaves it out.
        if PackageAct.RENEW
        in acts_for(state=snapshot.state, is_under_review=snapshot.is_under_review and not only)
    ]
    due = snapshots if only else _find_due(snapshots, now)
    data = read_form(request, RenewalForm.defaults(snapshots, due))
    form = RenewalForm(_select_all(data, snapshots), snapshots=snapshots)
    form.is_blank = request.method != "POST" and "packages" not in request.GET and not due
    context = {**context, "snapshots": snapshots}
    preloaded = PreloadedFacts(snapshots=tuple(snapshots))
    return answer_order_form(
        request, access, form, "billing/renew.html", context, now=now, preloaded=preloaded
    )


def _select_all(data: Any, snapshots: list[PackageSnapshot]) -> Any:
    """Return what was sent with all packages chosen, where the button for that was pressed."""
    if "select_all" not in data:
        return data
    chosen = data.copy()
    everything = [str(snapshot.package.pk) for snapshot in snapshots]
    if isinstance(chosen, QueryDict):
        chosen.setlist("packages", everything)
    else:
        chosen["packages"] = everything
    return chosen


def _find_due(snapshots: list[PackageSnapshot], now: datetime) -> list[PackageSnapshot]:
    """Return the packages to renew first: those that expired, or will within some days."""
    soon = now + timedelta(days=settings.RENEWAL_DUE_DAYS)
    return [snapshot for snapshot in snapshots if snapshot.package.expires_at <= soon]


def _packages(access: AccountAccess, **only: Any) -> list[Package]:
    packages = Package.objects.current().filter(
        account=access.account, kind=PackageKind.PAID, **only
    )
    return list(packages.select_related("application").order_by("expires_at", "pk"))
