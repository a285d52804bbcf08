"""What the layout of every page needs to know."""

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from accounts.access import AccountAccess
from accounts.enums import Theme
from accounts.models import Account, Application, Membership, User
from accounts.navigation import NavigationSection, sections

#: The cookie that keeps the theme of those who are not signed in.
THEME_COOKIE = "theme"
#: More accounts than these are reached through the list of accounts.
ACCOUNTS_IN_SWITCHER = 12


class PageContext(NamedTuple):
    """An account or an application to switch to: its name, number and address."""

    name: str
    number: str
    url: str
    is_current: bool


class Console:
    """The page's surroundings; each part is looked up when a template asks for it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def access(self) -> AccountAccess | None:
        """The member's access to the account in view; None on pages outside of accounts."""
        return getattr(self._request, "access", None)

    @property
    def account(self) -> Account | None:
        """The account in view."""
        return self.access.account if self.access else None

    @cached_property
    def sdkappid(self) -> int | None:
        """The application that the address names."""
        match = self._request.resolver_match
        return match.kwargs.get("sdkappid") if match and self.access else None

    @cached_property
    def applications(self) -> list[PageContext]:
        """The account's applications by name, each with the address of this same page for it.

        There are at most 20. Where the page in view is not one of an application, or shows a
        single object of it, the application's own first page takes its place.
        """
        match = self._request.resolver_match
        if self.account is None or match is None:
            return []
        found = Application.objects.filter(account=self.account).order_by("name", "sdkappid")
        rows = [(name, str(number)) for name, number in found.values_list("name", "sdkappid")]
        same = [match.view_name] if set(match.kwargs) == {"uin", "sdkappid"} else []
        names = [*same, "agents:management", "billing:application"]
        return _places(rows, names, "sdkappid", current=self.sdkappid, uin=self.account.uin)

    @property
    def application(self) -> PageContext | None:
        """The application in view."""
        return next((place for place in self.applications if place.is_current), None)

    @cached_property
    def accounts(self) -> list[PageContext]:
        """Accounts to switch to, the one in view included."""
        user = self._request.user
        if not isinstance(user, User):
            return []
        mine = Membership.objects.filter(user_id=user.pk).order_by("account__name", "pk")
        rows = mine.values_list("account__name", "account__uin")[:ACCOUNTS_IN_SWITCHER]
        current = self.account.uin if self.account else None
        return _places(rows, ["start"], "uin", current=current)

    @cached_property
    def navigation(self) -> list[NavigationSection]:
        """The lines of the navigation that this member may open."""
        if self.access is None:
            return []
        return sections(self.access, sdkappid=self.sdkappid, path=self._request.path)

    @cached_property
    def theme(self) -> str:
        """`auto`, `light` or `dark`: the user's choice, else that of this browser."""
        user = getattr(self._request, "user", None)
        chosen = user.theme if isinstance(user, User) else self._request.COOKIES.get(THEME_COOKIE)
        return chosen if chosen in Theme.values else Theme.AUTO.value

    @property
    def themes(self) -> list[tuple[str, str]]:
        """All themes with their names."""
        return [(value, str(label)) for value, label in Theme.choices]

    @property
    def languages(self) -> list[tuple[str, str]]:
        """All languages, each with its name in itself."""
        return [(code, _OWN_NAME.get(code, str(name))) for code, name in settings.LANGUAGES]


def _places(
    rows: Iterable[tuple[str, str]], views: list[str], key: str, *, current: object, **kwargs: str
) -> list[PageContext]:
    """Return rows (name, number) with the address of the first of `views` that there is.

    The address is looked up once, and the others made from it: looking up takes longer than
    all the rest.
    """
    places: list[PageContext] = []
    first = url = ""
    for name, number in rows:
        if not first:
            first, url = number, _first_address(views, {**kwargs, key: number})
        own = url.replace(f"/{first}/", f"/{number}/")
        places.append(PageContext(name, number, own, number == str(current)))
    return places if url else []


def _first_address(views: list[str], kwargs: dict[str, str]) -> str:
    for view in views:
        try:
            return reverse(view, kwargs=kwargs)
        except NoReverseMatch:
            continue
    return ""


#: Someone who cannot read the present language must still find their own.
_OWN_NAME = {"en": "English", "zh-hans": "简体中文"}


def console(request: HttpRequest) -> dict[str, Console]:
    """Offer the page's surroundings to its template as `console`."""
    return {"console": Console(request)}
