"""The ways from agents to money: what can be bought, renewed or refunded, and where."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.access import AccountAccess, Permission
from accounts.models import Application
from agents.views.places import place_of
from billing.enums import Edition, PackageKind, PackageState
from billing.models import Package


@dataclass(frozen=True)
class Sale:
    """A button of the package's summary."""

    label: str | Promise
    url: str
    is_main: bool = False
    is_quiet: bool = False
    is_dialog: bool = False


def may_spend(access: AccountAccess) -> bool:
    """Whether to offer what costs money or brings it back."""
    return access.may(Permission.SPEND) and access.account.is_in_good_standing


def find_address(name: str, place: dict[str, Any]) -> str:
    """Return the address of a page, or nothing where there is no such page."""
    try:
        return reverse(name, kwargs=place)
    except NoReverseMatch:
        return ""


def sales_of(
    access: AccountAccess, application: Application, package: Package | None, now: datetime
) -> list[Sale]:
    """Return the buttons that fit the package's state at `now`, for those who may spend.

    The pages that they lead to decide for themselves; this only leaves out what is hopeless.
    """
    if not may_spend(access):
        return []
    offers: tuple[tuple[str, str | Promise, bool, dict[str, bool]], ...]
    if package is None:
        offers = (("billing:purchase", _("Buy"), True, {"is_main": True}),)
    else:
        offers = _offers(package, now)
    place = place_of(application)
    return [
        Sale(label, url, **looks)
        for name, label, is_fitting, looks in offers
        if is_fitting and (url := find_address(name, place))
    ]


def _offers(
    package: Package, now: datetime
) -> tuple[tuple[str, str | Promise, bool, dict[str, bool]], ...]:
    """Return address name, label, whether it fits, and looks of each button."""
    is_live = package.is_live(now)
    is_current = package.kind == PackageKind.PAID and package.state in (
        PackageState.ACTIVE,
        PackageState.ISOLATED,
    )
    can_upgrade = is_current and is_live and package.edition == Edition.ESSENTIAL
    return (
        ("billing:purchase", _("Buy"), not is_current, {"is_main": True}),
        ("billing:add", _("Add licences"), is_live, {"is_main": is_current}),
        ("billing:renew", _("Renew"), is_current, {}),
        ("billing:upgrade", _("Upgrade"), can_upgrade, {}),
        ("agents:refund", _("Refund"), is_current, {"is_quiet": True, "is_dialog": True}),
    )


def find_licence_shop(access: AccountAccess, application: Application, *, is_live: bool) -> str:
    """Return where missing licences can be bought, or nothing for those who may not spend."""
    if not may_spend(access):
        return ""
    return find_address("billing:add" if is_live else "billing:purchase", place_of(application))
