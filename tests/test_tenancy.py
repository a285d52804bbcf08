"""No one reaches an account that is not theirs: every address of the URL configuration is tried.

A new address is tried on its own. One with a new kind of part fails here until `SAMPLES` knows a
value for it; a new public page fails until `PUBLIC` names it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import Account, Application
from tests.factories import make_account, make_application, make_user

pytestmark = pytest.mark.django_db

#: A value for each part of an address, by "converter:name" as it stands in the route. UIN and
#: SDKAppID are those of the account that is tried.
SAMPLES: dict[str, Any] = {
    "uin:uin": None,
    "sdkappid:sdkappid": None,
    "int:pk": 1,
    "int:index": 0,
    "slug:number": "X-1",
    "str:number": "X-1",
    "str:name": "x",
    "slug:name": "x",
    "str:token": "x:y",
    "case:number": "V-1",
    "connection:number": "C-1",
    "uuid:public_id": "6fa459ea-ee8a-3ca4-894e-db77e160355e",
}
#: Addresses that anyone may open. Those of sign-in are the library's, and tested by it.
PUBLIC = {
    "home",
    "healthz",
    "readyz",
    # Answers no one until a setting allows it.
    "metrics",
    "set_language",
    "set_theme",
    "compliance:guidelines",
    "billing:prices",
    "billing:editions",
    "billing:refund_policy",
    "accounts:invitation",
    "accounts:invitation_sign_up",
}
#: A browser's method, and whether htmx asks.
WAYS = [("get", False), ("post", False), ("get", True), ("post", True)]
_PART = re.compile(r"<(?:(\w+):)?(\w+)>")
ACCOUNT = "console/<uin:uin>"
#: Pages of an application's package; without one there is nothing to show.
OF_PACKAGE = {
    "agents:refund",
    "agents:refund_confirm",
    "billing:add",
    "billing:upgrade",
    "billing:renewal_mode",
}
#: Sign-in and administration, which know no accounts' pages.
NOT_OURS = ("auth/", "admin/")


@dataclass(frozen=True)
class Address:
    """One pattern of the URL configuration."""

    name: str
    route: str

    @property
    def parts(self) -> list[tuple[str, str]]:
        """Converter and name of each part that varies."""
        return [(converter or "str", name) for converter, name in _PART.findall(self.route)]

    def url(self, account: Account, application: Application) -> str:
        """The address for an account and its application, samples for the rest."""
        kwargs = {}
        for converter, name in self.parts:
            key = f"{converter}:{name}"
            assert key in SAMPLES, f"{self.route}: give SAMPLES a value for {key!r}"
            kwargs[name] = SAMPLES[key]
        kwargs |= {"uin": account.uin} if "uin" in kwargs else {}
        kwargs |= {"sdkappid": application.sdkappid} if "sdkappid" in kwargs else {}
        return reverse(self.name, kwargs=kwargs)


def walk(
    patterns: list[URLPattern | URLResolver], route: str = "", namespace: str = ""
) -> Iterator[Address]:
    for pattern in patterns:
        here = route + str(pattern.pattern)
        if here.startswith(NOT_OURS):
            continue
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from walk(pattern.url_patterns, here, inner)
        else:
            assert pattern.name, f"{here} has no name"
            yield Address(f"{namespace}{pattern.name}", here)


ADDRESSES = list(walk(get_resolver().url_patterns))
OF_ACCOUNT = [address for address in ADDRESSES if address.route.startswith("console/")]
OTHERS = [address for address in ADDRESSES if address not in OF_ACCOUNT]


def named(addresses: list[Address]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("address", addresses, ids=lambda address: address.name)


def client_of(account: Account | None) -> Client:
    client = Client()
    owner = make_user() if account is None else account.memberships.get().user
    client.force_login(owner)
    return client


def send(client: Client, method: str, url: str, *, is_htmx: bool) -> HttpResponse:
    headers = {"HX-Request": "true"} if is_htmx else {}
    answer: HttpResponse = getattr(client, method)(url, headers=headers)
    return answer


def send_all_ways(client: Client, url: str) -> dict[tuple[str, bool], HttpResponse]:
    return {way: send(client, way[0], url, is_htmx=way[1]) for way in WAYS}


def asks_to_sign_in(answer: HttpResponse) -> bool:
    where = answer.headers.get("HX-Redirect") or answer.headers.get("Location", "")
    return where.startswith("/auth/login/?next=")


def test_every_address_of_an_account_names_it_in_the_same_way() -> None:
    assert [a.route for a in OF_ACCOUNT if not a.route.startswith(f"{ACCOUNT}/")] == []
    assert len(OF_ACCOUNT) > 20


@named(OF_ACCOUNT)
def test_strangers_find_nothing(address: Address) -> None:
    account = make_account()
    url = address.url(account, make_application(account))

    answers = send_all_ways(client_of(make_account()), url)

    assert {way: a.status_code for way, a in answers.items()} == dict.fromkeys(WAYS, 404)


@named(
    [
        address
        for address in OF_ACCOUNT
        if {name for _converter, name in address.parts} <= {"uin", "sdkappid"}
        and address.name not in OF_PACKAGE
    ]
)
def test_members_find_what_strangers_do_not(address: Address) -> None:
    account = make_account()
    url = address.url(account, make_application(account))

    assert send(client_of(account), "get", url, is_htmx=False).status_code != 404


@named([a for a in OF_ACCOUNT if ("sdkappid", "sdkappid") in a.parts])
def test_another_accounts_application_is_not_found_in_ones_own(address: Address) -> None:
    mine, other = make_account(), make_account()
    url = address.url(mine, make_application(other))

    for (method, _is_htmx), answer in send_all_ways(client_of(mine), url).items():
        # In one's own account, a page may say that it does not know the method.
        assert answer.status_code in {404, 405}
        assert answer.status_code == 404 or method.upper() not in answer.headers["Allow"]


@named([a for a in ADDRESSES if a.name not in PUBLIC])
def test_the_anonymous_are_asked_to_sign_in(address: Address) -> None:
    account = make_account()
    url = address.url(account, make_application(account))

    answers = send_all_ways(Client(), url)

    assert {way: asks_to_sign_in(a) for way, a in answers.items()} == dict.fromkeys(WAYS, True)


@named([a for a in OTHERS if a.name in PUBLIC])
def test_public_pages_ask_nobody(address: Address) -> None:
    account = make_account()
    url = address.url(account, make_application(account))

    # The start leads to sign-in on its own.
    answer = send(Client(), "get", url, is_htmx=False)
    assert asks_to_sign_in(answer) is (address.name == "home")
