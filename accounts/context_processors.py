"""What the layout of every page needs to know."""

from functools import cached_property

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from accounts.access import AccountAccess
from accounts.enums import Theme
from accounts.models import Account, Application, Membership, User
from accounts.navigation import Section, sections

#: The cookie that keeps the theme of those who are not signed in.
THEME_COOKIE = "theme"
#: More accounts than these are reached through the list of accounts.
ACCOUNTS_IN_SWITCHER = 12


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
    def applications(self) -> list[Application]:
        """The account's applications by name; there are at most 20."""
        if self.access is None:
            return []
        found = Application.objects.filter(account=self.access.account)
        return list(found.order_by("name", "sdkappid"))

    @cached_property
    def application(self) -> Application | None:
        """The application in view."""
        return next((a for a in self.applications if a.sdkappid == self.sdkappid), None)

    @cached_property
    def application_links(self) -> list[tuple[Application, str]]:
        """The applications, each with the address of this same page for it.

        Where the page in view is not one of an application, or shows a single object of it, the
        application's own first page takes its place.
        """
        match = self._request.resolver_match
        same = match is not None and set(match.kwargs) == {"uin", "sdkappid"}
        names = [match.view_name] if same and match else []
        names += ["agents:management", "billing:application"]
        return [(a, self._first_address(names, a.sdkappid)) for a in self.applications]

    @cached_property
    def accounts(self) -> list[Account]:
        """Accounts to switch to, the one in view included."""
        user = self._request.user
        if not isinstance(user, User):
            return []
        mine = Membership.objects.filter(user_id=user.pk).select_related("account")
        return [m.account for m in mine.order_by("account__name", "pk")[:ACCOUNTS_IN_SWITCHER]]

    @cached_property
    def navigation(self) -> list[Section]:
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

    def _first_address(self, names: list[str], sdkappid: int) -> str:
        kwargs = {"uin": self.account.uin if self.account else "", "sdkappid": sdkappid}
        for name in names:
            try:
                return reverse(name, kwargs=kwargs)
            except NoReverseMatch:
                continue
        return ""


#: Somebody who cannot read the present language must still find their own.
_OWN_NAME = {"en": "English", "zh-hans": "简体中文"}


def console(request: HttpRequest) -> dict[str, Console]:
    """Offer the page's surroundings to its template as `console`."""
    return {"console": Console(request)}
