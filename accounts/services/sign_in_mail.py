"""The emails of the sign-in library: put into the product's words, and queued.

Their links begin with `CONSOLE_URL`, whatever host the request named. They are written in the
language of the request, since many go to addresses that have no sign-in.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from allauth.account import app_settings as allauth_settings
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.services.letters import absolute, render_plain
from accounts.services.mail import USEFUL, queue_mail


def queue_sign_in_mail(*, prefix: str, to: str, context: Mapping[str, Any], now: datetime) -> None:
    """Queue an email of the sign-in library, named by the beginning of its templates' names."""
    kind = prefix.rpartition("/")[2]
    expires_at = now + _lifetime(kind)
    own = {key: _own_address(value) for key, value in context.items() if key.endswith("_url")}
    words = {**context, **own, "email": to, "expires_at": expires_at}
    url, button = _button(kind, words)
    subject = render_plain(f"{prefix}_subject.txt", words)
    text = render_plain(f"{prefix}_message.txt", words)
    frame = {"subject": subject, "text": text, "url": url, "button": button}
    queue_mail(
        kind=kind,
        to=to,
        subject=subject,
        text=f"{text}\n\n{url}".strip(),
        html=render_to_string("account/email/frame.html", frame),
        expires_at=expires_at,
        now=now,
    )


def _lifetime(kind: str) -> timedelta:
    """Return how long the link of an email works, or how long a notice is worth sending."""
    if kind.startswith("email_confirmation"):
        return timedelta(days=allauth_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS)
    if kind == "password_reset_key":
        return timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    return USEFUL


def _button(kind: str, context: Mapping[str, Any]) -> tuple[str, str | Promise]:
    """Return where the email's button leads, and its label."""
    if kind.startswith("email_confirmation"):
        return context.get("activate_url", ""), _("Confirm email address")
    if kind == "password_reset_key":
        return context["password_reset_url"], _("Choose a new password")
    if kind == "unknown_account":
        return absolute(reverse("account_signup")), _("Create an account")
    if kind in {"password_reset_code", "login_code"}:
        return "", ""
    if kind in {"email_changed", "email_deleted"}:
        # It goes to the former address, with which the password can no longer be reset.
        return absolute(reverse("account_login")), _("Sign in")
    return absolute(reverse("account_reset_password")), _("Reset password")


def _own_address(url: str) -> str:
    """Return an address of the request's host as one of this console."""
    parts = urlsplit(url)
    return absolute(urlunsplit(("", "", parts.path, parts.query, "")))
