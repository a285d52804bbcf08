"""Where sign-in meets the console: what happens at sign-in, and how its secrets are kept."""

import base64
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from allauth.account import app_settings as account_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.encoding import force_bytes

from accounts.devices import known_device
from accounts.errors import Refused
from accounts.models import User
from accounts.services.letters import absolute
from accounts.services.mail import queue_mail
from accounts.services.signup import open_pending_account


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in, sign-up and sign-out of the console."""

    def login(self, request: HttpRequest, user: Any) -> None:
        """Start the session; the first one opens the account that was asked for at sign-up.

        Only people with a confirmed address come this far.
        """
        super().login(request, user)
        if isinstance(user, User):
            _open_account(request, user)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue a message, in words and HTML; its links lead to `CONSOLE_URL` alone.

        What a request says about its host is a visitor's claim, and this mail is trusted.
        """
        now = timezone.now()
        own = {key: _own_address(value) for key, value in context.items() if key.endswith("_url")}
        message = self.render_mail(
            template_prefix,
            email,
            {**context, **own, "email": email, "console_url": settings.CONSOLE_URL},
        )
        html = [
            str(part.content)
            for part in getattr(message, "alternatives", ())
            if part.mimetype == "text/html"
        ]
        lifetime = _LIFETIMES.get(template_prefix)
        queue_mail(
            kind=template_prefix.rpartition("/")[2],
            to=email,
            subject=str(message.subject),
            text=str(message.body),
            html=html[0] if html else "",
            expires_at=now + lifetime if lifetime else None,
            now=now,
        )

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # The library's own hook, which it only names as private: it decides what is counted.
        key = str(super()._get_login_attempts_cache_key(request, **credentials))
        device = known_device(request, str(credentials.get("email", "")))
        return f"{key}:{device}" if device else key


#: How long the links of some messages work.
_LIFETIMES = {
    "account/email/password_reset_key": timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT),
    "account/email/email_confirmation": timedelta(
        days=account_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS
    ),
    "account/email/email_confirmation_signup": timedelta(
        days=account_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS
    ),
}


def _own_address(url: str) -> str:
    """Return an address of the request's host as one of this console."""
    parts = urlsplit(url)
    return absolute(urlunsplit(("", "", parts.path, parts.query, "")))


def _open_account(request: HttpRequest, user: User) -> None:
    try:
        open_pending_account(by=user, now=timezone.now())
    except Refused as refusal:
        messages.warning(request, str(refusal))


class MFAAdapter(DefaultMFAAdapter):
    """Keeps the secrets of second factors encrypted, so that a copy of the rows is no help."""

    def encrypt(self, text: str) -> str:
        return _cipher(_keys()).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher(_keys()).decrypt(encrypted_text.encode()).decode()


def _keys() -> tuple[str, ...]:
    """The present secret key, which encrypts, and former ones, which still decrypt."""
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@cache
def _cipher(secrets: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derive(secret)) for secret in secrets])


def _derive(secret: str) -> bytes:
    """Make a key of its own for this purpose from a secret that has others, too."""
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"accounts.second-factor")
    return base64.urlsafe_b64encode(derivation.derive(force_bytes(secret)))
