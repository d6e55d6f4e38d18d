"""Writes the OpenAPI 3.1 document from the declarations that the routes run on. Nothing is described twice."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from padron import __version__
from padron.http import events, idempotency, problems
from padron.http.events import Event
from padron.http.operations import Answer, Operation, Parameter
from padron.http.problems import Problem
from padron.http.schemas import ProblemShape

_REFERENCE = "#/components/schemas/{name}"
_ALWAYS = (problems.TARGET_TOO_LONG, problems.HEADERS_TOO_LARGE, problems.INTERNAL_ERROR)
_WITH_KEY = (problems.UNAUTHORIZED, problems.OVERLOADED, problems.STORE_UNAVAILABLE)
_CURSORS = frozenset({"cursor", "after", "Padron-After"})  # the parameters that may be gone
_PROBLEM_HEADERS = {
    401: ("WWW-Authenticate", 'Bearer, with error="invalid_token" when a key was sent.'),
    429: ("Retry-After", "Seconds to wait."),
    503: ("Retry-After", "Seconds to wait."),
}

DESCRIPTION = """\
A register of vehicles. One call, `PATCH /api/v2/vehicles/{vin}/status`, says what a vehicle *is*, and from that
instant every operation of the platform obeys: operational means current and Active (1).

Send an API key with each call: `Authorization: Bearer padron_…`. Errors are `application/problem+json` (RFC 9457);
`errorType` and `errorDetail` are names for programs, `detail` is a sentence for people. Instants are RFC 3339 in UTC.\
"""


def build_document(operations: Sequence[Operation], told: Sequence[Event]) -> dict[str, Any]:
    """Give the whole document: what can be asked, and what webhooks tell."""
    shapes = {shape for operation in operations for shape in _list_shapes(operation)}
    shapes |= {event.payload for event in told}
    _, schemas = msgspec.json.schema_components(
        [*sorted(shapes, key=lambda shape: shape.__name__), ProblemShape], ref_template=_REFERENCE
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation)
    return {
        "openapi": "3.1.1",
        "info": {"title": "Padrón", "version": __version__, "description": DESCRIPTION,
                 "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "Status", "description": "What a vehicle is."},
            {"name": "Vehicles", "description": "The register itself."},
            {"name": "Reports", "description": "What the record adds up to."},
            {"name": "VINs", "description": "What a VIN tells, and what is wrong with one."},
            {"name": "Duplicates", "description": "Several vehicles with one VIN, and making one of them."},
            {"name": "Imports", "description": "Files of vehicles, imported in the background."},
            {"name": "Gate", "description": "May an operation touch a vehicle now?"},
            {"name": "Feed", "description": "What changed, in one order."},
            {"name": "Operations", "description": "Work on vehicles: declared, queued, claimed and answered."},
            {"name": "Webhooks", "description": "Changes, sent to you as they happen."},
            {"name": "System", "description": "The server about itself."},
        ],
        "security": [{"apiKey": []}],
        "paths": paths,
        "webhooks": {event.event_type: {"post": _describe_event(event)} for event in told},
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key of the account."}
            },
        },
    }  # fmt: skip


def encode_document(operations: Sequence[Operation], told: Sequence[Event]) -> bytes:
    """Give the document as readable JSON."""
    return (json.dumps(build_document(operations, told), indent=2, ensure_ascii=False) + "\n").encode()


def list_problems(operation: Operation) -> list[Problem]:
    """Give every problem that an operation may answer with, its own and those that all share."""
    found = {problem.slug: problem for problem in (*operation.problems, *_ALWAYS)}
    if not operation.public:
        is_scoped = operation.scope is not None or operation.either_scope
        shared = (*_WITH_KEY, problems.FORBIDDEN) if is_scoped else _WITH_KEY
        found |= {problem.slug: problem for problem in shared}
        if operation.method == "POST":
            found |= {problem.slug: problem for problem in idempotency.PROBLEMS}
    found[problems.BAD_HOST.slug] = problems.BAD_HOST
    if any(parameter.name in _CURSORS for parameter in operation.parameters):
        found[problems.CURSOR_GONE.slug] = problems.CURSOR_GONE
    if operation.body is not None:
        found[problems.REQUEST_TIMEOUT.slug] = problems.REQUEST_TIMEOUT
    return sorted(found.values(), key=lambda problem: (problem.status, problem.slug))


def _describe(operation: Operation) -> dict[str, Any]:
    description = operation.description
    if operation.either_scope:
        names = " or ".join(f"`{scope.value}`" for scope in operation.either_scope)
        description += f" Needs the scope {names}, as what it changes demands."
    if operation.scope is not None:
        names = " and ".join(f"`{scope.value}`" for scope in (operation.scope, operation.further_scope) if scope)
        description += f" Needs the scope {names}."
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": description,
    }
    if operation.public:
        described["security"] = []
    takes_key = operation.method == "POST" and not operation.public
    if parameters := (*operation.parameters, *((idempotency.PARAMETER,) if takes_key else ())):
        described["parameters"] = _describe_parameters(parameters)
    if operation.body is not None:
        content: dict[str, Any] = {"schema": _refer(operation.body)}
        if operation.body_example is not None:
            content["example"] = operation.body_example
        described["requestBody"] = {"required": operation.body_required, "content": {"application/json": content}}
    if operation.media_types:
        content = {"schema": {"type": "string", "format": "binary"}}
        described["requestBody"] = {"required": True, "content": dict.fromkeys(operation.media_types, content)}
    described["responses"] = {
        **{str(status): _describe_answer(answer) for status, answer in operation.answers.items()},
        **_describe_problems(list_problems(operation)),
    }
    return described


def _describe_parameters(parameters: Iterable[Parameter]) -> list[dict[str, Any]]:
    return [
        {
            "name": parameter.name,
            "in": parameter.place,
            "required": parameter.required,
            "description": parameter.description,
            "schema": parameter.schema,
        }
        for parameter in parameters
    ]


def _describe_event(event: Event) -> dict[str, Any]:
    """Describe the request that Padrón makes, with what its receiver's answers mean."""
    return {
        "operationId": event.name,
        "tags": ["Webhooks"],
        "summary": event.summary,
        "description": event.description,
        "security": [],  # a receiver trusts the signature
        "parameters": _describe_parameters(events.HEADERS),
        "requestBody": {"required": True, "content": {"application/json": {"schema": _refer(event.payload)}}},
        "responses": {status: {"description": text} for status, text in events.ANSWERS.items()},
    }


