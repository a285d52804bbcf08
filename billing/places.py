"""Addresses of pages about an account's money, which the views of several nouns share."""

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.access import AccountAccess
from accounts.models import Application


def account_url(name: str, access: AccountAccess, **kwargs: Any) -> str:
    """Return the address of a page of this app in the account."""
    return reverse(f"billing:{name}", kwargs={"uin": access.account.uin, **kwargs})


def application_url(name: str, access: AccountAccess, application: Application) -> str:
    """Return the address of a page of this app about an application."""
    return account_url(name, access, sdkappid=application.sdkappid)


def number_link(access: AccountAccess, kind: str, number: str) -> SafeString:
    """Return a link to the account's refund, order or violation of that number."""
    app = "compliance" if kind == "violation" else "billing"
    url = reverse(f"{app}:{kind}", kwargs={"uin": access.account.uin, "number": number})
    return format_html('<a href="{}">{}</a>', url, number)
