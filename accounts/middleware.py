"""What all console requests share."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils import translation
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

Answer = Callable[[HttpRequest], HttpResponse]


class HtmxRedirectMiddleware:
    """Turns a redirect of an htmx request into one of the whole browser window.

    htmx would follow it unseen and put the next page into the dialog. One to the sign-in page
    (the session has ended) leads back to the page that the person was looking at.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        htmx = getattr(request, "htmx", None)
        if not htmx or response.status_code not in {301, 302, 303, 307, 308}:
            return response
        url = _back_to(response.headers["Location"], htmx.current_url_abs_path)
        onward = HttpResponseClientRedirect(url)
        # Cookies, such as that of a session just begun or ended, are kept.
        onward.cookies = response.cookies
        return onward


def _back_to(location: str, current: str | None) -> str:
    """Let a sign-in address lead back to `current`; leave any other as it is."""
    parts = urlsplit(location)
    if current is None or parts.path != resolve_url(settings.LOGIN_URL):
        return location
    query = {**parse_qs(parts.query), "next": [current]}
    return urlunsplit(parts._replace(query=urlencode(query, doseq=True)))


class UserLanguageMiddleware:
    """Speaks the language that the user chose, in whichever browser."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = getattr(request.user, "language", "")
        if language and language in dict(settings.LANGUAGES):
            translation.activate(language)
            request.LANGUAGE_CODE = language
        return self.get_response(request)


class SessionActivityMiddleware:
    """Notes when and from where each session was last seen, for its owner's list of sessions.

    To the nearest ten minutes: a write with every request would cost more than it tells.
    """

    PAUSE_SECONDS = 600
    KEY = "seen_at"

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            now = int(time.time())
            if now - request.session.get(self.KEY, 0) >= self.PAUSE_SECONDS:
                request.session[self.KEY] = now
                UserSession.objects.create_from_request(request)
        return self.get_response(request)


class StaffSecondFactorMiddleware:
    """Leads staff without a second factor to setting one up, before they reach any customer.

    Whoever has one was asked for it at sign-in.
    """

    FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        if (
            settings.STAFF_SECOND_FACTOR
            and user.is_authenticated
            and user.is_staff
            and request.path.startswith(reverse("admin:index"))
            and not Authenticator.objects.filter(user_id=user.pk, type__in=self.FACTORS).exists()
        ):
            messages.warning(
                request, _("Set up a second factor first: the administration asks for it.")
            )
            return redirect("mfa_index")
        return self.get_response(request)


class PrivatePagesMiddleware:
    """Keeps the pages of people who are signed in out of every cache, the browser's included."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # In this order: an answer without the database must not ask who is signed in.
        if "Cache-Control" not in response.headers and request.user.is_authenticated:
            add_never_cache_headers(response)
        return response
