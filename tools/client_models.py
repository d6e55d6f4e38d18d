"""Write the records of the client, which are the schemas of the API's document. ``make_client.py`` calls this."""

import keyword
import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

HEAD = '"""{title}\n\n``tools/make_client.py`` wrote this file from the API\'s document. Do not edit it.\n"""\n\n'
# What nobody but its receiver may see: a repr shows that it is there, and not what it is.
SECRETS = {
    "InvitationShape": "link",
    "KeyShape": "secret",
    "LinkShape": "link",
    "RotatedKeyShape": "secret",
    "WebhookShape": "secret",
}
# All statuses and those that a call can set are one class, so that what was read can be sent. The server refuses 2.
ONE_ENUM = {"SettableStatusId": "VehicleStatusId"}
UNKNOWN_CHANGE = "UnknownChange"
_CAMEL_STEP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake(name: str) -> str:
    """Give a name of the document as Python writes it. A word of Python gets an underscore."""
    words = _CAMEL_STEP.sub("_", name.replace("-", "_")).lower()
    return f"{words}_" if keyword.iskeyword(words) else words


def name_attribute(member: str) -> str:
    """Give the attribute for a member. One with the name of a type that annotations use gets an underscore."""
    name = snake(member)
    return f"{name}_" if name in {"bool", "dict", "float", "int", "list", "str"} else name


def give_name(schema: Schema) -> str:
    """Give the name of the schema that a reference means."""
    return str(schema["$ref"]).rpartition("/")[2]


