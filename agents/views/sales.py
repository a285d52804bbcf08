"""The ways from agents to money: what can be bought, renewed or refunded, and where."""

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from accounts.access import AccountAccess, Permission
from accounts.models import Application
from billing.packages.acts import PackageAct
from billing.packages.buttons import ActButton, list_buttons
from billing.packages.status import PackageStatus

#: Shorter labels, for a row of up to four buttons.
_SHORT = {PackageAct.BUY: _("Buy"), PackageAct.UPGRADE: _("Upgrade")}
#: Where licenses come from, the nearest way first.
_SHOPS = (PackageAct.ADD, PackageAct.BUY, PackageAct.RENEW)


def may_spend(access: AccountAccess) -> bool:
    """Whether to offer what costs money or brings it back."""
    return access.may(Permission.SPEND) and access.account.is_in_good_standing


def sales_of(
    access: AccountAccess, application: Application, status: PackageStatus
) -> list[ActButton]:
    """Return the buttons that fit the package's state, for those who may spend."""
    buttons = list_buttons(access, application, status)
    return [replace(button, label=_SHORT.get(button.act, button.label)) for button in buttons]


def find_license_shop(
    access: AccountAccess, application: Application, status: PackageStatus
) -> str:
    """Return where missing licenses can be bought, or nothing where that is not possible now."""
    shops = list_buttons(access, application, status, acts=_SHOPS)
    return shops[0].url if shops else ""
