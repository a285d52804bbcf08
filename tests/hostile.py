"""Hostile requests to every list and form of the console and the administration.

    python -m tests.hostile --requests 20000 [--seed 1] [--start 0] [--only 4711]

Parameters are found in the forms and links of the rendered pages, and in a list of known ones.
Each request puts one hostile value in the place of one parameter, path part, body or header, and
leaves the rest as a person would send it. No answer may be a 5xx or take more than two seconds.
Request number n of a seed is always the same one: `--only n` sends it again.
"""

import argparse
import os
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()

from django.db import connection
from django.test.utils import setup_test_environment, teardown_test_environment

from tests import pages
from tests.hostile_values import (
    BODIES,
    HEADERS,
    PARAMETERS,
    PATH_PARTS,
    RAW_QUERIES,
    VALUES,
    describe,
)
from tests.visits import HTMX, Answer, Demo, Place, find_places, open_demo

SLOW_SECONDS = 2.0
#: How often each kind of request is drawn.
KINDS = {"field": 50, "query": 26, "path": 10, "body": 7, "header": 7}
#: Of ten requests, how many come from the person whose page it is; the others from anyone.
_AT_HOME = 8
_FORM = "application/x-www-form-urlencoded"
Pairs = tuple[tuple[str, str], ...]


# --- What there is to attack ---------------------------------------------------------------


@dataclass(frozen=True)
class Form:
    """A form of a page as a person would send it."""

    method: str
    action: str
    pairs: Pairs
    is_multipart: bool = False


@dataclass(frozen=True)
class Target:
    """One parameter of a form, or of an address (`form.method` is then "get")."""

    place: Place
    form: Form
    name: str


@dataclass
class _Draft:
    method: str
    action: str
    is_multipart: bool
    pairs: list[tuple[str, str]] = field(default_factory=list)


#: What a person would enter, by the kind of field.
_LIKELY = {
    "email": "somebody@example.com",
    "number": "1",
    "date": "2026-12-01",
    "datetime-local": "2026-12-01T10:00:00",
    "tel": "+8613800000000",
    "password": "a-long-password",
    "text": "100000000001",
    "search": "a",
    "textarea": "Some words.",
}


