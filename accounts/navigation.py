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
class Entry:
    """A line of the navigation; `icon` is the name of a heroicon."""

    label: str | Promise
    url_name: str
    icon: str
    permission: Permission = Permission.READ


@dataclass(frozen=True)
class Group:
    """Lines that belong together. Those of an application show while one is chosen."""

    label: str | Promise
    entries: tuple[Entry, ...]
    is_of_application: bool = False


NAVIGATION = (
    Group(
        "",
        (
            Entry(_("Start"), "start", "home"),
            Entry(_("Applications"), "accounts:applications", "squares-2x2"),
        ),
    ),
    Group(
        _("This application"),
        (
            Entry(_("Overview"), "billing:application", "information-circle"),
            Entry(_("Agent management"), "agents:management", "user-group"),
            Entry(_("SIP telephones"), "agents:telephones", "phone"),
            Entry(_("Skill groups"), "agents:skill_groups", "tag"),
        ),
        is_of_application=True,
    ),
    Group(
        _("Packages and money"),
        (
            Entry(_("Buy"), "billing:buy", "shopping-cart", Permission.SPEND),
            Entry(_("Orders"), "billing:orders", "document-text", Permission.READ_MONEY),
            Entry(
                _("Payment requests"),
                "billing:payment_requests",
                "inbox-arrow-down",
                Permission.READ_MONEY,
            ),
            Entry(_("Funds"), "billing:funds", "banknotes", Permission.READ_MONEY),
            Entry(_("Coupons"), "billing:coupons", "ticket", Permission.READ_MONEY),
            Entry(_("Refunds"), "billing:refunds", "arrow-uturn-left", Permission.READ_MONEY),
        ),
    ),
    Group(
        _("Rules"),
        (
            Entry(_("Connection requests"), "compliance:connection_requests", "link"),
            Entry(_("Violations"), "compliance:violations", "exclamation-triangle"),
        ),
    ),
    Group(
        _("Account"),
        (
            Entry(_("Members"), "accounts:members", "users"),
            Entry(_("Audit trail"), "accounts:audit", "clock", Permission.READ_AUDIT),
        ),
    ),
)


@dataclass(frozen=True)
class Line:
    """An entry as one page shows it."""

    label: str | Promise
    url: str
    icon: str
    is_current: bool


@dataclass(frozen=True)
class Section:
    """A group as one page shows it."""

    label: str | Promise
    lines: tuple[Line, ...]


def sections(
    access: AccountAccess, *, sdkappid: int | None, path: str, groups: Iterable[Group] = NAVIGATION
) -> list[Section]:
    """Return what this member may open, the line that holds the page at `path` marked.

    `sdkappid` is the application in view, None outside of any. Groups without lines are left
    out.
    """
    found: list[tuple[Group, list[tuple[Entry, str]]]] = []
    for group in groups:
        if group.is_of_application and sdkappid is None:
            continue
        kwargs: dict[str, object] = {"uin": access.account.uin}
        if group.is_of_application:
            kwargs["sdkappid"] = sdkappid
        may_open = (entry for entry in group.entries if access.may(entry.permission))
        found.append((group, [(e, url) for e in may_open if (url := _address(e, kwargs))]))
    current = _holding(path, [url for _group, lines in found for _entry, url in lines])
    return [
        Section(group.label, tuple(Line(e.label, url, e.icon, url == current) for e, url in lines))
        for group, lines in found
        if lines
    ]


def _address(entry: Entry, kwargs: dict[str, object]) -> str:
    try:
        return reverse(entry.url_name, kwargs=kwargs)
    except NoReverseMatch:
        return ""


def _holding(path: str, urls: list[str]) -> str:
    """The longest address that `path` begins with: a page belongs to the list it came from."""
    return max((url for url in urls if path.startswith(url)), key=len, default="")
