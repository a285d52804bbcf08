"""Every address, by GET and POST, with and without htmx, for everyone who may use it.

Nothing answers with a 5xx, and each answer is of the right kind: htmx gets a fragment, the whole
page with a place to put it, or an address to go to; a plain browser gets a page, a file, or a
redirect. By default each address is tried in every way by the one whose page it is, and in one
way by one or two of the others in turn, first pages in every way by everyone; in the nightly
run, all of them in every way by everyone.
"""

from collections import Counter

import pytest

from tests import pages
from tests.tiers import NIGHTLY
from tests.visits import CLERKS, COLLEAGUES, HTMX, Answer, Demo, Place, find_places, open_demo

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

Way = tuple[str, bool]
#: A browser's method, and whether htmx asks.
WAYS: list[Way] = [("get", False), ("post", False), ("get", True), ("post", True)]
#: Pages that everyone tries in every way, in any run.
FIRST_PAGES = {"start", "admin:index"}
REDIRECTS = {301, 302, 303, 307, 308}
REFUSALS = {400, 403, 404, 405, 409, 422}


def ask(demo: Demo, email: str, url: str, way: Way) -> Answer:
    method, is_htmx = way
    return demo.send(email, method, url, headers=HTMX if is_htmx else {})


def fault(place: Place, answer: Answer, way: Way) -> str:
    """Say what is wrong with an answer, if anything."""
    _method, is_htmx = way
    if answer.status >= 500 or answer.error:
        return f"{answer.status} {answer.error}"
    if answer.status not in {200, 204, *REDIRECTS, *REFUSALS}:
        return f"an unexpected status, {answer.status}"
    if is_htmx and answer.status in REDIRECTS:
        return "a redirect that htmx would follow into the dialog"
    has_place = "HX-Retarget" in answer.headers
    # Refused otherwise, it is not swapped in; sign-in and administration know no htmx.
    is_shown = answer.status in {200, 409, 422} and not place.is_admin and ":" in place.name
    if is_htmx and is_shown and answer.is_page and not has_place:
        return "a whole page for the inside of a dialog"
    if not is_htmx and answer.status in {200, 422} and answer.is_html and not answer.is_page:
        return "a fragment for the whole window"
    return ""


def tries_of(place: Place, turn: int) -> list[tuple[str, list[Way]]]:
    """Return who tries the place in this run, and in which ways."""
    first, *others = place.people
    if NIGHTLY or place.name in FIRST_PAGES:
        return [(email, WAYS) for email in place.people]
    chosen = {others[turn % len(others)], others[(turn // 2) % len(others)]}
    return [(first, WAYS), *((email, [WAYS[turn % len(WAYS)]]) for email in sorted(chosen))]


def test_every_address_answers_everybody() -> None:
    with open_demo() as demo:
        faults, served = walk(demo, find_places(demo))

    assert faults == []
    # Everyone came somewhere, and those whose pages they are almost everywhere.
    assert served[pages.OWNERS[0]] > 200
    assert served[pages.STAFF] > 400
    assert {who for who in (*COLLEAGUES.values(), *CLERKS.values()) if served[who] < 2} == set()


def walk(demo: Demo, places: list[Place]) -> tuple[list[str], Counter[str]]:
    """Try all of them; return what is wrong, and how much each person was shown."""
    faults: list[str] = []
    served: Counter[str] = Counter()
    for turn, place in enumerate(places):
        for email, ways in tries_of(place, turn):
            shown: dict[Way, int] = {}
            for way in ways:
                answer = ask(demo, email, place.url, way)
                shown[way] = answer.status
                served[email] += answer.status in {200, 422} and not answer.asks_to_sign_in
                if wrong := fault(place, answer, way):
                    faults.append(f"{place.name} {place.url} {way} as {email!r}: {wrong}")
            if shown.get(("get", False)) == 200 != shown.get(("get", True), 200):
                faults.append(f"{place.name} {place.url} as {email!r}: not shown to htmx")
    return faults, served
