"""Renders the pages for people: plain HTML, one style sheet inside, no script, nothing from elsewhere."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from padron.http.problems import Problem

if TYPE_CHECKING:
    from jinja2 import Environment


def render_docs(document: bytes) -> bytes:
    """Give the documentation page of an OpenAPI document."""
    return _render("docs.html", document=msgspec.json.decode(document))


def render_errors(problems: Sequence[Problem]) -> bytes:
    """Give the page that lists all errors."""
    return _render("errors.html", problems=problems)


def render_error(problem: Problem) -> bytes:
    """Give the page about one error."""
    return _render("error.html", problem=problem)


def _render(template: str, **values: object) -> bytes:
    return _open_templates().get_template(template).render(**values).encode()


@cache
def _open_templates() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - a server is ready the sooner

    return Environment(
        loader=PackageLoader("padron.http"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
