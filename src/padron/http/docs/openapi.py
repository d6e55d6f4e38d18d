"""Writes the OpenAPI 3.1 document from the declarations of the routes, so that nothing is described twice."""

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from padron import __version__
from padron.domain.status import STATUS_TEXTS
from padron.http import idempotency, reach
from padron.http.answers import problems
from padron.http.answers.problem import Problem
from padron.http.answers.provider_problems import PROVIDER_UNAVAILABLE
from padron.http.declarations import Parameter, Route, Success
from padron.http.docs import events, example_values, examples
from padron.http.docs.events import DeclaredEvent
from padron.http.docs.schemas import (
    REFERENCE,
    Schema,
    build_schemas,
    describe_status_table,
    expand_references,
    keep_reachable,
)
from padron.http.shapes.vehicles import ProblemShape

_BYTES = "application/octet-stream"
_EXAMPLE_REFERENCE = "#/components/examples/{name}"
_ALWAYS = (problems.TARGET_TOO_LONG, problems.HEADERS_TOO_LARGE, problems.INTERNAL_ERROR)
_WITH_KEY = (
    problems.UNAUTHORIZED, problems.OVERLOADED, problems.RATE_EXCEEDED, problems.STORE_UNAVAILABLE,
    PROVIDER_UNAVAILABLE,
)  # fmt: skip
_CURSORS = frozenset({"cursor", "after", "Padron-After"})  # the parameters that can give CursorGone
_RETRY_AFTER = {"Retry-After": "Seconds to wait."}
_PROBLEM_HEADERS = {
    401: {"WWW-Authenticate": 'Bearer, with error="invalid_token" when a key was sent.'},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}
_RATE_HEADERS = {
    "RateLimit": "With `RateExceeded`: the limit's name, what is left of it (r), and the seconds until there is more "
    "(t).",
    "RateLimit-Policy": "With `RateExceeded`: the limit's name, its quota (q), and the seconds in which the whole "
    "quota comes back (w).",
}

DESCRIPTION = """\
A register of vehicles. One call, `PATCH /api/v2/vehicles/{vin}/status`, sets the status of a vehicle, and from that
instant every operation of the platform obeys it. A vehicle is *operational* when it is current and Active (1).

Send an API key with each call: `Authorization: Bearer padron_…`. Errors are `application/problem+json` (RFC 9457):
`errorType` and `errorDetail` are for programs, and `detail` is for people. Instants are RFC 3339 in UTC.\
"""
_TAGS = {
    "Status": "The status of a vehicle.\n\n" + describe_status_table(STATUS_TEXTS),
    "Vehicles": "The vehicles of the register.",
    "Reports": "Reports from the record of changes.",
    "VINs": "What a VIN says about a vehicle, and what is wrong with it.",
    "Duplicates": "Several vehicles with one VIN, and how to make one vehicle of them.",
    "Imports": "Files of vehicles, imported in the background.",
    "Views": "Saved questions to the list of vehicles, one's own or shared.",
    "Selections": "Sets of vehicles that are shown and then changed together.",
    "Gate": "May an operation touch a vehicle now?",
    "Feed": "All changes, in one order.",
    "Operations": "Work on vehicles: declared, queued, claimed and answered.",
    "Webhooks": "Where changes are sent: endpoints and deliveries.",
    "Administration": "The account itself: its API keys, its limits, and who administered what.",
    "Events": "The messages that webhooks send to you.",
    "System": "The state of the server, and this documentation.",
}
EVENT_TAG = "Events"  # a separate tag, because generators write one file for each tag, and one more for webhooks


class WebhookPlace(StrEnum):
    """Where the document describes the events. Some generators cannot read OpenAPI 3.1's own place for them."""

    INLINE = "inline"  # webhooks, as in OpenAPI 3.1
    EXTENSION = "extension"  # x-webhooks, which other programs skip
    NONE = "none"


