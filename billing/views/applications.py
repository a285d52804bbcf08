"""An application's own page: its package, what it may use, and what comes next."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.access import AccountAccess, Permission, account_page
from accounts.models import Account, Application
from billing.agenda import Coming
from billing.enums import Edition, LicenceKind, PackageState
from billing.services.agenda import read_agenda
from billing.services.eligibility import Held, find_current
from billing.services.features import FeatureState, FeatureUse, features_for
from billing.views.places import application_url, load_application

#: How each state of a feature feels.
_TONES = {
    FeatureState.USABLE: "good",
    FeatureState.WAITING: "info",
    FeatureState.OTHER_EDITION: "quiet",
    FeatureState.NO_PACKAGE: "warning",
    FeatureState.RESTRICTED: "danger",
}


@dataclass(frozen=True)
class Step:
    """A button that leads on."""

    label: str | Promise
    url: str
    is_main: bool = False


@account_page()
@require_safe
def application(request: HttpRequest, access: AccountAccess, sdkappid: int) -> HttpResponse:
    """Show the application's package and features, and the next steps."""
    found = load_application(access, sdkappid)
    now = timezone.now()
    held = find_current(access.account, found, now)
    uses = features_for(found, now)
    counts = Counter(use.state for use in uses)
    context = {
        "access": access,
        "application": found,
        "held": held,
        "agents": held.count(LicenceKind.AGENT) if held else 0,
        "sip": held.count(LicenceKind.SIP) if held else 0,
        "groups": _group(uses),
        "counts": [
            (state, counts[state], _TONES[state]) for state in FeatureState if counts[state]
        ],
        "is_waiting": bool(counts[FeatureState.WAITING]),
        "may_request": access.may(Permission.REQUEST_CONNECTION),
        "agenda": _agenda(held, access.account, now),
        "steps": _steps(access, found, held, now),
        "now": now,
    }
    return render(request, "billing/application.html", context)


def _agenda(held: Held | None, account: Account, now: datetime) -> list[Coming]:
    return read_agenda(held.package, account, now) if held else []


def _group(uses: list[FeatureUse]) -> list[tuple[str, list[tuple[FeatureUse, str]]]]:
    groups: dict[str, list[tuple[FeatureUse, str]]] = {}
    for use in uses:
        groups.setdefault(use.feature.group_label, []).append((use, _TONES[use.state]))
    return list(groups.items())


def _steps(
    access: AccountAccess, application: Application, held: Held | None, now: datetime
) -> list[Step]:
    """Return what can be bought next, for those who may spend in an account that may."""
    if not (access.may(Permission.SPEND) and access.account.is_in_good_standing):
        return []
    if held is None or held.state == PackageState.TRIAL:
        names = [("purchase", _("Buy a package"), True)]
        if held is not None:
            names.append(("add", _("Add licences to the trial"), False))
    elif held.package.is_live(now):
        names = [("add", _("Add licences"), True), ("renew", _("Renew"), False)]
        if held.package.edition == Edition.ESSENTIAL:
            names.append(("upgrade", _("Upgrade to Premium"), False))
    else:
        names = [("renew", _("Renew"), True)]
    return [
        Step(label, application_url(name, access, application), main) for name, label, main in names
    ]
