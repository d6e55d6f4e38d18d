"""The pages about the API (the documentation, the guides, a page for each error) and the document for programs."""

import asyncio
from functools import cache

from padron.domain.idempotency import Headers
from padron.http.answers.problem import ProblemError
from padron.http.answers.problems import ALL_PROBLEMS, PATH_NOT_FOUND
from padron.http.answers.replies import JSON_HEADERS, PAGE_HEADERS, Reply, build_json_reply
from padron.http.calls import Call
from padron.http.declarations import Parameter, Respond, Route, Success
from padron.http.docs import pages, reference
from padron.http.docs.events import EVENTS
from padron.http.docs.guides import find_guides
from padron.http.docs.openapi import encode_document
from padron.http.reach import place

DOCUMENTATION = "/docs"

_PROBLEMS = sorted(ALL_PROBLEMS, key=lambda problem: (problem.status, problem.error_detail))
_PROBLEMS_BY_SLUG = {problem.slug: problem for problem in _PROBLEMS}
# Pages name each asset with its version, so browsers can keep it for ever.
_ASSET_HEADERS: Headers = (
    (b"cache-control", b"public, max-age=31536000, immutable"),
    (b"x-content-type-options", b"nosniff"),
)


def lead_browsers_to(path: str) -> Respond:
    """Give the endpoint of GET /, which leads a browser to a page, and gives a program the addresses."""

    async def get_start(call: Call) -> Reply:
        """GET /."""
        vary = ((b"vary", b"accept"),)
        if b"text/html" in call.headers.get(b"accept", b""):
            return Reply(302, headers=((b"location", place(path).encode()), *vary))
        addresses = {"documentation": place("/docs"), "openapi": place("/openapi.json"), "errors": place("/errors")}
        return build_json_reply(200, {"name": "Padrón", **addresses}, vary)

    return get_start


async def get_document(_: Call) -> Reply:
    """GET /openapi.json."""
    return Reply(200, await asyncio.to_thread(_encode_document, place("")), JSON_HEADERS)


async def get_docs(call: Call) -> Reply:
    """GET /docs. The lines of curl have the address of the request, whose Host header was already checked."""
    root = place("")
    address = b"%s://%s%s" % (call.request.scheme.encode(), call.headers[b"host"], root.encode())
    page = await asyncio.to_thread(_render_docs, root)
    return Reply(200, page.replace(reference.SERVER.encode(), address), PAGE_HEADERS)


async def get_guide(call: Call) -> Reply:
    """GET /docs/{guide}."""
    name = call.path_parameters["guide"]
    if name not in find_guides():
        raise ProblemError(PATH_NOT_FOUND, "There is no guide with this name. See /docs for all guides.")
    return Reply(200, await asyncio.to_thread(_render_guide, place(""), name), PAGE_HEADERS)


async def get_asset(call: Call) -> Reply:
    """GET /docs/assets/{asset}."""
    name = call.path_parameters["asset"]
    if name not in pages.ASSETS:
        raise ProblemError(PATH_NOT_FOUND, "There is no asset with this name.")
    return Reply(200, pages.read_asset(name), ((b"content-type", pages.ASSETS[name].encode()), *_ASSET_HEADERS))


async def list_errors(_: Call) -> Reply:
    """GET /errors."""
    return Reply(200, await asyncio.to_thread(_render_errors, place("")), PAGE_HEADERS)


async def get_error(call: Call) -> Reply:
    """GET /errors/{slug}: the page that a problem's ``type`` refers to."""
    problem = _PROBLEMS_BY_SLUG.get(call.path_parameters["slug"])
    if problem is None:
        raise ProblemError(PATH_NOT_FOUND, "There is no error with this name. See /errors for all errors.")
    return Reply(200, await asyncio.to_thread(_render_error, place(""), problem.slug), PAGE_HEADERS)


