"""What the document says beyond being valid: names, statuses, instants, examples, scopes, and where events are."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from padron.domain.status import SETTABLE_STATUSES, STATUS_TEXTS, VehicleStatus
from padron.domain.webhook import EventType
from padron.http.answers.problems import ALL_PROBLEMS
from padron.http.docs.events import EVENTS
from padron.http.docs.openapi import WebhookPlace, build_document
from padron.http.docs.schemas import build_schemas, list_references
from padron.http.routes import ROUTES
from tests.cast import HUMMER
from tests.http.api import Api
from tests.http.document import DOCUMENT

SCHEMAS = DOCUMENT["components"]["schemas"]


def list_contents() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give every body of the document: whose it is, its media type and its description."""
    for member in ("paths", "webhooks"):
        for routes in DOCUMENT[member].values():
            for route in routes.values():
                bodies = [("body", route.get("requestBody", {})), *route["responses"].items()]
                for name, body in bodies:
                    for media_type, content in body.get("content", {}).items():
                        yield f"{route['operationId']} {name}", media_type, content


def list_examples(content: dict[str, Any]) -> list[Any]:
    named = DOCUMENT["components"]["examples"]
    if "examples" in content:
        return [named[one["$ref"].rpartition("/")[2]]["value"] for one in content["examples"].values()]
    return [content["example"]] if "example" in content else []


def test_no_schema_is_named_after_a_module() -> None:
    assert [name for name in SCHEMAS if not re.fullmatch("[A-Z][A-Za-z]+", name)] == []


def test_every_body_has_an_example_that_fits_its_schema() -> None:
    count = 0
    for owner, media_type, content in list_contents():
        examples = list_examples(content)
        assert examples, f"{owner} has no example as {media_type}"
        schema = {**content["schema"], "components": DOCUMENT["components"]}
        for example in examples:
            Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(example)
            count += 1
    assert count > 600


def test_every_parameter_of_a_path_has_an_example_that_fits() -> None:
    for path, routes in DOCUMENT["paths"].items():
        for route in routes.values():
            for parameter in route.get("parameters", ()):
                if parameter["required"]:
                    schema = {**parameter["schema"], "components": DOCUMENT["components"]}
                    Draft202012Validator(schema).validate(parameter["example"])
            named = {one["name"] for one in route.get("parameters", ()) if one["in"] == "path"}
            assert named == {*re.findall(r"\{(\w+)\}", path)}


def test_no_example_has_a_filler() -> None:
    # A new member of an answer needs a row in example_values.MEMBERS, or in SHAPES under its shape.
    for owner, _, content in list_contents():
        for example in list_examples(content):
            assert '"text"' not in json.dumps(example), owner


def test_every_problem_that_is_documented_has_an_example_under_its_name() -> None:
    examples = DOCUMENT["components"]["examples"]
    slugs = {problem.error_detail: problem.type for problem in ALL_PROBLEMS}
    for name, example in examples.items():
        assert (example["value"]["errorDetail"], example["value"]["type"]) == (name, slugs[name])
    # No client of the document can meet these: it uses the documented methods, and its library writes HTTP.
    # The last three are the console's, which signs people in.
    assert {*slugs} - {*examples} == {
        "MethodNotAllowed", "MalformedRequest", "SignInRefused", "SessionEnded", "InvitationEnded",
    }  # fmt: skip


def test_the_statuses_have_their_names_and_one_schema_each_way() -> None:
    every, settable = SCHEMAS["VehicleStatusId"], SCHEMAS["SettableStatusId"]
    assert every["enum"] == [*range(10)]
    assert every["x-enum-varnames"] == [status.name for status in VehicleStatus]
    assert settable["enum"] == [0, 1, 3, 4, 5, 6, 7, 8, 9]
    for schema, statuses in ((every, [*STATUS_TEXTS]), (settable, [*SETTABLE_STATUSES.values()])):
        for status, described in zip(statuses, schema["x-enum-descriptions"], strict=True):
            text = STATUS_TEXTS[status]
            assert described == f"{text.name} ({text.nombre}): {text.meaning}"
            assert f"| {status.value} | {text.name} | {text.nombre} |" in schema["description"]
    assert SCHEMAS["StatusBody"]["properties"]["vehicleStatusId"]["$ref"].endswith("/SettableStatusId")
    assert SCHEMAS["Vehicle"]["properties"]["vehicleStatusId"] == {"$ref": "#/components/schemas/VehicleStatusId"}
    assert SCHEMAS["VehicleStatusChanged"]["properties"]["fromStatusId"]["anyOf"] == [
        {"$ref": "#/components/schemas/VehicleStatusId"},
        {"type": "null"},
    ]
    assert SCHEMAS["WebhookBody"]["properties"]["statusesLeft"]["items"]["$ref"].endswith("/SettableStatusId")
    kinds = SCHEMAS["WebhookBody"]["properties"]["eventTypes"]
    assert (kinds["minItems"], kinds["items"]["enum"]) == (1, [kind.value for kind in EventType])
    assert SCHEMAS["TakenValues"]["properties"]["vehicleStatusId"]["type"] == "integer"  # that of another vehicle


def test_no_status_is_left_a_bare_integer() -> None:
    for name, schema in SCHEMAS.items():
        for member, described in schema.get("properties", {}).items():
            if re.search("[sS]tatusId$", member) and name != "TakenValues":
                assert "StatusId" in json.dumps(described), f"{name}.{member}"


