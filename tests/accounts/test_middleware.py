"""No redirect of an htmx request ends inside the dialog."""

from pathlib import Path

import pytest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.test import RequestFactory
from django_htmx.middleware import HtmxMiddleware

from accounts.middleware import HtmxAnswerMiddleware

HTMX = {"HX-Request": "true"}
AGENTS = "http://testserver/console/100000000001/agents/?q=a"


def answer(location: str | None, headers: dict[str, str]) -> HttpResponse:
    def view(request: HttpRequest) -> HttpResponse:
        response = HttpResponseRedirect(location) if location else HttpResponse("fragment")
        response.set_cookie("kept", "1")
        return response

    request = RequestFactory().get("/console/100000000001/agents/add/", headers=headers)
    response = HtmxMiddleware(HtmxAnswerMiddleware(view))(request)
    assert isinstance(response, HttpResponse)
    return response


@pytest.mark.parametrize(
    ("location", "goes_to"),
    [
        pytest.param("/console/", "/console/", id="another page"),
        pytest.param(
            "/auth/login/?next=/console/100000000001/agents/add/",
            "/auth/login/?next=%2Fconsole%2F100000000001%2Fagents%2F%3Fq%3Da",
            id="signing in leads back to the page, not to the fragment",
        ),
    ],
)
def test_htmx_is_told_to_move_the_window(location: str, goes_to: str) -> None:
    response = answer(location, {"HX-Request": "true", "HX-Current-URL": AGENTS})

    assert (response.status_code, response.headers["HX-Redirect"]) == (200, goes_to)
    assert "Location" not in response.headers
    assert response.cookies["kept"].value == "1"


def test_another_sites_address_is_no_way_back() -> None:
    response = answer(
        "/auth/login/?next=/x/",
        {"HX-Request": "true", "HX-Current-URL": "https://elsewhere.example/y/"},
    )

    assert response.headers["HX-Redirect"] == "/auth/login/?next=/x/"


def test_a_broken_address_of_the_page_is_no_way_back() -> None:
    response = answer("/auth/login/?next=/x/", {"HX-Request": "true", "HX-Current-URL": "http://["})

    assert response.headers["HX-Redirect"] == "/auth/login/?next=/x/"


def test_a_plain_browser_follows_redirects_itself() -> None:
    response = answer("/console/", {})

    assert (response.status_code, response.headers["Location"]) == (302, "/console/")


def test_other_answers_pass_unchanged() -> None:
    response = answer(None, {"HX-Request": "true"})

    assert (response.status_code, response.content) == (200, b"fragment")


@pytest.mark.parametrize(
    ("body", "headers", "place"),
    [
        pytest.param("<!DOCTYPE html><html>", HTMX, "#content-start", id="a whole page"),
        pytest.param("<p>fragment</p>", HTMX, None, id="a fragment"),
        pytest.param("<!DOCTYPE html><html>", {}, None, id="a plain browser"),
        pytest.param("<!DOCTYPE html>", HTMX | {"HX-Boosted": "true"}, None, id="a boosted link"),
    ],
)
def test_a_whole_page_takes_the_place_of_the_content(
    body: str, headers: dict[str, str], place: str | None
) -> None:
    request = RequestFactory().get("/accounts/", headers=headers)

    response = HtmxMiddleware(HtmxAnswerMiddleware(lambda _request: HttpResponse(body)))(request)

    assert isinstance(response, HttpResponse)
    assert response.headers.get("HX-Retarget") == place
    assert response.headers.get("HX-Reselect") == (place and f"{place} > *")
    assert 'id="content-start"' in Path("templates/base.html").read_text()
