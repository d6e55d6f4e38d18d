"""The OpenAPI document: valid, complete, and true of what is really answered."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.schemas import schema_v31

from padron.domain.webhook import TEST_EVENT, EventType
from padron.http.answers.errors import build_problem_reply
from padron.http.docs.events import EVENTS
from padron.http.docs.openapi import list_problems
from padron.http.routes import ROUTES
from padron.wiring import give_api_document
from tests.cast import HUMMER, JEEP, UNKNOWN_VIN
from tests.http.api import CAR, HISTORY, LIST, STATUS, UPSERT, VEHICLE, Api, Reply
from tests.http.document import DOCUMENT

pytestmark = pytest.mark.long("postgres")

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"])
DRAFT = "https://json-schema.org/draft/2020-12/schema"
METHODS = {"get", "put", "patch", "post", "delete"}


def find_answer(method: str, target: str, status: int) -> dict[str, Any]:
    """Give the documented answer of the operation that a request goes to."""
    path = target.partition("?")[0]
    for template, routes in DOCUMENT["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path):
            answers: dict[str, Any] = routes[method.lower()]["responses"]
            assert str(status) in answers, f"{method} {path} answers an undocumented {status}"
            answer: dict[str, Any] = answers[str(status)]
            return answer
    raise AssertionError(f"{path} is not documented")


def check_reply(method: str, target: str, reply: Reply) -> None:
    """Check a real reply against its documented answer."""
    answer = find_answer(method, target, reply.status)
    for name, header in answer.get("headers", {}).items():
        assert name.lower() in reply.headers or not header.get("required")
    if "content" not in answer:
        assert reply.content == b""
        return
    media_type = reply.headers["content-type"].partition(";")[0]
    assert media_type in answer["content"]
    content = answer["content"][media_type]
    if "json" in media_type:
        schema = {**content["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(reply.body)


def list_schemas(part: object) -> Iterator[dict[str, Any]]:
    """Find the schemas in a part of the document: of parameters, of headers and of bodies."""
    if isinstance(part, dict):
        for name, inner in part.items():
            yield from [inner] if name == "schema" else list_schemas(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from list_schemas(inner)


def test_the_document_has_the_form_of_openapi_3_1_and_its_schemas_that_of_json_schema() -> None:
    jsonschema_rs.validator_for(dict(schema_v31)).validate(DOCUMENT)
    for schema in [*DOCUMENT["components"]["schemas"].values(), *list_schemas(DOCUMENT)]:
        jsonschema_rs.meta.validate({"$schema": DRAFT, **schema})


@pytest.mark.long
def test_the_document_is_valid_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


@on_sqlite
@pytest.mark.slow_callback("writes the whole document itself")
async def test_the_served_document_is_the_one_that_the_command_prints(api: Api) -> None:
    reply = await api.nobody.get("/openapi.json")
    assert reply.content == give_api_document()
    assert reply.body == json.loads(json.dumps(DOCUMENT))


@on_sqlite
async def test_the_document_describes_exactly_the_routes_that_are_served(api: Api) -> None:
    for path, routes in DOCUMENT["paths"].items():
        concrete = path.replace("{vin}", HUMMER).replace("{slug}", "forbidden")
        allow = (await api.nobody.send("OPTIONS", concrete)).headers["allow"].lower().split(", ")
        assert {*routes} == {*allow} & METHODS
    assert {(route.path, route.method.lower()) for route in ROUTES} == {
        (path, method) for path, routes in DOCUMENT["paths"].items() for method in routes
    }


def test_names_are_unique_and_every_reference_leads_somewhere() -> None:
    names = [route.name for route in ROUTES]
    assert len({*names}) == len(names)
    for reference in re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(DOCUMENT)):
        assert reference in DOCUMENT["components"]["schemas"]


def test_the_examples_fit_their_schemas() -> None:
    for routes in DOCUMENT["paths"].values():
        for route in routes.values():
            for content in route.get("requestBody", {}).get("content", {}).values():
                if content["schema"].get("format") == "binary":
                    continue  # a file
                schema = {**content["schema"], "components": DOCUMENT["components"]}
                Draft202012Validator(schema).validate(content["example"])


def test_every_event_that_is_sent_is_a_webhook_of_the_document_and_nothing_else() -> None:
    assert {*DOCUMENT["webhooks"]} == {*EventType, TEST_EVENT}
    names = [event.name for event in EVENTS]
    assert len({*names} - {route.name for route in ROUTES}) == len(names)


def test_each_operation_documents_the_problems_that_all_share() -> None:
    for route in ROUTES:
        statuses = {problem.status for problem in list_problems(route)}
        assert statuses >= {400, 414, 431, 500}
        assert (statuses >= {401, 429, 503}) == (not route.public)
        assert (403 in statuses) == (route.scope is not None or route.either_scope != ())
        assert (422 in statuses) == (route.method == "POST")
        assert (statuses >= {408, 413, 415}) == (
            route.body is not None or route.media_types != () or route.method == "POST"
        )


def test_every_documented_problem_fits_the_documented_shape() -> None:
    schema = {"$ref": "#/components/schemas/ProblemShape", "components": DOCUMENT["components"]}
    for route in ROUTES:
        for problem in list_problems(route):
            reply = build_problem_reply(problem, "Something is wrong.", "0123")
            Draft202012Validator(schema).validate(json.loads(reply.body))
            described = DOCUMENT["paths"][route.path][route.method.lower()]["responses"][str(problem.status)]
            assert f"`{problem.error_detail}`" in described["description"]


def test_only_the_pages_and_the_probes_are_documented_as_open_to_all() -> None:
    open_paths = {
        path for path, routes in DOCUMENT["paths"].items() for route in routes.values() if route.get("security") == []
    }
    assert open_paths == {route.path for route in ROUTES if route.public}


async def test_every_real_reply_is_a_documented_one(api: Api) -> None:
    acme = api.acme
    requests: list[tuple[str, str, object, dict[str, str]]] = [
        ("PUT", VEHICLE, {**CAR, "ownerName": "x" * 150, "taxIdentifier": "y" * 128, "stateId": 5}, {}),
        ("PUT", VEHICLE, {"doors": 2}, {}),
        ("PUT", VEHICLE, {"doors": 99}, {}),
        ("PUT", VEHICLE, {}, {"If-Match": '"9"'}),
        ("PUT", VEHICLE, {}, {"Content-Type": "text/plain"}),
        ("PUT", UPSERT, {"vehicleInfo": {"vin": HUMMER, "plate": "RTA412C"}}, {}),
        ("PUT", UPSERT, {"vehicleInfo": {"vin": HUMMER, "plate": "RTA412C"}}, {"If-Match": '"99"'}),
        ("PUT", UPSERT, {"vehicleInfo": {"vin": JEEP, "plate": "OTHER1", "legalName": "x"}}, {}),
        ("PUT", UPSERT, {"vehicleInfo": {"vin": JEEP, "plate": "RTA412C"}}, {}),
        ("PUT", f"{LIST}/{JEEP}", {"plate": "RTA412C"}, {}),
        ("PATCH", STATUS, {"vehicleStatusId": 4, "reason": "Brakes"}, {}),
        ("PATCH", STATUS, {"vehicleStatusId": 2}, {}),
        ("PATCH", STATUS, {"vehicleStatusId": 4}, {"If-Match": '"99"'}),
        ("PATCH", f"{LIST}/{UNKNOWN_VIN}/status", {"vehicleStatusId": 4}, {}),
        ("GET", VEHICLE, None, {}),
        ("GET", VEHICLE, None, {"If-None-Match": "*"}),
        ("GET", f"{LIST}/{UNKNOWN_VIN}", None, {}),
        ("GET", STATUS, None, {}),
        ("GET", STATUS, None, {"If-None-Match": "*"}),
        ("GET", HISTORY, None, {}),
        ("GET", f"{HISTORY}?limit=1", None, {}),
        ("GET", f"{HISTORY}?limit=0", None, {}),
        ("GET", f"{LIST}?limit=1", None, {}),
        ("GET", f"{LIST}?assetStatusId=2", None, {}),
        ("GET", "/api/vehicles?colour=red", None, {}),
        ("GET", "/api/vehicles", None, {}),
        ("GET", "/api/v2/vehicle-statuses", None, {}),
        ("GET", "/livez", None, {}),
        ("GET", "/readyz", None, {}),
        ("GET", "/docs", None, {}),
        ("GET", "/errors", None, {}),
        ("GET", "/errors/forbidden", None, {}),
        ("GET", "/errors/none", None, {}),
        ("GET", "/openapi.json", None, {}),
    ]
    seen = set()
    for method, target, body, headers in requests:
        content = None if body is None else json.dumps(body)
        for client in (acme, api.gamma, api.nobody):
            reply = await client.send(method, target, content, headers)
            check_reply(method, target, reply)
            seen.add(reply.status)
    await api.keep_duplicates(UNKNOWN_VIN)
    for method, target in (("GET", ""), ("GET", "/status"), ("GET", "/history"), ("PUT", ""), ("PATCH", "/status")):
        path = f"{LIST}/{UNKNOWN_VIN}{target}"
        reply = await acme.send(method, path, '{"vehicleStatusId": 3}' if method == "PATCH" else "{}")
        assert reply.status == 409
        check_reply(method, path, reply)
    assert seen == {200, 201, 204, 304, 400, 401, 403, 404, 409, 412, 415}
