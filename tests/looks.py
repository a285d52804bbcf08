"""What a browser test asks of every page: nothing against WCAG, and nothing that looks broken."""

from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

#: WCAG 2.2, levels A and AA.
WCAG: dict[str, Any] = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    }
}
#: Light and dark differ in colors alone.
CONTRAST: dict[str, Any] = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
#: What may be wrong in dark on a narrow screen alone: the colors, and what fingers can meet.
DARK_AND_NARROW: dict[str, Any] = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "target-size"]}
}
#: Longer lines are hard to follow from one to the next.
CHARACTERS_IN_A_LINE = 120
#: What is in order need not be described in full, which takes longer than finding it.
#: Reading the style sheets again, for one rule alone, would write styles into the page.
FAULTS_ALONE: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}

_AXE = Axe()
_GEOMETRY = (Path(__file__).parent / "looks.js").read_text()

# A link on its way from its light color to its dark one has the contrast of neither.
SETTLE = """
document.getAnimations()
    .filter((each) => each.effect.getTiming().iterations !== Infinity)
    .forEach((each) => each.finish())
"""


def faults(page: Page, options: dict[str, Any] = WCAG) -> list[str]:
    """What axe finds on the page as it stands, and whether it is wider than its window."""
    page.evaluate(SETTLE)
    return [*_against_wcag(page, options), *width_fault(page)]


def _against_wcag(page: Page, options: dict[str, Any]) -> list[str]:
    # Once for all looks at a page: the library's own way would bring it again for each.
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE.axe_script)
    results = page.evaluate("(options) => axe.run(document, options)", {**options, **FAULTS_ALONE})
    return [
        f"{fault['id']}: {node['html'][:160]}"
        for fault in results["violations"]
        for node in fault["nodes"]
    ]


def looks_broken(page: Page) -> list[str]:
    """What is broken at this width: overlapping, cut off, hanging out, too wide, leaking colors."""
    page.evaluate(SETTLE)
    found: list[str] = page.evaluate(_GEOMETRY, {"charactersInALine": CHARACTERS_IN_A_LINE})
    return found


def width_fault(page: Page) -> list[str]:
    """Whether the page is wider than its window."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return [f"{wide} px wider than the window"] if wide > 0 else []


#: While htmx asks or replaces something; a link in what has just come is a plain one until then.
_RESTLESS = ".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added"


def come_to_rest(page: Page) -> None:
    """Wait until the page is loaded and nothing in it is being replaced."""
    page.wait_for_load_state("load")
    page.wait_for_function("(found) => document.querySelector(found) === null", arg=_RESTLESS)
