"""One view serves htmx and plain browsers."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib import messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest, HttpResponse
from django.template import TemplateDoesNotExist
from django.test import RequestFactory
from django_htmx.middleware import HtmxMiddleware

from accounts.http import announce, close_dialog, redirect_after, render_page, wants_fragment

TEMPLATE = "look/page.html"

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _templates(settings: Any, tmp_path: Path) -> None:
    """A page with its dialog, and a part that a finished act renews."""
    (tmp_path / "look").mkdir()
    (tmp_path / "look" / "page.html").write_text(
        "{% load partials %}<html>{% partialdef dialog inline %}<p>{{ word }}</p>"
        "{% endpartialdef %}{% partialdef row %}<tr id=row hx-swap-oob=true>{{ word }}"
        "{% endpartialdef %}</html>"
    )
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path, "templates"]}]


def request_with(headers: dict[str, str] | None = None) -> HttpRequest:
    request = RequestFactory().get("/", headers=headers or {})
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]
    HtmxMiddleware(lambda _request: HttpResponse())(request)
    return request


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, False, id="plain browser"),
        pytest.param(HTMX, True, id="htmx"),
        pytest.param(HTMX | {"HX-Boosted": "true"}, False, id="boosted link"),
        pytest.param(HTMX | {"HX-History-Restore-Request": "true"}, False, id="going back"),
    ],
)
def test_only_a_part_of_a_standing_page_is_a_fragment(
    headers: dict[str, str], expected: bool
) -> None:
    assert wants_fragment(request_with(headers)) is expected


@pytest.mark.parametrize(
    ("headers", "partial", "body"),
    [
        pytest.param({}, "dialog", "<html><p>hello</p></html>", id="plain: the whole page"),
        pytest.param(HTMX, "dialog", "<p>hello</p>", id="htmx: the dialog"),
        pytest.param(HTMX, "row", "<tr id=row hx-swap-oob=true>hello", id="htmx: another part"),
    ],
)
def test_a_page_is_rendered_whole_or_in_part(
    headers: dict[str, str], partial: str, body: str
) -> None:
    response = render_page(
        request_with(headers), TEMPLATE, {"word": "hello"}, partial=partial, status=422
    )

    assert response.content.decode() == body
    assert response.status_code == 422
    assert response.headers["Vary"] == "HX-Request"


def test_a_page_that_is_no_dialog_is_rendered_whole(tmp_path: Path) -> None:
    (tmp_path / "look" / "whole.html").write_text("<html><p>{{ word }}</p></html>")

    plain = render_page(request_with(), "look/whole.html", {"word": "hello"}, status=422)
    htmx = render_page(request_with(HTMX), "look/whole.html", {"word": "hello"}, status=422)

    assert plain.content == htmx.content == b"<html><p>hello</p></html>"
    assert htmx.status_code == 422


def test_a_part_that_is_missing_is_a_mistake_in_the_program() -> None:
    with pytest.raises(TemplateDoesNotExist):
        render_page(request_with(HTMX), TEMPLATE, partial="nosuchpart")


@pytest.mark.parametrize(
    ("headers", "status", "header"),
    [
        pytest.param({}, 302, "Location", id="plain"),
        pytest.param(HTMX, 200, "HX-Redirect", id="htmx"),
    ],
)
def test_after_an_act_the_whole_window_goes_on(
    headers: dict[str, str], status: int, header: str
) -> None:
    response = redirect_after(request_with(headers), "/orders/1/")

    assert (response.status_code, response.headers[header]) == (status, "/orders/1/")


def test_closing_a_dialog_renews_parts_and_shows_messages() -> None:
    request = request_with(HTMX)
    messages.success(request, "Added.")

    response = close_dialog(
        request, "agents-changed", url="/x/", refresh=f"{TEMPLATE}#row", context={"word": "new"}
    )

    body = response.content.decode()
    assert body.startswith("<tr id=row hx-swap-oob=true>new")
    assert 'hx-swap-oob="innerHTML:#messages"' in body
    assert "Added." in body
    assert response.headers["HX-Reswap"] == "none"
    assert json.loads(response.headers["HX-Trigger"]) == {"dialog:close": {}, "agents-changed": {}}


def test_closing_a_dialog_without_htmx_goes_to_the_page() -> None:
    request = request_with()
    messages.success(request, "Added.")

    response = close_dialog(request, "agents-changed", url="/x/", refresh=f"{TEMPLATE}#row")

    assert (response.status_code, response.headers["Location"]) == (302, "/x/")
    # Nothing was rendered, so the message still waits for that page.
    assert [str(message) for message in messages.get_messages(request)] == ["Added."]


def test_an_announcement_keeps_other_events() -> None:
    response = announce(close_dialog(request_with(HTMX), url="/x/"), "3 agents found.")

    assert json.loads(response.headers["HX-Trigger-After-Settle"]) == {
        "console:announce": {"text": "3 agents found."}
    }
    assert json.loads(response.headers["HX-Trigger"]) == {"dialog:close": {}}
