"""Puts schemas into forms that generators of clients can make types from: they compile and hold every value.

What is valid does not change, but for one member that becomes freer. ``docs/clients.md`` has the generators.
"""

from collections.abc import Mapping
from math import inf
from typing import Any

Schema = dict[str, Any]

CHANGE = "Change"

_INT32_MAX = 2**31 - 1


def suit_generators(schemas: Mapping[str, Schema], reference: str) -> dict[str, Schema]:
    """Give the schemas in such forms, with a schema of its own for a change of any kind.

    ``reference`` is how a schema is referred to, with ``{name}`` in place of its name.
    """
    named: dict[str, Schema] = {}
    suited = {name: _suit(schema, named, reference) for name, schema in schemas.items()}
    return {name: mark_wide_integers(schema) for name, schema in (suited | named).items()}


def mark_wide_integers(part: Any) -> Any:  # noqa: ANN401 - JSON
    """Give a part of the document in which each integer without a small maximum is an int64.

    Without that, generators for Java and Go give it 32 bits, and their clients fail at a larger number.
    """
    if isinstance(part, list):
        return [mark_wide_integers(one) for one in part]
    if not isinstance(part, dict):
        return part
    marked = {name: mark_wide_integers(value) for name, value in part.items()}
    if part.get("type") == "integer" and "enum" not in part and part.get("maximum", inf) > _INT32_MAX:
        marked["format"] = "int64"
    return marked


def _suit(part: Any, named: dict[str, Schema], reference: str) -> Any:  # noqa: ANN401 - JSON
    if isinstance(part, list):
        return [_suit(one, named, reference) for one in part]
    if not isinstance(part, dict):
        return part
    if "discriminator" in part:
        named[CHANGE] = _describe_change(part)
        return {"$ref": reference.format(name=CHANGE)}
    if any(one.get("type") == "array" for one in part.get("anyOf", ())):
        # The generator for Java makes a class of it that does not compile.
        return {"description": "A text, a number, a list of texts, or null."}
    return {name: _suit(value, named, reference) for name, value in part.items()}


def _describe_change(union: Schema) -> Schema:
    """Give the kinds of change as one schema.

    It is ``oneOf``, because some generators take ``anyOf`` for a type with the members of all kinds at once.
    """
    return {
        "title": CHANGE,
        "description": "One change of a vehicle. `type` names its kind.",
        "oneOf": union["anyOf"],
        "discriminator": union["discriminator"],
    }
