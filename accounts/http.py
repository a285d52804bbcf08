"""Answers of console views: whole pages, dialog fragments, and what follows an act.

One view serves both kinds of browser. `render_page` gives htmx the fragment that it asked for
and everyone else the whole page made of the same template; `redirect_after` and `close_dialog`
say what happens after a successful POST. Views never look at htmx's headers themselves.
"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template import TemplateDoesNotExist
from django.template.loader import get_template, render_to_string
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event
from django_htmx.middleware import HtmxDetails

#: The partial of a template that is a dialog as well as a page.
DIALOG = "dialog"
#: The element of `base.html` that holds what a page shows, and nothing around it.
CONTENT_ID = "content-start"
#: The browser event that closes the page's dialog; `static/js/dialog.js` listens for it.
CLOSE_EVENT = "dialog:close"
#: The browser event whose text screen readers speak.
ANNOUNCE_EVENT = "console:announce"


def wants_fragment(request: HttpRequest) -> bool:
    """Say whether the answer goes into a part of a page that stands already.

    False for a plain browser, and for htmx where it replaces the whole page (boosted links,
    going back in the history).
    """
    htmx: HtmxDetails | None = getattr(request, "htmx", None)
    if not htmx:
        return False
    return not htmx.boosted and not htmx.history_restore_request


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    partial: str = DIALOG,
    status: int = 200,
) -> HttpResponse:
    """Answer with the partial called `partial` of `template` to htmx, else with all of it.

    `partial` is the name of a `{% partialdef %}` in the very file `template`. A page that is no
    dialog answers htmx with all of it; `replace_content` then says where it goes. A refused form is
    answered with `status=422`; a conflict, such as a quote that no longer holds, with 409. Both
    are swapped into the page like 200.
    """
    is_whole = not wants_fragment(request) or (partial == DIALOG and not _has_dialog(template))
    name = template if is_whole else f"{template}#{partial}"
    response = render(request, name, dict(context or {}), status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _has_dialog(template: str) -> bool:
    try:
        get_template(f"{template}#{DIALOG}")
    except TemplateDoesNotExist:
        return False
    return True


def replace_content(response: HttpResponse) -> None:
    """Let htmx put a whole page's content in place of the present one, wherever it asked from."""
    response["HX-Retarget"] = f"#{CONTENT_ID}"
    response["HX-Reselect"] = f"#{CONTENT_ID} > *"
    response["HX-Reswap"] = "innerHTML show:top"


def redirect_after(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser on to `url` (an address of this site) after a successful POST.

    A plain form gets a redirect (302); htmx gets `HX-Redirect`, since a redirect would put the
    next page into the dialog.
    """
    if getattr(request, "htmx", None):
        return HttpResponseClientRedirect(url)
    return HttpResponseRedirect(url)


def close_dialog(
    request: HttpRequest,
    *events: str,
    url: str,
    refresh: str = "",
    context: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Close the dialog after a successful POST and leave the page beneath it in place.

    `events` are names of browser events: parts of the page that say
    `hx-trigger="<event> from:body"` fetch themselves again. `refresh` names a template (or
    `template#partial`) whose elements carry `hx-swap-oob` and replace their namesakes.
    Waiting messages are shown in either case. Without htmx it is a redirect to `url`.
    """
    if not getattr(request, "htmx", None):
        return HttpResponseRedirect(url)
    parts = [render_to_string(refresh, dict(context or {}), request)] if refresh else []
    parts.append(render_to_string("partials/_messages_refresh.html", {}, request))
    response = HttpResponse("".join(parts))
    # Only the elements that name their own place are swapped.
    response["HX-Reswap"] = "none"
    for event in (CLOSE_EVENT, *events):
        trigger_client_event(response, event)
    patch_vary_headers(response, ["HX-Request"])
    return response


def announce(response: HttpResponse, text: str) -> HttpResponse:
    """Let screen readers speak `text`, a finished sentence, when htmx has shown `response`."""
    return trigger_client_event(response, ANNOUNCE_EVENT, {"text": str(text)}, after="settle")
