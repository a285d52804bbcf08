"""What all console requests share."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils import translation
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from accounts.devices import remember_device
from accounts.factors import has_factor, has_used_factor
from accounts.http import replace_content, wants_fragment

Answer = Callable[[HttpRequest], HttpResponse]


class HtmxAnswerMiddleware:
    """Keeps redirects and whole pages, which htmx asked for, out of the dialog.

    htmx would follow a redirect unseen and put the next page into the dialog, so the whole browser
    window is redirected. One to the sign-in page (the session has ended) leads back to the page
    that the person was looking at. And not every page is a dialog too: wherever htmx wanted to put
    it, a whole page takes the place of the page's content.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        htmx = getattr(request, "htmx", None)
        if not htmx:
            return response
        if response.status_code in {301, 302, 303, 307, 308}:
            return _redirect_window(response, htmx)
        if wants_fragment(request) and _is_page(response):
            replace_content(response)
        return response


def _redirect_window(response: HttpResponse, htmx: HtmxDetails) -> HttpResponse:
    url = _back_to(response.headers["Location"], _present_page(htmx))
    onward = HttpResponseClientRedirect(url)
    # Cookies, such as that of a session just begun or ended, are kept.
    onward.cookies = response.cookies
    return onward


def _is_page(response: HttpResponse) -> bool:
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    return is_html and not response.streaming and b"<!DOCTYPE html>" in response.content[:200]


def _present_page(htmx: HtmxDetails) -> str | None:
    """The page that htmx asked from, or None where what it sent is no address of this site."""
    try:
        return htmx.current_url_abs_path
    except ValueError:
        return None


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


class SessionLimitMiddleware:
    """Ends a session some time after its sign-in, however busy it was.

    `SESSION_COOKIE_AGE` is the limit for a session that no one uses; this one also ends a
    stolen one that is kept warm.
    """

    KEY = "signed_in_at"

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user: Any = request.user
        if user.is_authenticated:
            now = int(time.time())
            started = request.session.get(self.KEY)
            if not isinstance(started, int):
                request.session[self.KEY] = started = now
            if now - started >= _session_limit(user):
                logout(request)
                messages.info(request, _("Your session has ended. Sign in again."))
                # What was asked for by POST cannot be repeated by an address.
                back = request.get_full_path() if request.method == "GET" else None
                return redirect_to_login(back or "/", resolve_url(settings.LOGIN_URL))
        return self.get_response(request)


def _session_limit(user: Any) -> int:
    """Return the longest life of a session of `user`, in seconds."""
    if user.is_staff:
        return int(settings.STAFF_SESSION_LIMIT_HOURS * 3600)
    return int(settings.SESSION_LIMIT_DAYS * 86_400)


#: The sign-in library's pages that change how someone signs in.
_SIGN_IN_SETTINGS = frozenset(
    {
        "account_change_password",
        "account_email",
        "account_reauthenticate",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_deactivate_totp",
        "mfa_download_recovery_codes",
        "mfa_edit_webauthn",
        "mfa_generate_recovery_codes",
        "mfa_remove_webauthn",
        "mfa_view_recovery_codes",
    }
)


class SecondFactorMiddleware:
    """Asks for the second factor where a session that never gave it must not go.

    Staff need one before they reach the administration: anyone who has none sets it up first. For
    everyone who has one, a password alone neither changes how to sign in nor confirms it.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: object, _args: object, _kwargs: object
    ) -> HttpResponse | None:
        """Lead away from the page where the factor is missing."""
        user: Any = request.user
        if not user.is_authenticated:
            return None
        is_desk = settings.STAFF_SECOND_FACTOR and user.is_staff and _is_admin(request)
        if not is_desk and _view_name(request) not in _SIGN_IN_SETTINGS:
            return None
        if not has_factor(user):
            return _lead_to_set_up(request) if is_desk else None
        # Confirming by password is always refused: the factor confirms more.
        if has_used_factor(request) and _view_name(request) != "account_reauthenticate":
            return None
        return _lead_to_factor(request)


def _view_name(request: HttpRequest) -> str:
    return (request.resolver_match and request.resolver_match.url_name) or ""


def _is_admin(request: HttpRequest) -> bool:
    return request.path.startswith(reverse("admin:index"))


def _lead_to_set_up(request: HttpRequest) -> HttpResponse:
    messages.warning(request, _("Set up a second factor first: the administration requires one."))
    return redirect("mfa_index")


def _lead_to_factor(request: HttpRequest) -> HttpResponse:
    if _view_name(request) == "account_reauthenticate":
        query = request.META.get("QUERY_STRING", "")
    else:
        query = urlencode({"next": request.path})
    return HttpResponseRedirect(f"{reverse('mfa_reauthenticate')}?{query}")


class KnownDeviceMiddleware:
    """Marks a browser in which someone signs in; see `accounts.devices`."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        was = request.user.is_authenticated
        response = self.get_response(request)
        user: Any = request.user
        if user.is_authenticated and not was:
            remember_device(request, response, user.email)
        return response


class SamePersonMiddleware:
    """Refuses what a page asks that was opened by someone else than who is signed in now.

    Each page names in a header of its htmx requests the person it was made for. Without this, a tab
    that still shows one person would act under the name of the next one who signed in.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        shown = request.headers.get("X-Console-Person", "")
        user: Any = request.user
        if shown and user.is_authenticated and shown != str(user.pk):
            messages.warning(
                request,
                _(
                    "Another user signed in to this browser after this page was opened. "
                    "Nothing was changed."
                ),
            )
            return HttpResponseClientRedirect("/")
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
