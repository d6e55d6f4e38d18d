"""The schemas of the OpenAPI document, made from the shapes of the bodies.

This module adds what msgspec cannot know: which texts are instants, and which integers are vehicle statuses, with
their names. It does so for every shape, so the type and the name of a new member are enough to describe it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import inspect

from padron.domain.status import SETTABLE_STATUSES, STATUS_TEXTS, VehicleStatus, is_operational
from padron.http.docs.generators import Schema, suit_generators

REFERENCE = "#/components/schemas/{name}"
STATUS_ID = "VehicleStatusId"
SETTABLE_STATUS_ID = "SettableStatusId"
STATUS_MEMBERS = frozenset({"vehicleStatusId", "fromStatusId", "toStatusId", "assetStatusId"})
STATUS_LISTS = frozenset({"statusesLeft", "statusesEntered"})


def build_schemas(shapes: Iterable[type]) -> dict[str, Schema]:
    """Give the schemas of the shapes, and all schemas that these refer to, by name in alphabetical order."""
    ordered = sorted(shapes, key=lambda shape: shape.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template=REFERENCE)
    by_class = {kind.cls: kind for shape in ordered for kind in _find_structs(inspect.type_info(shape), set())}
    for cls, kind in by_class.items():
        properties: Schema = schemas[cls.__name__]["properties"]
        for field in kind.fields:
            if _holds_instant(field.type):
                _mark_instant(properties[field.encode_name])
    for schema in schemas.values():
        schema["description"] = _join_lines(schema.get("description", ""))
        for name, member in schema.get("properties", {}).items():
            if name in STATUS_MEMBERS and member.get("maximum", 0) <= max(VehicleStatus):  # not that of a vehicle
                schema["properties"][name] = _refer_to_status(member)
            elif name in STATUS_LISTS:
                member["items"] = _refer_to_status(member["items"])
    schemas[STATUS_ID] = _describe_statuses(STATUS_TEXTS, "A status of a vehicle")
    schemas[SETTABLE_STATUS_ID] = _describe_statuses(SETTABLE_STATUSES.values(), "A status that a call can set")
    return dict(sorted(suit_generators(schemas, REFERENCE).items()))


def describe_status_table(statuses: Iterable[VehicleStatus]) -> str:
    """Give the statuses as a table in Markdown: the id, both names, whether it is operational, and the meaning."""
    rows = (
        f"| {status.value} | {text.name} | {text.nombre} | {'yes' if is_operational(status) else 'no'} "
        f"| {text.meaning} |"
        for status, text in ((status, STATUS_TEXTS[status]) for status in statuses)
    )
    return "\n".join(("| id | Name | Nombre | Operational | Meaning |", "|---|---|---|---|---|", *rows))


def list_references(part: object) -> Iterator[str]:
    """Give the names of the schemas that a part of the document refers to."""
    if isinstance(part, Mapping):
        for name, value in part.items():
            if name == "$ref" and isinstance(value, str):
                yield value.rpartition("/")[2]
            else:
                yield from list_references(value)
    elif isinstance(part, list | tuple):
        for one in part:
            yield from list_references(one)


def keep_reachable(schemas: Mapping[str, Schema], part: object) -> dict[str, Schema]:
    """Give the schemas that a part of the document needs, including the schemas that these refer to."""
    needed: set[str] = set()
    found = [*list_references(part)]
    while found:
        name = found.pop()
        if name in schemas and name not in needed:
            needed.add(name)
            found += list_references(schemas[name])
    return {name: schema for name, schema in schemas.items() if name in needed}


def expand_references(part: Any, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401 - JSON
    """Give a part of the document with references replaced by the schemas themselves."""
    if isinstance(part, dict):
        name = part.get("$ref", "").rpartition("/")[2]
        if name in schemas:
            return expand_references({**schemas[name], **{key: part[key] for key in part if key != "$ref"}}, schemas)
        return {key: expand_references(value, schemas) for key, value in part.items()}
    if isinstance(part, list):
        return [expand_references(one, schemas) for one in part]
    return part


def _describe_statuses(statuses: Iterable[VehicleStatus], title: str) -> Schema:
    """Describe an enumeration of integers, with the extensions that client generators use for the names."""
    chosen = [*statuses]
    return {
        "type": "integer",
        "enum": [status.value for status in chosen],
        "x-enum-varnames": [status.name for status in chosen],
        "x-enum-descriptions": [
            f"{STATUS_TEXTS[status].name} ({STATUS_TEXTS[status].nombre}): {STATUS_TEXTS[status].meaning}"
            for status in chosen
        ],
        "description": f"{title}: the id of a vehicle status.\n\n{describe_status_table(chosen)}",
    }


def _refer_to_status(member: Schema) -> Schema:
    """Replace an integer with a reference to the schema of the statuses. Keep the description and the default."""
    said = {name: value for name, value in member.items() if name in {"description", "default"}}
    if "anyOf" in member:
        choices = [_refer_to_status(one) if one.get("type") == "integer" else one for one in member["anyOf"]]
        return {**said, "anyOf": choices}
    allowed = member.get("enum", [status.value for status in VehicleStatus])
    name = STATUS_ID if VehicleStatus.INFO_CHANGED in allowed else SETTABLE_STATUS_ID
    return {**said, "$ref": REFERENCE.format(name=name)}


def _find_structs(kind: inspect.Type, seen: set[type]) -> Iterator[inspect.StructType]:
    match kind:
        case inspect.StructType():
            if kind.cls not in seen:
                seen.add(kind.cls)
                yield kind
                for field in kind.fields:
                    yield from _find_structs(field.type, seen)
        case inspect.Metadata():
            yield from _find_structs(kind.type, seen)
        case inspect.UnionType():
            for one in kind.types:
                yield from _find_structs(one, seen)
        case inspect.ListType():
            yield from _find_structs(kind.item_type, seen)
        case inspect.DictType():
            yield from _find_structs(kind.value_type, seen)
        case _:
            pass


def _holds_instant(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.Metadata):
        return _holds_instant(kind.type)
    if isinstance(kind, inspect.UnionType):
        return any(_holds_instant(one) for one in kind.types)
    return isinstance(kind, inspect.DateTimeType)


def _mark_instant(member: Schema) -> None:
    for choice in member.get("anyOf", [member]):
        if choice.get("type") == "string":
            choice["format"] = "date-time"


def _join_lines(text: str) -> str:
    """Give a docstring as Markdown: without the source's indentation and line breaks, with code in single backticks."""
    paragraphs = text.replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
