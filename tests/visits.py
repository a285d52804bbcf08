"""Requests to the demo by the people who use it, each undone when it has been answered.

`open_demo` prepares one demo for many requests. Every request runs in a savepoint that is rolled
back, with the cookies that its person had at the beginning: signing out, deleting a member or
changing a password does not get in the way of the next request.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from unittest import mock

from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.files.storage import InMemoryStorage
from django.db import connection, transaction
from django.http.response import HttpResponseBase
from django.test import Client, override_settings
from django.test.client import ClientHandler
from django.urls import reverse
from django.utils import timezone

from accounts.admin.base import ObjectActions
from accounts.enums import Role
from accounts.models import Account, Application, Membership, User
from compliance.models import Evidence
from config.staff.groups import GROUPS
from config.unreadable import set_unreadable_aside
from tests import pages
from tests.test_tenancy import ADDRESSES, PUBLIC, Address

HTMX = {"HX-Request": "true"}
#: People of the same role in every account of the demo's owners.
COLLEAGUES = {
    role: f"{role.value}.everywhere@example.com" for role in Role if role is not Role.OWNER
}
#: One member of staff of each group.
CLERKS = {group: f"{group.lower().replace(' ', '.')}@example.com" for group in GROUPS}
#: Rows that are tried until one shows its page.
_TRIES = 12


#: What takes a lock that may be waited for; to write a row does.
_LOCKING = re.compile(
    r"\bFOR (NO KEY UPDATE|UPDATE|SHARE|KEY SHARE)\b(?! SKIP LOCKED)|\bpg_advisory|\bLOCK TABLE\b"
    r"|^\s*(INSERT INTO|UPDATE|DELETE FROM)\s+\"?(?P<table>\w+)",
    re.IGNORECASE,
)
#: Rows of the visitor's own session and sign-in, and of the cache that throttles.
_OWN_TABLES = {"django_session", "usersessions_usersession", "account_emailaddress", "cache"}


@dataclass(frozen=True)
class Place:
    """An address with rows that exist, and the people whose address it is, best first."""

    name: str
    url: str
    people: tuple[str, ...]
    is_admin: bool = False


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float
    error: str = ""

    @property
    def is_html(self) -> bool:
        return self.headers.get("Content-Type", "").startswith("text/html")

    @property
    def is_page(self) -> bool:
        return self.is_html and b"<html" in self.body

    @property
    def asks_to_sign_in(self) -> bool:
        where = self.headers.get("HX-Redirect") or self.headers.get("Location", "")
        return where.startswith("/auth/login/")


class _Handler(ClientHandler):
    """The test client's way in, with what `config.wsgi` does first."""

    def __call__(self, environ: dict[str, Any]) -> Any:
        set_unreadable_aside(environ)
        return super().__call__(environ)


@dataclass
class Demo:
    """The prepared demo: who is signed in, and an invitation's token."""

    token: str
    clients: dict[str, Client] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def send(
        self, email: str, method: str, *url: str, keep: bool = False, **request: Any
    ) -> Answer:
        """Send one request as this person (`""`: a visitor) and undo what it did, unless `keep`.

        `method` is one of the client's: "get", "post", or "generic" with a method of its own.
        """
        client = self.client(email)
        client.cookies = SimpleCookie(self.cookies[email])
        with transaction.atomic():
            answer = _answer(client, method, url, request)
            transaction.set_rollback(not keep)
        return answer

    def client(self, email: str) -> Client:
        """Return the client of a person, who is signed in."""
        if email not in self.clients:
            client = pages.client_of(email)
            client.raise_request_exception = False
            client.handler = _Handler(enforce_csrf_checks=False)
            self.clients[email] = client
            self.cookies[email] = client.cookies.output(header="", sep=";").strip()
        return self.clients[email]

    def is_signed_in(self, email: str) -> bool:
        """Whether this person's session still holds."""
        url = reverse("admin:index") if email.startswith("every.") else reverse("accounts:profile")
        return self.send(email, "get", url).status == 200


def _answer(client: Client, method: str, url: tuple[str, ...], request: dict[str, Any]) -> Answer:
    started = time.perf_counter()
    with _noting_locks() as locks:
        response: HttpResponseBase = getattr(client, method)(*url, **request)
        body = b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined]
    seconds = time.perf_counter() - started
    error = ""
    if _is_read(method, url):
        # A page that is only read waits for no row that someone else has locked.
        error = f"locked while reading: {locks}" if locks else ""
    elif response.status_code < 400:
        error = _broken_promise()
    info = getattr(response, "exc_info", None)
    if info:
        error = f"{info[0].__name__}: {info[1]}"
    return Answer(
        status=response.status_code,
        headers=dict(response.headers),
        body=body,
        seconds=seconds,
        error=error,
    )


def _is_read(method: str, url: tuple[str, ...]) -> bool:
    return (url[0] if method == "generic" else method).upper() in {"GET", "HEAD", "OPTIONS"}


