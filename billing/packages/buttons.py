"""The buttons that lead to what a package may be offered next, and to nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.access import AccountAccess, Permission
from accounts.models import Application
from billing.packages.acts import PackageAct
from billing.packages.status import PackageStatus

#: The page of each act and its button, in the order in which pages show them.
_PAGES: dict[PackageAct, tuple[str, str | Promise]] = {
    PackageAct.BUY: ("billing:purchase", _("Buy a package")),
    PackageAct.ADD: ("billing:add", _("Add licenses")),
    PackageAct.RENEW: ("billing:renew", _("Renew")),
    PackageAct.UPGRADE: ("billing:upgrade", _("Upgrade to Premium")),
    PackageAct.REFUND: ("agents:refund", _("Refund")),
}


@dataclass(frozen=True)
class ActButton:
    """A button that leads to the page of an act."""

    act: PackageAct
    label: str | Promise
    url: str
    is_main: bool = False


def list_buttons(
    access: AccountAccess,
    application: Application,
    status: PackageStatus,
    *,
    acts: Iterable[PackageAct] = tuple(_PAGES),
) -> list[ActButton]:
    """Return the buttons of those `acts` that fit the package, for those who may spend.

    The first one is the main one.
    """
    if not access.may(Permission.SPEND):
        return []
    buttons = [button_of(act, application) for act in acts if act in status.acts]
    return [replace(button, is_main=place == 0) for place, button in enumerate(buttons)]


def button_of(act: PackageAct, application: Application) -> ActButton:
    """Return the button of an act on an application, whose account is at hand."""
    name, label = _PAGES[act]
    place = {"uin": application.account.uin, "sdkappid": application.sdkappid}
    return ActButton(act, label, reverse(name, kwargs=place))
