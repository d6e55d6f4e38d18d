"""What a JSON body may be, on each call that takes one (contract 2, "JSON"). None of it reaches the database."""

import gzip
import json
import re
from typing import Any

import pytest

from padron.http.declarations import Route
from padron.http.requests import bodies
from padron.http.routes import ROUTES
from tests.cast import HUMMER
from tests.http.api import STATUS, UPSERT, VEHICLE, Api, Client, Reply
from tests.http.asgi import Content
from tests.tables import each_row

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

EACH_CALL = [("PATCH", STATUS), ("PUT", VEHICLE), ("PUT", UPSERT)]
on_each_call = pytest.mark.parametrize("method, target", EACH_CALL)
GOOD: dict[str, dict[str, Any]] = {
    STATUS: {"vehicleStatusId": 3},
    VEHICLE: {"plate": "RTA412C"},
    UPSERT: {"vehicleInfo": {"vin": HUMMER, "plate": "RTA412C"}},
}

INFO = json.dumps(GOOD[UPSERT]["vehicleInfo"])


async def send_json(client: Client, content: Content, **headers: str) -> Reply:
    """Send a body to the status call of a vehicle that there is."""
    await client.put_vehicle(HUMMER)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.send("PATCH", STATUS, content, named)


@on_each_call
async def test_the_good_bodies_are_taken(api: Api, method: str, target: str) -> None:
    await api.acme.put_vehicle(HUMMER)
    assert (await api.acme.send(method, target, json.dumps(GOOD[target]))).status in {200, 204}


@each_row(
    "content",
    [
        None, "", " ", "null", "[]", "3", '"x"', "{", "{}}", '{"a"', "{} {}", "{'a': 1}", "//\n{}", '{"a":1,}', "NaN",
        "[" * 9_000, '{"vehicleStatusId": ' * 500, '{"vehicleInfo": ' * 500, "\0", b"\xff\xfe", b"\x80",
    ],
)  # fmt: skip
async def test_a_body_that_is_missing_or_malformed_is_400(api: Api, content: Content) -> None:
    for method, target in EACH_CALL:
        reply = await api.acme.send(method, target, content)
        assert reply.code == (400, "BadParameters"), target
        assert "body" in reply.detail, target
        assert reply.detail.isprintable(), target


@on_each_call
async def test_an_empty_object_lacks_what_is_required(api: Api, method: str, target: str) -> None:
    reply = await api.acme.send(method, target, "{}")
    if target == VEHICLE:
        assert reply.status == 201  # every value of our own form is optional
    else:
        assert reply.code == (400, "BadParameters")
        assert ("vehicleStatusId" if target == STATUS else "vehicleInfo") in reply.detail


@pytest.mark.parametrize("member", ["vin", "plate"])
async def test_vin_and_plate_are_required_to_upsert(api: Api, member: str) -> None:
    values = {name: value for name, value in GOOD[UPSERT]["vehicleInfo"].items() if name != member}
    reply = await api.acme.put(UPSERT, {"vehicleInfo": values})
    assert reply.code == (400, "BadParameters")
    assert reply.detail == f"The body's vehicleInfo lacks the member {member}."


@each_row(
    "content, name",
    [
        ('{"vehicleStatusId": 3, "vehicleStatusId": 3}', "vehicleStatusId"),
        ('{"vehicleStatusId": 1, "reason": "x", "vehicleStatusId": 3}', "vehicleStatusId"),
        (r'{"vehicleStatusId": 1, "vehicleStatus\u0049d": 3}', "vehicleStatusId"),
        (r'{"\u0076ehicleStatusId": 1, "vehicleStatusId": 3}', "vehicleStatusId"),
        (r'{"vehicleStatusId": 3, "reason": "\"", "reason": "b"}', "reason"),
        ('{"reason": "b", "vehicleStatusId": 3, "reason": "b"}', "reason"),
    ],
)
async def test_a_member_that_occurs_twice_is_400_and_named(api: Api, content: str, name: str) -> None:
    reply = await send_json(api.acme, content)
    assert reply.code == (400, "BadParameters")
    assert f"member '{name}' twice" in reply.detail
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1