def build_document(
    routes: Sequence[Route], told: Sequence[DeclaredEvent], place: WebhookPlace = WebhookPlace.INLINE
) -> dict[str, Any]:
    """Give the whole document: the calls of the API, and the events of webhooks."""
    if place is WebhookPlace.NONE:
        told = ()
    shapes = {shape for route in routes for shape in _list_shapes(route)}
    schemas = build_schemas(shapes | {event.payload for event in told} | {ProblemShape})
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _describe(route, schemas)
    webhooks: Any = {event.event_type: {"post": _describe_event(event, schemas)} for event in told}
    if place is WebhookPlace.EXTENSION:
        # For a program that does not know the extension, the schemas of its events would be unused.
        kept = keep_reachable(schemas, paths)
        webhooks = expand_references(webhooks, {name: one for name, one in schemas.items() if name not in kept})
    member = "webhooks" if place is WebhookPlace.INLINE else "x-webhooks"
    found = {problem.error_detail: problem for route in routes for problem in list_problems(route)}
    tags = [{"name": name, "description": text} for name, text in _TAGS.items() if told or name != EVENT_TAG]
    return {
        "openapi": "3.1.1",
        "info": {"title": "Padrón", "version": __version__, "description": DESCRIPTION,
                 "contact": {"name": "The operator of this server"},
                 "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": reach.place("") or "/", "description": "The server that this document comes from."}],
        "tags": tags,
        "security": [{"apiKey": []}],
        "paths": paths,
        **({member: webhooks} if webhooks else {}),
        "components": {
            "schemas": keep_reachable(schemas, [paths, webhooks]),
            "examples": {name: examples.give_problem_example(problem) for name, problem in sorted(found.items())},
            "securitySchemes": {
                "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key of the account, or an access "
                           "token (JWT) of an identity provider that the operator configured."}
            },
        },
    }  # fmt: skip


def encode_document(
    routes: Sequence[Route], told: Sequence[DeclaredEvent], place: WebhookPlace = WebhookPlace.INLINE
) -> bytes:
    """Give the document as readable JSON."""
    return (json.dumps(build_document(routes, told, place), indent=2, ensure_ascii=False) + "\n").encode()


def list_problems(route: Route) -> list[Problem]:
    """Give every problem that an operation can answer: its own, and the problems that all operations share."""
    found = {problem.slug: problem for problem in (*route.problems, *_ALWAYS)}
    if not route.public:
        is_scoped = route.scope is not None or route.either_scope
        shared = (*_WITH_KEY, problems.FORBIDDEN) if is_scoped else _WITH_KEY
        found |= {problem.slug: problem for problem in shared}
        if route.method == "POST":
            found |= {problem.slug: problem for problem in idempotency.PROBLEMS}
    found[problems.BAD_HOST.slug] = problems.BAD_HOST
    if any(parameter.name in _CURSORS for parameter in route.parameters):
        found[problems.CURSOR_GONE.slug] = problems.CURSOR_GONE
    if any(parameter.name == "asOf" for parameter in route.parameters):
        found[problems.ARCHIVED.slug] = problems.ARCHIVED
    if route.body is not None:
        found[problems.REQUEST_TIMEOUT.slug] = problems.REQUEST_TIMEOUT
    if route.body is not None or route.media_types or route.method == "POST":
        found[problems.SERVER_FULL.slug] = problems.SERVER_FULL
    return sorted(found.values(), key=lambda problem: (problem.status, problem.slug))


def _describe(route: Route, schemas: Mapping[str, Schema]) -> dict[str, Any]:
    description = route.description
    if route.either_scope:
        names = " or ".join(f"`{scope.value}`" for scope in route.either_scope)
        description += f" Needs the scope {names}, depending on the kind of change."
    if route.scope is not None:
        names = " and ".join(f"`{scope.value}`" for scope in (route.scope, *route.further_scopes))
        description += f" Needs the scope {names}."
    described: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "description": description,
    }
    if route.public:
        described["security"] = []
    elif scopes := _list_scopes(route):
        described["x-any-scopes" if route.either_scope else "x-scopes"] = scopes
    takes_key = route.method == "POST" and not route.public and route.keeps_answer
    if parameters := (*route.parameters, *((idempotency.PARAMETER,) if takes_key else ())):
        described["parameters"] = _describe_parameters(parameters)
    if route.body is not None:
        content: dict[str, Any] = {"schema": _refer(route.body)}
        if route.body_example is not None:
            content["example"] = route.body_example
        described["requestBody"] = {"required": route.body_required, "content": {"application/json": content}}
    if route.media_types:
        described["requestBody"] = _describe_file(route.media_types)
    described["responses"] = {
        **{
            str(status): _describe_answer(route.name, status, answer, schemas)
            for status, answer in route.answers.items()
        },
        **_describe_problems(list_problems(route)),
    }
    return described


def _list_scopes(route: Route) -> list[str]:
    """Give the scopes of an operation. A key needs all of them, or one of them if the route has ``either_scope``."""
    needed = () if route.scope is None else (route.scope, *route.further_scopes)
    return [scope.value for scope in route.either_scope or needed]


