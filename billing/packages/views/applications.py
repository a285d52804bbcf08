"""An application's own page: its package, what it may use, and what comes next."""

from collections import Counter
from datetime import datetime

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import AccountAccess, Permission, account_page, load_application
from accounts.models import Account, Application
from billing.enums import LicenseKind
from billing.packages.acts import PackageAct
from billing.packages.buttons import list_buttons
from billing.packages.features import FeatureState, FeatureUse, features_for
from billing.packages.models import License, Package
from billing.packages.schedule import ScheduledEvent, read_schedule
from billing.packages.status import PackageStatus, read_status

#: How each state of a feature feels.
_TONES = {
    FeatureState.USABLE: "good",
    FeatureState.WAITING: "info",
    FeatureState.OTHER_EDITION: "quiet",
    FeatureState.NO_PACKAGE: "warning",
    FeatureState.RESTRICTED: "danger",
}


#: The acts that the page offers; a refund begins at the agents.
_ACTS = (PackageAct.BUY, PackageAct.ADD, PackageAct.RENEW, PackageAct.UPGRADE)


@account_page()
@require_safe
def application_page(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Show the application's package and features, and what can be done with it next."""
    found = load_application(access, sdkappid)
    now = timezone.now()
    status = _read_status(found, access.account, now)
    uses = features_for(found, now)
    counts = Counter(use.state for use in uses)
    context = {
        "access": access,
        "application": found,
        "status": status,
        **_count_licenses(status, now),
        "groups": _group(uses),
        "counts": [
            (state, counts[state], _TONES[state]) for state in FeatureState if counts[state]
        ],
        "is_waiting": bool(counts[FeatureState.WAITING]),
        "may_request": access.may(Permission.REQUEST_CONNECTION)
        and access.account.is_in_good_standing,
        "agenda": _agenda(status, access.account, now),
        "may_read_money": access.may(Permission.READ_MONEY),
        "buttons": list_buttons(access, found, status, acts=_ACTS),
        "now": now,
    }
    return render(request, "billing/application.html", context)


def _read_status(application: Application, account: Account, now: datetime) -> PackageStatus:
    """Return what the application's newest package is."""
    newest = Package.objects.filter(account=account, application=application).order_by("-pk")
    return read_status(newest.first(), account, now)


def _count_licenses(status: PackageStatus, now: datetime) -> dict[str, int]:
    """Return the package's licenses of each kind; those that end later count until they end."""
    if status.package is None or status.is_over:
        return {"agents": 0, "sip": 0}
    kept = License.objects.filter(account=status.package.account_id, package=status.package)
    return kept.not_ended(now).aggregate(
        agents=Count("pk", filter=Q(kind=LicenseKind.AGENT)),
        sip=Count("pk", filter=Q(kind=LicenseKind.SIP)),
    )


def _agenda(status: PackageStatus, account: Account, now: datetime) -> list[ScheduledEvent]:
    if status.package is None or status.is_over:
        return []
    return read_schedule(status, account, now)


def _group(uses: list[FeatureUse]) -> list[tuple[str, list[tuple[FeatureUse, str]]]]:
    groups: dict[str, list[tuple[FeatureUse, str]]] = {}
    for use in uses:
        groups.setdefault(use.feature.group_label, []).append((use, _TONES[use.state]))
    return list(groups.items())