def _describe_answer(answer: Answer) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.description}
    headers = {**answer.headers, "X-Request-Id": "The request's id, as in the log and in history."}
    described["headers"] = {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()}
    if answer.body is not None:
        described["content"] = {answer.media_type: {"schema": _refer(answer.body)}}
        described["content"] |= {other: {"schema": {"type": "string"}} for other in answer.other_media_types}
    elif answer.media_type != "application/json":
        described["content"] = {answer.media_type: {"schema": {"type": "string"}}}
    return described


def _describe_problems(found: Iterable[Problem]) -> dict[str, Any]:
    by_status: dict[int, list[Problem]] = {}
    for problem in found:
        by_status.setdefault(problem.status, []).append(problem)
    described = {}
    for status, group in by_status.items():
        answer: dict[str, Any] = {
            "description": " Or: ".join(f"`{problem.error_detail}`: {problem.meaning}" for problem in group),
            "content": {"application/problem+json": {"schema": _REFERENCE_TO_PROBLEM}},
        }
        if status in _PROBLEM_HEADERS:
            name, text = _PROBLEM_HEADERS[status]
            answer["headers"] = {name: {"description": text, "schema": {"type": "string"}, "required": True}}
        described[str(status)] = answer
    return described


_REFERENCE_TO_PROBLEM = {"$ref": _REFERENCE.format(name=ProblemShape.__name__)}


def _refer(shape: type) -> dict[str, Any]:
    return {"type": "object"} if shape is dict else {"$ref": _REFERENCE.format(name=shape.__name__)}


def _list_shapes(operation: Operation) -> list[type]:
    bodies = [operation.body, *(answer.body for answer in operation.answers.values())]
    return [shape for shape in bodies if shape is not None and shape is not dict]
