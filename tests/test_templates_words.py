"""Sentences to translate take plain names only: Django leaves a gap for anything else."""

import re
from pathlib import Path

SENTENCE = re.compile(
    r"\{%\s*blocktrans(?:late)?\b.*?%\}(.*?)\{%\s*endblocktrans(?:late)?\s*%\}", re.DOTALL
)
NAME = re.compile(r"\{\{\s*(.*?)\s*\}\}")


def gaps(template: str) -> list[str]:
    """Return what a template names in its sentences that Django does not resolve there."""
    return [
        name
        for sentence in SENTENCE.findall(template)
        for name in NAME.findall(sentence)
        if not name.isidentifier()
    ]


def test_a_dotted_name_and_a_filter_are_found() -> None:
    sentence = (
        "{% blocktranslate with b=c.d %}{{ a.b }} {{ a|safe }} {{ b }}{% endblocktranslate %}"
    )
    assert gaps(sentence) == ["a.b", "a|safe"]


def test_no_template_has_a_name_that_leaves_a_gap() -> None:
    files = [path for path in Path("templates").rglob("*") if path.suffix in {".html", ".txt"}]
    found = {str(path): gaps(path.read_text()) for path in files}
    assert len(files) > 200
    assert {path: names for path, names in found.items() if names} == {}