def test_every_instant_is_a_date_time() -> None:
    found = 0
    for name, schema in SCHEMAS.items():
        for member, described in schema.get("properties", {}).items():
            if re.search("(At|Until|Since)$|^(at|since|until|hour|timestamp|validFrom|validTo)$", member):
                assert '"date-time"' in json.dumps(described), f"{name}.{member}"
                found += 1
    assert found > 40
    parameters = [
        parameter
        for routes in DOCUMENT["paths"].values()
        for route in routes.values()
        for parameter in route.get("parameters", ())
        if parameter["name"] in {"asOf", "from", "to"}
    ]
    assert parameters
    assert all(parameter["schema"]["format"] == "date-time" for parameter in parameters)


def test_an_instant_is_found_by_its_type_wherever_it_is_in_a_shape() -> None:
    inner = msgspec.defstruct("Inner", [("seen", datetime | None)])
    outer = msgspec.defstruct("Outer", [("many", list[inner]), ("when", datetime), ("word", str)])  # type: ignore[valid-type]
    schemas = build_schemas([outer])
    assert schemas["Inner"]["properties"]["seen"]["anyOf"][0] == {"type": "string", "format": "date-time"}
    assert schemas["Outer"]["properties"]["when"] == {"type": "string", "format": "date-time"}
    assert schemas["Outer"]["properties"]["word"] == {"type": "string"}


def test_the_scopes_of_a_call_are_named_for_programs() -> None:
    for route in ROUTES:
        described = DOCUMENT["paths"][route.path][route.method.lower()]
        wanted = [scope.value for scope in (route.scope, *route.further_scopes) if scope]
        assert described.get("x-scopes", []) == wanted
        assert described.get("x-any-scopes", []) == [scope.value for scope in route.either_scope]


def test_the_events_are_where_they_are_asked_for_and_nothing_is_left_unused() -> None:
    for place in WebhookPlace:
        document = build_document(ROUTES, EVENTS, place)
        assert ("webhooks" in document) == (place is WebhookPlace.INLINE)
        assert ("x-webhooks" in document) == (place is WebhookPlace.EXTENSION)
        schemas = document["components"]["schemas"]
        used = {*list_references([document["paths"], document.get("webhooks"), schemas])}
        assert {*schemas} <= used
        assert {*list_references(document)} <= {*schemas, *document["components"]["examples"]}
        tags = {
            tag
            for member in ("paths", "webhooks", "x-webhooks")
            for routes in document.get(member, {}).values()
            for route in routes.values()
            for tag in route["tags"]
        }
        assert {tag["name"] for tag in document["tags"]} == tags


def test_no_description_has_the_sources_own_line_breaks_or_double_quotes() -> None:
    for name, schema in SCHEMAS.items():
        for paragraph in schema["description"].split("\n\n"):
            assert "\n" not in paragraph or paragraph.startswith("|"), name
        assert "``" not in schema["description"]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_the_stream_is_as_its_example_shows_it(api: Api) -> None:
    example = DOCUMENT["paths"]["/api/v2/changes"]["get"]["responses"]["200"]["content"]["text/event-stream"]["example"]
    opening, event, waiting, rest = example.split("\n\n")
    assert (opening, rest) == (": padron", "")
    assert [line.partition(": ")[0] for line in event.split("\n")] == ["id", "event", "data"]
    assert re.fullmatch(r"id: \S+\n: waiting", waiting)
    await api.acme.register()
    await api.acme.patch_status(HUMMER, 4, "Brakes")
    (_, change) = (await api.acme.get("/api/v2/changes")).body["changes"]
    shown = json.loads(event.partition("data: ")[2])
    assert list(shown) == list(change)
    assert shown["type"] == change["type"] == event.split("\n")[1].removeprefix("event: ")


def list_parts(part: object) -> Iterator[dict[str, Any]]:
    """Give every object of the document, but for the inside of examples."""
    if isinstance(part, dict):
        yield part
        for name, inner in part.items():
            if name not in {"example", "examples"}:
                yield from list_parts(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from list_parts(inner)


def test_an_integer_has_64_bits_unless_its_maximum_is_small() -> None:
    integers = [part for part in list_parts(DOCUMENT) if part.get("type") == "integer" and "enum" not in part]
    assert len(integers) > 200
    for part in integers:
        assert (part.get("format") == "int64") == (part.get("maximum", 2**63) >= 2**31), part
    assert SCHEMAS["VehicleStatusChanged"]["properties"]["number"] == {"type": "integer", "format": "int64"}


def test_the_kinds_of_change_are_one_schema_wherever_a_change_is() -> None:
    kinds = {f"#/components/schemas/{event.payload.__name__.removesuffix('Payload')}" for event in EVENTS} - {
        "#/components/schemas/WebhookTest"
    }
    change = SCHEMAS["Change"]
    assert {choice["$ref"] for choice in change["oneOf"]} == {*change["discriminator"]["mapping"].values()} == kinds
    assert {*change["discriminator"]["mapping"]} == {*EventType}
    reference = {"$ref": "#/components/schemas/Change"}
    assert SCHEMAS["ChangeList"]["properties"]["changes"]["items"] == reference
    assert SCHEMAS["DeliveryShape"]["properties"]["event"] == reference
    assert [part for part in list_parts(DOCUMENT) if "discriminator" in part] == [change]


def test_no_value_is_a_list_or_something_else() -> None:
    for part in list_parts(DOCUMENT):
        assert all(choice.get("type") != "array" for choice in part.get("anyOf", ())), part
