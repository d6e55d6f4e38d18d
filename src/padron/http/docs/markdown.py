"""Renders Markdown as HTML: the descriptions of the document, and the guides. HTML inside it is shown as text."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Links = Callable[[str], str | None]  # from a link's text to its target; None: show it without a link


class GuideSection(NamedTuple):
    """A section of a guide, by the id to which links lead."""

    section_id: str
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RenderedGuide:
    """A guide as HTML, and what it has sections on."""

    html: str
    sections: list[GuideSection]


_find_odd = re.compile(r"[^\w\- ]").sub


def render_markdown(text: str) -> str:
    """Give the HTML of a description."""
    rendered: str = _open_renderer().render(text)
    return rendered


def render_guide(text: str, links: Links) -> RenderedGuide:
    """Give a guide as a page shows it."""
    renderer = _open_renderer()
    tokens = renderer.parse(text)
    sections = _name_sections(tokens)
    for token in tokens:
        if token.children:
            token.children = _follow_links(token.children, links)
    rendered: str = renderer.renderer.render(tokens, renderer.options, {})
    return RenderedGuide(html=rendered, sections=sections)


def name_section(title: str) -> str:
    """Give the id of a section in the form of repository sites, so that links to sections work there too."""
    return _find_odd("", title.lower()).strip().replace(" ", "-")


def _name_sections(tokens: Sequence["Token"]) -> list[GuideSection]:
    sections = []
    for token, content in pairwise(tokens):
        if token.type == "heading_open":
            title = "".join(child.content for child in content.children or ())
            token.attrSet("id", name_section(title))
            if token.tag == "h2":
                sections.append(GuideSection(name_section(title), title))
    return sections


def _follow_links(tokens: Sequence["Token"], links: Links) -> list["Token"]:
    kept: list[Token] = []
    open_links: list[bool] = []
    for token in tokens:
        if token.type == "link_open":
            target = links(str(token.attrGet("href")))
            open_links.append(target is not None)
            if target is None:
                continue
            token.attrSet("href", target)
        elif token.type == "link_close" and not open_links.pop():
            continue
        elif token.type == "image":
            continue  # this server has no images
        kept.append(token)
    return kept


@cache
def _open_renderer() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # noqa: PLC0415 - a server starts faster without it

    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    renderer.add_render_rule("table_open", lambda *_: '<div class="wide" role="region" tabindex="0"><table>\n')
    renderer.add_render_rule("table_close", lambda *_: "</table></div>\n")
    for cell in ("th_open", "td_open"):
        renderer.add_render_rule(cell, _open_cell)
    renderer.add_render_rule("fence", lambda own, *rest: _make_reachable(type(own).fence(own, *rest)))
    renderer.add_render_rule("code_block", lambda own, *rest: _make_reachable(type(own).code_block(own, *rest)))
    return renderer


def _open_cell(_: object, tokens: Sequence["Token"], index: int, *__: object) -> str:
    # A class instead of a style attribute, which would need a policy that allows every style in the page.
    token = tokens[index]
    return f'<{token.tag} class="number">' if "right" in str(token.attrGet("style")) else f"<{token.tag}>"


def _make_reachable(html: str) -> str:
    return html.replace("<pre>", '<pre tabindex="0">', 1)  # so that the keyboard can scroll it