def list_references(node: object) -> Iterator[str]:
    """Give the names of all schemas that a part of the document refers to."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value.rpartition("/")[2]
            elif key not in {"example", "examples", "mapping"}:
                yield from list_references(value)
    elif isinstance(node, list):
        for value in node:
            yield from list_references(value)


def list_reached(document: Schema, part: str) -> set[str]:
    """Give the names of the schemas that bodies (``requestBody``) or answers (``responses``) consist of."""
    schemas = document["components"]["schemas"]
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    left = {name for operation in operations for name in list_references(operation.get(part, {}))}
    reached: set[str] = set()
    while left:
        name = left.pop()
        reached.add(name)
        left |= set(list_references(schemas[name])) - reached
    return reached


class ModelWriter:
    """Writes a class for each schema."""

    def __init__(self, document: Schema) -> None:
        self.schemas: Mapping[str, Schema] = document["components"]["schemas"]
        self.bodies = list_reached(document, "requestBody")
        self.payloads = [
            give_name(message["post"]["requestBody"]["content"]["application/json"]["schema"])
            for message in document["webhooks"].values()
        ]
        self.enums: dict[frozenset[str], str] = {
            frozenset(schema["enum"]): name for name, schema in self.schemas.items() if schema.get("type") != "integer"
            and "enum" in schema
        }  # fmt: skip
        self.tops = {
            name
            for path in document["paths"].values()
            for operation in path.values()
            for answer in operation["responses"].values()
            for name in list_references(answer.get("content", {}))
        }

    def write(self) -> str:
        """Give the module."""
        lines = [
            HEAD.format(title="The records of the API: what is sent, and what comes back."),
            "from __future__ import annotations\n\nfrom typing import Any, ClassVar, Literal\n\n",
            "from msgspec import UNSET, UnsetType, field\n\n",
            "from padron_client.records import Answer, Body, Instant, OpenIntEnum, OpenStrEnum, Record\n\n",
        ]
        # Unions are evaluated when the module is loaded, so their parts come first.
        enums = [name for name, schema in self.schemas.items() if "enum" in schema and name not in ONE_ENUM]
        # Only one schema may be a choice between others, and write_unknown() writes it.
        records = [name for name, schema in self.schemas.items() if "enum" not in schema and "oneOf" not in schema]
        lines += [self.write_enum(name) for name in enums]
        lines += [self.write_record(name) for name in records]
        lines.append(self.write_unknown())
        lines.append(f"__all__ = {sorted({*self.schemas, UNKNOWN_CHANGE, 'Change', 'WebhookPayload'})!r}\n")
        return "".join(lines)

    def write_enum(self, name: str) -> str:
        """Give the class of a closed set, which is open for what a newer server adds to it."""
        schema = self.schemas[name]
        base = "OpenIntEnum" if schema.get("type") == "integer" else "OpenStrEnum"
        names = schema.get("x-enum-varnames") or [snake(value).upper().rstrip("_") for value in schema["enum"]]
        members = "".join(f"    {each} = {value!r}\n" for each, value in zip(names, schema["enum"], strict=True))
        return f"class {name}({base}):\n{self.write_docstring(schema)}\n{members}\n\n"

    def write_docstring(self, schema: Schema) -> str:
        """Give the first sentences of a description, without its tables."""
        text = " ".join(schema.get("description", "").split("\n\n|")[0].split())
        return f'    """{text or "Part of an answer."}"""\n'

    def write_record(self, name: str) -> str:
        """Give the class of an object."""
        schema = self.schemas[name]
        base = "Body" if name in self.bodies else ("Answer" if name in self.tops else "Record")
        is_event = is_tagged(schema)
        more = ', frozen=True, kw_only=True, rename="camel"'
        if base == "Answer":
            more += ", dict=True"
        if is_event:
            more += f', tag_field="type", tag={schema["properties"]["type"]["enum"][0]!r}'
        lines = [f"class {name}({base}{more}):\n", self.write_docstring(schema), "\n"]
        if name in SECRETS:
            lines.append(f"    secrets: ClassVar[frozenset[str]] = frozenset({{{SECRETS[name]!r}}})\n")
        lines += [
            self.write_member(name, member, value)
            for member, value in schema["properties"].items()
            if not (is_event and member == "type")
        ]
        return "".join(lines) + "\n\n"

    def write_member(self, owner: str, name: str, schema: Schema) -> str:
        """Give the line of one member."""
        kind = self.write_type(schema, is_body=owner in self.bodies)
        attribute = name_attribute(name)
        default = ""
        renamed = "" if camel(attribute) == name else f"name={name!r}"
        if name not in self.schemas[owner].get("required", []):
            if owner in self.bodies:
                kind, default = f"{kind} | UnsetType", "UNSET"
            else:
                kind, default = f"{kind.removesuffix(' | None')} | None", "None"
        if renamed:
            default = f"field({', '.join(filter(None, [default and f'default={default}', renamed]))})"
        return f"    {attribute}: {kind}{f' = {default}' if default else ''}\n"

    def write_type(self, schema: Schema, *, is_body: bool) -> str:  # noqa: PLR0911 - one for each form
        """Give the Python type of a schema."""
        match schema:
            case {"$ref": _}:
                return ONE_ENUM.get(give_name(schema), give_name(schema))
            case {"anyOf": [{"$ref": _}, {"$ref": _}, *_]}:
                return "Change"  # the only choice between objects
            case {"anyOf": [*parts]}:
                return " | ".join(self.write_type(part, is_body=is_body) for part in parts)
            case {"enum": [*values]}:
                if (named := self.enums.get(frozenset(values))) is not None:
                    return named
                return f"Literal[{', '.join(map(repr, values))}]" if is_body else "str"
            case {"type": "array", "items": items}:
                return f"list[{self.write_type(items, is_body=is_body)}]"
            case {"type": "object", "additionalProperties": dict(values)}:
                return f"dict[str, {self.write_type(values, is_body=is_body)}]"
            case {"type": "string", "format": "date-time"}:
                return "Instant"
            case {"type": kind}:
                names: Mapping[object, str] = {
                    "string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None",
                    "object": "dict[str, Any]",
                }  # fmt: skip
                return names[kind]
            case _:
                return "Any"

    def write_unknown(self) -> str:
        """Give the class of a change whose type is newer than this client, and the union of all of them."""
        events = [
            name
            for name, schema in self.schemas.items()
            if is_tagged(schema) and "number" in schema["properties"]
        ]  # fmt: skip
        return (
            f'class {UNKNOWN_CHANGE}(Record, frozen=True, kw_only=True, tag_field="type", tag=""):\n'
            '    """A change of a type that this version of the client does not know."""\n\n'
            "    kind: str\n    members: dict[str, Any]\n\n\n"
            f"Change = {' | '.join([*events, UNKNOWN_CHANGE])}\n"
            f"WebhookPayload = {' | '.join(self.payloads)}\n"
            + "".join(f"{name} = {other}\n" for name, other in ONE_ENUM.items())
            + "\n"
        )


def is_tagged(schema: Schema) -> bool:
    """Say whether the member ``type`` of an object names its schema."""
    kinds = schema.get("properties", {}).get("type", {}).get("enum", [])
    return len(kinds) == 1


def camel(attribute: str) -> str:
    """Give the name that msgspec makes of an attribute's with ``rename="camel"``."""
    first, *others = attribute.split("_")
    return first + "".join(word.title() for word in others)
