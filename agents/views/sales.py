"""The ways from agents to money: what can be bought, renewed or refunded, and where."""

from dataclasses import dataclass, replace
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.access import AccountAccess, Permission
from accounts.models import Application
from agents.views.places import place_of
from billing.packages.acts import PackageAct
from billing.packages.status import PackageStatus


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


#: The buttons of a package: what each does, where, and how it looks.
_BUTTONS: tuple[tuple[PackageAct, str, str | Promise, dict[str, bool]], ...] = (
    (PackageAct.BUY, "billing:purchase", _("Buy"), {"is_main": True}),
    (PackageAct.ADD, "billing:add", _("Add licenses"), {}),
    (PackageAct.RENEW, "billing:renew", _("Renew"), {}),
    (PackageAct.UPGRADE, "billing:upgrade", _("Upgrade"), {}),
    (PackageAct.REFUND, "agents:refund", _("Refund"), {"is_quiet": True, "is_dialog": True}),
)


def sales_of(access: AccountAccess, application: Application, status: PackageStatus) -> list[Sale]:
    """Return the buttons that fit the package's state, for those who may spend.

    The first one is the main one.
    """
    if not access.may(Permission.SPEND):
        return []
    place = place_of(application)
    fitting = [
        Sale(label, url, **looks)
        for act, name, label, looks in _BUTTONS
        if act in status.acts and (url := find_address(name, place))
    ]
    return [replace(sale, is_main=place == 0) for place, sale in enumerate(fitting)]


#: Where licenses come from, the nearest way first.
_SHOPS = (
    (PackageAct.ADD, "billing:add"),
    (PackageAct.BUY, "billing:purchase"),
    (PackageAct.RENEW, "billing:renew"),
)


def find_license_shop(
    access: AccountAccess, application: Application, status: PackageStatus
) -> str:
    """Return where missing licenses can be bought, or nothing where that is not possible now."""
    if not access.may(Permission.SPEND):
        return ""
    names = (name for act, name in _SHOPS if act in status.acts)
    return find_address(next(names, ""), place_of(application))
