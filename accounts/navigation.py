"""The console's navigation: one table, in the order in which people need the pages.

Entries name addresses, not views, so that this lowest app need not know the others. An address
that does not exist, or that the member's role may not read, is left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.access import AccountAccess, Permission


@dataclass(frozen=True)
class NavigationEntry:
    """A line of the navigation; `icon` is the name of a heroicon.

    `also` names pages that belong to this line although their addresses begin with another's.
    """

    label: str | Promise
    url_name: str
    icon: str
    permission: Permission = Permission.READ
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Lines that belong together. Those of an application show while one is chosen."""

    label: str | Promise
    entries: tuple[NavigationEntry, ...]
    is_of_application: bool = False


NAVIGATION = (
    Group(
        "",
        (
            NavigationEntry(_("Start"), "start", "home"),
            NavigationEntry(_("Applications"), "accounts:applications", "squares-2x2"),
        ),
    ),
    Group(
        _("This application"),
        (
            NavigationEntry(_("Overview"), "billing:application", "information-circle"),
            NavigationEntry(_("Agent management"), "agents:management", "user-group"),
            NavigationEntry(_("SIP telephones"), "agents:telephones", "phone"),
            NavigationEntry(_("Skill groups"), "agents:skill_groups", "tag"),
        ),
        is_of_application=True,
    ),
    Group(
        _("Packages and money"),
        (
            NavigationEntry(
                _("Buy"),
                "billing:buy",
                "shopping-cart",
                Permission.SPEND,
                also=(
                    "billing:purchase",
                    "billing:add",
                    "billing:renew",
                    "billing:upgrade",
                    "billing:confirm",
                    "billing:account_editions",
                ),
            ),
            NavigationEntry(
                _("Orders"),
                "billing:orders",
                "document-text",
                Permission.READ_MONEY,
                also=("billing:renew_many",),
            ),
            NavigationEntry(
                _("Payment requests"),
                "billing:payment_requests",
                "inbox-arrow-down",
                Permission.READ_MONEY,
            ),
            NavigationEntry(_("Funds"), "billing:funds", "banknotes", Permission.READ_MONEY),
            NavigationEntry(_("Coupons"), "billing:coupons", "ticket", Permission.READ_MONEY),
            NavigationEntry(
                _("Refunds"), "billing:refunds", "arrow-uturn-left", Permission.READ_MONEY
            ),
        ),
    ),
    Group(
        _("Rules"),
        (
            NavigationEntry(_("Connection requests"), "compliance:connection_requests", "link"),
            NavigationEntry(_("Violations"), "compliance:violations", "exclamation-triangle"),
        ),
    ),
    Group(
        _("Account"),
        (
            NavigationEntry(_("Members"), "accounts:members", "users"),
            NavigationEntry(_("Audit trail"), "accounts:audit", "clock", Permission.READ_AUDIT),
        ),
    ),
)


@dataclass(frozen=True)
class NavigationLine:
    """An entry as one page shows it."""

    label: str | Promise
    url: str
    icon: str
    is_current: bool


@dataclass(frozen=True)
class NavigationSection:
    """A group as one page shows it."""

    label: str | Promise
    lines: tuple[NavigationLine, ...]


def sections(
    access: AccountAccess, *, sdkappid: int | None, path: str, groups: Iterable[Group] = NAVIGATION
) -> list[NavigationSection]:
    """Return what this member may open, the line that holds the page at `path` marked.

    `sdkappid` is the application in view, None outside of any. Groups without lines are left
    out.
    """
    found: list[tuple[Group, list[tuple[NavigationEntry, str]]]] = []
    owners: dict[str, str] = {}
    for group in groups:
        if group.is_of_application and sdkappid is None:
            continue
        kwargs: dict[str, object] = {"uin": access.account.uin}
        if group.is_of_application:
            kwargs["sdkappid"] = sdkappid
        may_open = (entry for entry in group.entries if access.may(entry.permission))
        lines = [(e, url) for e in may_open if (url := _address(e.url_name, kwargs))]
        found.append((group, lines))
        for entry, url in lines:
            owners |= {url: url} | dict.fromkeys(_also(entry, access, sdkappid), url)
    current = owners.get(_holding(path, owners))
    return [
        NavigationSection(
            group.label,
            tuple(NavigationLine(e.label, url, e.icon, url == current) for e, url in lines),
        )
        for group, lines in found
        if lines
    ]


def _also(entry: NavigationEntry, access: AccountAccess, sdkappid: int | None) -> list[str]:
    """The addresses of an entry's other pages, those of the application in view included."""
    kwargs: dict[str, object] = {"uin": access.account.uin}
    within = {**kwargs, "sdkappid": sdkappid}
    found = [_address(name, kwargs) or _address(name, within) for name in entry.also]
    return [url for url in found if url]


def _address(name: str, kwargs: dict[str, object]) -> str:
    try:
        return reverse(name, kwargs=kwargs)
    except NoReverseMatch:
        return ""


def _holding(path: str, urls: Iterable[str]) -> str:
    """The longest address that `path` begins with: a page belongs to the list it came from."""
    return max((url for url in urls if path.startswith(url)), key=len, default="")