class _Reader(HTMLParser):
    """Collects the forms and the addresses of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[_Draft] = []
        self.addresses: list[str] = []
        self._by_id: dict[str, _Draft] = {}
        self._open: _Draft | None = None
        self._select = ""
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        for name in ("href", "hx-get", "hx-post", "formaction"):
            if "?" in found.get(name, ""):
                self.addresses.append(found[name])
        if tag == "form":
            is_multipart = "multipart" in found.get("enctype", "")
            draft = _Draft(
                found.get("method", "get").lower(), found.get("action", ""), is_multipart
            )
            self.forms.append(draft)
            self._open = draft
            if "id" in found:
                self._by_id[found["id"]] = draft
        elif tag in {"input", "textarea", "select", "button"} and found.get("name"):
            self._take(tag, found)
        elif tag == "option" and self._select:
            self._options.append((found.get("value", ""), "selected" in found))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select" and self._select:
            chosen = [value for value, is_chosen in self._options if is_chosen and value]
            others = [value for value, _is_chosen in self._options if value]
            self._add(self._select, (chosen or others or [""])[0])
            self._select, self._options = "", []

    def _take(self, tag: str, found: dict[str, str]) -> None:
        kind = found.get("type", "text") if tag == "input" else tag
        draft = self._by_id.get(found.get("form", "")) or self._open
        if draft is None:
            return
        if kind == "select":
            self._select, self._options = found["name"], []
        elif kind in {"checkbox", "radio"}:
            is_new = found["name"] not in dict(draft.pairs)
            if "checked" in found or (kind == "radio" and is_new):
                draft.pairs.append((found["name"], found.get("value", "on")))
        elif kind == "button":
            draft.pairs.append((found["name"], found.get("value", "")))
        elif kind != "file":
            value = found.get("value", "") or _LIKELY.get(kind, "")
            draft.pairs.append((found["name"], value))

    def _add(self, name: str, value: str) -> None:
        if self._open is not None:
            self._open.pairs.append((name, value))


@dataclass
class Targets:
    """All parameters, by kind of request."""

    fields: list[Target] = field(default_factory=list)
    queries: list[Target] = field(default_factory=list)
    #: Parameters that no form or link names, tried on every page.
    guesses: list[Target] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)

    def of(self, target: Target) -> list[Target]:
        """Return the list that a target belongs to."""
        if target.form.method == "post":
            return self.fields
        return self.queries if target.form.pairs else self.guesses

    @property
    def paths(self) -> list[Place]:
        """Places with something in their path that varies."""
        return [place for place in self.places if _VARIES.search(place.url)]


_VARIES = re.compile(r"/(\d+|[A-Z]-\d+|[^/]*:[^/]*)(?=/|$)")


def find_targets(demo: Demo, places: Iterable[Place]) -> Targets:
    """Read every page and collect what can be sent to it, and to what it links to."""
    targets = Targets(places=list(places))
    seen: set[tuple[str, str, str]] = set()
    by_path = {urlsplit(place.url).path: place for place in targets.places}
    for place in targets.places:
        answer = demo.send(place.people[0], "get", place.url)
        for target in _targets_of(place, answer, by_path):
            key = (target.form.method, target.place.name, target.name)
            if key not in seen:
                seen.add(key)
                targets.of(target).append(target)
    return targets


def _targets_of(place: Place, answer: Answer, by_path: dict[str, Place]) -> Iterator[Target]:
    path = urlsplit(place.url).path
    if answer.is_html:
        reader = _Reader()
        reader.feed(answer.body.decode())
        for draft in reader.forms:
            action = urljoin(path, draft.action or path)
            there = by_path.get(urlsplit(action).path) or replace(place, url=action)
            pairs = tuple(dict.fromkeys(draft.pairs))
            form = Form(draft.method, action, pairs, draft.is_multipart)
            for name in dict.fromkeys(name for name, _value in pairs):
                yield Target(there, form, name)
        for address in reader.addresses:
            parts = urlsplit(urljoin(path, address))
            if parts.path in by_path:
                pairs = tuple(parse_qsl(parts.query, keep_blank_values=True))
                form = Form("get", parts.path, pairs)
                for name, _value in pairs:
                    yield Target(by_path[parts.path], form, name)
    if answer.status != 405:
        for name in PARAMETERS:
            yield Target(place, Form("get", path, ()), name)


# --- One request ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Request:
    """What is sent, and what to call it in a report."""

    label: str
    place: Place
    email: str
    method: str
    url: str
    body: bytes = b""
    content_type: str = _FORM
    query: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def send(self, demo: Demo) -> Answer:
        """Send it and undo what it did."""
        query: dict[str, Any] = {} if self.query is None else {"QUERY_STRING": self.query}
        return demo.send(
            self.email,
            "generic",
            self.method.upper(),
            self.url,
            data=self.body,
            content_type=self.content_type,
            headers=dict(self.headers),
            **query,
        )


def draw(targets: Targets, seed: int, number: int) -> Request:
    """Return request `number` of a seed."""
    chance = random.Random(f"{seed}:{number}")
    kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
    request = _MAKERS[kind](targets, chance)
    if chance.random() < 0.4:
        request = replace(request, headers=(*HTMX.items(), *request.headers))
    return request


def _person(place: Place, chance: random.Random) -> str:
    return place.people[0] if chance.randrange(10) < _AT_HOME else chance.choice(place.people)


def _spoil(pairs: Pairs, name: str, value: str | list[str] | None) -> list[tuple[str, str]]:
    kept = [pair for pair in pairs if pair[0] != name]
    values = [value] if isinstance(value, str) else value or []
    return [*kept, *((name, each) for each in values)]


def _encode(pairs: list[tuple[str, str]]) -> str:
    return urlencode(pairs, errors="surrogatepass")


def _field(targets: Targets, chance: random.Random) -> Request:
    target = chance.choice(targets.fields)
    what = chance.choice(list(VALUES))
    pairs = _spoil(target.form.pairs, target.name, VALUES[what])
    body, content_type = _encode(pairs).encode(), _FORM
    if target.form.is_multipart:
        parts = [
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in pairs
        ]
        body = "".join([*parts, "--b--\r\n"]).encode("utf-8", "surrogatepass")
        content_type = "multipart/form-data; boundary=b"
    return Request(
        label=f"{target.place.name}: field {target.name!r} is {what}",
        place=target.place,
        email=_person(target.place, chance),
        method="post",
        url=target.form.action,
        body=body,
        content_type=content_type,
    )


def _query(targets: Targets, chance: random.Random) -> Request:
    target = chance.choice(chance.choice([targets.queries, targets.guesses]))
    if chance.random() < 0.15:
        what = chance.choice(list(RAW_QUERIES))
        query = f"{quote(target.name)}={RAW_QUERIES[what]}"
    else:
        what = chance.choice(list(VALUES))
        query = _encode(_spoil(target.form.pairs, target.name, VALUES[what]))
    return Request(
        label=f"{target.place.name}: query {target.name!r} is {what}",
        place=target.place,
        email=_person(target.place, chance),
        method="get",
        url=urlsplit(target.form.action).path,
        query=query,
    )


def _path(targets: Targets, chance: random.Random) -> Request:
    place = chance.choice(targets.paths)
    parts = list(_VARIES.finditer(place.url))
    part, what = chance.choice(parts), chance.choice(list(PATH_PARTS))
    url = place.url[: part.start(1)] + PATH_PARTS[what] + place.url[part.end(1) :]
    return Request(
        label=f"{place.name}: {part[1]!r} in the path is {what}",
        place=place,
        email=_person(place, chance),
        method=chance.choice(["get", "post"]),
        url=url,
    )


def _body(targets: Targets, chance: random.Random) -> Request:
    place, what = chance.choice(targets.places), chance.choice(list(BODIES))
    content_type, body = BODIES[what]
    return Request(
        label=f"{place.name}: body is {what}",
        place=place,
        email=_person(place, chance),
        method="post",
        url=place.url,
        body=body,
        content_type=content_type,
    )


def _header(targets: Targets, chance: random.Random) -> Request:
    place, what = chance.choice(targets.places), chance.choice(list(HEADERS))
    return Request(
        label=f"{place.name}: header, {what}",
        place=place,
        email=_person(place, chance),
        method=chance.choice(["get", "post", "get", "head", "options", "put", "delete"]),
        url=place.url,
        headers=tuple(HEADERS[what].items()),
    )


_MAKERS = {"field": _field, "query": _query, "path": _path, "body": _body, "header": _header}


# --- Many of them --------------------------------------------------------------------------


@dataclass
class Tally:
    """What came back, in numbers, and each failure with its request."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    slowest: list[tuple[float, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    #: Requests with a field or parameter from the person whose page it is, and how many of them
    #: came to its view.
    at_home: int = 0
    reached: int = 0

    def add(self, number: int, request: Request, answer: Answer) -> None:
        """Count an answer."""
        self.requests += 1
        self.statuses[answer.status] += 1
        self.kinds[_kind_of(request.email)] += 1
        line = f"#{number} {request.email or 'a visitor'} {request.method} {request.url}"
        self.slowest = sorted(
            [*self.slowest, (answer.seconds, f"{line} ({request.label})")], reverse=True
        )[:10]
        fault = fault_of(answer)
        if fault:
            sent = describe(request.query if request.query is not None else request.body)
            self.failures.append(f"{fault}: {line}\n    {request.label}\n    sent: {sent}")
        is_home = request.email == request.place.people[0] != pages.VISITOR
        if is_home and (" field " in request.label or " query " in request.label):
            self.at_home += 1
            is_kept_out = answer.asks_to_sign_in or answer.status in {403, 404, 405}
            self.reached += not is_kept_out

    @property
    def share_reached(self) -> float:
        """Which share of the requests that should come to a view did."""
        return self.reached / max(self.at_home, 1)

    def report(self) -> str:
        """Return all of it as text."""
        lines = [
            f"{self.requests} requests: "
            + ", ".join(f"{count} × {status}" for status, count in sorted(self.statuses.items())),
            "by " + ", ".join(f"{who} {count}" for who, count in sorted(self.kinds.items())),
            f"{self.share_reached:.0%} of {self.at_home} by the page's own person reached its view",
            "slowest:",
            *(f"  {seconds:.2f} s {line}" for seconds, line in self.slowest[:5]),
            f"{len(self.failures)} failures",
            *self.failures,
        ]
        return "\n".join(lines)


