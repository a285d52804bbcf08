"""Find words that docs/style.md forbids; part of `make check`.

The words are those of its two tables. Read are templates, catalogs, messages, docstrings and
comments, data and documents, but not code: names and text without a space stay as they are.
`tests/words_to_replace.txt` lists what was there when the check began, with the number of times.
It only gets shorter: `python -m tests.words --shrink` writes it after some were removed.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parents[1]
LISTED = ROOT / "tests" / "words_to_replace.txt"
STYLE = ROOT / "docs" / "style.md"
FOLDERS = (
    *("accounts", "agents", "billing", "compliance", "config"),
    *("docs", "locale", "static", "templates", "tests"),
)
SUFFIXES = {
    *(".py", ".html", ".txt", ".md", ".po", ".json", ".js", ".css", ".toml", ".sh", ".yaml"),
    *(".conf", ".ini", ".example", ".service", ".timer"),
}
#: They name the words themselves; migrations stay as they ran.
SKIPPED = {"docs/style.md", "tests/test_words.py", "tests/words_to_replace.txt"}
HALF_WIDTH = "half-width punctuation"

#: How often each file has each word.
Found = Counter[tuple[str, str]]

_TABLE = re.compile(r"^\| Avoid \| Write \|\n\|[-|]+\|\n((?:\|.*\n)+)", re.MULTILINE)
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_CODE = re.compile(r"```.*?```|`[^`\n]*`|\]\([^)\s]*\)", re.DOTALL)
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*(?:\n\s*#.*)*", re.MULTILINE)
_HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,:;!?()]|[,:;!?(][\u4e00-\u9fff]")


def read_terms(page: str) -> list[str]:
    """Return the words to avoid, from the page's tables."""
    rows = [row for table in _TABLE.findall(page) for row in table.splitlines()]
    return [term for row in rows for term in row.split("|")[1].strip().split(", ")]


def _pattern(term: str) -> str:
    words = r"\s+".join(map(re.escape, term.rstrip("*").split()))
    return words + ("[a-z]*" if term.endswith("*") else "")


def _any(terms: list[str], around: str) -> re.Pattern[str]:
    """Return a pattern whose groups are the terms."""
    return re.compile(around % "|".join(f"({_pattern(term)})" for term in terms), re.IGNORECASE)


_TERMS = read_terms(STYLE.read_text(encoding="utf-8"))
ENGLISH = [term for term in _TERMS if term.isascii()]
CHINESE = [term for term in _TERMS if not term.isascii()]
#: Not within a name such as `case.behaviour`, `behaviour_id` or `--mend`.
_ENGLISH = _any(ENGLISH, r"\b(?<![.\-/])(?:%s)(?!\w)")
_CHINESE = _any(CHINESE, "%s")


def find(text: str) -> Counter[str]:
    """Count the words to avoid in a text, but not in its code."""
    text = _CODE.sub(" | ", text)
    found = Counter(ENGLISH[(match.lastindex or 0) - 1] for match in _ENGLISH.finditer(text))
    found.update(CHINESE[(match.lastindex or 0) - 1] for match in _CHINESE.finditer(text))
    return found


# --- What of a file is prose ----------------------------------------------------------------


def _is_prose(text: str) -> bool:
    return any(map(str.isspace, text.strip())) or not text.isascii()


def _of_python(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_prose(node.value):
            yield node.value
    # One comment may go over several lines.
    for comment in _COMMENT.findall(source):
        yield re.sub(r"\n\s*#:? ?", " ", comment)


def _of_template(source: str) -> Iterator[str]:
    yield _TAG.sub(" | ", source)
    for tag in _TAG.findall(source):
        yield from (text[1:-1] for text in _QUOTED.findall(tag) if _is_prose(text))


def _of_catalog(file: Path) -> Iterator[str]:
    for entry in polib.pofile(file):
        # Those of libraries are what they are.
        yield from () if file.parts[-3] == "en" else (entry.msgid, entry.msgid_plural)
        yield from (entry.msgstr, *entry.msgstr_plural.values())


def _of_document(name: str, source: str) -> Iterator[str]:
    if name == "glossary.md":
        # The last column has what each term is not.
        source = re.sub(r"^(\|(?:[^|\n]*\|){3})[^|\n]*\|$", r"\1", source, flags=re.MULTILINE)
    yield source


def read_prose(file: Path) -> Iterator[str]:
    """Yield the texts in a file that are written for people."""
    if file.suffix == ".po":
        yield from _of_catalog(file)
        return
    source = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        yield from _of_python(source)
    elif file.parts[-1].endswith((".html", ".txt")):
        yield from _of_template(source)
    elif file.suffix == ".md":
        yield from _of_document(file.name, source)
    else:
        yield source


def _files() -> Iterator[Path]:
    for place in [ROOT, *(ROOT / folder for folder in FOLDERS)]:
        for file in place.glob("*") if place == ROOT else place.rglob("*"):
            name = file.relative_to(ROOT).as_posix()
            is_text = file.suffix in SUFFIXES or file.name in {"Makefile", "Dockerfile"}
            if is_text and file.is_file() and name not in SKIPPED and "/migrations/" not in name:
                yield file


def count() -> Found:
    """Count the words to avoid in the whole tree."""
    found: Found = Counter()
    for file in _files():
        name, text = file.relative_to(ROOT).as_posix(), "\n\n".join(read_prose(file))
        found.update({(name, term): number for term, number in find(text).items()})
        if file.suffix in {".po", ".json"}:
            found[name, HALF_WIDTH] = len(_HALF_WIDTH.findall(text))
    return +found


# --- The list -------------------------------------------------------------------------------


def parse(listed: str) -> Found:
    """Read the list: a file, a word and a number on each line, with tabs between."""
    rows = (line.split("\t") for line in listed.splitlines())
    return Counter({(file, term): int(number) for file, term, number in rows})


def compare(found: Found, listed: Found) -> list[str]:
    """Return what is wrong: words that are new, and lines of the list that are out of date."""
    return [
        f"{file}: “{term}” occurs {found[file, term]} times, listed are {listed[file, term]}"
        for file, term in sorted(found.keys() | listed.keys())
        if found[file, term] != listed[file, term]
    ]


def write(listed: Found) -> str:
    """Return the list as text."""
    return "".join(f"{file}\t{term}\t{listed[file, term]}\n" for file, term in sorted(listed))


def main(arguments: Iterable[str]) -> int:
    """Check the tree, or shorten the list."""
    found, listed = count(), parse(LISTED.read_text(encoding="utf-8"))
    if "--shrink" in arguments:
        # The smaller number of both: what is new stays an error.
        listed = found & listed
        LISTED.write_text(write(listed), encoding="utf-8")
    wrong = compare(found, listed)
    sys.stderr.write("".join(f"{line}\n" for line in wrong))
    if wrong:
        sys.stderr.write(
            "docs/style.md says what to write instead; `--shrink` shortens the list.\n"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
