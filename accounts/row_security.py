"""Which rows a request may reach: the database's second wall around each account.

    with acting_for(Scope(DatabaseRole.WEB, person=user.pk, uin="100000000001")):
        …

Inside, the transaction has a role of its own and has named the accounts whose rows it may reach
(`accounts.row_policies`). A query that forgot its filter finds nothing of others. Commands and
workers are no requests: they reach what the role that they log in as reaches.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from functools import wraps
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.response import SimpleTemplateResponse
from django.urls import URLPattern, URLResolver
from psycopg.pq import TransactionStatus

from accounts.queries import call_function

V = TypeVar("V", bound=Callable[..., HttpResponseBase])


class DatabaseRole(StrEnum):
    """Whose rights a transaction has."""

    #: Customers: the rows of the accounts that were named.
    WEB = "tccc_web"
    #: Staff: the rows of all accounts.
    STAFF = "tccc_staff"
    #: The role that the process logged in as.
    LOGIN = "none"


@dataclass
class Scope:
    """Who asks, with which rights, and the accounts that it reaches without naming more."""

    role: DatabaseRole
    person: int | None = None
    uin: str | None = None
    accounts: frozenset[int] = field(default=frozenset())


_LOGIN = Scope(DatabaseRole.LOGIN)
#: None outside of requests.
_scope: ContextVar[Scope | None] = ContextVar("row_security", default=None)


@contextmanager
def acting_for(scope: Scope, *, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Run the block in a transaction that reaches only what `scope` may."""
    is_nested = connections[using].in_atomic_block
    outer = _scope.get()
    token = _scope.set(scope)
    try:
        with transaction.atomic(using=using):
            _enter(scope, using)
            yield
            # Otherwise the end of the transaction puts it back.
            if is_nested and not connections[using].needs_rollback:
                _enter(outer or _LOGIN, using)
    finally:
        _scope.reset(token)


def _enter(scope: Scope, using: str) -> None:
    named = call_function("tccc_enter", scope.role, scope.person, scope.uin, using=using)
    scope.accounts = frozenset(named)


@contextmanager
def acting_as_before(*, using: str) -> Iterator[None]:
    """Run the block in a transaction of another connection, in the scope of the request."""
    scope = _scope.get()
    if scope is None:
        yield
        return
    with acting_for(scope, using=using):
        yield


def touch(*account_ids: int) -> None:
    """Let the rest of the transaction reach the rows of further accounts, such as a payer's.

    A service that locks an account need not ask.
    """
    scope = _scope.get()
    if (
        scope is None
        or scope.role is not DatabaseRole.WEB
        or scope.accounts.issuperset(account_ids)
    ):
        return
    call_function("tccc_touch", list(account_ids))


@contextmanager
def beyond_tenancy() -> Iterator[None]:
    """Let the block reach the rows of all accounts, for a rule that is about more than one.

    Such as what the whole company has done, or whether there is an account of a UIN. What the block
    finds must not be shown as it is.
    """
    scope = _scope.get()
    if scope is None or scope.role is not DatabaseRole.WEB:
        yield
        return
    former = call_function("tccc_take_role", DatabaseRole.STAFF)
    try:
        yield
    finally:
        # What failed in the database is rolled back to a point before the block, or altogether.
        if connection.connection.info.transaction_status != TransactionStatus.INERROR:
            call_function("tccc_take_role", former)


# --- Requests ------------------------------------------------------------------------------


def decorate_all(patterns: list[Any], decorate: Callable[[Any], Any]) -> list[Any]:
    """Decorate all views of these addresses, and return the addresses."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            decorate_all(pattern.url_patterns, decorate)
        elif isinstance(pattern, URLPattern):
            pattern.callback = decorate(pattern.callback)
    return patterns


def shield(view: V, *, is_desk: bool = False) -> V:
    """Let a view run within `acting_for`, in one transaction, for who asks and the UIN it names.

    At the desk, members of staff reach all rows.
    """

    @wraps(view)
    def shielded_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        scope = _scope_of(request, kwargs.get("uin"), is_desk=is_desk)
        with acting_for(scope):
            response = view(request, *args, **kwargs)
            if isinstance(response, SimpleTemplateResponse):
                # Its querysets are read as it is rendered.
                response.render()
        # A file is complete already.
        if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
            response.streaming_content = _stream(iter(response), scope)
        return response

    return shielded_view  # type: ignore[return-value]


def as_request(view: V) -> V:
    """Let a view be a request to the services that it calls, with transactions of its own.

    For those of sign-in, which reach no rows of accounts but through a service, and count attempts
    in rows that many share and that no request may hold for long.
    """

    @wraps(view)
    def request_view(*args: Any, **kwargs: Any) -> HttpResponseBase:
        token = _scope.set(Scope(DatabaseRole.WEB))
        try:
            return view(*args, **kwargs)
        finally:
            _scope.reset(token)

    return request_view  # type: ignore[return-value]


def _scope_of(request: HttpRequest, uin: str | None, *, is_desk: bool) -> Scope:
    user = request.user
    is_staff = is_desk and user.is_active and getattr(user, "is_staff", False)
    return Scope(DatabaseRole.STAFF if is_staff else DatabaseRole.WEB, user.pk, uin)


def _stream(pieces: Iterator[bytes], scope: Scope) -> Iterator[bytes]:
    """Read on in the same scope while the answer is being sent."""
    with acting_for(scope):
        yield from pieces
