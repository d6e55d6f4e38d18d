"""Write the methods of the client, which are the operations of the API's document, and its errors.

``make_client.py`` calls this.
"""

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.client_models import HEAD, Schema, give_name, snake

JSON, CSV, EVENTS = "application/json", "text/csv", "text/event-stream"
WIDTH = 96
LITERALS_MAX = 10  # a choice of more values is a str, because nobody reads so long a type
# These POSTs take an Idempotency-Key, but the client sends none by itself. They can be repeated without one, and a
# kept answer would do harm: it says what was true before, and each takes one of the account's kept answers.
KEYLESS = {
    "checkVehicles": "a verdict must be fresh",
    "claimWork": "an old answer could hand out a vehicle that is no longer Active; a lost claim's lease ends",
    "giveResults": "a result is stored once, however often it is sent",
    "previewSelection": "it changes nothing, and must be fresh",
    "scanVins": "it changes nothing",
}
# Answers of a second form have a method of their own. The parameter that chooses the form is set by the method.
SECOND_FORMS = {("reportTimeInStatus", CSV): {"format": "csv"}, ("listChanges", EVENTS): {}}
SECOND_NAMES = {CSV: "{}_csv", EVENTS: "stream_changes"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One operation of the document."""

    name: str
    method: str
    path: str
    stated: Schema
    schemas: Schema

    @property
    def parameters(self) -> list[Schema]:
        """All parameters but the one that chooses between two forms of the answer."""
        fixed = {name for (owner, _), values in SECOND_FORMS.items() if owner == self.name for name in values}
        return [one for one in self.stated.get("parameters", []) if one["name"] not in fixed]

    @property
    def media(self) -> list[str]:
        """The forms of its answer."""
        answers = [answer for status, answer in self.stated["responses"].items() if status.startswith("2")]
        return list(dict.fromkeys(form for answer in answers for form in answer.get("content", {})))

    @property
    def answers(self) -> dict[int, str]:
        """The record of each status of success."""
        answers = {}
        for status, answer in self.stated["responses"].items():
            if status.startswith("2"):
                schema = answer.get("content", {}).get(JSON, {}).get("schema")
                answers[int(status)] = "Done" if schema is None else give_name(schema) if "$ref" in schema else ""
        return answers

    @property
    def body(self) -> str | None:
        """The record of its body."""
        schema = self.stated.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema")
        return None if schema is None else give_name(schema)

    @property
    def has_content(self) -> bool:
        """Whether its body is a file."""
        return "application/octet-stream" in self.stated.get("requestBody", {}).get("content", {})

    @property
    def page(self) -> Schema | None:
        """The schema of its answer, if that is a page of a list."""
        names = {name for name in self.answers.values() if name in self.schemas}
        for name in names:
            if "nextCursor" in self.schemas[name]["properties"]:
                page: Schema = self.schemas[name]
                return page
        return None


def list_operations(document: Schema) -> Iterator[Operation]:
    """Give the operations in the order of the document."""
    for path, methods in document["paths"].items():
        for method, stated in methods.items():
            yield Operation(
                name=stated["operationId"], method=method.upper(), path=path, stated=stated,
                schemas=document["components"]["schemas"],
            )  # fmt: skip


def write_table(document: Schema) -> str:
    """Give the module with what both forms of the client know of each operation."""
    lines = [HEAD.format(title="What there is to know of each operation before it is called.")]
    lines.append("from padron_client.calls import Operation\n\n")
    for one in list_operations(document):
        takes_key = any(each["name"] == "Idempotency-Key" for each in one.parameters)
        reason = f"  # no key of its own: {KEYLESS[one.name]}" if one.name in KEYLESS else ""
        forms = [f"accept={JSON!r}"] if JSON in one.media or not one.media else [f"accept={', '.join(one.media)!r}"]
        lines.append(
            f"{snake(one.name).upper()} = Operation(\n    name={one.name!r}, method={one.method!r}, "
            f"path={one.path!r},\n    answers={one.answers!r}, makes_key={takes_key and one.name not in KEYLESS},"
            f"{reason}\n    {forms[0]},\n)\n"
        )
        lines += [
            f"{name_second(one, form).upper()} = Operation(\n    name={one.name!r}, method={one.method!r}, "
            f"path={one.path!r},\n    answers={{200: ''}}, makes_key=False, accept={form!r},\n)\n"
            for form in list_second_forms(one)
        ]
    return "".join(lines)


def list_second_forms(one: Operation) -> list[str]:
    """Give the further forms of an operation's answer."""
    return [form for (name, form) in SECOND_FORMS if name == one.name]


def name_second(one: Operation, form: str) -> str:
    """Give the name of the method with a further form of the answer."""
    return SECOND_NAMES[form].format(snake(one.name))


def write_methods(document: Schema) -> str:
    """Give the module with a method for each operation."""
    lines = [HEAD.format(title="A method for each operation of the API.")]
    lines.append(
        "from __future__ import annotations\n\n"
        "import os\nfrom collections.abc import Sequence\nfrom datetime import datetime\n"
        "from typing import TYPE_CHECKING, Any, Literal\n\n"
        "from padron_client import _table as table\n"
        "from padron_client._async.pages import AsyncPages\n"
        "from padron_client.calls import CallOptions\n\n"
        "if TYPE_CHECKING:\n    from padron_client import models\n"
        "    from padron_client._async.transport import AsyncDownload, AsyncEvents, AsyncTransport\n"
        "    from padron_client.records import Done\n\n\n"
        'class AsyncOperations:\n    """All operations of the API, by their names."""\n\n'
        "    _transport: AsyncTransport\n\n"
    )
    for one in list_operations(document):
        lines.append(write_method(one))
        lines += [write_stream(one, form, name_second(one, form)) for form in list_second_forms(one)]
        if one.page is not None:
            lines.append(write_pages(one))
    return "".join(lines)


def write_method(one: Operation) -> str:
    """Give the method of one operation."""
    if one.media and JSON not in one.media:
        return write_stream(one, ", ".join(one.media), snake(one.name))
    kinds = [f"models.{name}" if name in one.schemas else name or "dict[str, Any]" for name in one.answers.values()]
    kind = " | ".join(dict.fromkeys(kinds))
    return (
        f"    async def {snake(one.name)}({write_signature(one)}) -> {kind}:\n{write_docstring(one)}"
        f"        answer: {kind} = await self._transport.send({write_arguments(one, snake(one.name))})\n"
        "        return answer\n\n"
    )


def write_stream(one: Operation, form: str, name: str) -> str:
    """Give the method whose answer is read bit by bit."""
    kind, verb = ("AsyncEvents", "stream") if form == EVENTS else ("AsyncDownload", "download")
    arguments = write_arguments(one, name, SECOND_FORMS.get((one.name, form), {}))
    return (
        f"    def {name}({write_signature(one)}) -> {kind}:\n{write_docstring(one)}"
        f"        return self._transport.{verb}({arguments})\n\n"
    )


def write_pages(one: Operation) -> str:
    """Give the method that goes through all pages of a list."""
    page = one.page or {}
    (answer,) = one.answers.values()
    items, schema = next((key, value) for key, value in page["properties"].items() if value.get("type") == "array")
    item = "models.Change" if "anyOf" in schema["items"] else f"models.{give_name(schema['items'])}"
    _, _, rest = snake(one.name).partition("_")
    cursor = next(each["name"] for each in one.parameters if each["name"] in {"cursor", "after"})
    names = [snake(each["name"]) for each in one.parameters if each["name"] != cursor]
    given = ", ".join(
        [*(name for name in names if name_place(one, name) == "path"),
         *(f"{name}={name}" for name in names if name_place(one, name) != "path"),
         f"{cursor}=cursor_now", "options=options"]
    )  # fmt: skip
    return (
        f"    def iterate_{rest}({write_signature(one)}) -> AsyncPages[models.{answer}, {item}]:\n"
        f'        """Go through all pages of {snake(one.name)}(), from a cursor on if one is given."""\n'
        f"        async def turn(cursor_now: str | None) -> models.{answer}:\n"
        f"            return await self.{snake(one.name)}({given})\n\n"
        f"        return AsyncPages(turn, {snake(items)!r}, {cursor})\n\n"
    )


def name_place(one: Operation, name: str) -> str:
    """Say where a parameter is sent."""
    return next(str(each["in"]) for each in one.parameters if snake(each["name"]) == name)


def write_signature(one: Operation) -> str:
    """Give the parameters of a method: first what is always needed, then by name what can be left out."""
    parts = ["self", *(f"{snake(each['name'])}: {write_kind(each)}" for each in one.parameters if each["in"] == "path")]
    if one.body is not None:
        is_needed = one.stated["requestBody"].get("required", False)
        parts.append(f"body: models.{one.body}" if is_needed else f"body: models.{one.body} | None = None")
    if one.has_content:
        parts.append("content: bytes | os.PathLike[str]")
    parts.append("*")
    for each in one.parameters:
        if each["in"] != "path":
            kind = write_kind(each)
            parts.append(
                f"{snake(each['name'])}: {kind}"
                if each.get("required")
                else f"{snake(each['name'])}: {kind} | None = None"
            )
    return ", ".join([*parts, "options: CallOptions | None = None"])


def write_kind(parameter: Schema) -> str:
    """Give the Python type of a parameter."""
    schema = parameter["schema"]
    kinds = {"string": "str", "integer": "int", "boolean": "bool"}
    match schema:
        case {"enum": [*values]} if len(values) <= LITERALS_MAX and parameter["name"] != "type":
            return f"Literal[{', '.join(map(repr, values))}]"
        case {"type": "array", "items": items}:
            kind = kinds.get(items.get("type"), "int")
            return f"{kind} | Sequence[{kind}]"
        case {"format": "date-time"}:
            return "datetime"
        case _ if parameter["name"] == "type":
            return "str"  # several, with commas between
        case {"type": kind}:
            return kinds[kind]
        case _:
            raise AssertionError(parameter)


def write_arguments(one: Operation, name: str, fixed: Mapping[str, Any] | None = None) -> str:
    """Give what a method hands to the transport."""
    parts = [f"table.{name.upper()}"]
    for place, word in (("path", "path"), ("query", "query"), ("header", "headers")):
        pairs = [f"{each['name']!r}: {snake(each['name'])}" for each in one.parameters if each["in"] == place]
        if place == "query":
            pairs += [f"{key!r}: {value!r}" for key, value in (fixed or {}).items()]
        if pairs:
            parts.append(f"{word}={{{', '.join(pairs)}}}")
    if one.body is not None:
        parts.append("body=body")
    if one.has_content:
        parts.append("content=content")
    return ", ".join([*parts, "options=options"])


def write_docstring(one: Operation) -> str:
    """Give the docstring: what the document says of the operation."""
    description = re.sub(r"\s+", " ", one.stated.get("description", "").split("\n\n|")[0]).strip()
    paragraphs = [f"{one.stated['summary'].rstrip('.')}."]
    paragraphs += ["\n".join(textwrap.wrap(description, WIDTH - 8, break_on_hyphens=False))] if description else []
    text = "\n\n".join(paragraphs)
    body = textwrap.indent(text, " " * 8).lstrip().replace("\\", "\\\\")
    end = "\n        " if description else ""
    return f'        """{body}{end}"""\n'


_PROBLEM = re.compile(r"`([A-Z]\w+)`: (.*?)(?= Or: `[A-Z]|$)", re.DOTALL)
GROUPS = {
    "401": "NotAuthenticated", "403": "NotPermitted", "404": "NotFound", "409": "Conflict", "410": "Gone",
    "412": "PreconditionFailed", "429": "Overloaded",
}  # fmt: skip


def write_problems(document: Schema) -> str:
    """Give the module with a class for each ``errorDetail``."""
    found: dict[str, tuple[str, str]] = {}
    for one in list_operations(document):
        for status, answer in one.stated["responses"].items():
            for name, meaning in _PROBLEM.findall(answer["description"]):
                group = GROUPS.get(status, "RequestRefused" if status < "500" else "ServerFailed")
                found.setdefault(name, (group, meaning.strip()))
    groups = sorted({group for group, _ in found.values()})
    lines = [HEAD.format(title="The errors of the API, each by its ``errorDetail``.")]
    lines.append("from __future__ import annotations\n\n")
    lines.append(f"from padron_client.errors import ApiError, {', '.join(groups)}\n\n\n")
    for name, (group, meaning) in sorted(found.items()):
        text = textwrap.indent("\n".join(textwrap.wrap(meaning, WIDTH - 4, break_on_hyphens=False)), "    ").lstrip()
        end = "\n    " if "\n" in text else ""
        lines.append(f'class {name}({group}):\n    """{text}{end}"""\n\n\n')
    table = ", ".join(f"{name!r}: {name}" for name in sorted(found))
    lines.append(f"BY_DETAIL: dict[str, type[ApiError]] = {{{table}}}\n")
    return "".join(lines)