@contextmanager
def _noting_locks() -> Iterator[list[str]]:
    """The statements sent meanwhile that may wait for a lock."""
    found: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        match = _LOCKING.search(sql)
        if match and match["table"] not in _OWN_TABLES:
            found.append(" ".join(sql.split())[:200])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield found


def _broken_promise() -> str:
    """Check what the database would check at the end of a transaction that is kept."""
    try:
        with transaction.atomic():
            connection.check_constraints()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


@contextmanager
def open_demo() -> Iterator[Demo]:
    """Prepare the demo in a transaction that is undone at the end."""
    changed = override_settings(
        STAFF_SECOND_FACTOR=False,
        EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
    )
    files = mock.patch.object(Evidence._meta.get_field("file"), "storage", InMemoryStorage())
    with changed, files, transaction.atomic():
        demo = Demo(pages.prepare())
        _add_people()
        yield demo
        transaction.set_rollback(True)


def _add_people() -> None:
    accounts = Account.objects.filter(memberships__user__email__in=pages.OWNERS).distinct()
    for role, email in COLLEAGUES.items():
        user = User.objects.create_user(email, "a-long-password", name=role.label)
        for account in accounts:
            Membership.objects.create(
                account=account, user=user, role=role, created_at=timezone.now()
            )
    for group, email in CLERKS.items():
        clerk = User.objects.create_user(email, "a-long-password", name=group, is_staff=True)
        clerk.groups.add(Group.objects.get(name=group))


# --- Where to send them --------------------------------------------------------------------


def find_places(demo: Demo) -> list[Place]:
    """Return every address once, with a row that shows most of it where there is a choice."""
    return [*_console(demo), *_library(demo), *_admin(demo)]


def _console(demo: Demo) -> Iterator[Place]:
    for address in ADDRESSES:
        email, url = _best(demo, _of_owners(demo, address)) or _missing(address)
        people = (email, *COLLEAGUES.values(), pages.VISITOR)
        yield Place(address.name, url, people)


def _missing(address: Address) -> tuple[str, str]:
    """Return an address whose row the demo does not have."""
    account = Account.objects.filter(memberships__user__email=pages.OWNERS[0]).earliest("pk")
    application = Application.objects.filter(account=account).earliest("pk")
    return pages.OWNERS[0], address.url(account, application)


def _of_owners(demo: Demo, address: Address) -> Iterator[tuple[str, str]]:
    names = {name for _converter, name in address.parts}
    for email in pages.OWNERS:
        if names <= {"token"}:
            yield email, reverse(address.name, kwargs=dict.fromkeys(names, demo.token))
        else:
            owner = User.objects.get(email=email)
            yield from ((email, url) for url in pages._urls(address, owner))


def _best(demo: Demo, candidates: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """Return the first that is shown; else the first of all, which may be there to be posted."""
    first = None
    for number, (email, url) in enumerate(candidates):
        first = first or (email, url)
        status = demo.send(email, "get", url).status
        if status in {200, 405}:
            return email, url
        if number == _TRIES:
            break
    return first


def _library(demo: Demo) -> Iterator[Place]:
    for name, kwargs in pages.SIGNING_IN.items():
        yield Place(name, reverse(name, kwargs=kwargs), (pages.VISITOR, pages.OWNERS[0]))
    for name in pages.SIGNED_IN:
        yield Place(name, reverse(name), (pages.OWNERS[0], pages.STAFF, pages.VISITOR))


def _admin(demo: Demo) -> Iterator[Place]:
    people = (pages.STAFF, *CLERKS.values(), pages.OWNERS[0], pages.VISITOR)
    for name in pages.ADMIN_PAGES:
        yield Place(name, reverse(name), people, is_admin=True)
    for model, model_admin in sorted(admin.site._registry.items(), key=lambda item: str(item[0])):
        prefix = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        for page in ("changelist", "add"):
            yield Place(f"{prefix}_{page}", reverse(f"{prefix}_{page}"), people, is_admin=True)
        keys = list(model._default_manager.order_by("-pk").values_list("pk", flat=True)[:_TRIES])
        wanted: dict[str, tuple[str, ...]] = {
            f"{prefix}_{page}": () for page in ("change", "history", "delete")
        }
        if isinstance(model_admin, ObjectActions):
            wanted |= {f"{prefix}_act#{name}": (name,) for name in model_admin.object_actions}
        for name, more in wanted.items():
            urls = [reverse(name.partition("#")[0], args=(key, *more)) for key in keys]
            found = _best(demo, ((pages.STAFF, url) for url in urls[: _TRIES if more else 1]))
            if found:
                yield Place(name, found[1], people, is_admin=True)


def is_public(place: Place) -> bool:
    """Whether anyone may open it."""
    return place.name in PUBLIC or place.name in pages.SIGNING_IN
