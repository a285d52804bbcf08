"""What all console requests share."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils import translation
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
