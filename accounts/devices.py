"""Browsers that have signed in before, so that strangers cannot lock a person out.

Failed sign-ins are counted per address. A stranger who keeps failing would shut out the owner as
well; so a browser in which someone has signed in before is counted on its own. What it knows is
kept in a signed cookie: an id drawn at random, and digests of the addresses.
"""

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from accounts.text import email_key

_SALT = "accounts.devices"
_YEAR = 365 * 86_400
#: A browser is shared by few people; the oldest is forgotten.
_PEOPLE = 10


def _digest(email: str) -> str:
    return salted_hmac(_SALT, email_key(email), algorithm="sha256").hexdigest()[:24]


def _read(request: HttpRequest) -> dict[str, Any]:
    try:
        found = signing.loads(request.COOKIES[settings.DEVICE_COOKIE_NAME], salt=_SALT)
    except (KeyError, signing.BadSignature):
        return {"id": "", "known": []}
    return dict(found)


def known_device(request: HttpRequest, email: str) -> str:
    """Return the id of a browser in which `email` has signed in before, else an empty text."""
    device = _read(request)
    return str(device["id"]) if _digest(email) in device["known"] else ""


def remember_device(request: HttpRequest, response: HttpResponse, email: str) -> None:
    """Let the browser know that `email` has signed in, unless it knows already."""
    if known_device(request, email):
        return
    device = _read(request)
    known = [_digest(email), *device["known"]][:_PEOPLE]
    value = {"id": device["id"] or secrets.token_urlsafe(16), "known": known}
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(value, salt=_SALT),
        max_age=_YEAR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