# Each takes more than a hundred milliseconds the first time, so they are made on a thread. They name addresses, so
# they are kept by the root path.
@cache
def _encode_document(_root: str) -> bytes:
    # Imported late, because the document also describes the operations of this module.
    from padron.http.routes import ROUTES as ALL  # noqa: PLC0415

    return encode_document(ALL, EVENTS)


@cache
def _render_docs(root: str) -> bytes:
    return pages.render_docs(_encode_document(root), _PROBLEMS)


@cache
def _render_errors(_root: str) -> bytes:
    return pages.render_errors(_PROBLEMS)


@cache
def _render_error(_root: str, slug: str) -> bytes:
    return pages.render_error(_PROBLEMS_BY_SLUG[slug], _PROBLEMS)


@cache
def _render_guide(_root: str, name: str) -> bytes:
    return pages.render_guide(find_guides()[name])


_PAGE = "text/html"
_SLUG = Parameter(
    name="slug", place="path", required=True, description="The last part of a problem's type.",
    schema={"type": "string", "enum": list(_PROBLEMS_BY_SLUG)},
)  # fmt: skip

_GUIDE = Parameter(
    name="guide", place="path", required=True, description="A guide's name, as /docs links to it.",
    schema={"type": "string", "pattern": "^[0-9a-z][0-9a-z_.-]{0,79}$"},
)  # fmt: skip
_ASSET = Parameter(
    name="asset", place="path", required=True, description="A file that the pages use.",
    schema={"type": "string", "enum": list(pages.ASSETS)},
)  # fmt: skip

ROUTES: tuple[Route, ...] = (
    Route(
        name="getStart", method="GET", path="/", tag="System", public=True,
        summary="Where what is",
        description="Leads a browser (`Accept: text/html`) to the console, and gives a program the addresses of the "
        "documentation.",
        endpoint=lead_browsers_to(DOCUMENTATION),
        answers={
            200: Success(description="The addresses of the documentation.", body=dict),
            302: Success(description="The console.", headers={"Location": "Its address."}),
        },
    ),
    Route(
        name="getOpenApi", method="GET", path="/openapi.json", tag="System", public=True,
        summary="This document",
        description="The OpenAPI 3.1 description of the API, made from the declarations in its code.",

        endpoint=get_document, answers={200: Success(description="The document.", body=dict)},
    ),
    Route(
        name="getDocs", method="GET", path="/docs", tag="System", public=True,
        summary="The documentation", description="This description as a page that needs no network.",
        endpoint=get_docs, answers={200: Success(description="The page.", media_type=_PAGE)},
    ),
    Route(
        name="getGuide", method="GET", path="/docs/{guide}", tag="System", public=True,
        summary="A guide", description="A page about one subject. It needs no network either.",
        endpoint=get_guide, parameters=(_GUIDE,),
        answers={200: Success(description="The page.", media_type=_PAGE)},
        problems=(PATH_NOT_FOUND,),
    ),
    Route(
        name="getAsset", method="GET", path="/docs/assets/{asset}", tag="System", public=True,
        summary="The style sheet and the script", description="Files that the pages use. Both are optional.",
        endpoint=get_asset, parameters=(_ASSET,),
        answers={200: Success(description="The file.", media_type="text/css", other_media_types=("text/javascript",))},
        problems=(PATH_NOT_FOUND,),
    ),
    Route(
        name="listErrors", method="GET", path="/errors", tag="System", public=True,
        summary="All errors", description="A page that lists every kind of error.",
        endpoint=list_errors, answers={200: Success(description="The page.", media_type=_PAGE)},
    ),
    Route(
        name="getError", method="GET", path="/errors/{slug}", tag="System", public=True,
        summary="One error", description="A page about one kind of error: what it means and what to do.",
        endpoint=get_error, parameters=(_SLUG,),
        answers={200: Success(description="The page.", media_type=_PAGE)},
        problems=(PATH_NOT_FOUND,),
    ),
)  # fmt: skip
