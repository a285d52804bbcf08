"""The documents name only files, functions and pages that exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model

ROOT = Path(__file__).parent.parent
#: Records of decisions tell of the code of their time; only their links are followed.
GUIDES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
PAGES = [*GUIDES, *sorted((ROOT / "docs" / "decisions").glob("*.md"))]

_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
#: A path of the repository: it begins with one of its folders.
_PATH = re.compile(
    r"^(?:accounts|agents|billing|compliance|config|docs|locale|requirements|static|templates|tests)"
    r"/[\w./*-]*$"
)
#: `path.py` `name()`, or `path.py` (`name()`): the name is defined in that file.
_NAMED = re.compile(r"`([\w-]+/[\w./-]+\.py)`,? \(?`([A-Za-z_][\w.]*)(?:\(\))?`")


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _prose(page: Path) -> str:
    """Return the page without its code blocks."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def _exists(path: str) -> bool:
    return any(ROOT.glob(path)) if "*" in path else (ROOT / path).exists()


def _defined(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    """Yield what a module defines: functions, classes with what they hold, and constants."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name
        elif isinstance(node, ast.ClassDef):
            yield prefix + node.name
            yield from _defined(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.Assign):
            yield from (prefix + t.id for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield prefix + node.target.id


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("document", GUIDES, ids=_name)
def test_every_path_exists(document: Path) -> None:
    paths = {code for code in _CODE.findall(_prose(document)) if _PATH.match(code)}
    assert [path for path in sorted(paths) if not _exists(path)] == []


@pytest.mark.parametrize("document", GUIDES, ids=_name)
def test_every_name_is_defined_in_the_file_beside_it(document: Path) -> None:
    missing = [
        f"{path} {name}"
        for path, name in _NAMED.findall(_prose(document))
        if not (ROOT / path).is_file()
        or name not in set(_defined(ast.parse((ROOT / path).read_text(encoding="utf-8")).body))
    ]
    assert missing == []


@pytest.mark.parametrize("document", PAGES, ids=_name)
def test_every_link_leads_to_a_page_and_its_heading(document: Path) -> None:
    dead = []
    for link in _LINK.findall(_prose(document)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            dead.append(link)
    assert dead == []


def test_every_class_that_the_glossary_names_exists() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[( ]`([A-Z][a-z]+[A-Za-z]*)`", glossary))
    defined = {
        name
        for app in ("accounts", "agents", "billing", "compliance", "config")
        for file in (ROOT / app).rglob("*.py")
        for name in _defined(ast.parse(file.read_text(encoding="utf-8")).body)
    }
    assert len(named) > 5
    assert named - defined == set()


def test_every_decision_is_in_the_index() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(page.name for page in folder.glob("[0-9]*.md"))
    index = re.findall(r"\]\(([0-9]{4}-[^)#]+\.md)\)", (folder / "README.md").read_text("utf-8"))
    assert index == records


def test_every_decision_that_the_code_cites_exists() -> None:
    numbers = {page.name[:4] for page in (ROOT / "docs" / "decisions").glob("[0-9]*.md")}
    cited = {
        (number, _name(page))
        for folder in (
            "accounts",
            "agents",
            "billing",
            "compliance",
            "config",
            "templates",
            "tests",
        )
        for page in (ROOT / folder).rglob("*")
        if page.suffix in {".py", ".html", ".txt", ".css", ".js"}
        for number in re.findall(r"\bADR (\d{4})\b", page.read_text(encoding="utf-8"))
    }
    assert cited
    assert {place for place in cited if place[0] not in numbers} == set()


# --- The diagram of the nouns ---------------------------------------------------------------

_CLASS = re.compile(r"^    class (\w+) \{\n((?:        \w+\n)*)    \}$", re.MULTILINE)
_RELATION = re.compile(r'^    (\w+) "(\S+)" --> "(\S+)" (\w+) : (\w+)$', re.MULTILINE)


def _models() -> dict[str, type[Model]]:
    return {model.__name__: model for model in apps.get_models()}


def _diagram() -> str:
    text = (ROOT / "docs" / "domain.md").read_text(encoding="utf-8")
    found = re.search(r"```mermaid\nclassDiagram\n(.*?)```", text, re.DOTALL)
    assert found
    return found[1]


def test_every_noun_of_the_diagram_has_its_fields() -> None:
    models = _models()
    fields = {
        (name, field) for name, listed in _CLASS.findall(_diagram()) for field in listed.split()
    }
    assert fields
    assert {
        (name, field)
        for name, field in fields
        if name not in models or field not in {each.name for each in models[name]._meta.fields}
    } == set()


def test_every_relation_of_the_diagram_is_a_foreign_key() -> None:
    models, relations = _models(), _RELATION.findall(_diagram())
    assert len(relations) > 40
    assert [each for each in relations if each != _relation(models, each[0], each[4])] == []


def _relation(models: dict[str, type[Model]], name: str, field: str) -> tuple[str, ...]:
    """Return how the diagram must draw a model's field."""
    found: Any = models[name]._meta.get_field(field)
    many = "0..1" if found.unique else "*"
    one = "*" if found.many_to_many else "0..1" if found.null else "1"
    return (name, many, one, found.related_model.__name__, field)
