"""Choices of language and theme, for people who are signed in or not."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import i18n
from django.views.decorators.http import require_POST

from accounts.context_processors import THEME_COOKIE
from accounts.enums import Theme
from accounts.models import User
from accounts.services import preferences

_YEAR = 365 * 24 * 3600


@login_not_required
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme with the user, or in a cookie, and go back to `next`.

    A script, which has changed the page already and asks for no page, gets 204.
    """
    theme = request.POST.get("theme", "")
    response: HttpResponse = HttpResponse(status=204)
    if request.accepts("text/html"):
        response = HttpResponseRedirect(_next(request))
    if theme not in Theme.values:
        return response
    if isinstance(request.user, User):
        preferences.choose_theme(theme=theme, by=request.user)
    response.set_cookie(
        THEME_COOKIE,
        theme,
        max_age=_YEAR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response


@login_not_required
@require_POST
def set_language(request: HttpRequest) -> HttpResponseBase:
    """Keep the language with the user and in Django's cookie, and go back to `next`."""
    language = request.POST.get("language", "")
    if isinstance(request.user, User) and language in dict(settings.LANGUAGES):
        preferences.choose_language(language=language, by=request.user)
    return i18n.set_language(request)


def _next(request: HttpRequest) -> str:
    """The path on this site that the form came from."""
    url = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if is_ours and url.startswith("/") else "/"
