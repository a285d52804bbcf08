"""Who may reach which account, and do what there.

`load_access` is the one door to an account: it answers 404 to everyone who is no member, so
that no one learns which accounts exist. `account_page` puts it in front of a view. Whether an
object is in a fit state for an act is not asked here; that is policy, and the services' business.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase

from accounts.enums import Role
from accounts.models import Account, Application, Membership, User

P = ParamSpec("P")
M = TypeVar("M", bound=Model)


class Permission(StrEnum):
    """What a role may be allowed to do in an account."""

    READ = "read"
    READ_MONEY = "read_money"
    READ_AUDIT = "read_audit"
    ACTIVATE = "activate"
    MANAGE_ACCOUNT = "manage_account"
    MANAGE_MEMBERS = "manage_members"
    APPEAL = "appeal"
    SPEND = "spend"
    MANAGE_AGENTS = "manage_agents"
    EXPORT_AGENTS = "export_agents"
    REQUEST_CONNECTION = "request_connection"


_READING = {Permission.READ}

#: What each role may do (ADR 0005): money and the audit trail are read by owner and finance, and a
#: viewer reads what an agent manager reads and no more.
PERMISSIONS_OF_ROLE: dict[str, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.FINANCE: frozenset(
        _READING
        | {
            Permission.READ_MONEY,
            Permission.READ_AUDIT,
            Permission.SPEND,
            Permission.EXPORT_AGENTS,
        }
    ),
    Role.AGENT_MANAGER: frozenset(
        _READING
        | {Permission.MANAGE_AGENTS, Permission.EXPORT_AGENTS, Permission.REQUEST_CONNECTION}
    ),
    Role.VIEWER: frozenset(_READING),
}


@dataclass(frozen=True)
class AccountAccess:
    """One user's place in one account; every object of the account is loaded through it."""

    user: User
    account: Account
    membership: Membership

    @property
    def role(self) -> str:
        """The user's role in it."""
        return self.membership.role

    def may(self, permission: str) -> bool:
        """Say whether the role allows `permission`."""
        return Permission(permission) in PERMISSIONS_OF_ROLE[self.role]

    def require(self, permission: str) -> None:
        """Raise PermissionDenied (403) where the role does not allow `permission`."""
        if not self.may(permission):
            raise PermissionDenied

    def get(self, queryset: "QuerySet[M]", **lookup: Any) -> M:
        """Return the account's one object of `queryset` that matches, or raise Http404."""
        found = queryset.filter(account=self.account, **lookup).first()
        if found is None:
            raise Http404
        return found


def load_access(user: User | AnonymousUser, uin: str) -> AccountAccess:
    """Find the account `uin` for this user.

    Raises Http404 where there is no such account or the user is no member of it: the two
    cannot be told apart.
    """
    if not isinstance(user, User):
        raise Http404
    membership = (
        Membership.objects.select_related("account__entity")
        .filter(user_id=user.pk, account__uin=uin)
        .first()
    )
    if membership is None:
        raise Http404
    return AccountAccess(user=user, account=membership.account, membership=membership)


View = Callable[Concatenate[HttpRequest, AccountAccess, P], HttpResponseBase]


def account_page(
    permission: Permission = Permission.READ,
) -> Callable[[View[P]], Callable[..., Any]]:
    """Turn `view(request, access, …)` into a view of `/console/<uin>/…`.

    Answers 404 to strangers and 403 to members whose role lacks `permission`. The access is
    also left on the request, where the layout finds it.
    """

    def decorate(view: View[P]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(request: HttpRequest, uin: str, *args: P.args, **kwargs: P.kwargs) -> Any:
            access = load_access(request.user, uin)
            request.access = access  # type: ignore[attr-defined]
            access.require(permission)
            return view(request, access, *args, **kwargs)

        return guarded

    return decorate


def load_application(
    access: AccountAccess, sdkappid: int, applications: "QuerySet[Application] | None" = None
) -> Application:
    """Return the account's application, its account filled in; raise Http404 for any other.

    `applications` is where it is looked for, with what else its row should bring along.
    """
    rows = Application.objects.all() if applications is None else applications
    application = access.get(rows, sdkappid=sdkappid)
    application.account = access.account
    return application
