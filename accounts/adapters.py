"""Where sign-in meets the console: what happens at sign-in, and how its secrets are kept."""

import base64
from functools import cache
from typing import Any

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
from accounts.services.sign_in_mail import queue_sign_in_mail
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
        """Queue an email in the transaction of what it tells; no request sends any."""
        queue_sign_in_mail(prefix=template_prefix, to=email, context=context, now=timezone.now())

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # The library's own hook, which it only names as private: it decides what is counted.
        key = str(super()._get_login_attempts_cache_key(request, **credentials))
        device = known_device(request, str(credentials.get("email", "")))
        return f"{key}:{device}" if device else key


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
