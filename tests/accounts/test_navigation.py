"""The navigation shows what exists and what the member may read."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import clear_url_caches, get_resolver, include, path, reverse, set_urlconf

from accounts.access import AccountAccess, Permission
from accounts.enums import Role
from accounts.models import Account, Membership, User
from accounts.navigation import NAVIGATION, Group, NavigationEntry, sections


def _view(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    return HttpResponse()


@pytest.fixture(autouse=True)
def _addresses() -> Iterator[None]:
    """A console that has only some of its pages."""
    pages = ModuleType("pages")
    pages.urlpatterns = [  # type: ignore[attr-defined]
        path("console/<uin>/", _view, name="start"),
        path("console/<uin>/orders/", _view, name="orders"),
        path("console/<uin>/applications/<int:sdkappid>/agents/", _view, name="agents"),
    ]
    root = ModuleType("root")
    root.urlpatterns = [path("", include(pages))]  # type: ignore[attr-defined]
    clear_url_caches()
    set_urlconf(root)  # type: ignore[arg-type]
    yield
    set_urlconf(None)
    clear_url_caches()


GROUPS = (
    Group("", (NavigationEntry("Start", "start", "home"),)),
    Group("Application", (NavigationEntry("Agents", "agents", "users"),), is_of_application=True),
    Group(
        "Money",
        (
            NavigationEntry("Orders", "orders", "document", Permission.READ_MONEY),
            NavigationEntry("Not built", "nowhere", "document"),
        ),
    ),
    Group("Not built either", (NavigationEntry("Nothing", "nowhere-else", "document"),)),
)


def access_as(role: str) -> AccountAccess:
    user = User(email="mei@example.com")
    account = Account(uin="100000000001", name="Acme")
    membership = Membership(user=user, account=account, role=role)
    return AccountAccess(user=user, account=account, membership=membership)


def lines(
    role: str, *, sdkappid: int | None, path: str
) -> list[tuple[str, list[tuple[str, bool]]]]:
    shown = sections(access_as(role), sdkappid=sdkappid, path=path, groups=GROUPS)
    return [
        (str(section.label), [(line.url, line.is_current) for line in section.lines])
        for section in shown
    ]


def test_pages_that_do_not_exist_are_absent() -> None:
    assert lines(Role.OWNER, sdkappid=None, path="/console/100000000001/") == [
        ("", [("/console/100000000001/", True)]),
        ("Money", [("/console/100000000001/orders/", False)]),
    ]


def test_pages_that_the_role_may_not_read_are_absent() -> None:
    assert lines(Role.AGENT_MANAGER, sdkappid=None, path="/console/100000000001/") == [
        ("", [("/console/100000000001/", True)])
    ]


def test_an_applications_pages_show_while_it_is_in_view() -> None:
    agents = "/console/100000000001/applications/1400000001/agents/"

    assert lines(Role.AGENT_MANAGER, sdkappid=1400000001, path=agents + "7/edit/") == [
        ("", [("/console/100000000001/", False)]),
        ("Application", [(agents, True)]),
    ]


def test_a_page_belongs_to_the_list_that_it_came_from() -> None:
    shown = lines(Role.FINANCE, sdkappid=None, path="/console/100000000001/orders/17/")

    assert shown == [
        ("", [("/console/100000000001/", False)]),
        ("Money", [("/console/100000000001/orders/", True)]),
    ]


def test_every_line_of_the_console_has_its_own_address() -> None:
    names = [entry.url_name for group in NAVIGATION for entry in group.entries]

    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("name", ["purchase", "add", "renew", "upgrade"])
def test_spending_on_an_application_belongs_to_buying(name: str) -> None:
    # Its address begins with that of the application's overview.
    set_urlconf(None)
    page = reverse(f"billing:{name}", kwargs={"uin": "100000000001", "sdkappid": 1400000001})

    shown = sections(access_as(Role.FINANCE), sdkappid=1400000001, path=page)

    marked = [str(line.label) for section in shown for line in section.lines if line.is_current]
    assert marked == ["Buy"]


def test_every_page_that_belongs_to_a_line_exists() -> None:
    set_urlconf(None)
    known = {str(name) for name in get_resolver().namespace_dict}

    names = [name for group in NAVIGATION for entry in group.entries for name in entry.also]

    for name in names:
        namespace, _colon, page = name.partition(":")
        assert namespace in known
        assert page in get_resolver().namespace_dict[namespace][1].reverse_dict
