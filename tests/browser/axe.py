"""Asks axe whether people with a screen reader, a keyboard or weak eyes can use what a window shows."""

from functools import cache
from importlib.resources import files

from tests.browser.screen import Screen

ROWS_MAX = 6
_TAGS = '["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]'
_COLOURS = '{ type: "rule", values: ["color-contrast", "link-in-text-block"] }'
_NO_COLOURS = 'rules: { "color-contrast": { enabled: false } }'
# There are no frames, and style sheets of the own server need not be read again.
_HOW = 'resultTypes: ["violations"], iframes: false, preload: false'
_TELL = """
.then((found) => found.violations.flatMap((rule) =>
  rule.nodes.map((node) => `${rule.id}: ${node.target} ${node.failureSummary}`)))
"""


@cache
def read_axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


async def list_barriers(screen: Screen, *, rows_max: int | None = ROWS_MAX, has_colours: bool = True) -> list[str]:
    """Give a line for each element of the page that breaks a rule of WCAG 2.2 AA, or a good habit.

    Of each table so many rows are looked at, because the others are like them, or all. To look at the colours takes
    twice as long as everything else.
    """
    return await _ask(screen, _TAGS if has_colours else f"{_TAGS}, {_NO_COLOURS}", rows_max)


async def list_pale(screen: Screen) -> list[str]:
    """Give a line for each element whose colours are too much alike. It is what can change with the colours."""
    return await _ask(screen, _COLOURS)


async def _ask(screen: Screen, rules: str, rows_max: int | None = None) -> list[str]:
    what = "document"
    if rows_max is not None:
        what = f"{{ include: [document], exclude: [['tbody tr:nth-child(n + {rows_max + 1})']] }}"
    ask = f"axe.run({what}, {{ runOnly: {rules}, {_HOW} }}){_TELL}"
    found: list[str] | None = await screen.evaluate(f"globalThis.axe ? {ask} : null")
    if found is None:  # nobody has asked about this page yet
        found = await screen.evaluate(f"{read_axe()};{ask}")
    assert found is not None
    return found
