"""Prepares the document for the template of /docs: calls with their curl, scopes, answers and shapes."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from padron.http.answers.problem import Problem
from padron.http.docs import example_values

SERVER = "@@server@@"  # a placeholder for this server's address, which comes from each request
KEY = "Authorization: Bearer $API_KEY"

_LINE = 60  # characters of a command's first line
_SHORT = 72  # characters of JSON that are shown on one line
_SHARED = ("BadHost", "Unauthorized", "TargetTooLong", "TooManyRequests", "HeadersTooLarge", "InternalError",
           "StoreUnavailable")  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One body, exactly as it is sent."""

    title: str
    media_type: str
    text: str
    shape: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownAnswer:
    """One successful answer."""

    status: str
    description: str
    headers: Mapping[str, str]
    examples: tuple[Example, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One call, or one event."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    scopes: str
    is_public: bool
    is_event: bool
    parameters: list[dict[str, Any]]
    body: Example | None
    curl: tuple[str, ...]
    successes: tuple[ShownAnswer, ...]
    errors: list[Problem]


def list_sections(document: Mapping[str, Any], problems: Mapping[str, Problem]) -> dict[str, list[Section]]:
    """Give the calls and events of each tag. ``problems`` are by their documented name."""
    sections: dict[str, list[Section]] = {tag["name"]: [] for tag in document["tags"]}
    for member in ("paths", "webhooks"):
        for path, operations in document[member].items():
            for method, operation in operations.items():
                section = _describe(method, path, operation, problems, is_event=member == "webhooks")
                sections[operation["tags"][0]].append(section)
    return sections


def list_shared_problems(problems: Mapping[str, Problem]) -> list[Problem]:
    """Give the errors that every call with a key can answer."""
    return [problems[name] for name in _SHARED]


def list_scopes(document: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    """Give the calls that each scope permits."""
    scopes: dict[str, list[dict[str, str]]] = {}
    for operations in document["paths"].values():
        for operation in operations.values():
            for scope in (*operation.get("x-scopes", ()), *operation.get("x-any-scopes", ())):
                call = {"id": operation["operationId"], "summary": operation["summary"]}
                scopes.setdefault(scope, []).append(call)
    return dict(sorted(scopes.items()))


def write_json(value: object) -> str:
    """Give JSON for people to read. Short JSON is on one line."""
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= _SHORT else json.dumps(value, ensure_ascii=False, indent=2)


def _describe(
    method: str, path: str, operation: Mapping[str, Any], problems: Mapping[str, Problem], *, is_event: bool
) -> Section:
    answers = operation["responses"]
    names = [
        name
        for answer in answers.values()
        for name in answer.get("content", {}).get("application/problem+json", {}).get("examples", ())
    ]
    return Section(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation["description"],
        scopes=" or ".join(operation.get("x-any-scopes", ())) or " and ".join(operation.get("x-scopes", ())),
        is_public=operation.get("security") == [],
        is_event=is_event,
        parameters=operation.get("parameters", []),
        body=_find_body(operation),
        curl=() if is_event else tuple(_list_curls(method.upper(), path, operation)),
        successes=tuple(
            _describe_success(status, answer)
            for status, answer in answers.items()
            if "application/problem+json" not in answer.get("content", {})
        ),
        errors=[problems[name] for name in names if name not in _SHARED],
    )


def _describe_success(status: str, answer: Mapping[str, Any]) -> ShownAnswer:
    headers = {name: header["description"] for name, header in answer.get("headers", {}).items()}
    headers.pop("X-Request-Id", None)
    examples = tuple(
        _give_example(media_type, content)
        for media_type, content in answer.get("content", {}).items()
        if "example" in content
    )
    return ShownAnswer(status=status, description=answer["description"], headers=headers, examples=examples)


def _find_body(operation: Mapping[str, Any]) -> Example | None:
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        return _give_example(media_type, content)
    return None


def _give_example(media_type: str, content: Mapping[str, Any]) -> Example:
    example = content["example"]
    reference = content["schema"].get("$ref")
    return Example(
        title=media_type,
        media_type=media_type,
        text=example if isinstance(example, str) else write_json(example),
        shape=None if reference is None else reference.rpartition("/")[2],
    )


def _list_curls(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    """Give a line of curl to copy and paste. If the answer can be a stream, give a second line for it."""
    start = "curl" if method == "GET" else "curl -i"
    if method not in {"GET", "POST"} or (method == "POST" and "requestBody" not in operation):
        start += f" -X {method}"
    address = f"'{SERVER}{_fill_path(path, operation)}'"  # no part of it can contain a quotation mark
    parts = [f"{start} {address}"] if len(start + address) < _LINE else [start, address]
    if operation.get("security") != []:
        parts.append(f'-H "{KEY}"')
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        if media_type == "application/json":
            parts += [f"-H 'Content-Type: {media_type}'", f"-d {shlex.quote(write_json(content['example']))}"]
        else:
            is_picture = content["example"] == example_values.PICTURE
            form, name = ("image/jpeg", "photo.jpg") if is_picture else ("text/csv", "fleet.csv")
            parts += [f"-H 'Content-Type: {form}'", f"--data-binary @{name}"]
    yield " \\\n  ".join(parts)
    if "text/event-stream" in operation["responses"].get("200", {}).get("content", {}):
        yield " \\\n  ".join((parts[0].replace("curl", "curl -N", 1), *parts[1:], "-H 'Accept: text/event-stream'"))


def _fill_path(path: str, operation: Mapping[str, Any]) -> str:
    query = {}
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            path = path.replace("{%s}" % parameter["name"], quote(str(parameter["example"]), safe=""))  # noqa: UP031
        elif parameter["in"] == "query" and parameter["required"]:
            query[parameter["name"]] = parameter["example"]
    return f"{path}?{urlencode(query, safe=':')}" if query else path