def _kind_of(email: str) -> str:
    if not email:
        return "anonymous"
    return "customer" if "owner@" in email or "everywhere" in email else "staff"


def fault_of(answer: Answer) -> str:
    """Say what is wrong with an answer, if anything."""
    if answer.status >= 500:
        return f"{answer.status} {answer.error}"
    if answer.error:
        return f"not accepted by the database at the end: {answer.error}"
    return f"{answer.seconds:.1f} s" if answer.seconds > SLOW_SECONDS else ""


def attack(
    demo: Demo, targets: Targets, *, numbers: Iterable[int], seed: int, is_told: bool = False
) -> Tally:
    """Send the requests with these numbers; `is_told` reports how far it is on stderr."""
    tally = Tally()
    for number in numbers:
        request = draw(targets, seed, number)
        answer = request.send(demo)
        if answer.seconds > SLOW_SECONDS:
            # The machine may have been busy with something else.
            answer = min(answer, request.send(demo), key=lambda each: each.seconds)
        before = len(tally.failures)
        tally.add(number, request, answer)
        if is_told and (tally.requests % 500 == 0 or len(tally.failures) > before):
            told = "\n".join([f"{tally.requests} sent", *tally.failures[before:]])
            sys.stderr.write(f"{told}\n")
    return tally


# --- On its own ----------------------------------------------------------------------------


@contextmanager
def _test_database() -> Iterator[None]:
    setup_test_environment(debug=False)
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
        teardown_test_environment()


def main() -> int:
    """Attack a test database of its own, and return 1 if anything failed."""
    parser = argparse.ArgumentParser(description="Send hostile requests to the console.")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="the number of the first request")
    parser.add_argument("--only", type=int, nargs="*", help="send these requests alone")
    options = parser.parse_args()
    with _test_database(), open_demo() as demo:
        targets = find_targets(demo, find_places(demo))
        numbers = options.only or range(options.start, options.start + options.requests)
        tally = attack(demo, targets, numbers=numbers, seed=options.seed, is_told=True)
    sys.stdout.write(
        f"{len(targets.fields)} fields, {len(targets.queries)} query parameters, "
        f"{len(targets.guesses)} guesses\n"
        f"{tally.report()}\n"
    )
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
