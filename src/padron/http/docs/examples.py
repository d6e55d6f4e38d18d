"""Makes the document's examples from its own schemas, so that an example always fits its schema."""

from collections.abc import Mapping
from typing import Any

from padron.http.answers.problem import Problem
from padron.http.docs import example_values
from padron.http.docs.example_values import LEFT_OUT, MADE
from padron.http.docs.generators import Schema

# The value of a member that is not in the tables. A test then asks for a better one.
_PLAIN: dict[str, Any] = {"string": "text", "integer": 1, "number": 1, "boolean": False}


def give_example(name: str, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401 - JSON
    """Give an example of the shape with this name."""
    schema = schemas[name]
    if "properties" not in schema:
        return _give_value(schema, schemas)
    own = example_values.SHAPES.get(name, {})
    required = schema.get("required", ())
    example = {}
    for member, kind in schema["properties"].items():
        if member in own and own[member] is not MADE:
            example[member] = own[member]
        elif member in own or member in required:
            example[member] = _give_member(member, kind, schemas)
    return example


def give_answer_example(operation: str, status: int, name: str, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401
    """Give an example of an operation's answer: the example of its shape, with this answer's own values."""
    example = {**give_example(name, schemas), **example_values.ANSWERS.get((operation, status), {})}
    return {member: value for member, value in example.items() if value is not LEFT_OUT}


def give_problem_example(problem: Problem) -> dict[str, Any]:
    """Give an example of a problem, with an example of a detail or, without one, with the problem's meaning."""
    return {
        "summary": problem.title,
        "value": {
            "type": problem.type,
            "title": problem.title,
            "status": problem.status,
            "detail": example_values.DETAILS.get(problem.error_detail, problem.meaning),
            "instance": example_values.INSTANCE,
            "errorType": problem.error_type,
            "errorDetail": problem.error_detail,
        },
    }


def _give_member(member: str, schema: Schema, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401
    # For a list or an object, an example made from its schema shows more than a value by its name.
    is_nested = schema.get("type") in {"array", "object"} or "$ref" in schema or "anyOf" in schema
    if member in example_values.MEMBERS and not (is_nested and _holds_shape(schema, schemas)):
        return example_values.MEMBERS[member]
    return _give_value(schema, schemas)


def _holds_shape(schema: Schema, schemas: Mapping[str, Schema]) -> bool:
    inner = schema.get("items", schema)
    if "anyOf" in inner:
        return any(_holds_shape(choice, schemas) for choice in inner["anyOf"])
    return "$ref" in inner and bool({"properties", "oneOf"} & schemas[inner["$ref"].rpartition("/")[2]].keys())


def _give_value(schema: Schema, schemas: Mapping[str, Schema]) -> Any:  # noqa: ANN401
    if "$ref" in schema:
        return give_example(schema["$ref"].rpartition("/")[2], schemas)
    if "anyOf" in schema or "oneOf" in schema:
        choices = schema.get("anyOf") or schema["oneOf"]
        # Among the kinds of change, show the change of a status, which is the main one.
        wanted = [one for one in choices if one.get("$ref", "").endswith("/VehicleStatusChanged")]
        return _give_value((wanted or choices)[0], schemas)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [_give_value(schema["items"], schemas)]
    return example_values.AT if schema.get("format") == "date-time" else _PLAIN.get(schema.get("type", ""), {})
