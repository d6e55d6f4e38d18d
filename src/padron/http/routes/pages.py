"""What people read: the documentation and a page for each error; and the document that programs read."""

import asyncio
from functools import cache

from padron.http import pages
from padron.http.calls import Call
from padron.http.events import EVENTS
from padron.http.openapi import encode_document
from padron.http.operations import Answer, Operation, Parameter
from padron.http.problems import ALL_PROBLEMS, PATH_NOT_FOUND, Refusal
from padron.http.replies import JSON_HEADERS, PAGE_HEADERS, Reply

_PROBLEMS_BY_SLUG = {problem.slug: problem for problem in ALL_PROBLEMS}


async def get_document(_: Call) -> Reply:
    """GET /openapi.json."""
    return Reply(200, await asyncio.to_thread(_encode_document), JSON_HEADERS)


async def get_docs(_: Call) -> Reply:
    """GET /docs."""
    return Reply(200, await asyncio.to_thread(_render_docs), PAGE_HEADERS)


async def list_errors(_: Call) -> Reply:
    """GET /errors."""
    return Reply(200, pages.render_errors(ALL_PROBLEMS), PAGE_HEADERS)


async def get_error(call: Call) -> Reply:
    """GET /errors/{slug}: the page that a problem's ``type`` refers to."""
    problem = _PROBLEMS_BY_SLUG.get(call.path_parameters["slug"])
    if problem is None:
        raise Refusal(PATH_NOT_FOUND, "There is no error of this name; /errors lists them all.")
    return Reply(200, pages.render_error(problem), PAGE_HEADERS)


# Both take over a hundred milliseconds the first time, so they are made beside the event loop.
@cache
def _encode_document() -> bytes:
    # Imported late: the document describes these very operations.
    from padron.http.routes import OPERATIONS as ALL  # noqa: PLC0415

    return encode_document(ALL, EVENTS)


@cache
def _render_docs() -> bytes:
    return pages.render_docs(_encode_document())


_PAGE = "text/html"
_SLUG = Parameter(
    name="slug", place="path", required=True, description="The last part of a problem's type.",
    schema={"type": "string", "enum": list(_PROBLEMS_BY_SLUG)},
)  # fmt: skip

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="getOpenApi", method="GET", path="/openapi.json", tag="System", public=True,
        summary="This document",
        description="The OpenAPI 3.1 description of the API, made from the declarations that it runs on.",

        endpoint=get_document, answers={200: Answer(description="The document.", body=dict)},
    ),
    Operation(
        name="getDocs", method="GET", path="/docs", tag="System", public=True,
        summary="The documentation", description="This description as a page that needs no network.",
        endpoint=get_docs, answers={200: Answer(description="The page.", media_type=_PAGE)},
    ),
    Operation(
        name="listErrors", method="GET", path="/errors", tag="System", public=True,
        summary="All errors", description="A page that lists every kind of error.",
        endpoint=list_errors, answers={200: Answer(description="The page.", media_type=_PAGE)},
    ),
    Operation(
        name="getError", method="GET", path="/errors/{slug}", tag="System", public=True,
        summary="One error", description="A page about one kind of error: what it means and what to do.",
        endpoint=get_error, parameters=(_SLUG,),
        answers={200: Answer(description="The page.", media_type=_PAGE)},
        problems=(PATH_NOT_FOUND,),
    ),
)  # fmt: skip