def _describe_parameters(parameters: Iterable[Parameter]) -> list[dict[str, Any]]:
    described = []
    for parameter in parameters:
        one: dict[str, Any] = {
            "name": parameter.name,
            "in": parameter.place,
            "required": parameter.required,
            "description": parameter.description,
            "schema": parameter.schema,
        }
        if parameter.required and parameter.name in example_values.PARAMETERS:
            one["example"] = example_values.PARAMETERS[parameter.name]
        described.append(one)
    return described


def _describe_file(media_types: Sequence[str]) -> dict[str, Any]:
    """Describe a body that is a file. Generators support only one kind of bytes, so the description has the others."""
    others = ", ".join(f"`{name}`" for name in media_types if name != _BYTES)
    example = example_values.PICTURE if media_types[0].startswith("image/") else example_values.FILE
    return {
        "required": True,
        "description": f"The file itself. Its form is detected from the content; Content-Type may also be {others}.",
        "content": {_BYTES: {"schema": {"type": "string", "format": "binary"}, "example": example}},
    }


def _describe_event(event: DeclaredEvent, schemas: Mapping[str, Schema]) -> dict[str, Any]:
    """Describe the request that Padrón sends, with the meanings of the receiver's answers."""
    example = examples.give_example(event.payload.__name__, schemas)
    return {
        "operationId": event.name,
        "tags": [EVENT_TAG],
        "summary": event.summary,
        "description": event.description,
        "security": [],  # a receiver trusts the signature
        "parameters": _describe_parameters(events.HEADERS),
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _refer(event.payload), "example": example}},
        },
        "responses": {status: {"description": text} for status, text in events.ANSWERS.items()},
    }


def _describe_answer(name: str, status: int, answer: Success, schemas: Mapping[str, Schema]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.description}
    headers = {**answer.headers, "X-Request-Id": "The request's id, which is also in the log and in the history."}
    described["headers"] = {
        header: {"description": text, "schema": {"type": "string"}} for header, text in headers.items()
    }
    content: dict[str, Any] = {}
    if answer.body is not None:
        content[answer.media_type] = {"schema": _refer(answer.body)}
        if answer.body is not dict:
            example = examples.give_answer_example(name, status, answer.body.__name__, schemas)
            content[answer.media_type]["example"] = example
    elif answer.media_type != "application/json":
        content[answer.media_type] = {"schema": {"type": "string"}}
    for other in answer.other_media_types:
        content[other] = {"schema": {"type": "string"}}
    for media_type, described_body in content.items():
        if (name, media_type) in example_values.TEXTS:
            described_body["example"] = example_values.TEXTS[name, media_type]
    if content:
        described["content"] = content
    return described


def _describe_problems(found: Iterable[Problem]) -> dict[str, Any]:
    by_status: dict[int, list[Problem]] = {}
    for problem in found:
        by_status.setdefault(problem.status, []).append(problem)
    described = {}
    for status, group in by_status.items():
        shown = {one.error_detail: {"$ref": _EXAMPLE_REFERENCE.format(name=one.error_detail)} for one in group}
        answer: dict[str, Any] = {
            "description": " Or: ".join(f"`{problem.error_detail}`: {problem.meaning}" for problem in group),
            "content": {"application/problem+json": {"schema": _refer(ProblemShape), "examples": shown}},
        }
        headers = _describe_headers(_PROBLEM_HEADERS.get(status, {}), required=True)
        if problems.RATE_EXCEEDED in group:
            headers |= _describe_headers(_RATE_HEADERS)
        if headers:
            answer["headers"] = headers
        described[str(status)] = answer
    return described


def _describe_headers(headers: Mapping[str, str], *, required: bool = False) -> dict[str, Any]:
    described: dict[str, Any] = {}
    for name, text in headers.items():
        described[name] = {"description": text, "schema": {"type": "string"}}
        if required:
            described[name]["required"] = True
    return described


def _refer(shape: type) -> dict[str, Any]:
    return (
        {"type": "object", "additionalProperties": True}
        if shape is dict
        else {"$ref": REFERENCE.format(name=shape.__name__)}
    )


def _list_shapes(route: Route) -> list[type]:
    bodies = [route.body, *(answer.body for answer in route.answers.values())]
    return [shape for shape in bodies if shape is not None and shape is not dict]
