"""Measure how far a reader has to walk through the code; `make structure`.

Two confirmations, of a purchase and of a refund, are sent through the test client and traced: how
many files and functions of the project take part, and how often the next call is in another file.
`ARGS=walks` also prints the calls in order. The rest is read from the source: public names with
two meanings, raw SQL, short files, long functions, and lines in all. Tests and migrations are left
out.
"""

import ast
import os
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from tests import factories as make  # noqa: E402
from tests.bench import databases  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
APPS = ("accounts", "agents", "billing", "compliance", "config")
SHORT_FILE = 40
_TOKEN = re.compile(r'name="token" value="([^"]+)"')


# --- Walks -----------------------------------------------------------------------------------

_SHARED = r"accounts/(services|models|prepared)|accounts/transitions"
#: Parts of the project by their paths.
_PARTS = {
    "requests, access and answers": rf"config/|(?!{_SHARED})accounts/|.*/views/|billing/places",
    "locks, prepared queries, trail": _SHARED,
    "orders and refunds": r"billing/(orders|refunds)/(?!views/)|billing/confirmation",
    "other nouns": r"billing/(?!orders/|refunds/|confirmation|places)|compliance/",
}


@dataclass
class Walk:
    """The project's functions that one request called, in order."""

    calls: list[tuple[str, str]] = field(default_factory=list)

    def note(self, frame: FrameType, event: str, _argument: object) -> None:
        """Note a call where its function is the project's own; for `sys.setprofile`."""
        if event != "call":
            return
        path = frame.f_code.co_filename
        if not path.startswith(f"{ROOT}/"):
            return
        name = path.removeprefix(f"{ROOT}/")
        if name.split("/")[0] in APPS:
            self.calls.append((name, frame.f_code.co_qualname))

    def __str__(self) -> str:
        files = {path for path, _function in self.calls}
        switches = sum(1 for one, other in pairwise(self.calls) if one[0] != other[0])
        return (
            f"{len(files)} files, {len(set(self.calls))} functions, {len(self.calls)} calls, "
            f"{switches} file switches"
        )

    def parts(self) -> Iterator[str]:
        """Say what each part of the project has of the walk, and how much is written inline.

        Before Python 3.12, a comprehension counts as a function of its own.
        """
        for name, pattern in _PARTS.items():
            own = {call for call in self.calls if re.match(pattern, call[0])}
            yield f"{name}: {len({path for path, _function in own})} files, {len(own)} functions"
        inline = {call for call in self.calls if call[1].endswith(">")}
        yield f"comprehensions and lambdas among them: {len(inline)}"

    def steps(self) -> Iterator[str]:
        """Return the calls in order, one a line; a star stands where the file changes."""
        before = ""
        for path, function in self.calls:
            yield f"{' ' if path == before else '*'} {path} {function}"
            before = path


@contextmanager
def _walking() -> Iterator[Walk]:
    walk = Walk()
    sys.setprofile(walk.note)
    try:
        yield walk
    finally:
        sys.setprofile(None)


def _confirm(client: Client, path: str, confirm_path: str, data: dict[str, str]) -> Walk:
    """Send `data` for a dialog, or open it without, and trace the request that confirms it."""
    dialog = (client.post(path, data) if data else client.get(path)).content.decode()
    found = _TOKEN.search(dialog)
    assert found, dialog[:500]
    with _walking() as walk:
        answer = client.post(confirm_path, {"token": found[1]})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return walk


def trace_purchase_and_refund() -> tuple[Walk, Walk]:
    """Return the walk of a confirmed purchase, and that of the package's confirmed refund.

    Both are those of a second customer: the first requests of a process compile what it keeps.
    """
    _purchase_and_refund()
    return _purchase_and_refund()


