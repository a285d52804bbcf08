"""What the views of one application share: finding it, and leading back to its list."""

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import reverse

from accounts.access import AccountAccess, Permission
from accounts.models import Application

#: The browser event after which the list, the summary and the telephones show themselves again.
CHANGED_EVENT = "agents-changed"


def may_change(access: AccountAccess) -> bool:
    """Whether to offer changes: the role allows them and the account is in good standing."""
    return access.may(Permission.MANAGE_AGENTS) and access.account.is_in_good_standing


def place_of(application: Application) -> dict[str, str | int]:
    """Return the arguments of an application's addresses."""
    return {"uin": application.account.uin, "sdkappid": application.sdkappid}


def back_to(request: HttpRequest, application: Application, name: str = "agents:management") -> str:
    """Return the address of the list as it was left: the query that `back` carries.

    Only the query is taken from the request, so that nothing can lead elsewhere.
    """
    query = urlsplit(f"?{request.GET.get('back', '')}").query
    url = reverse(name, kwargs=place_of(application))
    return f"{url}?{query}" if query else url
