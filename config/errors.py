"""Pages for requests that cannot be answered as asked.

Unlike Django's own, none of them looks at what was posted: that may be the very thing that cannot
be read, and reading it again would fail again, outside of everything that handles errors. Forms
on these pages get their CSRF token without that.
"""

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string

from accounts.row_security import shield

#: Names the reason of a refusal to `dialog.js`, which has words of its own for it.
PROBLEM_HEADER = "X-Problem"
#: Who was signed in when the page was made; `console.html` lets htmx send it.
PERSON_HEADER = "X-Console-Person"
#: The token that `dialog.js` sends from now on.
TOKEN_HEADER = "X-CSRFToken"  # noqa: S105


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Say that the request was damaged."""
    # Without the request, since its query may be what cannot be read.
    response = HttpResponse(render_to_string("400.html"), status=400)
    # Django would write a second line, with a traceback.
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
    return response


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Say that the person's role does not allow this."""
    return _render(request, "403.html", status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form that came without its token, and keep what was typed where that is possible.

    Who signs in again in another tab gets a new token, which the page that stood open does not
    know. A dialog is sent the new one, for the next press of its button, if it belongs to the
    person who is signed in now. Another site's page cannot read it, nor send the header.
    """
    response = HttpResponse(render_to_string("403_csrf.html"), status=403)
    person = request.headers.get(PERSON_HEADER, "")
    if not request.headers.get("HX-Request") or not person:
        return response
    if person == str(request.user.pk):
        response.headers[PROBLEM_HEADER] = "token"
        response.headers[TOKEN_HEADER] = get_token(request)
    else:
        response.headers[PROBLEM_HEADER] = "person"
    return response


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Say that there is nothing here."""
    return _render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that the fault is ours, and depend on nothing that may be at fault."""
    return HttpResponse(render_to_string("500.html"), status=500)


def _render(request: HttpRequest, template: str, *, status: int) -> HttpResponse:
    """Render a page with what surrounds it: for people, their accounts."""
    is_person = getattr(request, "user", None) and request.user.is_authenticated
    return (shield(render) if is_person else render)(request, template, status=status)