def _purchase_and_refund() -> tuple[Walk, Walk]:
    customer = make.make_customer(cash="1000", now=timezone.now())
    client = Client(headers={"host": "localhost"})
    client.force_login(customer.owner)
    place = {"uin": customer.account.uin}
    choice = {
        "application": str(customer.application.sdkappid),
        "edition": "premium",
        "unit": "month",
        "count": "1",
        "agents": "2",
        "sip": "1",
        "coupon": "best",
    }
    confirm = reverse("billing:confirm", kwargs=place)
    bought = _confirm(client, reverse("billing:buy", kwargs=place), confirm, choice)
    where = {**place, "sdkappid": customer.application.sdkappid}
    last_word = reverse("agents:refund_confirm", kwargs=where)
    refunded = _confirm(client, last_word, last_word, {})
    return bought, refunded


# --- The source ------------------------------------------------------------------------------


def _sources() -> dict[str, str]:
    paths = [
        path
        for app in APPS
        for path in sorted((ROOT / app).rglob("*.py"))
        if "migrations" not in path.parts
    ]
    return {str(path.relative_to(ROOT)): path.read_text() for path in paths}


def names_with_two_meanings(trees: dict[str, ast.Module]) -> dict[str, list[str]]:
    """Return the public classes and functions that several modules define, with those modules.

    The `Command` of each management command is Django's word.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for path, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name[0] != "_":
                found[node.name].append(path)
    return {
        name: paths for name, paths in sorted(found.items()) if len(paths) > 1 and name != "Command"
    }


def raw_sql_sites(trees: dict[str, ast.Module]) -> list[str]:
    """Return where SQL text is executed, or made into rows of models."""
    return [
        f"{path}:{node.lineno}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _is_raw_sql(node.func)
    ]


def _is_raw_sql(called: ast.expr) -> bool:
    if isinstance(called, ast.Attribute):
        owner = called.value.id if isinstance(called.value, ast.Name) else ""
        if called.attr == "copy":
            return owner == "cursor"
        return called.attr in {"execute", "executemany", "raw"} and owner != "schema_editor"
    return isinstance(called, ast.Name) and called.id == "RawSQL"


def longest_functions(trees: dict[str, ast.Module]) -> list[tuple[int, str]]:
    """Return functions by their lines, the longest first."""
    found = [
        ((node.end_lineno or 0) - node.lineno + 1, f"{path}:{node.name}")
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    return sorted(found, reverse=True)


def _print_source(show: Callable[[str, object], None]) -> None:
    sources = _sources()
    trees = {path: ast.parse(text) for path, text in sources.items()}
    lines = {path: text.count("\n") for path, text in sources.items()}
    doubles = names_with_two_meanings(trees)
    show("public names with two meanings", f"{len(doubles)}: {', '.join(doubles)}")
    sites = raw_sql_sites(trees)
    show("raw SQL call sites", f"{len(sites)}: {', '.join(sites)}")
    short = [
        path
        for path, count in lines.items()
        if path.startswith("billing/") and 0 < count < SHORT_FILE
    ]
    show(f"files under {SHORT_FILE} lines in billing", f"{len(short)}: {', '.join(short)}")
    billing = [path for path in lines if path.startswith("billing/")]
    show("files in billing", len(billing))
    long_files = sorted(((count, path) for path, count in lines.items()), reverse=True)[:8]
    show("longest files", ", ".join(f"{path} {count}" for count, path in long_files))
    functions = longest_functions(trees)
    show("longest functions", ", ".join(f"{name} {count}" for count, name in functions[:5]))
    show("functions over 25 lines", sum(1 for count, _name in functions if count > 25))
    show("lines", sum(lines.values()))


def main() -> None:
    """Print all figures."""

    def show(name: str, value: Any) -> None:
        sys.stdout.write(f"{name}: {value}\n")

    with databases.migrated("structure"), databases.using("structure"):
        bought, refunded = trace_purchase_and_refund()
    for name, walk in (("purchase", bought), ("refund", refunded)):
        show(f"{name} confirmation", walk)
        for part in walk.parts():
            show("  of these", part)
        for step in walk.steps() if "walks" in sys.argv[1:] else ():
            sys.stdout.write(f"    {step}\n")
    _print_source(show)


if __name__ == "__main__":
    main()
