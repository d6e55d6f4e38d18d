"""Asks axe whether people with a screen reader, a keyboard or weak eyes can use what a window shows."""

from functools import cache
from importlib.resources import files

from tests.browser.screen import Screen

_TAGS = '["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]'
_ASK = f"""
axe.run(document, {{ runOnly: {_TAGS}, resultTypes: ["violations"] }}).then((found) =>
  found.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${{rule.id}}: ${{node.target}} ${{node.failureSummary}}`)))
"""


@cache
def read_axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


async def list_barriers(screen: Screen) -> list[str]:
    """Give a line for each element of the page that breaks a rule of WCAG 2.2 AA, or a good habit."""
    if not await screen.evaluate("'axe' in globalThis"):
        await screen.evaluate(f"{read_axe()};0")
    found: list[str] = await screen.evaluate(_ASK)
    return found
