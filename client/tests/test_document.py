"""Each operation of the API's document is a method: same path, method, parameters and members. No generator helps here.

Every method is called with everything that the document allows. A server notes what arrived, and answers with all
members of the documented answer, and with one that no client knows.
"""

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest

from client.tests.scripted import Answer, Scripted, give, run_scripted
from padron_client import AsyncClient, Client, models, problems
from padron_client.records import Instant, Record
from tests.http.document import DOCUMENT
from tests.tables import each_row

SCHEMAS: Mapping[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    operation["operationId"]: (path, method.upper(), operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
JSON, FILE = "application/json", "application/octet-stream"
AT = "2026-03-01T12:00:00Z"
NEWER = "memberOfANewerServer"
# A parameter that chooses the form of the answer is no parameter of a method, because each form has its method.
FORMS = {("reportTimeInStatus", "format")}
SECOND = {"report_time_in_status_csv", "stream_changes"}
OWN = {"close", "aclose"}


def snake(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name.replace("-", "_")).lower()
    return words + "_" if words in {"class", "from"} else words


@pytest.fixture(scope="module")
def scripted() -> Iterator[Scripted]:
    with run_scripted() as scripted:
        yield scripted


@pytest.fixture(scope="module")
def client(scripted: Scripted) -> Iterator[Client]:
    with Client(scripted.url, "padron_key") as client:
        yield client


def make(schema: Mapping[str, Any], *, is_full: bool = True) -> Any:  # noqa: C901, PLR0911 - one for each form
    """Give a value that the schema allows: with all members, or with those alone that must be there."""
    match schema:
        case {"$ref": name}:
            return make(SCHEMAS[name.rpartition("/")[2]], is_full=is_full)
        case {"anyOf": [first, *_]} | {"oneOf": [first, *_]}:
            return make(first, is_full=is_full)
        case {"enum": [first, *_]} | {"const": first}:
            return first
        case {"properties": members}:
            needed = schema.get("required", [])
            return {name: make(each, is_full=is_full) for name, each in members.items() if is_full or name in needed}
        case {"type": "array", "items": items}:
            return [make(items, is_full=is_full)]
        case {"type": "object", "additionalProperties": dict(each)}:
            return {"name": make(each, is_full=is_full)}
        case {"type": "string", "format": "date-time"}:
            return AT
        case {"type": "integer"}:
            return 7
        case {"type": "number"}:
            return 0.5
        case {"type": "boolean"}:
            return True
        case {"type": "string"}:
            return "text"
        case _:
            return {"any": ["thing"]}


def make_argument(parameter: Mapping[str, Any]) -> Any:
    schema = parameter["schema"]
    if schema.get("format") == "date-time":
        return msgspec.convert(AT, Instant)
    return make(schema)


def write(value: Any) -> list[str]:
    """Give a parameter as the document says that it is sent."""
    if isinstance(value, list):
        return [text for each in value for text in write(each)]
    return [AT if value == msgspec.convert(AT, Instant) else str(value).lower() if value is True else str(value)]


def prepare(name: str) -> tuple[list[Any], dict[str, Any], Any]:
    """Give all arguments of a method, and the body that must be sent."""
    _, _, operation = OPERATIONS[name]
    places: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in operation.get("parameters", []):
        value = make_argument(parameter)
        if parameter["in"] == "path":
            places.append(value)
        elif (name, parameter["name"]) not in FORMS:
            named[snake(parameter["name"])] = value
    content = operation.get("requestBody", {}).get("content", {})
    if JSON in content:
        body = make(content[JSON]["schema"])
        kind = content[JSON]["schema"]["$ref"].rpartition("/")[2]
        places.append(msgspec.convert(body, getattr(models, kind)))
        return places, named, body
    if FILE in content:
        places.append(b"bytes")
        return places, named, b"bytes"
    return places, named, None


def make_answer(operation: Mapping[str, Any], *, is_full: bool) -> tuple[Answer, Any]:
    """Give an answer of success as the document has it, and its members."""
    status, answer = next((int(status), each) for status, each in operation["responses"].items() if status[0] == "2")
    schema = answer.get("content", {}).get(JSON, {}).get("schema")
    if schema is None:
        return Answer(status=status, body=b"" if status == 204 else b"a,b\r\n"), None
    members = make(schema, is_full=is_full)
    return Answer(status=status, body=give(add_newer(schema, members)).body), members


def add_newer(schema: Mapping[str, Any], value: Any) -> Any:
    """Add to each object a member that this client does not know."""
    match schema:
        case {"$ref": name}:
            return add_newer(SCHEMAS[name.rpartition("/")[2]], value)
        case {"anyOf": [first, *_]} | {"oneOf": [first, *_]}:
            return add_newer(first, value)
        case {"properties": members}:
            return {**{name: add_newer(members[name], each) for name, each in value.items()}, NEWER: {"a": [1]}}
        case {"type": "array", "items": items}:
            return [add_newer(items, each) for each in value]
        case _:
            return value


def call(client: Client, name: str) -> Any:
    places, named, _ = prepare(name)
    answer = getattr(client, snake(name))(*places, **named)
    if hasattr(answer, "chunks"):
        with answer:
            return answer.read()
    return answer


def test_there_is_a_method_for_each_operation_and_no_other() -> None:
    iterators = {
        f"iterate_{snake(name).partition('_')[2]}"
        for name, (_, _, operation) in OPERATIONS.items()
        for parameter in operation.get("parameters", [])
        if parameter["name"] == "cursor" or name == "listChanges"
    }
    for kind in (Client, AsyncClient):
        methods = {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}
        assert methods - OWN == {*map(snake, OPERATIONS), *iterators, *SECOND}


@each_row("name", OPERATIONS)
def test_a_call_is_sent_as_the_document_says(name: str, scripted: Scripted, client: Client) -> None:
    path, method, operation = OPERATIONS[name]
    scripted.script(make_answer(operation, is_full=True)[0])
    call(client, name)
    (seen,) = scripted.seen
    _, _, body = prepare(name)
    parameters = [one for one in operation.get("parameters", []) if (name, one["name"]) not in FORMS]
    expected = {
        place: [(one["name"], text) for one in parameters if one["in"] == place for text in write(make_argument(one))]
        for place in ("path", "query", "header")
    }
    for key, text in expected["path"]:
        path = path.replace(f"{{{key}}}", text)
    assert (seen.method, seen.path) == (method, path)
    assert sorted(seen.query) == sorted(expected["query"])
    assert [(key, seen.headers[key.lower()]) for key, _ in expected["header"]] == expected["header"]
    assert (seen.body if isinstance(body, bytes) else msgspec.json.decode(seen.body) if body else None) == body
    assert seen.headers["authorization"] == "Bearer padron_key"


@each_row("is_full", [True, False])
@each_row("name", OPERATIONS)
def test_an_answer_is_read_with_all_its_members(name: str, is_full: bool, scripted: Scripted, client: Client) -> None:  # noqa: FBT001
    _, _, operation = OPERATIONS[name]
    answer, members = make_answer(operation, is_full=is_full)
    scripted.script(answer)
    read = call(client, name)
    if isinstance(read, Record) and members is not None:
        assert without_missing(msgspec.to_builtins(read), members) == members
        assert NEWER not in str(read)
        assert not get_names(type(read)) - {*SCHEMAS[type(read).__name__]["properties"]}


def without_missing(read: Any, members: Any) -> Any:
    """Leave out the members that are None because they were not sent."""
    if isinstance(read, dict) and isinstance(members, dict):
        return {
            name: without_missing(value, members.get(name))
            for name, value in read.items()
            if value is not None or name in members
        }
    if isinstance(read, list) and isinstance(members, list):
        return [without_missing(*pair) for pair in zip(read, members, strict=True)]
    return read


def get_names(kind: Any) -> set[str]:
    return {*kind.__struct_encode_fields__}


@each_row("name", SCHEMAS)
def test_each_schema_is_a_record_with_its_members(name: str) -> None:
    schema, record = SCHEMAS[name], getattr(models, name)
    if "enum" in schema:
        assert {each.value for each in record} >= set(schema["enum"])
        return
    if "oneOf" in schema:
        names = {each["$ref"].rpartition("/")[2] for each in schema["oneOf"]}
        assert {each.__name__ for each in record.__args__} == {*names, "UnknownChange"}
        return
    members = set(schema["properties"]) - ({"type"} if record.__struct_config__.tag else set())
    assert get_names(record) == members
    needed = {each.encode_name for each in msgspec.structs.fields(record) if each.required} | (
        {"type"} if record.__struct_config__.tag else set()
    )
    assert needed == set(schema["required"])


def test_statuses_have_the_ids_and_names_of_the_document() -> None:
    stated = SCHEMAS["VehicleStatusId"]
    assert {each.name: int(each) for each in models.VehicleStatusId} == dict(
        zip(stated["x-enum-varnames"], stated["enum"], strict=True)
    )


def test_each_error_of_the_server_that_a_call_can_give_has_a_class() -> None:
    told = {
        name
        for _, _, operation in OPERATIONS.values()
        for status, answer in operation["responses"].items()
        if status >= "400"
        for name in re.findall(r"`([A-Z]\w+)`: ", answer["description"])
    }
    assert told
    assert set(problems.BY_DETAIL) == told
