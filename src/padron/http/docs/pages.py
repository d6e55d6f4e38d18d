"""Renders the pages for people: plain HTML with our own style sheet and script. Nothing comes from other servers."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from padron.domain.status import SETTABLE_STATUSES, STATUS_TEXTS, is_operational
from padron.http.answers.problem import Problem
from padron.http.docs import guides, reference
from padron.http.docs.examples import give_problem_example
from padron.http.docs.guides import Guide
from padron.http.docs.markdown import render_markdown
from padron.http.docs.reference import Section
from padron.http.reach import place

if TYPE_CHECKING:
    from jinja2 import Environment

ASSETS: Mapping[str, str] = {"docs.css": "text/css; charset=utf-8", "docs.js": "text/javascript; charset=utf-8"}

_FOLDER = Path(__file__).parent / "assets"
_find_joint = re.compile(r"(?<=/)(?=[^/])").sub


def render_docs(document: bytes, problems: Sequence[Problem]) -> bytes:
    """Give the page about the API. The caller replaces ``reference.SERVER`` in it with the server's address."""
    described = msgspec.json.decode(document)
    by_name = {problem.error_detail: problem for problem in problems}
    sections = reference.list_sections(described, by_name)
    return _render(
        "docs.html",
        here="/docs",
        document=described,
        sections=sections,
        first=_find_section(sections, "setVehicleStatus").curl[0],
        scopes=reference.list_scopes(described),
        shared=reference.list_shared_problems(by_name),
        statuses=_list_statuses(),
        server=reference.SERVER,
    )


def render_errors(problems: Sequence[Problem]) -> bytes:
    """Give the page that lists all errors."""
    return _render("errors.html", here="/errors", problems=problems)


def render_error(problem: Problem, problems: Sequence[Problem]) -> bytes:
    """Give the page about one error."""
    example = reference.write_json(give_problem_example(problem)["value"])
    return _render("error.html", here="/errors", problem=problem, problems=problems, example=example)


def render_guide(guide: Guide) -> bytes:
    """Give the page of a guide. If the guide is code, the page shows the code."""
    if guide.is_text:
        rendered = guides.render_text(guide)
        text, sections = rendered.html, rendered.sections
    else:
        text, sections = guide.path.read_text(encoding="utf-8"), []
    return _render("guide.html", here=f"/docs/{guide.name}", guide=guide, text=text, sections=sections)


@cache
def read_asset(name: str) -> bytes:
    """Give the style sheet or the script."""
    return (_FOLDER / name).read_bytes()


@cache
def _give_version() -> str:
    """Give a version that changes with the style sheet or the script, so that a browser can keep both for ever."""
    return hashlib.sha256(b"".join(read_asset(name) for name in sorted(ASSETS))).hexdigest()[:12]


def _list_statuses() -> list[dict[str, object]]:
    return [
        {
            "id": status.value,
            "name": text.name,
            "nombre": text.nombre,
            "meaning": text.meaning,
            "operational": is_operational(status),
            "settable": status in SETTABLE_STATUSES.values(),
        }
        for status, text in STATUS_TEXTS.items()
    ]


def _find_section(sections: Mapping[str, Sequence[Section]], name: str) -> Section:
    return next(section for group in sections.values() for section in group if section.id == name)


def _render(template: str, **values: object) -> bytes:
    page = _open_templates().get_template(template)
    return page.render(version=_give_version(), guides=guides.list_guides(), **values).encode()


@cache
def _open_templates() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - a server starts faster without it
    from markupsafe import Markup, escape  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("padron.http.docs"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["place"] = place  # for every link to this server
    # The Markdown is our own text, and its renderer escapes HTML. A path may break only after a slash.
    environment.filters["markdown"] = lambda text: Markup(render_markdown(text))  # noqa: S704
    environment.filters["markdown_line"] = lambda text: Markup(_strip_paragraph(render_markdown(text)))  # noqa: S704
    environment.filters["breakable"] = lambda path: Markup(_find_joint("<wbr>", str(escape(path))))  # noqa: S704
    return environment


def _strip_paragraph(html: str) -> str:
    return html.strip().removeprefix("<p>").removesuffix("</p>")