@each_row(
    "target, content, name",
    [
        (VEHICLE, '{"doors": 2, "doors": 3}', "doors"),
        (VEHICLE, r'{"plate": "AAAA1", "pl\u0061te": "AAAA2"}', "plate"),
        (UPSERT, f'{{"vehicleInfo": {INFO}, "vehicleInfo": {INFO}}}', "vehicleInfo"),
        (UPSERT, f'{{"vehicleInfo": {INFO[:-1]}, "plate": "AAAA2"}}}}', "plate"),
    ],
)
async def test_a_member_that_occurs_twice_is_refused_at_any_depth(
    api: Api, target: str, content: str, name: str
) -> None:
    reply = await api.acme.send("PUT", target, content)
    assert reply.code == (400, "BadParameters")
    assert await api.acme.list_vehicles() == []
    assert f"member '{name}' twice" in reply.detail


async def test_an_ordinary_body_is_not_parsed_a_second_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a body whose text leaves a doubt is looked through member by member."""
    monkeypatch.setattr(bodies, "_check_no_member_twice", None)
    assert (await send_json(api.acme, '{"vehicleStatusId": 4, "reason": "Brakes, bay 7"}')).status == 204


async def test_the_same_text_in_two_places_is_no_member_twice(api: Api) -> None:
    reply = await send_json(api.acme, '{"vehicleStatusId": 3, "reason": "vehicleStatusId \\"reason\\": reason"}')
    assert reply.status == 204


@on_each_call
@pytest.mark.parametrize("member", ["vehicleStatusID", "x", "ñ", "\U0001f697", "constructor"])
async def test_an_unknown_member_is_400_and_named(api: Api, method: str, target: str, member: str) -> None:
    reply = await api.acme.send(method, target, json.dumps({**GOOD[target], member: 1}, ensure_ascii=False))
    assert reply.code == (400, "BadParameters")
    assert member in reply.detail


@pytest.mark.parametrize("member", ["brandName", "Vin", "vehicleStatusId"])
async def test_an_unknown_member_of_vehicle_info_is_400_and_named(api: Api, member: str) -> None:
    reply = await api.acme.upsert(**{member: "x"})
    assert reply.code == (400, "BadParameters")
    assert member in reply.detail


@each_row(
    "content",
    [
        b"\xef\xbb\xbf" + b'{"vehicleStatusId": 3}',
        '{"vehicleStatusId": 3}'.encode("utf-16"),
        '{"vehicleStatusId": 3}'.encode("utf-16-le"),
        '{"vehicleStatusId": 3}'.encode("utf-32"),
        b'{"vehicleStatusId": 3, "reason": "\xf1"}',
        b'{"vehicleStatusId": 3, "reason": "\xc0\xaf"}',
        b'{"vehicleStatusId": 3, "reason": "\xed\xa0\x80"}',
        b'{"vehicleStatusId": 3, "reason": "\xf4\x90\x80\x80"}',
        b'{"vehicleStatusId": 3, "\xff": 1}',
        b'{"vehicleStatusId": 3}\0',
    ],
)
async def test_a_body_that_is_not_utf_8_or_has_a_byte_order_mark_is_400(api: Api, content: bytes) -> None:
    reply = await send_json(api.acme, content)
    assert reply.code == (400, "BadParameters")
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1


async def test_a_missing_content_type_is_read_as_json(api: Api) -> None:
    reply = await send_json(api.acme, '{"vehicleStatusId": 3}')
    assert reply.status == 204


@each_row(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
        "Application/JSON",
        "application/merge-patch+json",
        "application/json; profile=x",
    ],
)
async def test_json_may_be_declared_in_its_usual_ways(api: Api, content_type: str) -> None:
    assert (await send_json(api.acme, '{"vehicleStatusId": 3}', Content_Type=content_type)).status == 204


@each_row(
    "content_type",
    [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/xml",
        "application/json; charset=iso-8859-1",
        "application/json; charset=utf-16",
        "json",
        ";",
        "*/*",
    ],
)
async def test_any_other_declared_type_is_415(api: Api, content_type: str) -> None:
    reply = await send_json(api.acme, '{"vehicleStatusId": 3}', Content_Type=content_type)
    assert reply.code == (415, "UnsupportedMediaType")
    assert (await api.acme.get_vehicle())["vehicleStatusId"] == 1


@on_each_call
async def test_each_call_looks_at_the_declared_type(api: Api, method: str, target: str) -> None:
    reply = await api.acme.send(method, target, json.dumps(GOOD[target]), {"Content-Type": "text/plain"})
    assert reply.code == (415, "UnsupportedMediaType")


async def test_space_around_and_inside_the_json_is_no_matter(api: Api) -> None:
    assert (await send_json(api.acme, '\r\n\t {\n"vehicleStatusId"\t:\r3 } \n')).status == 204


@on_each_call
async def test_a_body_may_have_16_384_bytes_and_no_more(api: Api, method: str, target: str) -> None:
    await api.acme.put_vehicle(HUMMER)
    content = json.dumps(GOOD[target]).ljust(16_384)
    assert (await api.acme.send(method, target, content)).status in {200, 204}
    reply = await api.acme.send(method, target, content + " ")
    assert reply.code == (413, "BodyTooLarge")
    assert "16384" in reply.detail


TAKING_BODIES = [one for one in ROUTES if one.body is not None or one.is_streamed]


CODINGS = ["gzip", "br", "deflate, gzip", "identity, zstd", "aws-chunked", "GZIP", "ñ"]


@each_row(
    "route, coding",
    [*((one, "gzip") for one in TAKING_BODIES), *((TAKING_BODIES[0], coding) for coding in CODINGS)],
)
async def test_a_packed_body_is_415_on_every_call_and_its_coding_is_named(api: Api, route: Route, coding: str) -> None:
    target = route.path.replace("{vin}", HUMMER).replace("{webhookId}", "0123456789abcdefABCDEF")
    target = re.sub(r"\{\w+\}", "fines", target)
    media_type = route.media_types[0] if route.is_streamed else "application/json"
    headers = {"Content-Encoding": coding, "Content-Type": media_type}
    for keyed in ({}, {"Idempotency-Key": "k"} if route.method == "POST" else {}):
        reply = await api.acme.send(route.method, target, gzip.compress(b"{}"), {**headers, **keyed})
        assert reply.code == (415, "UnsupportedMediaType")
        assert reply.headers["accept-encoding"] == "identity"
        named = next(one for one in coding.lower().split(", ") if one != "identity")
        assert f"Content-Encoding {named}" in reply.detail


@each_row("coding", ["identity", "Identity", "", ",", "identity, identity", " "])
async def test_a_body_that_is_declared_as_not_packed_is_taken(api: Api, coding: str) -> None:
    assert (await send_json(api.acme, '{"vehicleStatusId": 3}', Content_Encoding=coding)).status == 204


async def test_a_refusal_for_another_reason_does_not_speak_of_codings(api: Api) -> None:
    reply = await send_json(api.acme, '{"vehicleStatusId": 3}', Content_Type="text/plain")
    assert reply.code == (415, "UnsupportedMediaType")
    assert "accept-encoding" not in reply.headers


async def test_who_may_not_call_learns_nothing_of_codings(api: Api) -> None:
    for client, status in ((api.nobody, 401), (api.gamma, 403)):
        reply = await client.send("PATCH", STATUS, b"", {"Content-Encoding": "gzip"})
        assert reply.status == status
